"""The table of what was planted and what came out, as it stands in the documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tests.world.canaries.model import Build, Canary
from tests.world.canaries.outcome import Outcome

__all__ = ["Count", "by_group", "by_kind", "rendered"]


@dataclass
class Count:
    """Sentences of one kind over all builds: planted and come out, of those that must not and those that must."""

    forbidden: int = 0
    leaked: int = 0
    expected: int = 0
    arrived: int = 0

    def add(self, other: Count) -> None:
        """Add another one's numbers."""
        self.forbidden += other.forbidden
        self.leaked += other.leaked
        self.expected += other.expected
        self.arrived += other.arrived


def by_group(canaries: Iterable[Canary], outcomes: Mapping[Build, Outcome]) -> dict[str, Count]:
    """Count by group, in the order in which groups were planted; the sum comes last."""
    return _counted(canaries, outcomes, lambda canary: canary.group)


def by_kind(canaries: Iterable[Canary], outcomes: Mapping[Build, Outcome]) -> dict[str, Count]:
    """Count by group and kind."""
    return _counted(canaries, outcomes, lambda canary: f"{canary.group}: {canary.kind}")


def rendered(counts: Mapping[str, Count], what: str) -> str:
    """Write counts as a table in Markdown; ``what`` heads the first column."""
    lines = [
        f"| {what} | must stay out | came out | must come out | came out |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {_cell(name)} | {_pair(one.forbidden, one.leaked)} | {_pair(one.expected, one.arrived)} |"
        for name, one in counts.items()
    ]
    return "\n".join(lines)


def _counted(
    canaries: Iterable[Canary], outcomes: Mapping[Build, Outcome], name: Callable[[Canary], str]
) -> dict[str, Count]:
    counts: dict[str, Count] = {}
    total = Count()
    for canary in canaries:
        count = _count(canary, outcomes)
        counts.setdefault(name(canary), Count()).add(count)
        total.add(count)
    return {**counts, "**all of them**": total}


def _count(canary: Canary, outcomes: Mapping[Build, Outcome]) -> Count:
    count = Count()
    for build, outcome in outcomes.items():
        expected, found = canary.fates[build], outcome.fate(canary)
        if expected == "never":
            count.add(Count(forbidden=1, leaked=int(found != "never")))
        else:
            count.add(Count(expected=1, arrived=int(found == expected)))
    return count


def _pair(planted: int, came_out: int) -> str:
    return f"{planted} | {came_out}" if planted else " | "


def _cell(name: str) -> str:
    return name.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")
