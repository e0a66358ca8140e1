"""From rows to utterances: whose words a post says, what it quotes, whose the post is that it misses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fedi_dataset.config import BuildConfig
from fedi_dataset.conversations.turns import Utterance
from fedi_dataset.conversations.utterances import Spoken, spoken_of, utterance_of, words_of
from fedi_dataset.privacy.scrub import Scrubbed
from fedi_dataset.privacy.spans import Mark

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
CONTEXT = BuildConfig(quotes="context", titles="context", gap_policy="placeholder")


def row(key: str, who: str, text: str = "Three plain words.", **more: Any) -> dict[str, Any]:
    """A post's row of a cell, with what the relational plane attaches."""
    return {
        "post_key": key.encode(),
        "parent_key": None,
        "gap": None,
        "subject_key": who.encode(),
        "created_at": EPOCH,
        "text": text,
        "mentions": [],
        "quoted": [],
        "headings": [],
        "quote_of_key": None,
        "own_gap": False,
        "language": "en",
        "platform": "mastodon",
        "license": "CC0-1.0",
        "event_id": "urn:uuid:1",
        "use": "train",
        "is_bot": False,
        "sensitive": False,
        **more,
    }


def ranges(*pairs: tuple[int, int]) -> list[dict[str, int]]:
    """Stretches of a text as a row has them."""
    return [{"begin": begin, "end": end} for begin, end in pairs]


def utterances(
    *rows: dict[str, Any], config: BuildConfig, wordless: tuple[str, ...] = ()
) -> dict[str, Utterance]:
    """The utterances of a conversation in which some posts have no words that may be shown."""
    posts = {one["post_key"]: one for one in rows}
    kept = {key: one for key, one in posts.items() if key.decode() not in wordless}
    made = [
        utterance_of(one, spoken, Scrubbed(spoken.said.text), posts, kept, config)
        for one, spoken in zip(rows, spoken_of(rows, config), strict=True)
        if one["post_key"] in kept
    ]
    return {one.key.decode(): one for one in made}


def spoken(*rows: dict[str, Any], config: BuildConfig) -> list[Spoken]:
    """What each post says."""
    return spoken_of(rows, config)


QUOTING = "> The lilac is late.\n\nSo is the quince here."
LILAC = row("a", "A", "The lilac is late.")


def test_pasted_words_of_the_conversation_stay_and_others_go_by_default() -> None:
    """Those of an admitted post are told from a stranger's and from one's own by their words."""
    own = row("b", "B", QUOTING, quoted=ranges((0, 20)))
    foreign = row("c", "C", QUOTING.replace("lilac", "peony"), quoted=ranges((0, 20)))
    _, kept, cut = spoken(LILAC, own, foreign, config=BuildConfig())
    assert (kept.said.text, kept.quotes, kept.quoted_words) == (QUOTING, (), 0)
    assert (cut.said.text, cut.quotes, cut.quoted_words) == ("So is the quince here.", (), 1)


def test_as_context_pasted_words_and_references_name_the_post() -> None:
    """Each once, the reference first; nobody quotes themselves or a post that is not in the conversation."""
    other = row("b", "B", quote_of_key=b"elsewhere")
    pasted = row("c", "C", QUOTING, quoted=ranges((0, 20)), quote_of_key=b"b")
    again = row("d", "D", QUOTING, quoted=ranges((0, 20)), quote_of_key=b"a")
    own = row("e", "E", quote_of_key=b"e")
    found = spoken(LILAC, other, pasted, again, own, config=CONTEXT)
    assert [one.quotes for one in found] == [(), (), (b"b", b"a"), (b"a",), ()]
    assert found[2].said.text == "So is the quince here."
    made = utterances(LILAC, pasted, config=CONTEXT, wordless=("a",))
    assert made["c"].quotes == ()


def test_headings_keep_their_place_when_quotes_are_cut_before_them() -> None:
    """A stretch moves with the text, and what is trained is the rest."""
    text = "> The lilac is late.\n\nA heading\n\nSo is the quince here."
    post = row("b", "B", text, quoted=ranges((0, 20)), headings=ranges((22, 31)))
    _, one = spoken(LILAC, post, config=CONTEXT)
    assert [one.said.text[begin:end] for begin, end in one.headings] == ["A heading"]
    words = words_of(post, one, Scrubbed(one.said.text))
    assert words.headings == ((0, 9),)


@pytest.mark.parametrize(
    ("text", "heading", "marks", "reason"),
    [
        ("Title of many plain words\n\nAnd three words", 25, (), None),
        ("Title of many plain words\n\nTwo words", 25, (), "too_short"),
        ("Title of many plain words", 25, (), "too_short"),
        ("Title of plain words\n\nAnn Bea yes", 20, ((22, 25), (26, 29)), "mostly_placeholders"),
    ],
)
def test_a_heading_is_no_reason_to_train(
    text: str, heading: int, marks: tuple[tuple[int, int], ...], reason: str | None
) -> None:
    """Whether there is enough to learn from is asked of what would be trained."""
    post = row("b", "B", text, headings=ranges((0, heading)))
    (one,) = spoken(post, config=CONTEXT)
    clean = Scrubbed(text, tuple(Mark(begin, end, "PERSON", "x") for begin, end in marks))
    kept = {post["post_key"]: post}
    assert utterance_of(post, one, clean, kept, kept, CONTEXT).untrained == reason


@pytest.mark.parametrize(
    ("about", "wordless", "whose"),
    [
        ({}, (), None),
        ({"gap": "refused"}, (), "other"),
        ({"gap": "refused", "own_gap": True}, (), "own"),
        ({"gap": "not_exported"}, (), "other"),
        ({"gap": "deleted"}, (), "other"),
        ({"gap": "cut"}, (), None),
        ({"parent_key": b"a"}, (), None),
        ({"parent_key": b"a"}, ("a",), "other"),
        ({"parent_key": b"a", "subject_key": b"A"}, ("a",), "own"),
    ],
)
def test_whose_a_missing_post_is(
    about: dict[str, Any], wordless: tuple[str, ...], whose: str | None
) -> None:
    """Only a post that is missing has a placeholder; a link of a cycle that was cut leads to none that is."""
    post = row("b", "B", **about)
    made = utterances(LILAC, post, config=CONTEXT, wordless=wordless)["b"]
    assert made.absent == whose
    assert made.gap == (whose is not None or about.get("gap") == "cut")
    plain = utterances(LILAC, post, config=BuildConfig(), wordless=wordless)["b"]
    assert (plain.absent, plain.gap) == (None, made.gap)


def test_limits_and_the_voice_come_from_the_row() -> None:
    """Where the config asks for them; else the row has no such columns."""
    config = BuildConfig(max_per_author=2, roles="author=key:" + 32 * "0")
    post = row("b", "B", over_limit=True, single_over_limit=False, is_voice=False)
    made = utterances(post, config=config)["b"]
    assert (made.over_limit, made.single_over_limit, made.voice) == (True, False, False)
    plain = utterances(row("b", "B"), config=BuildConfig())["b"]
    assert (plain.over_limit, plain.single_over_limit, plain.voice) == (False, False, True)
