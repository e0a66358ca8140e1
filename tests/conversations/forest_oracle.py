"""The forest told plainly: what was seen, as numbers, and what becomes of it by dictionaries and loops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.engines import Engine
from fedi_dataset.reasons import SINGLE
from tests.conversations.forest_tables import SCHEMAS

__all__ = ["Grown", "Item", "World", "grow", "key", "number", "read_world"]

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
DENYING = ("not_public", "license_refused")
"""Copies of the same account."""
DENYING_ALL = ("deleted", "excluded_by_author", "signal_denied")
"""Copies of all accounts of the person; so does a withdrawal of the post alone."""


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
    detail: str | None = None
    own: bool = True
    edited: int = 0
    """Minutes after all were written."""
    export: str = "e"


@dataclass(frozen=True)
class World:
    """Everything seen."""

    items: Sequence[Item]
    aliases: Sequence[tuple[int, int]] = ()
    """Another name of a post on its author's ground, and the post."""
    claims: Sequence[tuple[int, int]] = ()
    """A name elsewhere, and the post that is said to be a copy of what goes by it."""
    persons: Mapping[int, int] = field(default_factory=dict)
    """Accounts of people who have several, and whose they are."""

    def __add__(self, other: World) -> World:
        return World(
            [*self.items, *other.items],
            [*self.aliases, *other.aliases],
            [*self.claims, *other.claims],
            {**self.persons, **other.persons},
        )

    def person(self, account: int) -> int:
        """Say whose an account is: by a number that stands for nobody else."""
        return self.persons.get(account, 1_000 + account)


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
    same = _merged(world, seen, grown)
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


def _merged(world: World, seen: set[int], grown: Grown) -> dict[int, int]:
    """Ids that another one stands for, or that stand for others."""
    people: dict[int, set[int]] = {}
    owned = {item.post for item in world.items if item.reason != "not_own"}
    for item in world.items:
        if item.reason != "not_own" or item.post not in owned:
            people.setdefault(item.post, set()).add(world.person(item.account))
    pages: dict[int, set[int]] = {}
    for alias, post in world.aliases:
        pages.setdefault(alias, set()).add(post)
    copies = {(post, alias) for alias, post in world.aliases if alias in seen}
    for alias, post in world.claims:
        if alias in seen:
            copies.add((post, alias))
        elif len(pages.get(alias, ())) == 1:
            copies.add((post, min(pages[alias])))
    same = {post: post for post in seen}
    for post, other in copies:
        if len(people[post] | people[other]) == 1:
            low, high = sorted((same[other], same[post]))
            same = {one: low if standing == high else standing for one, standing in same.items()}
        elif post != other:
            grown.disputed += 1
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
        choice = [one for one in owned or [parent for _, parent in copies] if one is not None]
        parents[post] = min(
            (one for one in choice if one in same), default=min(choice, default=None)
        )
    return parents


def _kept(world: World, same: dict[int, int]) -> dict[int, int]:
    """Posts kept, each with the position of the copy."""
    claiming = {post for alias, post in world.claims if alias != post}
    copies: dict[int, list[tuple[bool, bool, int, str, int]]] = {}
    for position, item in enumerate(world.items):
        if item.reason is None and not _denied(world, same, item):
            rank = (not item.own, item.post in claiming, -item.edited, item.export, position)
            copies.setdefault(same[item.post], []).append(rank)
    return {post: min(ranks)[-1] for post, ranks in copies.items()}


def _denied(world: World, same: dict[int, int], item: Item) -> bool:
    """Whether its author says, in some copy, that the post shall not be used."""
    for other in world.items:
        if same[other.post] != same[item.post]:
            continue
        if other.account == item.account and other.reason in DENYING:
            return True
        singly = other.reason == "consent_withdrawn" and other.detail == SINGLE
        if world.person(other.account) == world.person(item.account) and (
            singly or other.reason in DENYING_ALL
        ):
            return True
    return False


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
    wrote = {item.post: item.account for item in world.items}
    for names, own_ground in ((world.aliases, True), (world.claims, False)):
        rows["aliases"] += [
            {
                "alias_key": key(alias),
                "post_key": key(post),
                "account_key": key(wrote[post]),
                "own_ground": own_ground,
            }
            for alias, post in names
        ]
    rows["persons"] = [
        {"account_key": key(account), "person_key": key(person)}
        for account, person in world.persons.items()
    ]
    for position in order:
        item = world.items[position]
        parent = None if item.parent is None else key(item.parent)
        ids = {"post_key": key(item.post), "account_key": key(item.account)}
        place = {"export_id": item.export, "position": position}
        link = {"post_key": key(item.post), "reply_to_key": parent, "own": item.own}
        rows["verdicts"].append({**ids, **place, "reason": item.reason, "detail": item.detail})
        rows["links"].append(link)
        if item.reason is None:
            rows["posts"].append(
                {
                    **ids,
                    **place,
                    "reply_to_key": parent,
                    "subject_key": key(world.person(item.account)),
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
