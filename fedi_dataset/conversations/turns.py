"""Turns: one or more posts by one author that belong together, in a tree of who answers what.

A post joins its parent's turn if it has the same author and the same permission to be trained, and is
the first such child in (time, id) order. Every post is in exactly one turn, and a turn is a chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["Place", "Turn", "Utterance", "Whose", "make_turns"]

Whose = Literal["own", "other"]
"""Whose a missing post is, as seen by who answers it."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One admitted post in its conversation. Its words are looked up by ``key``."""

    key: bytes
    author: bytes
    """The person, not the account: somebody who answers from a second account answers themselves."""
    at: datetime
    parent: bytes | None
    """The admitted post that it answers; None at the top of a tree or fragment."""
    gap: bool
    """It answers something that is not in the dataset."""
    untrained: str | None
    """Why it is context only (a code of reasons.UNTRAINED), or None: it may be trained."""
    absent: Whose | None = None
    """Whose missing post it answers, where a placeholder is to stand for that one; None: none is to."""
    quotes: tuple[bytes, ...] = ()
    """Posts of the conversation whose words are to be read before it, because it quotes them."""
    voice: bool = True
    """Whether its author may be the assistant."""
    over_limit: bool = False
    """Whether as many responses of its author as a build takes have smaller keys."""
    single_over_limit: bool = False
    """The same of posts that nobody else answers."""

    @property
    def order(self) -> tuple[datetime, bytes]:
        """Time, then id: the one order in which everything is told."""
        return self.at, self.key


@dataclass(frozen=True, slots=True)
class Place:
    """Where a turn hangs: below the ``post``-th post (from 0) of the turn numbered ``turn``."""

    turn: int
    post: int


@dataclass(frozen=True, slots=True)
class Turn:
    """A chain of posts by one author. ``number`` is its place in the conversation, from 0."""

    number: int
    posts: tuple[Utterance, ...]
    answers: Place | None
    """None: the first turn of a tree or of a fragment below a gap."""

    @property
    def author(self) -> bytes:
        """The person who wrote all of it."""
        return self.posts[0].author

    @property
    def gap(self) -> bool:
        """Whether it answers something that is not in the dataset."""
        return self.posts[0].gap

    @property
    def untrained(self) -> str | None:
        """Why none of it is trained, or None; the first post's reason stands for the turn."""
        return self.posts[0].untrained


def make_turns(utterances: Sequence[Utterance]) -> list[Turn]:
    """Group the utterances of one conversation into turns, numbered by their first post's order.

    ``utterances`` in any order; parents that are None or not among them begin trees. Keys are unique
    and parent links acyclic (conversations/forest.py sees to both). Iterative: depth costs no stack.
    """
    ordered = sorted(utterances, key=lambda post: post.order)
    present = {post.key: post for post in ordered}
    continued_by: dict[bytes, Utterance] = {}
    continuing: set[bytes] = set()
    for post in ordered:
        parent = present.get(post.parent) if post.parent is not None else None
        if parent is not None and _same_voice(parent, post) and parent.key not in continued_by:
            continued_by[parent.key] = post
            continuing.add(post.key)
    heads = [post for post in ordered if post.key not in continuing]
    chains = [tuple(_chain(head, continued_by)) for head in heads]
    where = {
        post.key: Place(number, index)
        for number, chain in enumerate(chains)
        for index, post in enumerate(chain)
    }
    return [
        Turn(number, chain, where.get(chain[0].parent) if chain[0].parent is not None else None)
        for number, chain in enumerate(chains)
    ]


def _same_voice(parent: Utterance, post: Utterance) -> bool:
    return parent.author == post.author and (parent.untrained is None) == (post.untrained is None)


def _chain(head: Utterance, continued_by: dict[bytes, Utterance]) -> Iterator[Utterance]:
    post: Utterance | None = head
    while post is not None:
        yield post
        post = continued_by.get(post.key)
