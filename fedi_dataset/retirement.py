"""Parts without words: of people who withdrew, of consents that changed, and of what was damaged.

Of each the keys, links and reasons stay, so that threads keep their shape and nobody else's conversation moves.
A crash at any step leaves the former part or the new one, and doing it again comes to the same.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from fedi_dataset.files import sync_folder
from fedi_dataset.part import (
    RETIRED,
    TABLES,
    Part,
    Row,
    read_part,
    readable_rows,
    rows_of,
    seal,
    table_file,
    write_rows,
)
from fedi_dataset.suppression import Suppressed
from fedi_dataset.workspace import delete_folder

__all__ = ["bar", "bar_damaged", "retire", "retire_damaged"]

BEFORE_CONSENT = ("not_own", "not_a_post", "not_public", "deleted")
"""Reasons that the gate tests before consent: they stay what they were when consent is withdrawn."""

BARRED = "-barred"
"""Ends the name of a part whose words cannot be judged any more."""

Reader = Callable[[Path, str], list[Row]]


def retire(part: Path, owner: Sequence[bytes], suppressed: Suppressed) -> Part:
    """Turn the part of somebody who withdrew into what is kept of it: keys, links and reasons.

    ``owner``: the account key of whose export it is, then those of other spellings. What consent decided is now
    refused as withdrawn, what was refused before consent was looked at stays as it was: just what reading the
    export again would give. The former part is deleted. Doing it again changes nothing. Raises DamagedPart.
    """
    retired = _named(part, RETIRED)
    if not part.exists() or retired == part:  # done, perhaps by a command that broke off after it
        return read_part(retired)
    former = read_part(part)
    kept = Part(retired.name, former.export_id, {}, former.quarantined)
    return _retired(part, kept, owner, suppressed, rows_of)


def retire_damaged(
    part: Path, export_id: str, owner: Sequence[bytes], suppressed: Suppressed
) -> Part:
    """Do the same with a damaged part, by what of it can be read."""
    retired = _named(part, RETIRED)
    found = part if part.exists() else retired
    return _retired(found, Part(retired.name, export_id, {}, ()), owner, suppressed, readable_rows)


def bar(part: Path, owner: bytes) -> Part:
    """Take the words out of a part whose export is gone, because they cannot be judged again.

    Who and what was seen stays, so that threads keep their shape and nobody is unmasked; so does what the account
    signals. The former part goes with the rest of the superseded ones. Raises DamagedPart.
    """
    former = read_part(part)
    kept = msgspec.structs.replace(former, name=_named(part, BARRED).name, source=None)
    return _barred(part, kept, owner, "consent_changed", rows_of)


def bar_damaged(part: Path, export_id: str, owner: bytes) -> Part:
    """Do the same with a damaged part, by what of it can be read."""
    kept = Part(_named(part, BARRED).name, export_id, {}, ())
    return _barred(part, kept, owner, "part_damaged", readable_rows)


def _retired(
    part: Path, kept: Part, owner: Sequence[bytes], suppressed: Suppressed, read: Reader
) -> Part:
    suppressed.remember_mentions(read(part, "mentioned"))
    tables = {
        "links": read(part, "links"),
        "aliases": read(part, "aliases"),
        "verdicts": [_withdrawn(row) for row in read(part, "verdicts")],
        "identities": [row for row in read(part, "identities") if row["account_key"] in owner],
    }
    sealed = _write(part.with_name(kept.name), _counted(kept, tables["verdicts"], owner[0]), tables)
    if kept.name != part.name:
        delete_folder(part)
    return sealed


def _barred(part: Path, kept: Part, owner: bytes, reason: str, read: Reader) -> Part:
    tables = {name: read(part, name) for name in TABLES if name != "posts"}
    tables["verdicts"] = [
        row if row["reason"] else {**row, "reason": reason} for row in tables["verdicts"]
    ]
    return _write(part.with_name(kept.name), _counted(kept, tables["verdicts"], owner), tables)


def _named(part: Path, ending: str) -> Path:
    return part.with_name(f"{part.name[:32]}{ending}")


def _withdrawn(row: Row) -> Row:
    if row["reason"] in BEFORE_CONSENT:
        return row
    return {**row, "reason": "consent_withdrawn", "detail": None}


def _counted(part: Part, verdicts: Sequence[Row], owner: bytes) -> Part:
    """Count a part without words: its verdicts, and what no reader could read."""
    judged = {row["position"] for row in verdicts}
    unread = tuple(one for one in part.quarantined if one.position not in judged)
    tally: dict[str, Counter[str]] = {}
    for row in verdicts:
        tally.setdefault(row["reason"], Counter()).update([row["account_key"].hex()])
    for one in unread:
        tally.setdefault(one.code, Counter()).update([owner.hex()])
    counts = {code: dict(by) for code, by in tally.items()}
    return msgspec.structs.replace(part, tally=counts, quarantined=unread)


def _write(folder: Path, part: Part, tables: Mapping[str, Sequence[Row]]) -> Part:
    """Write a part: tables that are not given are empty."""
    scratch = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    for name, schema in TABLES.items():
        write_rows(table_file(scratch, name), tables.get(name, ()), schema)
    sealed = seal(scratch, part)
    shutil.rmtree(folder, ignore_errors=True)
    scratch.replace(folder)
    sync_folder(folder.parent)
    return sealed
