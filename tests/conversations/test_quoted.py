"""The order in which posts can have been said, and who is meant by words that several people said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given

from fedi_dataset.conversations.quoted import Sources, order_of
from fedi_dataset.conversations.turns import Utterance
from tests.conversations.trees import forests

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)


@given(forests())
def test_nothing_stands_before_what_it_answers_and_the_rest_is_as_dated(
    posts: list[Utterance],
) -> None:
    """Every post is after its parent; where no date contradicts that, the order is time, then id."""
    order = order_of((one.key, one.at, one.parent) for one in posts)
    assert len(set(order.values())) == len(posts)
    assert all(order[one.parent] < order[one.key] for one in posts if one.parent is not None)
    above = {one.key: one for one in posts}
    if all(one.parent is None or above[one.parent].order < one.order for one in posts):
        dated = [one.key for one in sorted(posts, key=lambda one: one.order)]
        assert sorted(order, key=lambda key: order[key]) == dated


def test_a_deep_thread_costs_no_stack() -> None:
    """A chain of 5,000 answers, each dated before the last: all stand in the order of the chain."""
    keys = [number.to_bytes(4, "big") for number in range(5_000)]
    chain = [
        (key, EPOCH - timedelta(minutes=number), keys[number - 1] if number else None)
        for number, key in enumerate(keys)
    ]
    order = order_of(reversed(chain))
    assert sorted(keys, key=lambda key: order[key]) == keys


def said(key: str, text: str, minute: int, parent: str | None = None) -> dict[str, Any]:
    """The part of a row that says who is quoted."""
    return {
        "post_key": key.encode(),
        "parent_key": parent.encode() if parent else None,
        "created_at": EPOCH + timedelta(minutes=minute),
        "text": text,
    }


def test_the_source_is_what_is_answered_else_the_last_one_before() -> None:
    """Whatever the order of the rows; case and spaces do not count, and an answer of its own below it is none."""
    rows = [
        said("a", "Late  as well", 5),
        said("b", "late as WELL", 2),
        said("c", "Late as well", 9),
        said("d", "quoting", 7, "b"),
        said("e", "quoting", 7),
        said("f", "quoting", 1),
        said("g", "late as well", 0, "f"),
    ]
    for posts in (rows, rows[::-1]):
        sources = Sources(posts)
        found = {
            key: sources.of(row, "late as well")
            for row in rows
            if (key := row["post_key"].decode()) in "def"
        }
        assert found == {"d": rows[1], "e": rows[0], "f": None}
        assert sources.of(rows[3], "something else") is None


def test_only_a_post_of_the_conversation_that_was_there_may_be_referred_to() -> None:
    """Not the post itself, none that came later, none elsewhere, no answer to it that is dated before."""
    rows = [said("a", "", 1), said("b", "", 2), said("c", "", 3), said("d", "", 0, "b")]
    sources = Sources(rows)
    keys = (b"a", b"b", b"c", b"d", b"elsewhere", None)
    assert [sources.before(rows[1], key) for key in keys] == [True] + 5 * [False]
