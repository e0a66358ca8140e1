"""What became of every row of a build: the tallies of each step, checked against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from fedi_dataset.cell import CellReport
from fedi_dataset.conversations.forest import Forest
from fedi_dataset.engines import Engine
from fedi_dataset.errors import FediDatasetError
from fedi_dataset.part import Part
from fedi_dataset.reasons import sentence
from fedi_dataset.release.law import KEPT, Step, Tally, broken, exact, tally_of

__all__ = ["duplicates_in", "law_of", "nothing_left", "summed", "tallies_of"]


def duplicates_in(engine: Engine, scratch: Path) -> Tally:
    """Give the persons behind posts met again, and behind those that another copy denies, by reason."""
    engine.sql(
        "copies",
        "select subject_key, case when denied then 'denied_by_copy' else 'duplicate' end as reason "
        "from ranked_posts where copy > 1 or denied",
    )
    engine.commit("copies", scratch / "copies.parquet")
    tally: dict[str, Counter[str]] = {}
    for row in pq.read_table(scratch / "copies.parquet").to_pylist():
        tally.setdefault(row["reason"], Counter()).update([row["subject_key"].hex()])
    return tally


def tallies_of(
    parts: Sequence[Part], forest: Forest, duplicates: Tally, reports: Sequence[CellReport]
) -> dict[str, Tally]:
    """Account for every row at every step: reason → person → rows."""
    return {
        "items": _joined([part.tally for part in parts]),
        "posts": {KEPT: {"": forest.unique}, **duplicates},
        "texts": _joined([tally_of(report.posts) for report in reports]),
        "turns": _joined([tally_of(report.turns) for report in reports]),
    }


def _joined(tallies: Sequence[Tally]) -> Tally:
    joined: dict[str, Counter[str]] = {}
    for tally in tallies:
        for reason, persons in tally.items():
            joined.setdefault(reason, Counter()).update(persons)
    return joined


def law_of(tallies: Mapping[str, Tally]) -> dict[str, Step]:
    """Give the exact account of every step. Raises FediDatasetError if rows were lost or doubled."""
    law = {name: exact(tally) for name, tally in tallies.items()}
    passed_on = (
        law["items"].kept == law["posts"].rows_in and law["posts"].kept == law["texts"].rows_in
    )
    if broken(law) or not passed_on:
        raise FediDatasetError(f"rows were lost or doubled between steps, a bug of ours: {law}")
    return law


def nothing_left(law: Mapping[str, Step], problems: Sequence[str]) -> str:
    """Say why there is no row, most frequent reason first."""
    dropped = Counter[str]()
    for step in law.values():
        dropped.update(step.dropped)
    why = "".join(f"\n  {rows} × {sentence(reason)}" for reason, rows in dropped.most_common(8))
    unread = "".join(f"\n  {problem}" for problem in problems)
    return f"no rows: nothing was written.{why}{unread}\n`fedi-dataset inspect` shows it for each export"


def summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up counts by name, sorted by name."""
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))
