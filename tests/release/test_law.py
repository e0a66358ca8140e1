"""The conservation law: exact in the workspace, without small crowds in a release, and it always adds up."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.release.law import (
    KEPT,
    SMALLEST_CROWD,
    Step,
    Tally,
    broken,
    exact,
    released,
    tally_of,
)


def crowd(size: int, first: int = 0) -> dict[str, int]:
    """So many people, one row each."""
    return {f"p{number}": 1 for number in range(first, first + size)}


def test_rows_are_counted_by_reason_and_person() -> None:
    """A tally says how many rows of whom each reason has."""
    assert tally_of({KEPT: ["a", "b", "a"], "bot": ["c"]}) == {
        KEPT: {"a": 2, "b": 1},
        "bot": {"c": 1},
    }


def test_the_exact_account_has_every_reason_and_its_people() -> None:
    """The workspace's account is the tally, summed, reasons sorted."""
    step = exact({KEPT: {"a": 2, "b": 1}, "too_short": {"a": 3}, "bot": {"c": 1, "d": 4}})
    assert step == Step(11, 3, {"bot": 5, "too_short": 3}, {"bot": 2, "too_short": 1})
    assert list(step.dropped) == ["bot", "too_short"]
    assert exact({}) == Step(0, 0, {}, {})


@pytest.mark.parametrize(
    ("tally", "dropped"),
    [
        ({}, {}),
        ({"a": crowd(10), "b": crowd(12)}, {"a": 10, "b": 12}),  # no small crowd: as it is
        ({"a": crowd(3)}, {"other": 3}),  # one reason is all there is
        ({"a": crowd(3), "b": crowd(5)}, {"other": 8}),  # all of them, and still too few
        ({"a": crowd(9), "b": crowd(40)}, {"other": 49}),  # never one reason alone
        ({"a": crowd(4), "b": crowd(9, 4), "c": crowd(40)}, {"c": 40, "other": 13}),
        ({"a": crowd(4), "b": crowd(4), "c": crowd(40)}, {"other": 48}),  # the same four people
        ({"a": crowd(9), "b": crowd(9, 9), "c": crowd(9, 18), "d": crowd(10)}, {"d": 10, "other": 27}),
        ({"a": crowd(1), "b": crowd(30), "c": crowd(20), "d": crowd(10)}, {"b": 30, "c": 20, "other": 11}),
    ],
)  # fmt: skip
def test_small_crowds_are_merged(tally: dict[str, dict[str, int]], dropped: dict[str, int]) -> None:
    """``other`` takes the reasons with the fewest people: two at least, and ten people, or all."""
    step = released({KEPT: {"z": 7}, **tally})
    assert step.dropped == dropped
    assert (step.rows_in, step.kept, step.people) == (7 + sum(dropped.values()), 7, {})


@given(
    st.dictionaries(
        st.sampled_from([KEPT, *"abcdefg"]),
        st.dictionaries(st.integers(0, 40).map(str), st.integers(1, 9), max_size=30),
    )
)
@settings(max_examples=300, deadline=None)
def test_a_released_account_adds_up_and_points_at_nobody(tally: Tally) -> None:
    """Sums stay exact; what is named has ten people behind it, or ``other`` is everything that was dropped."""
    full, open_ = exact(tally), released(tally)
    assert broken({"exact": full, "released": open_}) == []
    assert (open_.rows_in, open_.kept) == (full.rows_in, full.kept)
    named = {reason for reason in open_.dropped if reason != "other"}
    merged = full.dropped.keys() - named
    assert all(open_.dropped[reason] == full.dropped[reason] for reason in named)
    assert open_.dropped.get("other", 0) == sum(full.dropped[reason] for reason in merged)
    assert all(len(tally[reason]) >= SMALLEST_CROWD for reason in named)
    behind = {person for reason in merged for person in tally[reason]}
    assert not merged or not named or (len(merged) >= 2 and len(behind) >= SMALLEST_CROWD)
    assert not merged or max(len(tally[r]) for r in merged) <= min(
        (len(tally[r]) for r in named), default=99
    )


def test_a_step_that_does_not_add_up_is_named() -> None:
    """A row more or less anywhere is told by the step's name."""
    right, wrong = Step(3, 1, {"bot": 2}), Step(3, 1, {"bot": 1})
    assert broken({"items": right, "posts": wrong}) == ["posts"]
