"""ATTRIBUTION.md and LICENSE.md: under which terms a release stands, and whom it names.

Named is who asked for it in their consent and has a word in this release, by their own words, in
alphabetical order: nothing in the list tells whose row is whose, nor how many rows somebody has. It is
the only file of a release in which somebody's handle or name may stand. (CC BY 4.0, section
3(a)(1)(A)(i), asks for the identification that the author supplied, a pseudonym included.)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
import pyarrow.parquet as pq

from fedi_dataset.consent.targets import target_of, verdict
from fedi_dataset.files import write_synced
from fedi_dataset.privacy.keys import key_hex
from fedi_dataset.release.manifest import Manifest
from fedi_dataset.release.store import Staging
from fedi_dataset.schema import RELEASE_TABLES

__all__ = [
    "ATTRIBUTION",
    "LICENSE",
    "attribution_text",
    "license_text",
    "license_url",
    "names_in",
    "stage_terms",
]

ATTRIBUTION: Final = "ATTRIBUTION.md"
LICENSE: Final = "LICENSE.md"

Grants = tuple[str, tuple[str, ...]]
"""A conversation's key, and grants of a row of it."""

_MARKUP: Final = re.compile(r"[\\`*\[\]<>&]")
_DIRECTIONS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_URLS: Final = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-PDM-1.0": "https://creativecommons.org/publicdomain/mark/1.0/",
}


def stage_terms(
    stage: Staging, manifest: Manifest, named: Mapping[str, str], secret: bytes
) -> Manifest:
    """Stage both files for a release whose data files are staged; without rows, or names, there is none.

    ``named``: id of a consent → the words by which its author wants to be named.
    """
    if not manifest.tables():
        return manifest
    names = names_in(_rows(stage, manifest), named, secret)
    texts = {LICENSE: license_text(manifest, names=bool(names))}
    if names:
        texts[ATTRIBUTION] = attribution_text(names)
    for path, text in texts.items():
        write_synced(stage.path / path, text.encode())
    records = {path: stage.record(path) for path in texts}
    return msgspec.structs.replace(manifest, files={**manifest.files, **records})


def names_in(rows: Iterable[Grants], named: Mapping[str, str], secret: bytes) -> tuple[str, ...]:
    """Give the names of those whose consents rows rest on, each once, in alphabetical order."""
    waiting = dict(named)
    found: set[str] = set()
    for conversation, grants in rows:
        if not waiting:
            break
        present = [
            event for event in waiting if key_hex(secret, "grant", event, conversation) in grants
        ]
        found.update(_one_line(waiting.pop(event)) for event in present)
    return tuple(sorted(found - {""}, key=lambda name: (name.casefold(), name)))


def attribution_text(names: Iterable[str]) -> str:
    """Give ATTRIBUTION.md: the names as a list, with what they wrote them by taken as plain text."""
    listed = "".join(f"* {_MARKUP.sub(_escaped, name)}\n" for name in names)
    return (
        "# Attribution\n\n"
        "Parts of this dataset were written by the people below, who asked to be named, in these words. "
        "Others contributed without being named. The list is in alphabetical order and says nothing about "
        "which rows are whose.\n\n"
        f"{listed}\n"
        "Their texts were changed: identifiers became placeholders, other people's words were taken out, "
        "and posts were joined into dialogues. Each row's `license` names the licenses of its texts; "
        f"{LICENSE} says what they ask for. Nobody named here endorses this dataset or its use.\n"
    )


def license_text(manifest: Manifest, *, names: bool) -> str:
    """Give LICENSE.md: the license of the release as a whole, and those of the rows, with what each asks for."""
    own = manifest.legal.license
    rows = "".join(f"* {line}\n" for line in _license_lines(manifest))
    credit = f"\nThe authors who asked to be named stand in {ATTRIBUTION}; pass it on.\n"
    return (
        "# License\n\n"
        f"This dataset as a whole is licensed under **{own}**: <{license_url(own)}>.\n\n"
        "Each row keeps the licenses under which its authors gave their texts; the column `license` names "
        "all of them. Those of the rows of this release:\n\n"
        f"{rows}{credit if names else ''}\n"
        "The texts were adapted. A license covers copyright and similar rights only: these are personal data "
        "of their authors too, and whoever uses them must have a legal basis of their own for that.\n"
    )


def license_url(spdx: str) -> str:
    """Give the address of a license: of Creative Commons their own, of any other that of SPDX."""
    found = re.fullmatch(r"CC-(BY(?:-[A-Z]{2})*)-(\d\.\d)(?:-([A-Z]+))?", spdx)
    if found is None:
        return _URLS.get(spdx, f"https://spdx.org/licenses/{spdx}.html")
    code, version, port = (part.lower() if part else "" for part in found.groups())
    return f"https://creativecommons.org/licenses/{code}/{version}/{port}{'/' if port else ''}"


def _license_lines(manifest: Manifest) -> Iterator[str]:
    raw = manifest.config.get("allow_licenses", ())
    target = target_of(msgspec.convert(raw, tuple[str, ...]))
    asks = {
        "allow": "asks for nothing",
        "allow-with-attribution": "name the authors who asked for it, and the license; say that it was changed",
        "allow-with-share-alike": f"and share adaptations under {manifest.legal.license} or a later version of it",
        "refuse": "one alternative of a choice that this release does not make",
    }
    for spdx in manifest.licenses:
        commercial = "; not for commercial use" if "-NC" in spdx else ""
        yield f"`{spdx}` (<{license_url(spdx)}>): {asks[verdict(spdx, target)]}{commercial}"


def _rows(stage: Staging, manifest: Manifest) -> Iterator[Grants]:
    """Give every conversation and its grants, row by row, over all data files of the next state."""
    for path, record in sorted(manifest.files.items()):
        if record.table in RELEASE_TABLES:
            with pq.ParquetFile(stage.find(path)) as shard:
                for batch in shard.iter_batches(columns=["conversation_key", "grants"]):
                    for row in batch.to_pylist():
                        yield row["conversation_key"], tuple(row["grants"])


def _one_line(name: str) -> str:
    """A name on one line, without what would turn or hide the lines around it."""
    spaced = "".join(" " if char.isspace() else char for char in name)
    printed = "".join(char for char in spaced if unicodedata.category(char) != "Cc")
    return " ".join(_DIRECTIONS.sub("", printed).split())


def _escaped(found: re.Match[str]) -> str:
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(found[0], f"\\{found[0]}")
