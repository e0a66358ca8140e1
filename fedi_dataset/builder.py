"""The datasets builder behind ``load_dataset("fedi_dataset", ...)``: a thin reader of what build() made.

It builds a release into a private folder below the datasets cache and hands its Parquet files on, so that
what is loaded is what a release would hold, gate, scrubbing and all. Streaming patches file access in this
very module, so that all real work is elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from datasets.builder import Key

from fedi_dataset.builder_release import content_digest, prepared_release
from fedi_dataset.schema import RELEASE_TABLES

__all__ = ["FediDataset", "FediDatasetConfig"]


@dataclass
class FediDatasetConfig(datasets.BuilderConfig):  # type: ignore[misc]  # datasets is untyped
    """What ``load_dataset`` takes beside ``data_dir``, the folder of exports."""

    consent: str | None = None
    """Path of the consent ledger."""
    config_file: str | None = None
    """Path of a YAML file with the fields of BuildConfig."""
    as_of: str | None = None
    """RFC 3339 time that dates grants and expiries; default: now."""

    def create_config_id(
        self, config_kwargs: dict[str, Any], custom_features: datasets.Features | None = None
    ) -> str:
        """Name the cache by content: a changed ledger or export is another dataset, a moved one is not.

        The default would go by paths and mtimes, and serve withdrawn rows from the cache.
        """
        about = {
            name: value
            for name, value in config_kwargs.items()
            if name not in ("data_dir", "data_files", "consent", "config_file", "as_of")
        }
        about["content"] = content_digest(self.data_dir, self.consent, self.config_file, self.as_of)
        config_id: str = super().create_config_id(about, custom_features=custom_features)
        return config_id


class FediDataset(datasets.ArrowBasedBuilder):  # type: ignore[misc]  # datasets is untyped
    """Builds from a folder of exports and a ledger, and reads one table of the release."""

    BUILDER_CONFIG_CLASS = FediDatasetConfig
    BUILDER_CONFIGS = [FediDatasetConfig(name=name) for name in RELEASE_TABLES]  # noqa: RUF012 - as datasets declares it
    DEFAULT_CONFIG_NAME = "dialogues"

    def _info(self) -> datasets.DatasetInfo:
        schema = RELEASE_TABLES[self.config.name]
        return datasets.DatasetInfo(features=datasets.Features.from_arrow_schema(schema))

    def _split_generators(self, dl_manager: object) -> list[datasets.SplitGenerator]:  # noqa: ARG002 - nothing is downloaded
        found = prepared_release(
            self.config.name,
            self.config.data_dir,
            self.config.consent,
            self.config.config_file,
            self.config.as_of,
        )
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"files": files})
            for split, files in found.items()
        ]

    def _generate_tables(self, files: list[str]) -> Iterator[tuple[Key, pa.Table]]:
        for shard, path in enumerate(files):
            with pq.ParquetFile(path) as parquet:
                for index in range(parquet.num_row_groups):
                    yield Key(shard, index), parquet.read_row_group(index)
