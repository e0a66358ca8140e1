"""People who withdrew, in the workspace: nothing that names them stays, and nobody is unmasked by that.

Of their exports a retired part is kept: keys and reasons, by which threads keep their shape and the export is
known again. What names them, in their own exports and in other people's mentions, becomes keyed hashes with
which other people's texts are still searched; so does what named the people whom they mentioned.

    suppressed.parquet    hidden forms of who withdrew (IDENTITIES)
    mentioned.parquet     whom their posts mentioned, hidden (MENTIONED)
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.consent.gate import spellings_of
from fedi_dataset.consent.ledger import Ledger, spelling
from fedi_dataset.files import sync_folder, write_synced
from fedi_dataset.ingest import TABLES, Part, read_part
from fedi_dataset.posts import Export
from fedi_dataset.privacy.hidden import hide
from fedi_dataset.privacy.keys import key
from fedi_dataset.privacy.spans import Person
from fedi_dataset.release.law import KEPT
from fedi_dataset.schema import IDENTITIES, MENTIONED, POSTS
from fedi_dataset.workspace import ExportRecord

__all__ = ["Suppressed", "Withdrawn", "accounts_standing", "retire"]

BEFORE_CONSENT = ("not_own", "not_a_post", "not_public", "deleted")
"""Reasons that the gate tests before consent: they stay what they were when consent is withdrawn."""

READABLE = ("handle", "name", "url")
"""Kinds of forms that can be read; hidden ones cannot."""

RETIRED = "-withdrawn"
"""Ends the name of a retired part."""

Row = dict[str, Any]


def accounts_standing(ledger: Ledger, as_of: datetime) -> tuple[set[str], set[str]]:
    """Give the accounts that have withdrawn as a whole, and those that have a consent that stands."""
    named = {account for event in ledger.events for account in getattr(event, "accounts", ())}
    withdrawn: set[str] = set()
    consenting: set[str] = set()
    for account in named:
        standing = ledger.standing([account], as_of)
        if standing.withdrawn:
            withdrawn.add(account)
        elif standing.deciding is not None:
            consenting.add(account)
    return withdrawn, consenting


@dataclass(frozen=True)
class Withdrawn:
    """Who has withdrawn, and who consents, as account keys."""

    gone: frozenset[bytes]
    consenting: frozenset[bytes]

    @classmethod
    def of(
        cls, ledger: Ledger, recorded: Sequence[ExportRecord], *, as_of: datetime, secret: bytes
    ) -> Withdrawn:
        """Read it off the ledger. A withdrawal under another spelling of an account reaches the account."""
        withdrawn, consenting = accounts_standing(ledger, as_of)

        def keys(accounts: set[str]) -> set[bytes]:
            spelled = {*accounts, *map(spelling, accounts)}
            return {key(secret, "account", account) for account in spelled}

        gone, back = keys(withdrawn), keys(consenting)
        named = {
            key(secret, "account", spelled): account
            for account in withdrawn | consenting
            for spelled in (account, spelling(account))
        }
        for record in recorded:
            spellings = {bytes.fromhex(spelled) for spelled in record.account_keys}
            written = {named[one] for one in spellings if one in named}
            if written and not ledger.standing(written, as_of).withdrawn:
                gone -= spellings  # as the gate sees it: all spellings of an account together
                back |= spellings
                continue
            was_gone = record.part.endswith(RETIRED)  # by lines that may be redacted since
            if spellings & gone or (was_gone and not spellings & back):
                gone |= spellings
        return cls(frozenset(gone), frozenset(back - gone))

    def meeting(
        self, exports: Iterable[Export], ledger: Ledger, *, as_of: datetime, secret: bytes
    ) -> Withdrawn:
        """Say the same once exports are open: their accounts are asked for by name, as the gate does."""
        gone, back = set(self.gone), set(self.consenting)
        for export in exports:
            spellings = spellings_of(export.owner)
            keys = {key(secret, "account", one) for one in {*spellings, *map(spelling, spellings)}}
            standing = ledger.standing(spellings, as_of)
            if standing.withdrawn:
                gone |= keys
            elif standing.deciding is not None:
                gone -= keys
                back |= keys
        return Withdrawn(frozenset(gone), frozenset(back - gone))

    def export_ids(self, recorded: Sequence[ExportRecord]) -> frozenset[str]:
        """Give the recorded exports of those who are gone: their files may be gone too."""
        return frozenset(
            record.export_id
            for record in recorded
            if self.gone.intersection(map(bytes.fromhex, record.account_keys))
        )


@dataclass(frozen=True)
class Suppressed:
    """The tables of the hidden, in the workspace's folder."""

    folder: Path
    secret: bytes

    @property
    def identities(self) -> Path:
        """Hidden forms of who withdrew, to be read beside the parts' identities."""
        return self.folder / "suppressed.parquet"

    @property
    def mentioned(self) -> Path:
        """Whom retired posts mentioned, hidden, to be read beside the parts'."""
        return self.folder / "mentioned.parquet"

    def update(
        self, parts: Sequence[Path], withdrawn: Iterable[bytes], consenting: Iterable[bytes]
    ) -> None:
        """Hide everybody in ``withdrawn`` (account keys), and whoever was hidden and has not consented since.

        Rewrites tables of the parts, each whole or not at all: what their own exports say of them moves to
        ``identities``, what other people's mentions say is hidden in its place. Doing it again changes nothing.
        """
        back = set(consenting)
        kept = _rows(
            self.identities
        )  # of who came back too: others' parts have nothing else of them
        accounts = {*withdrawn, *(row["account_key"] for row in kept)} - back
        for part in parts:
            taken = _taken_out(part / "identities.parquet", accounts)
            kept += [form for row in taken for form in self._hidden(row)]
            self._hide_mentions(part / "mentioned.parquet", accounts)
        _write(self.identities, kept, IDENTITIES)
        _write(self.mentioned, _rows(self.mentioned), MENTIONED)

    def remember_mentions(self, part: Path) -> None:
        """Keep, hidden, whom the posts of a part mentioned that is about to be retired."""
        mentions = [
            hidden
            for row in _rows(part / "mentioned.parquet")
            for hidden in self._hidden_mention(row)
        ]
        _write(self.mentioned, [*_rows(self.mentioned), *mentions], MENTIONED)

    def _hide_mentions(self, file: Path, accounts: set[bytes]) -> None:
        rows = _rows(file)
        if any(row["account_key"] in accounts and row["kind"] in READABLE for row in rows):
            hidden = [
                kept
                for row in rows
                for kept in (self._hidden_mention(row) if row["account_key"] in accounts else [row])
            ]
            _write_table(file, hidden, MENTIONED)

    def _hidden_mention(self, row: Row) -> list[Row]:
        """Hide how a post names somebody; that it does stays on record."""
        if row["kind"] not in READABLE:
            return [row]
        unnamed = {"form_key": key(self.secret, "form", row["account_key"])}
        forms = self._hidden(row) or [
            {**unnamed, "account_key": row["account_key"], "kind": None, "form": None}
        ]
        return [{"post_key": row["post_key"], **form} for form in forms]

    def _hidden(self, row: Row) -> list[Row]:
        account = row["account_key"]
        return [
            {
                "form_key": key(self.secret, "form", account, "hidden", form),
                "account_key": account,
                "kind": "hidden",
                "form": form,
            }
            for form in hide(_person(row), lambda words: key(self.secret, "form", *words))
        ]


def retire(part: Path, owner: Sequence[bytes], suppressed: Suppressed) -> Part:
    """Turn the part of somebody who withdrew into what is kept of it: keys, links and reasons.

    ``owner``: the account key of whose export it is, then those of other spellings. What consent decided is now
    refused as withdrawn, what was refused before consent was looked at stays as it was: just what reading the
    export again would give. The former part is deleted. Doing it again changes nothing.
    """
    retired = part.with_name(f"{part.name[:32]}{RETIRED}")
    if not part.exists() or retired == part:  # done, perhaps by a command that broke off after it
        return read_part(retired)
    former = read_part(part)
    suppressed.remember_mentions(part)
    scratch = part.with_name(retired.name + ".tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    for table in ("links", "aliases"):
        shutil.copy(part / f"{table}.parquet", scratch / f"{table}.parquet")
    verdicts = [_withdrawn(row) for row in _rows(part / "verdicts.parquet")]
    identities = [row for row in _rows(part / "identities.parquet") if row["account_key"] in owner]
    _write_table(scratch / "verdicts.parquet", verdicts, TABLES["verdicts"])
    _write_table(scratch / "identities.parquet", identities, IDENTITIES)
    _write_table(scratch / "posts.parquet", [], POSTS)
    _write_table(scratch / "mentioned.parquet", [], MENTIONED)
    kept = _counted(former, retired.name, verdicts, owner[0])
    write_synced(scratch / "part.json", msgspec.json.encode(kept, order="sorted"), mode=0o600)
    shutil.rmtree(retired, ignore_errors=True)
    scratch.replace(retired)
    doomed = part.with_name(f"{part.name}.tmp")
    part.rename(doomed)  # half a part must not stay under its name
    sync_folder(part.parent)
    shutil.rmtree(doomed)
    return kept


def bar(part: Path) -> Part:
    """Take the words out of a part whose export is gone, because they cannot be judged again.

    Who and what was seen stays, so that threads keep their shape and nobody is unmasked.
    """
    former = read_part(part)
    barred = part.with_name(f"{part.name[:32]}-barred")
    scratch = part.with_name(barred.name + ".tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(part, scratch)
    verdicts = [
        row if row["reason"] else {**row, "reason": "consent_changed"}
        for row in _rows(part / "verdicts.parquet")
    ]
    _write_table(scratch / "verdicts.parquet", verdicts, TABLES["verdicts"])
    _write_table(scratch / "posts.parquet", [], POSTS)
    kept = msgspec.structs.replace(
        former,
        name=barred.name,
        tally={
            "consent_changed" if code == KEPT else code: by for code, by in former.tally.items()
        },
        source=None,
    )
    write_synced(scratch / "part.json", msgspec.json.encode(kept, order="sorted"), mode=0o600)
    shutil.rmtree(barred, ignore_errors=True)
    scratch.replace(barred)
    sync_folder(part.parent)
    return kept  # the former part goes with the rest of the superseded ones


def _withdrawn(row: Row) -> Row:
    if row["reason"] in BEFORE_CONSENT:
        return row
    return {**row, "reason": "consent_withdrawn", "detail": None}


def _counted(former: Part, name: str, verdicts: Sequence[Row], owner: bytes) -> Part:
    """Count the retired part: its verdicts, and what no reader could read."""
    judged = {row["position"] for row in verdicts}
    unread = tuple(one for one in former.quarantined if one.position not in judged)
    tally: dict[str, Counter[str]] = {}
    for row in verdicts:
        tally.setdefault(row["reason"], Counter()).update([row["account_key"].hex()])
    for one in unread:
        tally.setdefault(one.code, Counter()).update([owner.hex()])
    return Part(name, former.export_id, {code: dict(by) for code, by in tally.items()}, unread)


def _person(row: Row) -> Person:
    form: tuple[str] = (row["form"],)
    match row["kind"]:
        case "handle":
            return Person(row["account_key"].hex(), handles=form)
        case "name":
            return Person(row["account_key"].hex(), names=form)
        case _:
            return Person(row["account_key"].hex(), urls=form)


def _taken_out(file: Path, accounts: set[bytes]) -> list[Row]:
    """Take the rows of these accounts out of a part's identities."""
    rows = _rows(file)
    taken = [row for row in rows if row["account_key"] in accounts]
    if taken:
        left = [row for row in rows if row["account_key"] not in accounts]
        _write_table(file, left, IDENTITIES)
    return taken


def _rows(file: Path) -> list[Row]:
    rows: list[Row] = pq.read_table(file).to_pylist() if file.exists() else []
    return rows


def _write(file: Path, rows: Sequence[Row], schema: pa.Schema) -> None:
    """Write distinct rows in their order, unless that is what the file holds."""
    distinct = {tuple(row[name] for name in schema.names): row for row in rows}
    ordered = [distinct[values] for values in sorted(distinct, key=repr)]
    if not file.exists() or _rows(file) != ordered:
        _write_table(file, ordered, schema)


def _write_table(file: Path, rows: Sequence[Row], schema: pa.Schema) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows), schema), sink, compression="zstd")
    write_synced(file, sink.getvalue().to_pybytes(), mode=0o600)
