"""All cells of a build: which of them are to do, doing those, and keeping each as it comes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from fedi_dataset.cell import CellFactory, CellReport
from fedi_dataset.console import Ticker
from fedi_dataset.engines import Engine
from fedi_dataset.release.publish import DoneCell, payload, read_reports
from fedi_dataset.schema import CELL_OUTPUT, DETECTIONS
from fedi_dataset.workspace import Workspace

__all__ = ["Cells", "Foreseen", "cells_to_do", "detections", "work_on_cells"]


@dataclass(frozen=True)
class Foreseen:
    """Which cells a build is about to work on, by their digests; the others are taken as they are."""

    cells: dict[int, str]
    """Every cell of the next state: its number and digest."""
    to_do: frozenset[int]


@dataclass(frozen=True)
class Cells:
    """What the work on all cells came to."""

    done: list[DoneCell]
    run: int
    reports: list[CellReport]


def detections(workspace: Workspace, cells: Iterable[str]) -> list[Path]:
    """Lay out what was detected in the cells of the last build, as tables; one without rows if none."""
    folder = workspace.scratch / "detections"
    folder.mkdir(exist_ok=True)
    files = [folder / "none.parquet"]
    pq.write_table(DETECTIONS.empty_table(), files[0])
    for digest in sorted(workspace.finished_cells().intersection(cells)):
        files.append(folder / f"{digest}.parquet")
        files[-1].write_bytes(payload(workspace, digest, "detections", ""))
    return files


def cells_to_do(engine: Engine, factory: CellFactory) -> Foreseen:
    """Digest every cell without working on any."""
    results = engine.map_cells("cell_rows", factory.digests, CELL_OUTPUT)
    cells = {one["cell"][0].as_py(): one["digest"][0].as_py() for one in results}
    to_do = (cell for cell, digest in cells.items() if digest not in factory.done)
    return Foreseen(cells, frozenset(to_do))


def work_on_cells(
    engine: Engine,
    expected: int,
    workspace: Workspace,
    factory: CellFactory,
    tick: Ticker,
    foreseen: Foreseen | None = None,
) -> Cells:
    """Have every cell worked on that is not finished, and keep each as it comes.

    ``expected``: how many cells there are. If it is ``foreseen`` which are finished, those are not looked at again.
    """
    done: dict[int, str] = {}
    table = "cell_rows"
    if foreseen is not None:
        done = {
            cell: digest for cell, digest in foreseen.cells.items() if cell not in foreseen.to_do
        }
        table = "cells_to_do"
        listed = ", ".join(map(str, sorted(foreseen.to_do))) or "null"
        engine.sql(table, f"select * from cell_rows where cell in ({listed})")  # noqa: S608 - numbers
    run = 0
    for result in engine.map_cells(table, factory, CELL_OUTPUT):
        digest = result["digest"][0].as_py()
        if result["table"][0].as_py() != "kept":
            workspace.keep_cell(digest, result)
            run += 1
        done[result["cell"][0].as_py()] = digest
        tick("cells", len(done), expected)
    cells = [DoneCell(cell, done[cell]) for cell in sorted(done)]
    return Cells(cells, run, read_reports(cells, workspace))
