"""Keeps what goes into each person's export on disk until all of it is there.

Talks come one after the other and speak of many people, while an export holds one person and is
sorted. So memory holds some lines of everybody, or everything of one person, never everything of all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Spool"]

HELD = 20_000
"""Lines in memory before they are written away."""


class Spool:
    """Lines by owner and kind, read back in the order of their sort keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: defaultdict[int, list[str]] = defaultdict(list)
        self._held = 0

    def add(self, owner: int, kind: str, order: str, payload: str) -> None:
        """Keep one line. ``order`` has no tab, ``payload`` no newline."""
        self._lines[owner].append(f"{kind}\t{order}\t{payload}\n")
        self._held += 1
        if self._held >= HELD:
            self._flush()

    def read(self, owner: int, kind: str) -> Iterator[tuple[str, str]]:
        """Everything of one person and kind: (order, payload), sorted by order."""
        self._flush()
        path = self._path(owner)
        lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
        fields = (line.split("\t", 2) for line in lines)
        found = sorted((order, payload) for of, order, payload in fields if of == kind)
        yield from found

    def _flush(self) -> None:
        for owner, lines in self._lines.items():
            with self._path(owner).open("a", encoding="utf-8", newline="\n") as file:
                file.writelines(lines)
        self._lines.clear()
        self._held = 0

    def _path(self, owner: int) -> Path:
        return self._folder / f"{owner}.lines"
