"""People who withdrew, in the workspace: nothing that names them stays, and nobody's words unmask them.

What exports say of them (their names, handles and addresses, also in other people's mentions) is taken out of the
parts and kept as keyed hashes in ``suppressed.parquet``, with which others' texts are still searched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.consent.ledger import Ledger
from fedi_dataset.files import write_synced
from fedi_dataset.privacy.hidden import hide
from fedi_dataset.privacy.keys import key
from fedi_dataset.privacy.spans import Person
from fedi_dataset.schema import IDENTITIES

__all__ = ["SUPPRESSED", "accounts_standing", "suppress"]

SUPPRESSED = "suppressed.parquet"

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


def suppress(
    workspace: Path,
    parts: Sequence[Path],
    withdrawn: Iterable[bytes],
    consenting: Iterable[bytes],
    secret: bytes,
) -> Path:
    """Hide everybody in ``withdrawn`` (account keys), and whoever was hidden before and has not consented since.

    Rewrites the identities of the parts, each whole or not at all, and gives the path of the table of the
    hidden. Doing it again changes nothing.
    """
    file = workspace / SUPPRESSED
    hidden = (
        {row["form_key"]: row for row in pq.read_table(file).to_pylist()} if file.exists() else {}
    )
    back = set(consenting)
    hidden = {form: row for form, row in hidden.items() if row["account_key"] not in back}
    accounts = {*withdrawn, *(row["account_key"] for row in hidden.values())} - back
    for part in parts:
        for row in _taken_out(part / "identities.parquet", accounts):
            hidden.update((one["form_key"], one) for one in _hidden_forms(row, secret))
    rows = [hidden[form] for form in sorted(hidden)]
    write_synced(file, _encoded(pa.Table.from_pylist(rows, IDENTITIES)), mode=0o600)
    return file


def _taken_out(file: Path, accounts: set[bytes]) -> list[Row]:
    """Take the rows of these accounts out of a part's identities."""
    rows = pq.read_table(file).to_pylist()
    taken = [row for row in rows if row["account_key"] in accounts]
    if taken:
        left = [row for row in rows if row["account_key"] not in accounts]
        write_synced(file, _encoded(pa.Table.from_pylist(left, IDENTITIES)), mode=0o600)
    return taken


def _hidden_forms(row: Row, secret: bytes) -> list[Row]:
    account, referent = row["account_key"], row["account_key"].hex()
    persons: dict[str, Callable[[str], Person]] = {
        "handle": lambda form: Person(referent, handles=(form,)),
        "name": lambda form: Person(referent, names=(form,)),
        "url": lambda form: Person(referent, urls=(form,)),
    }
    forms = hide(persons[row["kind"]](row["form"]), lambda words: key(secret, "form", *words))
    return [
        {
            "form_key": key(secret, "form", account, "hidden", form),
            "account_key": account,
            "kind": "hidden",
            "form": form,
        }
        for form in forms
    ]


def _encoded(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content
