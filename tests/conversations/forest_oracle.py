"""The forest told plainly: what was seen, as numbers, and what becomes of it by dictionaries and loops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.engines import Engine
from tests.conversations.forest_tables import SCHEMAS

__all__ = ["Grown", "Item", "World", "grow", "key", "number", "read_world"]

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
DENYING = ("deleted", "not_public", "signal_denied", "license_refused")


def key(number: int) -> bytes:
    """Give a key whose order is the number's."""
    return number.to_bytes(16, "big")


def number(raw: bytes | None) -> int | None:
    """Read a key back."""
    return None if raw is None else int.from_bytes(raw, "big")


@dataclass(frozen=True)
class Item:
    """One post as one export tells of it. A world's list of items gives them their positions."""

    post: int
    parent: int | None = None
    account: int = 0
    reason: str | None = None
    """None: admitted."""
    own: bool = True
    edited: int = 0
    """Minutes after all were written."""
    export: str = "e"


@dataclass(frozen=True)
class World:
    """Everything seen."""

    items: Sequence[Item]
    aliases: Sequence[tuple[int, int]] = ()
    """Another name of a post, and the post."""

    def __add__(self, other: World) -> World:
        return World([*self.items, *other.items], [*self.aliases, *other.aliases])


@dataclass
class Grown:
    """A forest: what was counted, and of every post kept the position of its copy and where it hangs."""

    unique: int = 0
    seen: int = 0
    anchors: int = 0
    merged: int = 0
    by_alias: int = 0
    disputed: int = 0
    self_replies: int = 0
    cycles: int = 0
    posts: dict[int, tuple[int, int, int | None, str | None]] = field(default_factory=dict)
    """Position, anchor, admitted parent, gap."""


def grow(world: World) -> Grown:
    """Make the forest of a world."""
    grown = Grown()
    seen = {item.post for item in world.items}
    same = _merged(world, seen)
    grown.merged = sum(post != one for post, one in same.items())
    names = _names(world, seen, same)
    grown.by_alias = len(names)
    parents = _parents(world, same, names, grown)
    grown.seen = len(parents)
    kept = _kept(world, same)
    grown.unique = len(kept)
    cut = {post for post, parent in parents.items() if parent == post}
    grown.self_replies = len(cut)
    links = {post: None if post in cut else parent for post, parent in parents.items()}
    cycles = {min(cycle) for cycle in (_cycle(post, links) for post in links) if cycle}
    grown.cycles = len(cycles)
    links |= dict.fromkeys(cycles)
    grown.anchors = len({_top(post, links) for post in links})
    reasons: dict[int, set[str | None]] = {}
    for item in world.items:
        reasons.setdefault(same.get(item.post, item.post), set()).add(item.reason)
    for post, position in kept.items():
        parent = links[post]
        gap = None
        if post in cut | cycles:
            gap = "cut"
        elif parent is not None and parent not in kept:
            gap = "deleted" if "deleted" in reasons.get(parent, ()) else "refused"
            gap = gap if parent in seen else "not_exported"
            parent = None
        grown.posts[post] = position, _top(post, links), parent, gap
    return grown


def _merged(world: World, seen: set[int]) -> dict[int, int]:
    """Ids that another one stands for, or that stand for others."""
    accounts: dict[int, set[int]] = {}
    for item in world.items:
        accounts.setdefault(item.post, set()).add(item.account)
    same = {post: post for post in seen}
    for alias, post in world.aliases:
        if alias in seen and len(accounts[alias] | accounts[post]) == 1:
            low, high = sorted((same[alias], same[post]))
            same = {one: low if standing == high else standing for one, standing in same.items()}
    return same


def _names(world: World, seen: set[int], same: dict[int, int]) -> dict[int, int]:
    claims: dict[int, set[int]] = {}
    answered = {item.parent for item in world.items} - seen
    for alias, post in world.aliases:
        if alias in answered:
            claims.setdefault(alias, set()).add(same[post])
    return {alias: min(posts) for alias, posts in claims.items() if len(posts) == 1}


def _parents(
    world: World, same: dict[int, int], names: dict[int, int], grown: Grown
) -> dict[int, int | None]:
    told: dict[int, list[tuple[bool, int | None]]] = {}
    for item in world.items:
        parent = item.parent
        if parent is not None:
            parent = names.get(parent, same.get(parent, parent))
        told.setdefault(same[item.post], []).append((item.own, parent))
    parents: dict[int, int | None] = {}
    for post, copies in told.items():
        named = {parent for _, parent in copies if parent is not None}
        grown.disputed += len(named) > 1
        owned = [parent for own, parent in copies if own]
        choice = owned or [parent for _, parent in copies]
        parents[post] = min((one for one in choice if one is not None), default=None)
    return parents


def _kept(world: World, same: dict[int, int]) -> dict[int, int]:
    """Posts kept, each with the position of the copy."""
    copies: dict[int, list[tuple[bool, int, str, int]]] = {}
    denied = {(same[item.post], item.account) for item in world.items if item.reason in DENYING}
    for position, item in enumerate(world.items):
        if item.reason is None:
            rank = (not item.own, -item.edited, item.export, position)
            copies.setdefault(same[item.post], []).append(rank)
    best = {post: min(ranks)[-1] for post, ranks in copies.items()}
    return {
        post: position
        for post, position in best.items()
        if (post, world.items[position].account) not in denied
    }


def _cycle(post: int, links: dict[int, int | None]) -> list[int]:
    """The cycle that a post stands on or below; empty if none."""
    way: list[int] = []
    here: int | None = post
    while here is not None and here not in way:
        way.append(here)
        here = links.get(here)
    return way[way.index(here) :] if here is not None else []


def _top(post: int, links: dict[int, int | None]) -> int:
    parent = links.get(post)
    while parent is not None:
        post, parent = parent, links.get(parent)
    return post


def read_world(engine: Engine, world: World, folder: Path, order: Iterable[int]) -> None:
    """Write a world's tables, its items in any ``order`` of their positions, and name them."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SCHEMAS}
    rows["aliases"] = [{"alias_key": key(a), "post_key": key(b)} for a, b in world.aliases]
    for position in order:
        item = world.items[position]
        parent = None if item.parent is None else key(item.parent)
        ids = {"post_key": key(item.post), "account_key": key(item.account)}
        place = {"export_id": item.export, "position": position}
        link = {"post_key": key(item.post), "reply_to_key": parent, "own": item.own}
        rows["verdicts"].append({**ids, **place, "reason": item.reason})
        rows["links"].append(link)
        if item.reason is None:
            rows["posts"].append(
                {
                    **ids,
                    **place,
                    "reply_to_key": parent,
                    "subject_key": key(item.account),
                    "created_at": EPOCH,
                    "edited_at": EPOCH + timedelta(minutes=item.edited) if item.edited else None,
                    "text": str(position),
                    "mentions": [],
                    "quoted": [],
                    "acquisition": "own-export" if item.own else "capture",
                }
            )
    for name, schema in SCHEMAS.items():
        pq.write_table(pa.Table.from_pylist(rows[name], schema), folder / f"{name}.parquet")
        engine.read(name, [folder / f"{name}.parquet"])
