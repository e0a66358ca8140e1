"""Every copy of one post in some exports, under whatever name, and under whichever of its author's accounts.

As in a build: a name on the author's own ground is the post's; a name elsewhere says that two posts are one, which
counts only where both are one person's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fedi_dataset.consent.gate import spellings_of
from fedi_dataset.consent.ledger import Ledger, spelling
from fedi_dataset.posts import Account, Export, Post, Quarantined
from fedi_dataset.readers.values import host_of

__all__ = ["Copies", "find_copies"]


@dataclass(frozen=True, slots=True)
class Copies:
    """What was found."""

    named: str
    """Id of the first that goes by the name that was asked for."""
    found: tuple[tuple[int, Post], ...]
    """Number of the export, and the post there; in the order of both."""


class _Item(NamedTuple):
    """A post in an export, with its names as they are compared."""

    place: tuple[int, int]
    """Number of the export, position."""
    post: Post
    own: set[str]
    """Its id and its pages."""
    claimed: set[str]
    """What it says it is a copy of."""


def find_copies(exports: Sequence[Export], post: str, ledger: Ledger) -> Copies | None:
    """Find a post by its id, one of its pages, or that of its original; None if it is nowhere."""
    wanted = spelling(post)
    every = list(enumerate(exports))
    found = [one for one in _items(every) if wanted in one.own] or [
        one for one in _items(every) if wanted in one.claimed
    ]
    if not found:
        return None
    named = found[0].post.uri
    person_of = _persons(exports, ledger)
    authors = {person_of.get(one.post.account, one.post.account) for one in found}
    theirs = [(at, one) for at, one in every if person_of[one.owner.uri] in authors]
    more = len({one.owner.uri for _, one in theirs}) > 1
    while more:
        own = {name for one in found for name in one.own}
        claimed = {name for one in found for name in one.claimed}
        known = {one.place for one in found}
        added = [
            one
            for one in _items(theirs)
            if one.place not in known
            and one.post.account == exports[one.place[0]].owner.uri
            and not (one.own.isdisjoint(own | claimed) and one.claimed.isdisjoint(own))
        ]
        found += added
        more = bool(added)
    return Copies(named, tuple((one.place[0], one.post) for one in sorted(found, key=_place)))


def _place(item: _Item) -> tuple[int, int]:
    return item.place


def _persons(exports: Sequence[Export], ledger: Ledger) -> dict[str, str]:
    """Give whose each account is that has an export: the first of all accounts of that person."""
    together = ledger.accounts_together([spellings_of(one.owner) for one in exports])
    return {
        one.owner.uri: min(accounts, default=one.owner.uri)
        for one, accounts in zip(exports, together, strict=True)
    }


def _items(exports: Sequence[tuple[int, Export]]) -> Iterator[_Item]:
    for at, export in exports:
        for post in export.posts():
            if not isinstance(post, Quarantined):
                own = _own_names(post, export.owner)
                claimed = set(map(spelling, post.aliases)) - own
                yield _Item((at, post.position), post, own, claimed)


def _own_names(post: Post, owner: Account) -> set[str]:
    """All names of a post itself: its id, its pages, and of an at:// address the page on bsky.app."""
    ground = host_of(post.uri)
    names = {post.uri, *(one for one in post.aliases if host_of(one) == ground)}
    at, _, rest = post.uri.partition("://")
    authority, _, record = rest.partition("/app.bsky.feed.post/")
    if at == "at" and record:
        profiles = [authority, *(one.removeprefix("@") for one in owner.handles)]
        names |= {f"https://bsky.app/profile/{one}/post/{record}" for one in profiles}
    return {spelling(one) for one in names}
