"""The manifest of a release's next state, out of what a build knows once its data files are staged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.ledger import Head
from fedi_dataset.consent.licenses import components
from fedi_dataset.conversations.forest import Forest
from fedi_dataset.privacy.operators import Operators
from fedi_dataset.reasons import STRATEGY
from fedi_dataset.release.law import Tally, released
from fedi_dataset.release.manifest import (
    FORMAT,
    FileRecord,
    LedgerHead,
    Legal,
    Manifest,
    build_id,
    versions,
)
from fedi_dataset.release.publish import default_config, distinct
from fedi_dataset.release.residual import residual_of, sample
from fedi_dataset.release.store import Staging
from fedi_dataset.workspace import fingerprint

__all__ = ["Known", "draft"]


@dataclass(frozen=True)
class Known:
    """What a build knows of a release beside its files."""

    config: BuildConfig
    as_of: datetime
    valid_until: datetime | None
    detector: dict[str, Any]
    head: Head
    secret: bytes
    forest: Forest
    tallies: Mapping[str, Tally]
    legal: Legal


def draft(stage: Staging, files: dict[str, FileRecord], known: Known) -> Manifest:
    """Draft the manifest for data files that are staged or stay."""
    default = default_config(files)
    languages = {*distinct(stage, files, "language")} - {"und"}
    licenses = distinct(stage, files, "license")
    return Manifest(
        format=FORMAT,
        build=build_id(files),
        as_of=known.as_of,
        valid_until=known.valid_until,
        versions=versions(),
        config=known.config.released(),
        detector=known.detector,
        ledger=LedgerHead(known.head.lines, known.head.sha256),
        secret_fingerprint=fingerprint(known.secret),
        cell_bits=known.forest.bits,
        cells=known.forest.cells,
        law={name: released(tally) for name, tally in known.tallies.items()},
        files=files,
        default_config=default,
        licenses=tuple(sorted({one for spdx in licenses for one in components(spdx)})),
        languages=tuple(sorted(languages)),
        legal=known.legal,
        residual=residual_of(*sample(files, stage.find), Operators.of(known.config))[0],
        notes=_notes(default, strategic=not STRATEGY.keys().isdisjoint(known.tallies["turns"])),
    )


def _notes(default: str | None, *, strategic: bool) -> tuple[str, ...]:
    if default == "dialogues":
        return ()
    if default is None:
        return ("No rows: nothing in the exports is covered by a consent that stands.",)
    if strategic:
        return (
            f"There are no dialogues, so {default} is the default config: the strategies of this build leave out "
            "every turn that could be trained. The counts by reason say which.",
        )
    return (
        f"There are no dialogues, so {default} is the default config: nobody in these exports answers "
        "somebody else who is in them. Exports of the people they talk with help.",
    )
