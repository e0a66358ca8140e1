"""The local engine does what the five verbs promise, with one process or several."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fedi_dataset.engines import CellFunction, Engine
from fedi_dataset.engines.local import BATCH_ROWS, LocalEngine
from fedi_dataset.errors import FediDatasetError

CELLS = pa.schema(
    [
        ("cell", pa.int32()),
        ("anchor", pa.binary()),
        ("rank", pa.int32()),
        ("created_at", pa.timestamp("us", tz="UTC")),
        ("post_key", pa.binary()),
    ]
)
RESULT = pa.schema([("cell", pa.int32()), ("rows", pa.int64()), ("keys", pa.binary())])
BEGIN = datetime(2026, 5, 1, tzinfo=UTC)


class Joined:
    """A factory: its function gives a cell's number, its rows and its keys in their order."""

    def __call__(self) -> CellFunction:
        """Give the function."""
        return joined


def joined(cell: pa.RecordBatch) -> pa.RecordBatch:
    """Give a cell's number, its rows and its keys in their order."""
    keys = b" ".join(cell["post_key"].to_pylist())
    numbers = set(cell["cell"].to_pylist())
    assert len(numbers) == 1
    return pa.RecordBatch.from_pylist(
        [{"cell": numbers.pop(), "rows": cell.num_rows, "keys": keys}], RESULT
    )


class CountsCalls:
    """A factory that notes each time that it is called, by process, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self) -> CellFunction:
        """Give the function and leave a note."""
        with (self.folder / str(os.getpid())).open("a") as note:
            note.write("x")
        return joined


class Fails:
    """A factory whose function fails at one cell: by an error, or by the end of its process."""

    def __init__(self, at: int, how: str) -> None:
        self.at, self.how = at, how

    def __call__(self) -> CellFunction:
        """Give the function."""

        def work(cell: pa.RecordBatch) -> pa.RecordBatch:
            if cell["cell"][0].as_py() == self.at:
                if self.how == "dies":
                    os._exit(9)
                raise ValueError("cell 3 is wrong")
            return joined(cell)

        return work


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder for an engine's scratch files."""
    folder = tmp_path / "it's scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def engine(scratch: Path) -> Iterator[LocalEngine]:
    """An engine of one process."""
    with LocalEngine(scratch) as made:
        yield made


def saved(folder: Path, name: str, table: pa.Table) -> Path:
    """Write a table beside a test."""
    pq.write_table(table, folder / name)
    return folder / name


def rows_of(engine: Engine, name: str, folder: Path) -> list[dict[str, object]]:
    """Read a table by committing it."""
    engine.commit(name, folder / "out.parquet")
    rows: list[dict[str, object]] = pq.read_table(folder / "out.parquet").to_pylist()
    return rows


def cell_rows(sizes: dict[int, int]) -> pa.Table:
    """Rows of cells, from the last to the first; in a cell the order is by anchor, rank, time, key."""
    rows = [
        {
            "cell": cell,
            "anchor": b"%d" % (number % 2),
            "rank": 1,
            "created_at": BEGIN + timedelta(seconds=number // 4),
            "post_key": b"%d-%06d" % (cell, number),
        }
        for cell, size in sizes.items()
        for number in range(size)
    ]
    return pa.Table.from_pylist(rows[::-1], CELLS)


def in_order(cell: int, size: int) -> bytes:
    """The keys of a cell's rows as they must arrive."""
    numbers = sorted(range(size), key=lambda number: (number % 2, number // 4, number))
    return b" ".join(b"%d-%06d" % (cell, number) for number in numbers)


def test_files_of_one_schema_are_one_table(engine: LocalEngine, tmp_path: Path) -> None:
    """Reading several Parquet files names all their rows."""
    one = saved(tmp_path, "it's one.parquet", pa.table({"a": [1, 2]}))
    two = saved(tmp_path, "two.parquet", pa.table({"a": [3]}))
    engine.read("numbers", [one, two])
    assert engine.sql("total", "select sum(a) as a from numbers") == 1
    assert rows_of(engine, "total", tmp_path) == [{"a": 6}]


def test_a_table_may_be_made_from_itself(engine: LocalEngine, tmp_path: Path) -> None:
    """A query that reads the table it replaces sees the former rows, one that was read as a file too."""
    engine.read("numbers", [saved(tmp_path, "n.parquet", pa.table({"a": [1, 2, 3]}))])
    assert engine.sql("numbers", "select a + 1 as a from numbers where a > 1") == 2
    assert engine.sql("numbers", "select a * 10 as a from numbers order by a") == 2
    assert rows_of(engine, "numbers", tmp_path) == [{"a": 30}, {"a": 40}]


def test_a_query_that_fails_leaves_the_table(engine: LocalEngine, tmp_path: Path) -> None:
    """A table is replaced by a whole result or not at all."""
    engine.sql("numbers", "select 1 as a")
    with pytest.raises(duckdb.Error):
        engine.sql("numbers", "select cast('x' as int) as a from numbers")
    assert rows_of(engine, "numbers", tmp_path) == [{"a": 1}]


def test_commit_is_whole(engine: LocalEngine, tmp_path: Path) -> None:
    """A table is written whole under its name; where that fails, what was there stays and nothing is added."""
    engine.sql("numbers", "select 1 as a")
    engine.commit("numbers", tmp_path / "n.parquet")
    before = {path.name for path in tmp_path.iterdir()}
    engine.sql("bad", "select 2 as a")
    target = tmp_path / "n.parquet"
    with pytest.raises(duckdb.Error):
        engine.commit("missing", target)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        engine.commit("bad", tmp_path / "folder")
    assert {path.name for path in tmp_path.iterdir()} == before | {"folder"}
    assert pq.read_table(target).to_pylist() == [{"a": 1}]


@pytest.mark.parametrize("workers", [1, 2])
def test_each_cell_arrives_whole_and_in_order(scratch: Path, workers: int) -> None:
    """All rows of a cell come in one call, sorted; results come in the order of cells, however many work."""
    sizes = {7: 3, 2: BATCH_ROWS + 11, 0: 1, 5: 40, 9: 8}
    with LocalEngine(scratch, workers=workers) as engine:
        path = saved(scratch, "rows.parquet", cell_rows(sizes))
        engine.read("rows", [path])
        found = [
            row for batch in engine.map_cells("rows", Joined(), RESULT) for row in batch.to_pylist()
        ]
    assert found == [
        {"cell": cell, "rows": sizes[cell], "keys": in_order(cell, sizes[cell])}
        for cell in sorted(sizes)
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_factory_runs_once_a_worker(scratch: Path, tmp_path: Path, workers: int) -> None:
    """A model is loaded once in each process, whatever the number of cells."""
    notes = tmp_path / "notes"
    notes.mkdir()
    with LocalEngine(scratch, workers=workers) as engine:
        engine.read("rows", [saved(scratch, "r.parquet", cell_rows(dict.fromkeys(range(12), 2)))])
        assert len(list(engine.map_cells("rows", CountsCalls(notes), RESULT))) == 12
    assert {note.read_text() for note in notes.iterdir()} == {"x"}
    assert len(list(notes.iterdir())) <= workers
    assert (str(os.getpid()) in {note.name for note in notes.iterdir()}) == (workers == 1)


def test_a_table_without_rows_has_no_cells(engine: LocalEngine, scratch: Path) -> None:
    """Nothing is worked on where nothing is."""
    engine.read("rows", [saved(scratch, "r.parquet", cell_rows({}))])
    assert list(engine.map_cells("rows", Joined(), RESULT)) == []


def test_results_obey_the_schema(engine: LocalEngine, scratch: Path) -> None:
    """Results of other types are cast to what was declared; other columns are an error."""
    engine.read("rows", [saved(scratch, "r.parquet", cell_rows({1: 2}))])
    wide = pa.schema([("cell", pa.int64()), ("rows", pa.int32()), ("keys", pa.large_binary())])
    assert next(iter(engine.map_cells("rows", Joined(), wide))).schema == wide
    with pytest.raises(ValueError, match="not matching"):
        list(engine.map_cells("rows", Joined(), pa.schema([("other", pa.int64())])))


@pytest.mark.parametrize(
    ("workers", "how", "error", "told"),
    [
        (1, "raises", ValueError, "cell 3 is wrong"),
        (2, "raises", ValueError, "cell 3 is wrong"),
        (2, "dies", FediDatasetError, "a worker process ended"),
    ],
)
def test_a_failure_in_a_worker_is_an_error_here(
    scratch: Path, workers: int, how: str, error: type[Exception], told: str
) -> None:
    """What goes wrong in a process is raised by map_cells, what came before it was given, and no process stays."""
    done: list[int] = []

    def work(engine: Engine) -> None:
        for batch in engine.map_cells("rows", Fails(3, how), RESULT):
            done.extend(batch["cell"].to_pylist())

    with LocalEngine(scratch, workers=workers) as engine:
        engine.read("rows", [saved(scratch, "r.parquet", cell_rows(dict.fromkeys(range(30), 2)))])
        with pytest.raises(error, match=told):
            work(engine)
    assert done == list(range(len(done)))
    assert len(done) <= 3
    assert how == "dies" or len(done) == 3
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_results_may_be_left_alone(scratch: Path, workers: int) -> None:
    """Who stops taking results leaves no process and no file behind."""
    with LocalEngine(scratch, workers=workers) as engine:
        path = saved(scratch.parent, "r.parquet", cell_rows(dict.fromkeys(range(30), 2)))
        engine.read("rows", [path])
        results = engine.map_cells("rows", Joined(), RESULT)
        assert next(results)["cell"].to_pylist() == [0]
        results.close()  # type: ignore[attr-defined]  # it is a generator
    assert multiprocessing.active_children() == []
    assert list(scratch.iterdir()) == []


def test_rows_are_sorted_in_half_of_the_memory(scratch: Path) -> None:
    """The other half is for the cells themselves; afterwards all of it is there again."""

    def limit(engine: Engine) -> str:
        engine.sql("held", "select current_setting('memory_limit') as held")
        engine.commit("held", scratch / "held.parquet")
        return str(pq.read_table(scratch / "held.parquet")["held"][0])

    with LocalEngine(scratch, memory=1024) as engine:
        engine.read("rows", [saved(scratch, "r.parquet", cell_rows(dict.fromkeys(range(3), 2)))])
        before = limit(engine)
        meanwhile = [limit(engine) for _ in engine.map_cells("rows", Joined(), RESULT)]
        assert meanwhile == ["488.2 MiB"] * 3
        assert (before, limit(engine)) == ("976.5 MiB", "976.5 MiB")


def test_what_does_not_fit_in_memory_stays_in_scratch(
    scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table larger than memory spills into the engine's own private folder; closing removes it all."""
    elsewhere = tmp_path / "cwd"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    engine = LocalEngine(scratch, memory=48)
    engine.sql(
        "wide",
        "select (range * 7919) % 8 as cell, md5(range::text) || md5((range + 1)::text) as anchor, 1 as rank,"
        " null as created_at, md5(range::text) as post_key from range(600000)",
    )
    engine.sql("sorted_wide", "select * from wide order by post_key, anchor")
    files = [path for path in scratch.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) > 48_000_000
    assert [path.stat().st_mode & 0o777 for path in scratch.iterdir()] == [0o700]
    assert list(elsewhere.iterdir()) == []
    engine.close()
    assert list(scratch.iterdir()) == []
