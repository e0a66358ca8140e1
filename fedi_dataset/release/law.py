"""The conservation law: at every step, rows in = rows kept + rows dropped by reason, to the row.

The workspace states it exactly. What is released must not point at a few people, so that there the
smallest reasons are merged into ``other``; the sums stay exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

__all__ = ["KEPT", "SMALLEST_CROWD", "Step", "Tally", "broken", "exact", "released", "tally_of"]

KEPT = ""
"""Stands among the reasons for the rows that were kept."""

SMALLEST_CROWD = 10
"""People that a released count of dropped rows has behind it, at least, unless it is all of them."""

Tally = Mapping[str, Mapping[str, int]]
"""Reason (KEPT for what was kept) → person → rows."""


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step's account of its rows."""

    rows_in: int
    kept: int
    dropped: dict[str, int]
    people: dict[str, int] = {}
    """Reason → distinct people behind it. Empty in a release."""


def tally_of(rows: Mapping[str, Iterable[str]]) -> Tally:
    """Count rows given as reason → the person behind each row."""
    return {reason: Counter(persons) for reason, persons in rows.items()}


def exact(tally: Tally) -> Step:
    """Give the account as it is, for the workspace."""
    reasons = sorted(reason for reason in tally if reason != KEPT)
    dropped = {reason: sum(tally[reason].values()) for reason in reasons}
    kept = sum(tally.get(KEPT, {}).values())
    people = {reason: len(tally[reason]) for reason in reasons}
    return Step(kept + sum(dropped.values()), kept, dropped, people)


def released(tally: Tally) -> Step:
    """Give the account that may be released: no small crowd behind any reason.

    If fewer than SMALLEST_CROWD people stand behind some reason, ``other`` takes the reasons with the fewest
    people until it holds at least two reasons and that many people (all reasons if need be).
    """
    full = exact(tally)
    waiting = sorted(full.dropped, key=lambda reason: (full.people[reason], reason))
    taken: list[str] = []
    crowd: set[str] = set()
    if waiting and full.people[waiting[0]] < SMALLEST_CROWD:
        while waiting and (
            len(taken) < 2
            or len(crowd) < SMALLEST_CROWD
            or full.people[waiting[0]] < SMALLEST_CROWD
        ):
            reason = waiting.pop(0)
            taken.append(reason)
            crowd |= tally[reason].keys()
    dropped = {reason: full.dropped[reason] for reason in sorted(waiting)}
    if taken:
        dropped["other"] = sum(full.dropped[reason] for reason in taken)
    return Step(full.rows_in, full.kept, dropped)


def broken(law: Mapping[str, Step]) -> list[str]:
    """Name the steps whose sums do not hold."""
    return [
        name for name, step in law.items() if step.rows_in != step.kept + sum(step.dropped.values())
    ]
