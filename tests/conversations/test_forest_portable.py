"""The forest's SQL is the same text on DuckDB and Spark: by its words, and, where Spark is at hand, by its results.

Spark is no dependency of ours. The test on it runs where ``pyspark`` (4.0 or later) can be imported and ``java`` is on
the path, and is skipped elsewhere; the test of the words always runs.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fedi_dataset.conversations.forest import Forest, make_forest
from fedi_dataset.engines import Engine
from fedi_dataset.engines.local import LocalEngine
from tests.conversations.forest_oracle import Item, World, read_world
from tests.conversations.forest_tables import Population, read_tables, write_population

FUNCTIONS = {
    "min",
    "max",
    "count",
    "coalesce",
    "cast",
    "floor",
    "instr",
    "substr",
    "hex",
    "concat",
} | {
    "array_agg",
    "array_sort",
    "row_number",
}
"""Functions that DuckDB and Spark (3.3 and later) both have, with the same meaning as they are used here."""
BEFORE_PARENTHESES = {
    "where",
    "and",
    "or",
    "not",
    "in",
    "exists",
    "on",
    "over",
    "as",
    "from",
    "join",
}
FORBIDDEN = {
    r"::": "casts are written cast(x as type)",
    r"\"": "Spark takes double quotes for strings",
    r"\[|\]|\{|\}": "lists and structs are written differently",
    r"\b(anti|semi)\s+join\b": "one has ANTI JOIN, the other LEFT ANTI JOIN; both have not exists",
    r"\b(qualify|exclude|replace|ilike|using|lateral|unnest|recursive|pivot|sample|limit)\b": "not in both",
    r"\bgroup by all\b|\border by all\b": "not the same in both",
    r"\bnot in\b": "with a null it finds nothing, and Spark compares every pair for it",
    r"//|\*\*|~|->": "operators that only one has",
    r"\b(blob|hugeint|uuid|varchar|text\[\])\b": "names of types that only one has",
}
"""What may not stand in it, and why."""
CYCLIC = World(
    [
        *(Item(post, parent) for post, parent in [(1, 1), (2, 4), (3, 2), (4, 3), (5, 4)]),
        *(Item(post, parent) for post, parent in [(7, 5), (9, 7), (8, 9)]),
        *(Item(post, account=1) for post in range(100, 130)),
        *(Item(post, account=2) for post in (131, 132)),
    ],
    [(8, 9), (203, 103)],
    [(102, 131), (203, 132), (7, 131)],
    {1: 50, 2: 50},
)
"""A self-reply, a cycle with a row of posts below it, two names of one post, copies under another account by id and by
page, a claim and a parent that are disputed, and conversations for two cells."""


class Recording:
    """An engine that keeps the queries it runs."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.queries: dict[str, str] = {}

    def sql(self, name: str, query: str) -> int:
        """Run it."""
        self.queries[f"{len(self.queries)} {name}"] = query
        return self.engine.sql(name, query)


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All queries of a forest with merged ids, chains and a cycle: every statement there is."""
    folder = tmp_path_factory.mktemp("queries")
    with LocalEngine(folder) as engine:
        recording = Recording(engine)
        read_world(engine, CYCLIC, folder, range(len(CYCLIC.items)))
        forest = make_forest(cast(Engine, recording))
    assert (forest.cycles, forest.merged, forest.self_replies, forest.disputed) == (1, 3, 1, 2)
    return recording.queries


def test_only_functions_that_both_engines_have_are_called(queries: dict[str, str]) -> None:
    """Every word before a parenthesis is of a short list."""
    called = {
        word
        for query in queries.values()
        for word in re.findall(r"\b([a-z_]+)\s*\(", _without_strings(query))
    }
    assert called - BEFORE_PARENTHESES == FUNCTIONS


def test_nothing_stands_in_it_that_one_engine_reads_differently(queries: dict[str, str]) -> None:
    """No casts by colons, no double quotes, no list literals, no joins that have two names."""
    found = [
        (name, why)
        for name, query in queries.items()
        for pattern, why in FORBIDDEN.items()
        if re.search(pattern, _without_strings(query))
    ]
    assert found == []


def test_windows_are_partitioned_and_never_meet_a_null(queries: dict[str, str]) -> None:
    """A window without partitions runs on one machine in Spark; where nulls go, the engines differ."""
    windows = [
        window
        for query in queries.values()
        for window in re.findall(r"\bover\s*\(([^)]*)\)", query, re.DOTALL)
    ]
    assert windows
    assert all("partition by" in window for window in windows)
    ordered = {" ".join(one.split("order by")[1].split()) for one in windows if "order by" in one}
    assert ordered == {
        "copies.denied, copies.taken, copies.is_claim, copies.said_at desc, copies.export_id, copies.position"
    }, "state for each of these why it has no null: none is null in an admitted post"


def _without_strings(query: str) -> str:
    return re.sub(r"'[^']*'", "''", query.lower())


class SparkSQL:
    """Three of the five verbs on a local Spark: every table is written before it is named."""

    def __init__(self, session: Any, folder: Path) -> None:
        self.session = session
        self.folder = folder
        self.made = 0

    def read(self, name: str, paths: Sequence[Path]) -> None:
        """Name Parquet files."""
        self.session.read.parquet(*map(str, paths)).createOrReplaceTempView(name)

    def sql(self, name: str, query: str) -> int:
        """Run ``query``, write its result, name that."""
        self.made += 1
        path = str(self.folder / f"{self.made}-{name}")
        self.session.sql(query).write.parquet(path)
        written = self.session.read.parquet(path)
        written.createOrReplaceTempView(name)
        return int(written.count())

    def commit(self, name: str, path: Path) -> None:
        """Write one table as one file."""
        pq.write_table(self.session.table(name).toArrow(), path)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A Spark of this process, on the loopback interface."""
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("there is no java")
    session = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    yield cast(Engine, SparkSQL(session, tmp_path_factory.mktemp("spark")))
    session.stop()


def test_spark_makes_the_same_forest_of_a_cycle(spark: Engine, tmp_path: Path) -> None:
    """Merged ids, self-replies and a cycle come out the same."""
    with LocalEngine(tmp_path) as engine:
        read_world(engine, CYCLIC, tmp_path, range(len(CYCLIC.items)))
        here = rows_of(engine, tmp_path)
    read_world(spark, CYCLIC, tmp_path, range(len(CYCLIC.items)))
    assert rows_of(spark, tmp_path) == here


def test_spark_makes_the_same_forest_of_generated_trees(spark: Engine, tmp_path: Path) -> None:
    """The same rows, to the byte of every key and every form, and the same counts."""
    write_population(Population.grow(5_000, 3), tmp_path / "tables", seed=4, parts=3)
    with LocalEngine(tmp_path) as engine:
        read_tables(engine, tmp_path / "tables")
        here = rows_of(engine, tmp_path)
    read_tables(spark, tmp_path / "tables")
    assert rows_of(spark, tmp_path) == here
    assert here[0].cycles > 0


def rows_of(engine: Engine, folder: Path) -> tuple[Forest, list[str]]:
    """Make a forest; give it and its rows, sorted."""
    forest = make_forest(engine)
    engine.commit("cell_rows", folder / "rows.parquet")
    rows: pa.Table = pq.read_table(folder / "rows.parquet")
    return forest, sorted(map(repr, rows.to_pylist()))
