"""Dialogues: alternation, exactly once, the true way, whatever the forest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fedi_dataset.conversations.dialogues import Dialogue, make_dialogues
from fedi_dataset.conversations.turns import Utterance, make_turns
from tests.conversations.trees import forests, post


def told(dialogue: Dialogue) -> list[str]:
    """Spell a dialogue: ``u:1=p1|2=p2`` is a user message of two labeled parts."""
    return [
        f"{message.role[0]}{':' if message.labels else '.'}"
        + "|".join(
            f"{part.speaker}={'+'.join(one.key.decode() for one in part.posts)}"
            for part in message.parts
        )
        for message in [*dialogue.prompt, dialogue.completion]
    ]


def dialogues_of(*posts: Utterance, max_turns: int = 16) -> list[list[str]]:
    """Spell all dialogues of a conversation."""
    return [told(one) for one in make_dialogues(make_turns(posts), max_turns=max_turns)[0]]


def test_a_b_a_b_trains_three_replies() -> None:
    """The commonest shape trains B2, A3 and B4, each with its own way."""
    assert dialogues_of(
        post("p1", "A"), post("p2", "B", "p1"), post("p3", "A", "p2"), post("p4", "B", "p3")
    ) == [
        ["u.1=p1", "a.2=p2"],
        ["u:1=p1|2=p2", "a.1=p3"],
        ["u.1=p1", "a.2=p2", "u.1=p3", "a.2=p4"],
    ]


def test_a_star_trains_each_reply() -> None:
    """Replies to one post are a dialogue each."""
    assert dialogues_of(post("p1", "A"), post("p2", "B", "p1"), post("p3", "C", "p1")) == [
        ["u.1=p1", "a.2=p2"],
        ["u.1=p1", "a.2=p3"],
    ]


def test_a_self_thread_trains_nothing() -> None:
    """One voice alone is no dialogue."""
    assert dialogues_of(post("p1", "A"), post("p2", "A", "p1")) == []


def test_several_others_in_a_row_share_a_labeled_message() -> None:
    """What B and C say before A answers is one user message with labels."""
    assert dialogues_of(post("p1", "B"), post("p2", "C", "p1"), post("p3", "A", "p2"))[-1] == [
        "u:1=p1|2=p2",
        "a.3=p3",
    ]


def test_own_turns_directly_before_the_response_fold_into_the_user_message() -> None:
    """What the assistant said just before, on the same way, is context in the last user message."""
    assert dialogues_of(
        post("p1", "B"),
        post("p2", "A", "p1", untrained="context_only"),
        post("p3", "A", "p2"),
    ) == [["u:1=p1|2=p2", "a.2=p3"]]


def test_the_middle_of_a_turn_is_seen_up_to_the_post_that_is_answered() -> None:
    """B answered the first half of a self-thread and has not seen the second."""
    assert dialogues_of(post("p1", "A"), post("p2", "A", "p1"), post("p3", "B", "p1")) == [
        ["u.1=p1", "a.2=p3"]
    ]


def test_max_turns_drops_the_oldest_before_the_way_is_built() -> None:
    """With two turns a response sees only what it answers."""
    chain = [post(f"p{n}", "AB"[n % 2], f"p{n - 1}" if n else None) for n in range(4)]
    assert dialogues_of(*chain, max_turns=2) == [
        ["u.1=p0", "a.2=p1"],
        ["u.1=p1", "a.2=p2"],
        ["u.1=p2", "a.2=p3"],
    ]


def test_the_first_turn_below_a_gap_is_context() -> None:
    """What answers a missing post is no response, and what answers that is."""
    turns = make_turns([post("p1", "A", gap=True), post("p2", "B", "p1")])
    dialogues, reasons = make_dialogues(turns, max_turns=16)
    assert [told(one) for one in dialogues] == [["u.1=p1", "a.2=p2"]]
    assert reasons == {0: "first_of_fragment"}


@given(forests(), st.integers(2, 6))
def test_every_response_is_trained_exactly_once_on_its_true_way(
    posts: list[Utterance], max_turns: int
) -> None:
    """Alternation, exactly once, true context, nobody's words under another's role: for any forest."""
    turns = make_turns(posts)
    dialogues, reasons = make_dialogues(turns, max_turns=max_turns)
    by_key = {one.key: one for one in posts}

    assert sorted([one.response for one in dialogues] + list(reasons)) == list(range(len(turns)))
    for dialogue in dialogues:
        response = turns[dialogue.response]
        assert response.untrained is None
        assert response.answers is not None
        assert dialogue.completion.parts[0].posts == response.posts

        roles = [message.role for message in dialogue.prompt]
        assert roles == [("user", "assistant")[index % 2] for index in range(len(roles))]
        assert roles[-1] == "user"

        # the context is the chain of true parents, without holes, up to the limit of turns
        climbed: list[bytes] = []
        above = by_key[response.posts[0].key].parent
        while above is not None:
            climbed.append(above)
            above = by_key[above].parent
        context = [one.key for one in dialogue.context]
        assert context == climbed[: len(context)][::-1]
        assert dialogue.n_turns == sum(len(message.parts) for message in dialogue.prompt) + 1
        assert dialogue.n_turns == max_turns or len(context) == len(climbed)

        authors = {one.author for one in dialogue.context}
        assert authors - {response.author}
        for message in dialogue.prompt:
            spoken = {part.posts[0].author for part in message.parts}
            if message.role == "assistant":
                assert spoken == {response.author}
            assert message.labels == (len(spoken) > 1)
            if response.author in spoken and message.role == "user":
                assert message in (dialogue.prompt[0], dialogue.prompt[-1])
        numbers = {
            (part.speaker, one.author)
            for message in [*dialogue.prompt, dialogue.completion]
            for part in message.parts
            for one in part.posts
        }
        assert len(numbers) == len({author for _, author in numbers}) == dialogue.n_speakers


@given(forests())
def test_a_turn_without_a_dialogue_has_a_true_reason(posts: list[Utterance]) -> None:
    """Reasons name what is the case: permission, then place, then company."""
    turns = make_turns(posts)
    _, reasons = make_dialogues(turns, max_turns=1000)
    for number, reason in reasons.items():
        turn = turns[number]
        if reason in ("first_of_tree", "first_of_fragment"):
            assert turn.answers is None
            assert turn.gap == (reason == "first_of_fragment")
        elif reason == "no_other_author":
            assert turn.untrained is None
            above, authors = turn.answers, set()
            while above is not None:
                authors.add(turns[above.turn].author)
                above = turns[above.turn].answers
            assert authors == {turn.author}
        else:
            assert turn.untrained == reason
