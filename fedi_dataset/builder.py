"""The datasets builder behind ``load_dataset("fedi_dataset", ...)``: a thin reader of what build() made.

It builds a release into a private folder below the datasets cache and hands its Parquet files on, so that
what is loaded is what a release would hold, gate, scrubbing and all. Streaming patches file access in this
very module, so that no file is touched here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
from datasets.builder import Key

from fedi_dataset.builder_inputs import Inputs, Reading
from fedi_dataset.builder_release import Shard, prepared_release, read_shard
from fedi_dataset.schema import RELEASE_TABLES

__all__ = ["FediDataset", "FediDatasetConfig"]


@dataclass
class FediDatasetConfig(datasets.BuilderConfig):  # type: ignore[misc]  # datasets is untyped
    """What ``load_dataset`` takes beside ``data_dir``, the folder of exports.

    Everything in that folder is read, whatever it is called. ``data_files`` is refused: datasets would sort files
    into splits by words such as "test" in their names, and drop others (registration.py).
    """

    consent: str | Path | None = None
    """Path of the consent ledger."""
    config_file: str | Path | None = None
    """Path of a YAML file with the fields of BuildConfig."""
    as_of: str | datetime | None = None
    """Time (RFC 3339; UTC if it has no zone) that dates grants and expiries; default: now."""
    reading: Reading | None = field(default=None, init=False)
    """What all these held when the builder was made; not for the caller to set."""

    def inputs(self) -> Inputs:
        """Give what is to be built from. Raises UsageError if something is missing."""
        return Inputs.named(self.data_dir, self.consent, self.config_file, self.as_of)

    def create_config_id(
        self, config_kwargs: dict[str, Any], custom_features: datasets.Features | None = None
    ) -> str:
        """Name the cache by content: a changed ledger or export is another dataset, a moved one is not.

        The default would go by paths and mtimes, and serve withdrawn rows from the cache.
        """
        ours = ("data_dir", "data_files", "consent", "config_file", "as_of", "reading")
        about = {name: value for name, value in config_kwargs.items() if name not in ours}
        self.reading = self.inputs().read()
        about["content"] = self.reading.content
        config_id: str = super().create_config_id(about, custom_features=custom_features)
        return config_id


class FediDataset(datasets.ArrowBasedBuilder):  # type: ignore[misc]  # datasets is untyped
    """Builds from a folder of exports and a ledger, and reads one table of the release."""

    BUILDER_CONFIG_CLASS = FediDatasetConfig
    BUILDER_CONFIGS = [FediDatasetConfig(name=name) for name in RELEASE_TABLES]  # noqa: RUF012 - as datasets declares it
    DEFAULT_CONFIG_NAME = "dialogues"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what datasets passes, and see to it that no superseded rows stay in a cache."""
        super().__init__(*args, **kwargs)
        self.config.inputs().note(self.config.reading, Path(self.cache_dir))

    def _info(self) -> datasets.DatasetInfo:
        schema = RELEASE_TABLES[self.config.name]
        return datasets.DatasetInfo(features=datasets.Features.from_arrow_schema(schema))

    def _split_generators(self, dl_manager: object) -> list[datasets.SplitGenerator]:  # noqa: ARG002 - nothing is downloaded
        found = prepared_release(self.config.name, self.config.inputs(), self.config.reading)
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"shards": shards})
            for split, shards in found.items()
        ]

    def _generate_tables(self, shards: list[Shard]) -> Iterator[tuple[Key, pa.Table]]:
        for number, shard in enumerate(shards):
            for index, table in enumerate(read_shard(shard)):
                yield Key(number, index), table
