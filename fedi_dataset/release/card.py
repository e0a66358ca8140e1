"""The release's card: README.md, from the template dataset_card.md and the run's own counters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import yaml
from jinja2 import Environment, StrictUndefined

from fedi_dataset.config import SPLITS, BuildConfig
from fedi_dataset.consent.targets import DEFAULT_ALLOWED, target_of
from fedi_dataset.conversations.strategies import told
from fedi_dataset.privacy.operators import OPERATORS, Operators
from fedi_dataset.reasons import sentence
from fedi_dataset.release.attribution import ATTRIBUTION, LICENSE
from fedi_dataset.release.law import SMALLEST_CROWD
from fedi_dataset.release.manifest import Manifest
from fedi_dataset.release.token_checks import token_schema
from fedi_dataset.schema import RELEASE_TABLES

__all__ = ["DAYS_TO_DROP", "HUB_LICENSES", "render_card"]

TABLES: Final = (*RELEASE_TABLES, "tokens")
"""The order of the configs."""

TITLE = "Consented fediverse conversations"

HUB_LICENSES: Final = frozenset(
    {
        "CC-BY-4.0",
        "CC-BY-NC-2.0",
        "CC-BY-NC-3.0",
        "CC-BY-NC-4.0",
        "CC-BY-NC-SA-2.0",
        "CC-BY-NC-SA-3.0",
        "CC-BY-NC-SA-4.0",
        "CC-BY-SA-3.0",
        "CC-BY-SA-4.0",
    }
)
"""Licenses of releases that the Hub has a tag for, which is the id in lower case; others are ``other``."""

DAYS_TO_DROP: Final = 30
"""Days in which whoever was let in drops what was withdrawn: the month of GDPR article 12(3)."""

_GATE: Final = (
    "This is pseudonymised personal data, not anonymous data: the words of people who agreed to its use for "
    "{purpose}, and who may withdraw at any time. By asking for access you agree:\n\n"
    "* You use it for that purpose alone, and do not try to identify anyone.\n"
    "* Before each training run you see whether there is a newer revision, and use the newest alone.\n"
    "* When somebody withdraws, `removed_keys.jsonl` of the newest revision names their rows. You delete these rows, "
    "and older revisions with all caches and copies made of them, within {days} days.\n"
    "* Whoever has it from you has the same duties."
)
"""The terms of a gated release."""

_TERMS: Final = {
    "checked": "looked up: they do not forbid it",
    "crossed": "they forbid it, and the author named the server in their consent",
    "unchecked": "not checked",
    "no_server": "none: the account is a DID, which names no server",
    "other": "any of these, told together because few people are behind each",
}


def render_card(manifest: Manifest) -> bytes:
    """Render the card of a release. Same manifest, same bytes."""
    environment = Environment(  # noqa: S701 - what comes out is Markdown, not HTML
        undefined=StrictUndefined, keep_trailing_newline=True
    )
    template = environment.from_string(_template())
    metadata = _metadata(manifest)
    config = BuildConfig.from_dict(manifest.config, where="the manifest's config")
    operators = Operators.of(config)
    text = template.render(
        metadata=yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True).strip(),
        title=TITLE,
        manifest=manifest,
        detector=manifest.detector,
        policy=manifest.detector["policy"],
        knows_fiction=manifest.detector["model"] == "Rampart",  # what any model finds is masked
        token_rows=list(_token_rows(manifest)),
        licenses=manifest.licenses,
        legal=manifest.legal,
        config=manifest.config,
        operators=sorted({operators.of_entity(entity) for entity in _entities(manifest)}),
        stand_ins=OPERATORS,
        shown=operators.shown,
        published=manifest.config["recipients"] != "private",
        allowed=["CC0-1.0", "CC-PDM-1.0", "CC-BY-*", *_added(manifest)],
        terms=[
            (words, manifest.legal.terms[standing])
            for standing, words in _TERMS.items()
            if standing in manifest.legal.terms
        ],
        unchecked=manifest.legal.terms.keys() & {"unchecked", "other"},
        crowd=SMALLEST_CROWD,
        named=ATTRIBUTION in manifest.files,
        notes=manifest.notes,
        chosen=config.leaves_out,
        strategies=told(config),
        one_voice=config.voice is not None,
        load_configs=[name for name in TABLES if name in manifest.tables()],
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


def _token_rows(manifest: Manifest) -> Iterator[dict[str, object]]:
    if manifest.tokens is not None:
        for group, values in manifest.tokens.statistics.by.items():
            for value, share in values.items():
                yield {
                    "group": group,
                    "value": value,
                    "dialogues": share.dialogues,
                    "tokens": share.tokens,
                    "trained": f"{share.trained_tokens / share.tokens:.1%}",
                }


def _row_counts(manifest: Manifest) -> Iterator[dict[str, object]]:
    for config, splits in _sorted_tables(manifest):
        for split, rows, _ in splits:
            yield {"config": config, "split": split, "rows": rows}


def _sorted_tables(manifest: Manifest) -> Iterator[tuple[str, list[tuple[str, int, int]]]]:
    tables = manifest.tables()
    for config in TABLES:
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
    rows = sum(count for config, splits in _sorted_tables(manifest) for _, count, _ in splits)
    return {
        "pretty_name": TITLE,
        **_license(manifest.legal.license),
        "language": list(manifest.languages),
        "task_categories": ["text-generation"],
        "size_categories": [_size_category(rows)],
        "tags": ["fediverse", "conversational", "consent"],
        **_gate(manifest.config),
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
            _dataset_info(config, _schema(config, manifest), splits)
            for config, splits in _sorted_tables(manifest)
        ],
    }


def _gate(config: Mapping[str, object]) -> dict[str, object]:
    """What a gated repository asks of whoever wants in; without a gate, the Hub does not show it."""
    if config["recipients"] == "private":
        return {}
    return {
        "extra_gated_heading": "Conversations of people who may take back their consent",
        "extra_gated_prompt": _GATE.format(purpose=config["purpose"], days=DAYS_TO_DROP),
        "extra_gated_fields": {
            "What I use it for": "text",
            "Where word of a withdrawal reaches me": "text",
            "I do not try to identify anyone": "checkbox",
            f"I drop withdrawn rows and older copies within {DAYS_TO_DROP} days": "checkbox",
        },
        "extra_gated_button_content": "Agree and ask for access",
    }


def _license(spdx: str) -> dict[str, str]:
    if spdx in HUB_LICENSES:
        return {"license": spdx.lower()}
    return {"license": "other", "license_name": spdx.lower(), "license_link": LICENSE}


def _added(manifest: Manifest) -> list[str]:
    """Licenses that the config takes beside the usual ones, in canonical form, sorted."""
    raw = msgspec.convert(manifest.config["allow_licenses"], tuple[str, ...])
    return sorted(target_of(raw).allowed - DEFAULT_ALLOWED)


def _entities(manifest: Manifest) -> dict[str, str]:
    return msgspec.convert(manifest.detector["entities"], dict[str, str])


def _schema(config: str, manifest: Manifest) -> pa.Schema:
    return token_schema(manifest) if config == "tokens" else RELEASE_TABLES[config]


def _dataset_info(
    config: str, schema: pa.Schema, splits: Sequence[tuple[str, int, int]]
) -> dict[str, Any]:
    from datasets import DatasetInfo, Features

    size = sum(size for _, _, size in splits)
    features = DatasetInfo(features=Features.from_arrow_schema(schema))._to_yaml_dict()
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
