"""Turns: every post in exactly one, chains of one voice, independent of the order of input."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from fedi_dataset.conversations.turns import Turn, Utterance, make_turns
from tests.conversations.trees import forests, post


def shape(turns: list[Turn]) -> list[tuple[list[str], tuple[int, int] | None]]:
    """Spell turns as (keys, (turn, post) answered)."""
    return [
        (
            [one.key.decode() for one in turn.posts],
            (turn.answers.turn, turn.answers.post) if turn.answers else None,
        )
        for turn in turns
    ]


def test_a_self_thread_is_one_turn() -> None:
    """Posts that continue each other by one author make one turn."""
    turns = make_turns([post("p1", "A"), post("p2", "A", "p1"), post("p3", "A", "p2")])
    assert shape(turns) == [(["p1", "p2", "p3"], None)]


def test_the_first_child_joins_and_its_siblings_stand_alone() -> None:
    """Of two own replies to the same post only the earlier continues the turn."""
    turns = make_turns([post("p1", "A"), post("p3", "A", "p1"), post("p2", "A", "p1")])
    assert shape(turns) == [(["p1", "p2"], None), (["p3"], (0, 0))]


def test_a_reply_to_the_middle_of_a_turn_hangs_there() -> None:
    """The place of a reply names the very post that it answers."""
    turns = make_turns(
        [post("p1", "A"), post("p2", "A", "p1"), post("p3", "B", "p1"), post("p4", "C", "p2")]
    )
    assert shape(turns) == [(["p1", "p2"], None), (["p3"], (0, 0)), (["p4"], (0, 1))]


def test_permissions_do_not_mix_in_a_turn() -> None:
    """A post that may not be trained does not join one that may."""
    turns = make_turns([post("p1", "A"), post("p2", "A", "p1", untrained="context_only")])
    assert shape(turns) == [(["p1"], None), (["p2"], (0, 0))]


def test_equal_times_are_told_apart_by_id() -> None:
    """Among simultaneous children the smaller id comes first."""
    turns = make_turns(
        [post("p1", "A"), post("pc", "A", "p1", minute=5), post("pb", "A", "p1", minute=5)]
    )
    assert shape(turns) == [(["p1", "pb"], None), (["pc"], (0, 0))]


def test_a_chain_of_ten_thousand_posts_costs_no_stack() -> None:
    """Depth is no problem: nothing recurses."""
    chain = [
        post(f"p{n}", f"a{n % 2}", f"p{n - 1}" if n else None, minute=n) for n in range(10_000)
    ]
    assert len(make_turns(chain)) == 10_000


@given(forests(), st.randoms(use_true_random=False))
def test_turns_partition_the_posts_whatever_the_order(
    posts: list[Utterance], shuffler: random.Random
) -> None:
    """Every post is in exactly one turn; each turn is a chain of one voice; input order is nothing."""
    turns = make_turns(posts)
    shuffled = list(posts)
    shuffler.shuffle(shuffled)
    assert make_turns(shuffled) == turns
    assert sorted(one.key for turn in turns for one in turn.posts) == sorted(
        one.key for one in posts
    )
    for number, turn in enumerate(turns):
        assert turn.number == number
        assert len({one.author for one in turn.posts}) == 1
        assert len({one.untrained is None for one in turn.posts}) == 1
        for above, below in zip(turn.posts, turn.posts[1:], strict=False):
            assert below.parent == above.key
        head = turn.posts[0]
        if turn.answers is None:
            assert head.parent is None
        else:
            assert turns[turn.answers.turn].posts[turn.answers.post].key == head.parent
