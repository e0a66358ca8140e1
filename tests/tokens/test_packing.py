"""Packs hold every dialogue once and whole, and leave hardly a place empty."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedi_dataset.schema import PACKED_TOKENS, TOKENS
from fedi_dataset.tokens.packing import best_fit_decreasing, pack

LENGTHS = st.lists(st.integers(1, 20), max_size=60)


def plain_best_fit(lengths: list[int], capacity: int) -> list[list[int]]:
    """Best fit by looking through all rows: the oracle."""
    rows: list[list[int]] = []
    rooms: list[int] = []
    opened: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda one: (-lengths[one], one)):
        fitting = [room for room in rooms if room >= lengths[place]]
        if fitting:
            best = min(fitting)
            # of rows equally full, the one that became so last
            row = max((row for row in opened if rooms[rows.index(row)] == best), key=opened.index)
            opened.remove(row)
        else:
            row = []
            rows.append(row)
            rooms.append(capacity)
        row.append(place)
        rooms[rows.index(row)] -= lengths[place]
        opened.append(row)
    return sorted(sorted(row) for row in rows)


def test_small_packs() -> None:
    """Seven and three share a row, and so do six and four."""
    assert best_fit_decreasing([3, 4, 6, 7], 10) == [[0, 3], [1, 2]]


@given(lengths=LENGTHS)
def test_every_dialogue_is_in_one_row_that_takes_it(lengths: list[int]) -> None:
    """No row is overfull, and nothing is left out or packed twice."""
    rows = best_fit_decreasing(lengths, 20)
    assert sorted(place for row in rows for place in row) == list(range(len(lengths)))
    assert all(sum(lengths[place] for place in row) <= 20 for row in rows)
    assert rows == sorted(rows)


@given(lengths=LENGTHS)
def test_packs_are_those_of_the_plain_method(lengths: list[int]) -> None:
    """As many rows, as full, as best fit by looking through all of them gives."""
    ours = best_fit_decreasing(lengths, 20)
    plain = plain_best_fit(lengths, 20)
    assert sorted(sum(lengths[one] for one in row) for row in ours) == sorted(
        sum(lengths[one] for one in row) for row in plain
    )


@pytest.mark.parametrize("length", [0, 11])
def test_a_length_that_fits_no_row_is_an_error(length: int) -> None:
    """What is empty or too long was to be dropped before."""
    with pytest.raises(ValueError, match="capacity"):
        best_fit_decreasing([5, length], 10)


def test_rows_of_lengths_that_are_short_against_them_are_full() -> None:
    """Of dialogues with a median near 110 ids, rows of 2,048 are 99 % full from 100,000 tokens on."""
    draw = random.Random(5)
    lengths = [min(2048, max(8, round(draw.lognormvariate(4.7, 0.9)))) for _ in range(800)]
    assert 100_000 < sum(lengths) < 200_000
    rows = best_fit_decreasing(lengths, 2048)
    assert sum(lengths) / (2048 * len(rows)) >= 0.99


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_longer_dialogues_are_hardly_more_than_the_fewest(seed: int) -> None:
    """Of dialogues of 415 ids on average there are two rows at most more than all ids take."""
    draw = random.Random(seed)
    lengths = [min(2048, max(8, round(draw.lognormvariate(5.85, 0.6)))) for _ in range(670)]
    assert 400 < sum(lengths) / len(lengths) < 440
    rows = best_fit_decreasing(lengths, 2048)
    assert len(rows) <= -(-sum(lengths) // 2048) + 2


def tokens(*lengths: int) -> pa.Table:
    """Rows of tokens of these lengths, the first of each untrained."""
    return pa.table(
        [
            [f"{place:032x}" for place in range(len(lengths))],
            [list(range(100 * place, 100 * place + one)) for place, one in enumerate(lengths)],
            [
                [-100, *range(100 * place + 1, 100 * place + one)]
                for place, one in enumerate(lengths)
            ],
        ],
        schema=TOKENS,
    )


def test_packed_rows_say_where_each_dialogue_begins() -> None:
    """Ids and labels follow one another; lengths and positions tell the dialogues apart."""
    packed = pack(pa.concat_tables([tokens(9, 3), tokens(2)]).slice(1), 5)
    assert packed.schema == PACKED_TOKENS
    assert packed.to_pylist() == [
        {
            "dialogue_keys": [f"{1:032x}", f"{0:032x}"],
            "input_ids": [100, 101, 102, 0, 1],
            "labels": [-100, 101, 102, -100, 1],
            "seq_lengths": [3, 2],
            "position_ids": [0, 1, 2, 0, 1],
        }
    ]
