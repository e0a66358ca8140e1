"""Shards are aligned runs of cells, as large as may be, and split without renaming any other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.cell import encode_table
from fedi_dataset.release.shards import plan, shard_path, write_shard


@st.composite
def divided(draw: st.DrawFn) -> tuple[dict[int, int], int, int]:
    """Sizes of some cells, their bits, and a limit."""
    bits = draw(st.integers(0, 6))
    sizes = draw(st.dictionaries(st.integers(0, 2**bits - 1), st.integers(1, 100)))
    return sizes, bits, draw(st.integers(1, 600))


def below(prefix: str, bits: int) -> range:
    """The cells whose number begins with the prefix."""
    width = bits - len(prefix)
    first = int(prefix or "0", 2) << width
    return range(first, first + (1 << width))


@given(divided())
@settings(max_examples=300, deadline=None)
def test_a_plan_divides_the_cells(drawn: tuple[dict[int, int], int, int]) -> None:
    """Each cell is in one shard, in order; a shard holds exactly the cells that its prefix names."""
    sizes, bits, limit = drawn
    shards = list(plan(sizes, bits, limit))
    assert [cell for _, cells in shards for cell in cells] == sorted(sizes)
    assert all(
        cells and cells == [c for c in sorted(sizes) if c in below(prefix, bits)]
        for prefix, cells in shards
    )


@given(divided())
@settings(max_examples=300, deadline=None)
def test_a_plan_is_as_shallow_as_the_limit_allows(
    drawn: tuple[dict[int, int], int, int],
) -> None:
    """No shard of several cells is above the limit, and none could be joined with what lies beside it."""
    sizes, bits, limit = drawn
    for prefix, cells in plan(sizes, bits, limit):
        assert sum(sizes[cell] for cell in cells) <= limit or len(prefix) == bits
        if prefix:
            above = [cell for cell in below(prefix[:-1], bits) if cell in sizes]
            assert sum(sizes[cell] for cell in above) > limit


@given(divided(), st.data())
@settings(max_examples=300, deadline=None)
def test_a_shard_that_splits_or_joins_renames_no_other(
    drawn: tuple[dict[int, int], int, int], data: st.DataObject
) -> None:
    """When a cell changes its size, every shard but the one that held it or holds it now is the same."""
    sizes, bits, limit = drawn
    if not sizes:
        return
    cell = data.draw(st.sampled_from(sorted(sizes)))
    changed: Mapping[int, int] = {**sizes, cell: data.draw(st.integers(1, 1200))}
    before, after = dict(plan(sizes, bits, limit)), dict(plan(changed, bits, limit))
    top = min((p for one in (before, after) for p in one if cell in one[p]), key=len)
    assert {prefix: cells for prefix, cells in before.items() if not prefix.startswith(top)} == {
        prefix: cells for prefix, cells in after.items() if not prefix.startswith(top)
    }


def test_only_the_shard_that_grew_is_named_anew() -> None:
    """When one of two shards outgrows the limit, two shards take its place and the other one stays."""
    sizes = {0: 40, 1: 40, 2: 40, 3: 40}
    assert dict(plan(sizes, 2, 100)) == {"0": [0, 1], "1": [2, 3]}
    assert dict(plan({**sizes, 3: 90}, 2, 100)) == {"0": [0, 1], "10": [2], "11": [3]}
    assert dict(plan(sizes, 2, 160)) == {"": [0, 1, 2, 3]}
    assert dict(plan({3: 500}, 2, 100)) == {"11": [3]}
    assert dict(plan({}, 2, 100)) == {}


@pytest.mark.parametrize(
    ("prefix", "path"),
    [("", "dialogues/train-b.parquet"), ("0110", "dialogues/train-b0110.parquet")],
)
def test_a_shard_is_named_by_its_prefix(prefix: str, path: str) -> None:
    """The prefix stands in the file's name; the whole has none."""
    assert shard_path("dialogues", "train", prefix) == path


def payload(cell: int) -> bytes:
    """A cell of as many rows as its number."""
    return encode_table(
        pa.table({"cell": [cell] * cell, "text": [f"row {n}" for n in range(cell)]})
    )


def test_a_cell_is_a_row_group(tmp_path: Path) -> None:
    """Each cell's rows are a row group of their own, in the order of cells."""
    path = tmp_path / "new" / "shard.parquet"
    assert write_shard(path, map(payload, [2, 5, 3])) == 10
    with pq.ParquetFile(path) as shard:
        groups = [shard.read_row_group(index)["cell"].to_pylist() for index in range(3)]
        assert shard.num_row_groups == 3
    assert groups == [[2] * 2, [5] * 5, [3] * 3]


def test_the_same_cells_are_the_same_bytes(tmp_path: Path) -> None:
    """A shard's bytes follow from its cells, and its size stays below the sum of theirs."""
    cells = list(range(1, 40))
    for name in ("a", "b"):
        write_shard(tmp_path / name, map(payload, cells))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").stat().st_size <= sum(len(payload(cell)) for cell in cells)
