"""Grants: that each row rests on consents that stand now, by recomputing what only ledger and secret can.

A grant is a keyed hash of a consent's id and a conversation. Which consents a conversation can rest on is told by
the posts that the workspace holds of it, so that there are few to try. That is a hint and proves nothing: a grant
that they do not explain is held against every consent that stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.conversations.rows import conversation_key
from fedi_dataset.privacy.keys import key_hex
from fedi_dataset.workspace import Workspace

__all__ = ["Grants", "consents_by_conversation"]


@dataclass(frozen=True)
class Grants:
    """What may stand among the grants of a conversation's rows."""

    secret: bytes
    standing: frozenset[str]
    """Ids of the consents that stand."""
    hints: Mapping[str, frozenset[str]]
    """Conversation → ids of the consents that its posts rested on when they were read."""

    def explain(self, conversation: str, grants: Iterable[str]) -> bool:
        """Tell whether all grants, and at least one, are of consents that stand."""
        wanted = set(grants)
        if not wanted:
            return False
        hinted = self.hints.get(conversation, frozenset())
        wanted -= self._of(conversation, hinted & self.standing)
        if wanted and not wanted.isdisjoint(self._of(conversation, hinted - self.standing)):
            return False  # of a consent that has fallen
        for event in sorted(self.standing - hinted) if wanted else ():
            wanted.discard(key_hex(self.secret, "grant", event, conversation))
            if not wanted:
                return True
        return not wanted

    def _of(self, conversation: str, events: Iterable[str]) -> set[str]:
        return {key_hex(self.secret, "grant", event, conversation) for event in events}


def consents_by_conversation(workspace: Workspace) -> dict[str, frozenset[str]]:
    """Find the consents behind the posts of each conversation, as far as plain links tell which one it is."""
    secret = workspace.secret()
    parents = _parents(workspace)
    tops: dict[bytes, bytes] = {}
    found: dict[bytes, set[str]] = {}
    for path in workspace.table("posts"):
        held = pq.read_table(path, columns=["post_key", "event_id"])
        for post, event in _rows(held):
            found.setdefault(_top(post, parents, tops), set()).add(event)
    return {conversation_key(secret, top): frozenset(events) for top, events in found.items()}


def _parents(workspace: Workspace) -> dict[bytes, bytes]:
    """Give what each post answers: the author's own word before others', and posts under their ids."""
    links: dict[bytes, bytes | None] = {}
    for path in workspace.table("links"):
        for post, parent, own in _rows(pq.read_table(path)):
            if own or post not in links:
                links[post] = parent
    aliases: dict[bytes, bytes] = {}
    for path in workspace.table("aliases"):
        told = pq.read_table(path, filters=[("own_ground", "==", True)])
        aliases.update(_rows(told.select(["alias_key", "post_key"])))
    return {
        post: parent if parent in links else aliases.get(parent, parent)
        for post, parent in links.items()
        if parent is not None
    }


def _top(post: bytes, parents: Mapping[bytes, bytes], tops: dict[bytes, bytes]) -> bytes:
    """Follow links up to where they end, or to the least key of a cycle; remembers what it finds."""
    way: dict[bytes, None] = {}
    here = post
    while here not in tops and here not in way and here in parents:
        way[here] = None
        here = parents[here]
    if here in way:
        cycle = list(way)[list(way).index(here) :]
        here = min(cycle)
    top = tops.get(here, here)
    tops.update(dict.fromkeys(way, top))
    return top


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)
