"""Strategies: what each leaves out, and what holds under all of them, whatever the conversation."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset import reasons
from fedi_dataset.config import BuildConfig
from fedi_dataset.conversations.dialogues import make_dialogues
from fedi_dataset.conversations.rows import Outcome, make_rows
from fedi_dataset.conversations.strategies import (
    best_branch,
    left_out,
    longest_path,
    told,
    without_fragments,
)
from fedi_dataset.conversations.turns import Utterance, make_turns
from fedi_dataset.conversations.wording import UNAVAILABLE
from tests.conversations.scenes import ANCHOR, SECRET, Scene, scenes, text_of, words_for
from tests.conversations.test_dialogues import told as spelled
from tests.conversations.trees import forests, post

CODES = (
    reasons.UNTRAINED.keys()
    | reasons.STRATEGY.keys()
    | {"below_gap", "reply_without_context", "other_language"}
)


def outcome_of(*posts: Utterance, **options: Any) -> Outcome:
    """What becomes of a conversation that is written out, under options."""
    words = {one.key: words_for(one, heading=False, named="x") for one in posts}
    config = BuildConfig.from_dict(options)
    return make_rows(ANCHOR, posts, words, config=config, secret=SECRET)


def numbers_left_out(*posts: Utterance, **options: Any) -> dict[int, str]:
    """Which turns of a conversation strategies leave out, and why."""
    return left_out(make_turns(posts), BuildConfig.from_dict(options))


def said(row: Mapping[str, Any]) -> list[str]:
    """Spell a dialogue's row: role and content, the completion last."""
    return [f"{one['role'][0]}: {one['content']}" for one in [*row["prompt"], *row["completion"]]]


# --- which responses -----------------------------------------------------------------------------

FORK = (
    post("p0", "A"),
    post("p1", "B", "p0"),
    post("p2", "C", "p0"),
    post("p3", "C", "p2"),  # joins p2's turn
    post("p4", "A", "p2"),
    post("p5", "B", "p4"),
    post("p6", "A", "p1"),
)
"""Turns: 0 A, 1 B, 2 C (p2, p3), 3 A (p4), 4 B (p5), 5 A (p6)."""


def test_the_best_branch_is_the_one_that_most_others_follow() -> None:
    """Below A's post C's answer has two turns of others, B's has one."""
    assert best_branch(make_turns(FORK)) == {0, 2, 3, 4}
    assert numbers_left_out(*FORK, responses="best-branch") == {1: "off_path", 5: "off_path"}


def test_own_turns_are_no_engagement() -> None:
    """B's branch is longer, but C's has two turns by others and B's one."""
    posts = (
        post("p0", "A"),
        post("p1", "B", "p0"),
        post("p2", "A", "p1"),
        post("p3", "B", "p2"),
        post("p4", "B", "p3", untrained="bot"),
        post("p5", "C", "p0"),
        post("p6", "A", "p5"),
        post("p7", "B", "p5"),
    )
    assert best_branch(make_turns(posts)) == {0, 5, 6}
    assert longest_path(make_turns(posts)) == {0, 1, 2, 3, 4}


def test_equals_are_told_apart_by_time_then_id() -> None:
    """Of two answers with nothing below the earlier is taken, of simultaneous ones the smaller id."""
    posts = (post("p0", "A"), post("pb", "B", "p0", minute=5), post("pa", "C", "p0", minute=5))
    turns = make_turns(posts)
    assert [turns[n].posts[0].key for n in sorted(best_branch(turns))] == [b"p0", b"pa"]
    assert best_branch(turns) == longest_path(turns)


def test_each_fragment_has_its_own_path() -> None:
    """Nothing below a gap is lost for a path elsewhere."""
    posts = (
        post("p0", "A"),
        post("p1", "B", "p0"),
        post("p2", "C", gap=True),
        post("p3", "A", "p2"),
    )
    assert longest_path(make_turns(posts)) == {0, 1, 2, 3}


@given(forests())
def test_a_path_is_a_path_and_no_other_is_better(posts: list[Utterance]) -> None:
    """At each fork of the path no other answer has more engagement, or is deeper; counted naively."""
    turns = make_turns(posts)

    def below(number: int) -> list[int]:
        answers = [one.number for one in turns if one.answers and one.answers.turn == number]
        return answers + [deeper for one in answers for deeper in below(one)]

    def engagement(number: int) -> int:
        return sum(turns[one].author != turns[number].author for one in below(number))

    def depth(number: int) -> int:
        answers = [one.number for one in turns if one.answers and one.answers.turn == number]
        return 1 + max(map(depth, answers), default=0)

    for path, weight in ((best_branch(turns), engagement), (longest_path(turns), depth)):
        assert {one.number for one in turns if one.answers is None} <= path
        for number in range(len(turns)):
            answers = [one.number for one in turns if one.answers and one.answers.turn == number]
            taken = path.intersection(answers)
            if number not in path or not answers:
                assert not taken
            else:
                assert taken == {max(answers, key=lambda one: (weight(one), -one))}


def test_a_path_of_a_hundred_thousand_turns_and_a_star_cost_no_stack() -> None:
    """Depth and width are no problem, and a deep chain by two people takes no square of its length."""
    chain = [post(f"p{n}", f"a{n % 2}", f"p{n - 1}" if n else None) for n in range(30_000)]
    star = [post(f"q{n}", f"a{n % 3}", "p0") for n in range(30_000, 60_000)]
    turns = make_turns([*chain, *star])
    assert len(best_branch(turns)) == len(longest_path(turns)) == 30_000


# --- roles ---------------------------------------------------------------------------------------


def test_the_opener_is_the_user() -> None:
    """Of A-B-A-C, with a gap elsewhere that A answers, only B and C are trained."""
    posts = (
        post("p0", "A"),
        post("p1", "B", "p0"),
        post("p2", "A", "p1"),
        post("p3", "C", "p2"),
        post("p4", "D", gap=True),
        post("p5", "A", "p4"),
    )
    assert numbers_left_out(*posts, roles="op-as-user") == {0: "opener", 2: "opener", 5: "opener"}
    rows = outcome_of(*posts, roles="op-as-user").rows["dialogues"]
    assert [row["response_turn"] for row in rows] == [1, 3]


def test_where_the_opening_post_is_missing_each_fragment_has_its_opener() -> None:
    """Nobody knows who opened, so whoever is first in a fragment stands for it."""
    posts = (post("p0", "A", gap=True), post("p1", "B", "p0"), post("p2", "B", gap=True))
    assert numbers_left_out(*posts, roles="op-as-user") == {0: "opener", 2: "opener"}


def test_one_voice_is_the_assistant() -> None:
    """Of A-B-A only the voice's turn is trained, and of a lone post only the voice's is written."""
    posts = (
        post("p0", "A", voice=False),
        post("p1", "B", "p0"),
        post("p2", "A", "p1", voice=False),
    )
    author = "author=key:" + 32 * "0"
    outcome = outcome_of(*posts, roles=author)
    assert [row["response_turn"] for row in outcome.rows["dialogues"]] == [1]
    assert outcome.turns[2] == (b"A", "other_voice")
    assert outcome_of(posts[0], roles=author).posts == {b"p0": "other_voice"}


def test_a_transcript_has_labels_and_no_roles() -> None:
    """One user message with everybody's label, the responder's own turns and next label included."""
    posts = (post("p0", "A"), post("p1", "B", "p0"), post("p2", "A", "p1"))
    assert said(outcome_of(*posts, roles="multi-party").rows["dialogues"][-1]) == [
        "u: Speaker 1: p0 says so to [PERSON_1]\n\nSpeaker 2: p1 says so to [PERSON_1]\n\nSpeaker 1:",
        "a: p2 says so to [PERSON_1]",
    ]


# --- gaps ----------------------------------------------------------------------------------------


def test_a_placeholder_stands_for_a_missing_post() -> None:
    """What answers it is a response; nobody's number is given to whoever wrote it."""
    posts = (post("p0", "A", absent="other"), post("p1", "B", "p0"), post("p2", "A", "p1"))
    turns = make_turns(posts)
    dialogues, left = make_dialogues(turns, max_turns=16)
    assert left == {}
    assert [spelled(one) for one in dialogues] == [
        ["u.None=", "a.1=p0"],
        ["u:None=|1=p0", "a.2=p1"],
        ["u.None=", "a.1=p0", "u.2=p1", "a.1=p2"],
    ]
    assert [one.n_speakers for one in dialogues] == [2, 2, 2]
    assert [one.n_turns for one in dialogues] == [2, 3, 4]
    rows = outcome_of(*posts, gap_policy="placeholder").rows["dialogues"]
    assert said(rows[1])[0] == f"u: {UNAVAILABLE}\n\nSpeaker 1: p0 says so to [PERSON_1]"


def test_nobody_answers_their_own_missing_post() -> None:
    """Below one's own missing post a fragment begins all the same, and it is context."""
    posts = (post("p0", "A", absent="own"), post("p1", "B", "p0"), post("p2", "A", "p1"))
    dialogues, left = make_dialogues(make_turns(posts), max_turns=16)
    assert left == {0: "first_of_fragment"}
    assert [spelled(one) for one in dialogues] == [
        ["u.1=|1=p0", "a.2=p1"],
        ["u:1=|1=p0|2=p1", "a.1=p2"],
    ]


def test_the_oldest_go_first_placeholder_included() -> None:
    """A placeholder is a turn of the way: with two turns a response sees only what it answers."""
    posts = (post("p0", "A", absent="other"), post("p1", "B", "p0"))
    dialogues, _ = make_dialogues(make_turns(posts), max_turns=2)
    assert [spelled(one) for one in dialogues] == [["u.None=", "a.1=p0"], ["u.1=p0", "a.2=p1"]]


def test_a_lone_reply_to_a_missing_post_is_a_dialogue_with_a_placeholder_only() -> None:
    """Under cut and drop it is in no row, and counted; under placeholder it is trained."""
    missing = post("p0", "A", absent="other")
    known = post("p0", "A", gap=True)
    assert outcome_of(known).posts == {b"p0": "reply_without_context"}
    assert outcome_of(known, gap_policy="drop").posts == {b"p0": "below_gap"}
    outcome = outcome_of(missing, gap_policy="placeholder")
    assert outcome.posts == {b"p0": None}
    assert [said(row) for row in outcome.rows["dialogues"]] == [
        [f"u: {UNAVAILABLE}", "a: p0 says so to [PERSON_1]"]
    ]


def test_what_stands_below_a_gap_is_dropped_and_counted() -> None:
    """All of the fragment goes, however deep; the tree beside it stays."""
    posts = [
        post("p0", "A"),
        post("p1", "B", "p0"),
        post("p2", "C", gap=True),
        post("p3", "A", "p2"),
        post("p4", "C", "p3"),
    ]
    stay, go = without_fragments(posts)
    assert ([one.key for one in stay], [one.key for one in go]) == (
        [b"p0", b"p1"],
        [b"p2", b"p3", b"p4"],
    )
    outcome = outcome_of(*posts, gap_policy="drop")
    assert Counter(outcome.posts.values()) == {None: 2, "below_gap": 3}
    assert outcome.turns == [(b"A", "first_of_tree"), (b"B", None)]


# --- quotes, headings, limits --------------------------------------------------------------------


def test_a_quoted_post_stands_before_the_turn_that_quotes_it() -> None:
    """Once, by its own author's label, unless it is on the way already; it makes nobody a response."""
    posts = (
        post("p0", "A"),
        post("p1", "B", "p0"),
        post("p2", "C", "p0", quotes=("p1", "p0")),
        post("p3", "A", "p2", quotes=("p1",)),
    )
    dialogues, left = make_dialogues(make_turns(posts), max_turns=16)
    assert left == {0: "first_of_tree"}
    assert [spelled(one) for one in dialogues[1:]] == [
        ["u:1=p0|2=p1", "a.3=p2"],
        ["u:1=p0|2=p1|3=p2", "a.1=p3"],
    ]
    assert dialogues[1].n_turns == 2
    alone = (post("p0", "A"), post("p1", "A", "p0", untrained="bot"), post("p2", "A", "p1"))
    quoting = (*alone[:2], post("p2", "A", "p1", quotes=("p9",)), post("p9", "B", "p0", minute=1))
    _, left = make_dialogues(make_turns(quoting), max_turns=16)
    assert left == {0: "first_of_tree", 1: "bot", 3: "no_other_author"}


def test_what_came_after_a_turn_began_is_not_read_before_it() -> None:
    """An answer to its first post, quoted by its second, is not; whatever its date, nor is an answer below it."""
    posts = (
        post("p0", "A"),
        post("p1", "B"),
        post("p2", "A", "p1"),
        post("p3", "C", "p2", minute=0),
        post("p4", "D", "p2"),
        post("p5", "A", "p2", quotes=("p3", "p4", "p0")),
        post("p6", "B", "p5"),
    )
    dialogues, _ = make_dialogues(make_turns(posts), max_turns=16)
    found = {one.said[0].key: spelled(one) for one in dialogues}
    assert found[b"p2"] == ["u:1=p1|2=p0", "a.2=p2+p5"]
    assert found[b"p6"] == ["u:1=p1|2=p0|2=p2+p5", "a.1=p6"]


def test_characters_bound_a_dialogue_and_whole_turns_go() -> None:
    """The longest end of the way that fits is kept, labels counted; what cannot fit has a reason."""
    posts = (post("p0", "A"), post("p1", "B", "p0"), post("p2", "C", "p1"))
    line = "p0 says so to [PERSON_1]"
    rows = outcome_of(*posts, max_characters=2 * len(line)).rows["dialogues"]
    assert [said(row) for row in rows] == [
        [f"u: {line}", "a: p1 says so to [PERSON_1]"],
        ["u: p1 says so to [PERSON_1]", "a: p2 says so to [PERSON_1]"],
    ]
    labels = len("Speaker 1: ") * 2 + len("\n\n")
    whole = outcome_of(*posts, max_characters=3 * len(line) + labels).rows["dialogues"]
    assert len(said(whole[1])[0]) == 2 * len(line) + labels + len("u: ")
    short = outcome_of(*posts, max_characters=2 * len(line) - 1)
    assert short.rows["dialogues"] == []
    assert [reason for _, reason in short.turns] == [
        "first_of_tree",
        "over_max_characters",
        "over_max_characters",
    ]


def test_few_speakers_are_counted() -> None:
    """With three asked for, the dialogue of two is left out."""
    posts = (post("p0", "A"), post("p1", "B", "p0"), post("p2", "C", "p1"))
    outcome = outcome_of(*posts, minimum_speakers=3)
    assert [row["response_turn"] for row in outcome.rows["dialogues"]] == [2]
    assert outcome.turns[1] == (b"B", "too_few_speakers")


def test_limits_of_an_author_hold_for_rows_of_both_kinds() -> None:
    """A response over the limit is context; a lone post over it is in no row."""
    posts = (post("p0", "A"), post("p1", "B", "p0", over_limit=True))
    assert outcome_of(*posts, max_per_author=1).turns[1] == (b"B", "over_author_limit")
    lone = outcome_of(post("p0", "A", single_over_limit=True), max_per_author=1)
    assert lone.posts == {b"p0": "over_author_limit"}
    assert outcome_of(post("p0", "A", over_limit=True), max_per_author=1).posts == {b"p0": None}


def test_a_heading_is_read_and_not_trained() -> None:
    """It stands where the turn is context, and in conversations, but in no completion and no row of posts."""
    posts = (post("p0", "A"), post("p1", "B", "p0"), post("p2", "A", "p1"))
    words = {one.key: words_for(one, heading=True, named="x") for one in posts}
    config = BuildConfig(titles="context", multi_turn=True)
    outcome = make_rows(ANCHOR, posts, words, config=config, secret=SECRET)
    assert said(outcome.rows["dialogues"][0]) == [
        "u: Heading of p0\n\np0 says so to [PERSON_1]",
        "a: p1 says so to [PERSON_1]",
    ]
    turns: Any = outcome.rows["conversations"][0]["turns"]
    assert turns[1]["text"] == "Heading of p1\n\np1 says so to [PERSON_1]"
    lone = make_rows(ANCHOR, posts[:1], words, config=config, secret=SECRET)
    assert lone.rows["posts"][0]["text"] == "p0 says so to [PERSON_1]"


# --- what holds under all of them ----------------------------------------------------------------

LABEL = re.compile(r"Speaker (\d+): (.+)")
CUE = re.compile(r"Speaker (\d+):")


def spoken(content: str) -> Iterator[tuple[int | None, str]]:
    """Take a message apart: each line that somebody says, with the label before it."""
    label: int | None = None
    for paragraph in content.split("\n\n"):
        if CUE.fullmatch(paragraph):
            continue
        found = LABEL.fullmatch(paragraph)
        if found is not None:
            label = int(found[1])
        yield label, found[2] if found is not None else paragraph


def key_in(line: str) -> bytes:
    """Whose post a line is of."""
    found = re.search(r"p\d+", line)
    assert found is not None, line
    return found[0].encode()


@settings(max_examples=250, deadline=None)
@given(scenes(), st.randoms(use_true_random=False))
def test_whatever_the_conversation_and_the_options(scene: Scene, shuffler: random.Random) -> None:
    """Conservation, exactly once, alternation, true words, true speakers, and no matter the order of input."""
    outcome = scene.outcome()
    posts = {one.key: one for one in scene.posts}
    dialogues: list[Any] = outcome.rows.get("dialogues", [])
    shared: list[Any] = outcome.rows.get("multi_turn", [])

    # every post and every turn is accounted for, once, by a known reason
    assert outcome.posts.keys() == posts.keys()
    assert set(outcome.posts.values()) <= CODES | {None}
    assert {reason for _, reason in outcome.turns} <= CODES | {None}
    assert sum(reason is None for _, reason in outcome.turns) == len(dialogues)

    # each response in one dialogue, its words the completion of that one only
    turns = [row["response_turn"] for row in dialogues]
    assert len(set(turns)) == len({row["dialogue_key"] for row in dialogues}) == len(turns)
    completed = [
        key_in(line) for row in dialogues for _, line in spoken(row["completion"][0]["content"])
    ]
    assert len(set(completed)) == len(completed)
    assert all(posts[key].untrained is None and posts[key].voice for key in completed)

    lines = {text_of(one).replace("NAME", "") for one in scene.posts} | {
        f"Heading of {key.decode()}" for key in posts
    }
    for row in dialogues:
        messages = [*row["prompt"], *row["completion"]]
        roles = [one["role"] for one in messages]
        assert roles == [("user", "assistant")[n % 2] for n in range(len(roles))]
        me = {posts[key_in(line)].author for _, line in spoken(messages[-1]["content"])}
        assert len(me) == 1
        numbers: dict[int, bytes] = {}
        for message in messages:
            authors = set()
            for label, line in spoken(message["content"]):
                if line == UNAVAILABLE:
                    continue
                assert re.sub(r"\[PERSON_\d\]", "", line) in lines
                author = posts[key_in(line)].author
                authors.add(author)
                if label is not None:
                    assert numbers.setdefault(label, author) == author
            if message["role"] == "assistant":
                assert authors == me
            elif "Speaker" not in message["content"]:
                assert len(authors) <= 1
        assert len(set(numbers.values())) == len(numbers)
        cue = CUE.fullmatch(messages[0]["content"].split("\n\n")[-1])
        assert (cue is not None) == (scene.config.roles == "multi-party")
        assert cue is None or {numbers.get(int(cue[1]), min(me))} == me

    # rows of multi_turn train what the dialogues train, each reply once, after the very same words
    if scene.config.multi_turn and dialogues:
        by_key = {row["dialogue_key"]: row for row in dialogues}
        assert sorted(key for row in shared for key in row["dialogue_keys"]) == sorted(by_key)
        for row in shared:
            flagged = [n for n, one in enumerate(row["messages"]) if one["train"]]
            assert len(flagged) == len(row["dialogue_keys"])
            for place, key in zip(flagged, row["dialogue_keys"], strict=True):
                before = [
                    {"role": one["role"], "content": one["content"]}
                    for one in row["messages"][: place + 1]
                ]
                assert before == [*by_key[key]["prompt"], *by_key[key]["completion"]]
    else:
        assert shared == []

    shuffled = list(scene.posts)
    shuffler.shuffle(shuffled)
    again = Scene(shuffled, scene.words, scene.config).outcome()
    assert (again.rows, again.posts, again.turns) == (outcome.rows, outcome.posts, outcome.turns)


@settings(max_examples=150, deadline=None)
@given(scenes())
def test_each_option_does_what_it_says(scene: Scene) -> None:
    """Bounds hold, one voice is alone, fragments go; and nothing is trained that the default would not train."""
    config = scene.config
    outcome = scene.outcome()
    posts = {one.key: one for one in scene.posts}
    dialogues: list[Any] = outcome.rows.get("dialogues", [])
    trained = {row["dialogue_key"] for row in dialogues}
    for row in dialogues:
        messages = [*row["prompt"], *row["completion"]]
        assert row["n_turns"] <= config.max_turns
        assert row["n_speakers"] >= config.minimum_speakers
        if config.max_characters is not None:
            assert sum(len(one["content"]) for one in messages) <= config.max_characters
        if config.titles == "context":
            assert "Heading" not in row["completion"][0]["content"]
        first = posts[key_in(row["completion"][0]["content"])]
        assert (first.voice, first.over_limit) == (True, False)
    if config.gap_policy == "drop":
        assert not any(reason is None and posts[key].gap for key, reason in outcome.posts.items())

    everything: list[Any] = scene.outcome(
        responses="all",
        roles="response",
        max_characters=None,
        minimum_speakers=2,
        max_per_author=None,
        multi_turn=False,
    ).rows.get("dialogues", [])
    assert trained <= {row["dialogue_key"] for row in everything}
    if not config.leaves_out and all(one.voice for one in scene.posts):
        assert trained == {row["dialogue_key"] for row in everything}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, []),
        ({"responses": "best-branch", "gap_policy": "placeholder"}, ["branch", "`[unavailable]`"]),
        ({"responses": "longest-path", "roles": "op-as-user"}, ["longest", "opened"]),
        ({"roles": "multi-party", "gap_policy": "drop"}, ["transcript", "left out"]),
        ({"roles": "author=key:" + 32 * "0", "max_per_author": 7}, ["one person's", "7 responses"]),
        ({"titles": "context", "content_warnings": "context"}, ["titles and warnings are context"]),
        ({"quotes": "context", "max_characters": 900}, ["quoted post", "900 characters"]),
        ({"minimum_speakers": 3}, ["3 people"]),
    ],
)
def test_a_reader_is_told(options: dict[str, Any], words: list[str]) -> None:
    """Every strategy that is not the default has its sentence, in one order."""
    sentences = told(BuildConfig.from_dict(options))
    assert len(sentences) == len(words)
    assert all(one in sentence for one, sentence in zip(words, sentences, strict=True))
