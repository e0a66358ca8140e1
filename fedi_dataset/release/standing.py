"""What the posts of a workspace rest on today: the ledger, asked again for every account and post.

The same questions as the gate's, with nothing but the ledger, the secret and the tables of the last build.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow.parquet as pq

from fedi_dataset.consent.ledger import Given, Ledger, Standing, spelling
from fedi_dataset.privacy.keys import key
from fedi_dataset.readers.values import host_of
from fedi_dataset.workspace import Workspace

__all__ = ["Consents", "consents_now"]


@dataclass(frozen=True, slots=True)
class Consents:
    """The consents that stand, and where what is held does not rest on one of them."""

    events: frozenset[str]
    """Ids of the events that decide for an account of the workspace now."""
    problems: tuple[str, ...]


def consents_now(workspace: Workspace, ledger: Ledger, now: datetime) -> Consents:
    """Compare every post that the workspace holds with what the ledger says of its author ``now`` (aware).

    Of a workspace that is a secret alone, all consents that stand in the ledger may be meant.
    """
    if not workspace.state().parts:
        return Consents(_all_standing(ledger, now), ())
    secret = workspace.secret()
    aliases = _aliases(workspace)
    decides: dict[bytes, str] = {}
    gone: set[tuple[bytes, bytes]] = set()
    for account, spellings in _spellings(workspace, secret).items():
        standing = ledger.standing(spellings, now)
        if _stands(standing, now) and standing.deciding is not None:
            decides[account] = standing.deciding.id
        for post in _as_written(ledger, standing.withdrawn_posts):
            named = key(secret, "post", post)
            gone |= {(one, account) for one in {named, *aliases.get((named, account), ())}}
    fallen: set[str] = set()
    withdrawn = False
    for path in workspace.table("posts"):
        held = pq.read_table(path, columns=["post_key", "account_key", "event_id"])
        rows = zip(*(column.to_pylist() for column in held.columns), strict=True)
        for post_key, account_key, event in rows:
            withdrawn = withdrawn or (post_key, account_key) in gone
            if decides.get(account_key) != event:
                fallen.add(event)
    return Consents(frozenset(decides.values()), tuple(_problems(fallen, withdrawn)))


def _problems(fallen: set[str], withdrawn: bool) -> Iterator[str]:
    for event in sorted(fallen):
        yield f"the consent {event} does not stand any more; build again"
    if withdrawn:
        yield "single posts that were withdrawn are still held; build again"


def _stands(standing: Standing, now: datetime) -> bool:
    consent: Given | None = standing.deciding
    return (
        consent is not None
        and not standing.withdrawn
        and (consent.expires is None or now < consent.expires)
    )


def _all_standing(ledger: Ledger, now: datetime) -> frozenset[str]:
    given = (event for event in ledger.events if isinstance(event, Given))
    accounts = {account for event in given for account in event.accounts}
    standings = (ledger.standing([account], now) for account in accounts)
    return frozenset(
        one.deciding.id for one in standings if one.deciding is not None and _stands(one, now)
    )


def _spellings(workspace: Workspace, secret: bytes) -> dict[bytes, list[str]]:
    """Give every account's URI, and its other URLs on the same host: no other server speaks for it."""
    urls: dict[bytes, list[str]] = {}
    for path in workspace.table("identities"):
        for row in pq.read_table(path, columns=["account_key", "kind", "form"]).to_pylist():
            if row["kind"] == "url":
                urls.setdefault(row["account_key"], []).append(row["form"])
    result: dict[bytes, list[str]] = {}
    for account, forms in urls.items():
        uri = next((form for form in forms if key(secret, "account", form) == account), None)
        if uri is not None:
            host = host_of(uri)
            same = (form for form in forms if host is not None and host_of(form) == host)
            result[account] = [uri, *same]
    return result


def _aliases(workspace: Workspace) -> dict[tuple[bytes, bytes], set[bytes]]:
    """Give the posts that go by another id too, by what their authors say: alias and account → posts."""
    found: dict[tuple[bytes, bytes], set[bytes]] = {}
    for path in workspace.table("aliases"):
        for row in pq.read_table(path).to_pylist():
            said = row["alias_key"], row["account_key"]
            found.setdefault(said, set()).add(row["post_key"])
    return found


def _as_written(ledger: Ledger, spelled: frozenset[str]) -> set[str]:
    """Give withdrawn posts as the ledger's lines write them and as they are compared."""
    if not spelled:
        return set()
    written = {post for event in ledger.events for post in getattr(event, "posts", None) or ()}
    return {post for post in written if spelling(post) in spelled} | spelled
