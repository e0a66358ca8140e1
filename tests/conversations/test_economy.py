"""Economy: responses share a row where each reads exactly what it reads alone, and no response is trained twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fedi_dataset.conversations.dialogues import Dialogue, make_dialogues
from fedi_dataset.conversations.economy import Shared, share_rows
from fedi_dataset.conversations.turns import Utterance, make_turns
from tests.conversations.test_dialogues import told
from tests.conversations.trees import forests, post


def dialogues_of(*posts: Utterance, max_turns: int = 16) -> list[Dialogue]:
    """All dialogues of a conversation."""
    return make_dialogues(make_turns(posts), max_turns=max_turns)[0]


def responses(rows: list[Shared]) -> list[list[int]]:
    """The turns that each row trains."""
    return [[one.response for one in row.trained] for row in rows]


CHAIN = [post(f"p{n}", "AB"[n % 2], f"p{n - 1}" if n else None) for n in range(6)]


def test_two_people_in_turns_make_two_rows() -> None:
    """Of A-B-A-B-A-B one row trains all of A's responses, and one all of B's."""
    rows = share_rows(dialogues_of(*CHAIN))
    assert responses(rows) == [[2, 4], [1, 3, 5]]
    assert told(rows[1].whole) == ["u.1=p0", "a.2=p1", "u.1=p2", "a.2=p3", "u.1=p4", "a.2=p5"]
    assert sorted(rows[1].places) == [1, 3, 5]
    assert told(rows[0].whole) == ["u:1=p0|2=p1", "a.1=p2", "u.2=p3", "a.1=p4"]
    assert sorted(rows[0].places) == [1, 3]


def test_at_a_fork_the_first_way_trains_what_both_have() -> None:
    """B's answer is context in the second row, and trained in the first."""
    posts = [
        *CHAIN[:2],
        post("p2", "A", "p1"),
        post("p3", "C", "p1"),
        post("p4", "B", "p2"),
        post("p5", "B", "p3"),
    ]
    rows = share_rows(dialogues_of(*posts))
    assert responses(rows) == [[2], [3], [1, 4], [5]]
    assert [sorted(row.places) for row in rows] == [[1], [1], [1, 3], [3]]


def test_a_turn_that_was_answered_in_its_middle_is_not_the_same() -> None:
    """A answered B's first half, so the row of the second answer does not hold all that B's response is."""
    posts = [
        *CHAIN[:2],
        post("p2", "B", "p1"),
        post("p3", "A", "p1"),
        post("p4", "B", "p3"),
    ]
    assert responses(share_rows(dialogues_of(*posts))) == [[1], [2], [3]]


def test_a_way_that_lost_its_oldest_turns_is_written_alone() -> None:
    """With three turns at most, no dialogue begins with a whole former one."""
    rows = share_rows(dialogues_of(*CHAIN, max_turns=3))
    assert responses(rows) == [[1], [2], [3], [4], [5]]


def test_own_turns_that_fold_into_the_user_message_are_not_trained_there() -> None:
    """A continues after a turn that could not be trained: alone it reads that turn in the user's message."""
    posts = [
        post("p0", "B"),
        post("p1", "A", "p0", untrained="context_only"),
        post("p2", "A", "p1"),
        post("p3", "B", "p2"),
        post("p4", "A", "p3"),
    ]
    assert responses(share_rows(dialogues_of(*posts))) == [[2], [3], [4]]


def test_what_is_not_whole_can_only_be_the_last_of_a_row() -> None:
    """A response whose heading is not trained is read with it later on, so it is no beginning."""
    rows = share_rows(dialogues_of(*CHAIN), lambda one: one.response != 3)
    assert responses(rows) == [[1, 3], [2, 4], [5]]


@given(forests(), st.integers(2, 12))
def test_every_response_is_trained_once_after_its_very_own_prompt(
    posts: list[Utterance], max_turns: int
) -> None:
    """The rows partition the responses; what stands before a trained message is that response's prompt."""
    dialogues = dialogues_of(*posts, max_turns=max_turns)
    rows = share_rows(dialogues)
    trained = [one.response for row in rows for one in row.trained]
    assert sorted(trained) == [one.response for one in dialogues]
    assert [row.whole.response for row in rows] == sorted(row.whole.response for row in rows)
    for row in rows:
        messages = (*row.whole.prompt, row.whole.completion)
        assert row.trained[-1] == row.whole
        assert len(row.places) == len(row.trained)
        for one in row.trained:
            at = len(one.prompt)
            assert messages[:at] == one.prompt
            assert messages[at] == one.completion
    # no row could be part of another: there are as few as there can be
    for row in rows:
        before = (*row.whole.prompt, row.whole.completion)
        assert not any(
            other.whole.prompt[: len(before)] == before for other in rows if other is not row
        )
