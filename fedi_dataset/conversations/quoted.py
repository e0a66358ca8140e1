"""Quotes: which post of a conversation is meant where another one pastes its words, and what may be quoted at all.

Nobody quotes what is not said yet. So a source stands before whoever quotes it, in the order in which a conversation
can have come about: by time, then id, and nothing before what it answers, whatever its date says. An answer to a post
is never read before that post, also where clocks are wrong or two people say the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

__all__ = ["Sources", "order_of"]

Row = dict[str, Any]
Order = tuple[datetime, bytes, int, bytes]
"""Time and id of the latest post on the way from the top to a post, how many posts below that one it stands, its id."""


def order_of(posts: Iterable[tuple[bytes, datetime, bytes | None]]) -> dict[bytes, Order]:
    """Give each post its place in the order in which they can have been said.

    ``posts``: key, time and parent of each; a parent that is not among them is none. Parent links are acyclic.
    """
    said = {key: (at, parent) for key, at, parent in posts}
    order: dict[bytes, Order] = {}
    for key in said:
        way: list[bytes] = []
        here: bytes | None = key
        while here is not None and here in said and here not in order:
            way.append(here)
            here = said[here][1]
        for one in reversed(way):
            at, parent = said[one]
            above = order.get(parent) if parent is not None else None
            if above is not None and (at, one) < above[:2]:
                order[one] = (above[0], above[1], above[2] + 1, one)
            else:
                order[one] = (at, one, 0, one)
    return order


class Sources:
    """The posts of one conversation, to be found by what they say."""

    def __init__(self, posts: Sequence[Row]) -> None:
        """``posts``: rows of a cell."""
        self._rows = {row["post_key"]: row for row in posts}
        self._order = order_of(
            (row["post_key"], row["created_at"], row["parent_key"]) for row in posts
        )
        self._saying: dict[str, list[Order]] = {}
        for key, order in sorted(self._order.items(), key=lambda one: one[1]):
            self._saying.setdefault(_folded(self._rows[key]["text"]), []).append(order)

    def of(self, row: Row, words: str) -> Row | None:
        """Find the post that ``row`` quotes with these words; None: no post that was there says just that.

        What it answers goes before others, the latest of others before earlier ones.
        """
        wanted = _folded(words)
        parent = self._rows.get(row["parent_key"])
        if parent is not None and _folded(parent["text"]) == wanted:
            return parent
        saying = self._saying.get(wanted, [])
        earlier = bisect_left(saying, self._order[row["post_key"]])
        return self._rows[saying[earlier - 1][-1]] if earlier else None

    def before(self, row: Row, key: bytes | None) -> bool:
        """Whether ``key`` is a post of the conversation that stands before ``row``."""
        found = self._order.get(key) if key is not None else None
        return found is not None and found < self._order[row["post_key"]]


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
