"""The release's card: README.md, from the template dataset_card.md and the run's own counters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from jinja2 import Environment, StrictUndefined

from fedi_dataset.config import SPLITS
from fedi_dataset.reasons import sentence
from fedi_dataset.release.manifest import Manifest
from fedi_dataset.schema import RELEASE_TABLES, TOKENS

__all__ = ["HUB_LICENSES", "render_card"]

SCHEMAS: Mapping[str, pa.Schema] = {**RELEASE_TABLES, "tokens": TOKENS}

TITLE = "Consented fediverse conversations"

HUB_LICENSES = {
    "CC0-1.0": "cc0-1.0",
    "CC-BY-2.0": "cc-by-2.0",
    "CC-BY-2.5": "cc-by-2.5",
    "CC-BY-3.0": "cc-by-3.0",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-SA-3.0": "cc-by-sa-3.0",
    "CC-BY-SA-4.0": "cc-by-sa-4.0",
}
"""SPDX ids to the license tags that the Hub knows; whatever is not here is ``other``."""


def render_card(manifest: Manifest) -> bytes:
    """Render the card of a release. Same manifest, same bytes."""
    environment = Environment(  # noqa: S701 - what comes out is Markdown, not HTML
        undefined=StrictUndefined, keep_trailing_newline=True
    )
    template = environment.from_string(_template())
    metadata = _metadata(manifest)
    text = template.render(
        metadata=yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True).strip(),
        title=TITLE,
        manifest=manifest,
        detector=manifest.detector,
        licenses=manifest.licenses,
        notes=manifest.notes,
        load_configs=[name for name in SCHEMAS if name in manifest.tables()],
        rows=list(_row_counts(manifest)),
        reasons=[
            {"step": name, "reason": reason, "sentence": sentence(reason), "rows": rows}
            for name, step in manifest.law.items()
            for reason, rows in step.dropped.items()
        ],
    )
    return text.encode()


def _template() -> str:
    """Find the template: in the wheel it is package data, in a checkout it lies at the top."""
    packaged = files("fedi_dataset") / "data" / "dataset_card.md"
    if packaged.is_file():
        return packaged.read_text("utf-8")
    return (Path(__file__).parents[2] / "dataset_card.md").read_text("utf-8")


def _row_counts(manifest: Manifest) -> Iterator[dict[str, object]]:
    for config, splits in _sorted_tables(manifest):
        for split, rows, _ in splits:
            yield {"config": config, "split": split, "rows": rows}


def _sorted_tables(manifest: Manifest) -> Iterator[tuple[str, list[tuple[str, int, int]]]]:
    tables = manifest.tables()
    for config in SCHEMAS:
        if config in tables:
            yield (
                config,
                [
                    (
                        split,
                        sum(record.rows or 0 for record in tables[config][split].values()),
                        sum(record.bytes for record in tables[config][split].values()),
                    )
                    for split in SPLITS
                    if split in tables[config]
                ],
            )


def _metadata(manifest: Manifest) -> dict[str, Any]:
    """The YAML head: what datasets and the Hub read.

    ``description`` carries the build, because a local folder's cache key in datasets is its README
    alone: without it a training script would go on loading rows that are gone.
    """
    tags = sorted({HUB_LICENSES.get(spdx, "other") for spdx in manifest.licenses})
    rows = sum(count for config, splits in _sorted_tables(manifest) for _, count, _ in splits)
    return {
        "pretty_name": TITLE,
        "license": tags if len(tags) != 1 else tags[0],
        "language": list(manifest.languages),
        "task_categories": ["text-generation"],
        "size_categories": [_size_category(rows)],
        "tags": ["fediverse", "conversational", "consent"],
        "configs": [
            {
                "config_name": config,
                "description": f"build-{manifest.build}",
                "data_files": [
                    {"split": split, "path": f"{config}/{split}-*.parquet"}
                    for split, _, _ in splits
                ],
                **({"default": True} if config == manifest.default_config else {}),
            }
            for config, splits in _sorted_tables(manifest)
        ],
        "dataset_info": [
            _dataset_info(config, splits) for config, splits in _sorted_tables(manifest)
        ],
    }


def _dataset_info(config: str, splits: Sequence[tuple[str, int, int]]) -> dict[str, Any]:
    from datasets import DatasetInfo, Features

    size = sum(size for _, _, size in splits)
    features = DatasetInfo(features=Features.from_arrow_schema(SCHEMAS[config]))._to_yaml_dict()
    return {
        "config_name": config,
        **features,
        "splits": [
            {"name": name, "num_bytes": part, "num_examples": rows} for name, rows, part in splits
        ],
        "download_size": size,
        "dataset_size": size,
    }


def _size_category(rows: int) -> str:
    for limit, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if rows < limit:
            return name
    for power, low, high in ((6, "100K", "1M"), (7, "1M", "10M"), (8, "10M", "100M")):
        if rows < 10**power:
            return f"{low}<n<{high}"
    return "n>100M"
