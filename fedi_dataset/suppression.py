"""People who withdrew, in the workspace: nothing that names them stays, and nobody is unmasked by that.

Of their exports a retired part is kept: keys and reasons, by which threads keep their shape and the export is
known again. What names them, in their own exports and in other people's mentions, becomes keyed hashes with
which other people's texts are still searched; so does what named the people whom they mentioned.

    suppressed.parquet    hidden forms of who withdrew (IDENTITIES)
    mentioned.parquet     whom their posts mentioned, hidden (MENTIONED)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fedi_dataset.errors import UsageError
from fedi_dataset.part import Row, rewrite_table, rows_of, write_rows
from fedi_dataset.privacy.hidden import hide
from fedi_dataset.privacy.keys import key
from fedi_dataset.privacy.spans import Person
from fedi_dataset.schema import IDENTITIES, MENTIONED
from fedi_dataset.sealed import DamagedTable, read_sealed, write_sealed

__all__ = ["Suppressed"]

READABLE = ("handle", "name", "url")
"""Kinds of forms that can be read; hidden ones cannot."""


@dataclass(frozen=True)
class Suppressed:
    """The tables of the hidden, in the workspace's folder."""

    folder: Path
    secret: bytes

    @property
    def identities(self) -> Path:
        """Hidden forms of who withdrew."""
        return self.folder / "suppressed.parquet"

    @property
    def mentioned(self) -> Path:
        """Whom retired posts mentioned, hidden."""
        return self.folder / "mentioned.parquet"

    def check(self) -> None:
        """Raise UsageError unless both tables are there and whole, as every build leaves them."""
        for file in (self.identities, self.mentioned):
            if not file.is_file():
                raise UsageError(_irreplaceable(file, "is missing"))
            _rows(file)

    def lay_out(self, scratch: Path) -> tuple[Path, Path]:
        """Give copies of both tables, to be read beside the parts': of the rows that were checked, and nothing else."""
        identities, mentioned = scratch / self.identities.name, scratch / self.mentioned.name
        write_rows(identities, _rows(self.identities), IDENTITIES)
        write_rows(mentioned, _rows(self.mentioned), MENTIONED)
        return identities, mentioned

    def update(
        self, parts: Sequence[Path], withdrawn: Iterable[bytes], consenting: Iterable[bytes]
    ) -> None:
        """Hide everybody in ``withdrawn`` (account keys), and whoever was hidden and has not consented since.

        Rewrites tables of the parts, each whole or not at all: what their own exports say of them moves to
        ``identities``, what other people's mentions say is hidden in its place. What moves is written before it is
        taken away, and doing it again changes nothing. Raises UsageError if a table of the hidden is damaged.
        """
        back = set(consenting)
        kept = _rows(self.identities)
        # those of who came back stay hidden, too: others' parts have nothing else of them
        accounts = {*withdrawn, *(row["account_key"] for row in kept)} - back
        left: dict[Path, list[Row]] = {}
        for part in parts:
            rows = rows_of(part, "identities")
            taken = [row for row in rows if row["account_key"] in accounts]
            if taken:
                kept += [form for row in taken for form in self._hidden(row)]
                left[part] = [row for row in rows if row["account_key"] not in accounts]
        write_sealed(self.identities, kept, IDENTITIES)
        write_sealed(self.mentioned, _rows(self.mentioned), MENTIONED)
        for part, rows in left.items():
            rewrite_table(part, "identities", rows)
        for part in parts:
            self._hide_mentions(part, accounts)

    def remember_mentions(self, mentions: Sequence[Row]) -> None:
        """Keep, hidden, whom the posts of a part mentioned that is about to be retired."""
        hidden = [form for row in mentions for form in self._hidden_mention(row)]
        write_sealed(self.mentioned, [*_rows(self.mentioned), *hidden], MENTIONED)

    def _hide_mentions(self, part: Path, accounts: set[bytes]) -> None:
        rows = rows_of(part, "mentioned")
        if any(row["account_key"] in accounts and row["kind"] in READABLE for row in rows):
            hidden = [
                kept
                for row in rows
                for kept in (self._hidden_mention(row) if row["account_key"] in accounts else [row])
            ]
            rewrite_table(part, "mentioned", hidden)

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


def _person(row: Row) -> Person:
    form: tuple[str] = (row["form"],)
    match row["kind"]:
        case "handle":
            return Person(row["account_key"].hex(), handles=form)
        case "name":
            return Person(row["account_key"].hex(), names=form)
        case _:
            return Person(row["account_key"].hex(), urls=form)


def _rows(file: Path) -> list[Row]:
    """Read a table of the hidden; none if there is no such file yet."""
    try:
        return read_sealed(file)
    except DamagedTable as error:
        raise UsageError(_irreplaceable(file, "is damaged")) from error


def _irreplaceable(file: Path, fault: str) -> str:
    return (
        f"{file} {fault}: without it people who withdrew would be unmasked in other people's words, so "
        "nothing is built. Restore it from a copy; a withdrawal can be put on record until then with "
        "`fedi-dataset consent withdraw LEDGER ACCOUNT`"
    )
