"""Facets, addresses, tag blocks, fallbacks and words of others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.posts import Facet, Mention
from fedi_dataset.text.marked import Marked, MentionRange
from fedi_dataset.text.markup import (
    from_facets,
    quoted_words,
    with_named_mentions,
    with_quotes,
    without_addressing,
    without_quote_fallback,
    without_tag_block,
)

GRANARY = Path(__file__).parents[2] / "../shared/fixtures/granary"


def _marked(text: str) -> Marked:
    """Mark every @word as a mention and every #word as a hashtag."""
    mentions = (MentionRange(*match.span(), match.group()) for match in re.finditer(r"@\w+", text))
    return Marked(text, tuple(mentions), tuple(m.span() for m in re.finditer(r"#\w+", text)))


def test_facets_are_read_by_bytes() -> None:
    """Byte offsets land on the right code points, after characters of two to four bytes."""
    text = "é€😀 @bob #tag"
    facets = [Facet(10, 14, "mention", "did:example:bob"), Facet(15, 19, "tag", "tag")]
    assert from_facets(text, facets) == Marked(
        text, (MentionRange(4, 8, "did:example:bob"),), ((9, 13),)
    )


@pytest.mark.parametrize(
    ("begin", "end"), [(-1, 2), (0, 99), (3, 3), (3, 2), (1, 3), (0, 1), (99, 100)]
)
def test_ill_facets_are_ignored(begin: int, end: int) -> None:
    """Empty, backward, out of bounds or in mid-character: no facet."""
    assert from_facets("éabc", [Facet(begin, end, "mention", "did:example:x")]) == Marked("éabc")


def test_of_overlapping_facets_the_mention_stays() -> None:
    """A mention wins over a link around it; of links, the first."""
    facets = [
        Facet(0, 12, "link", "https://a.example"),
        Facet(3, 7, "mention", "did:example:bob"),
        Facet(8, 11, "tag", "a"),
        Facet(10, 12, "tag", "b"),
    ]
    assert from_facets("hi @bob #abc", facets) == Marked(
        "hi @bob #abc", (MentionRange(3, 7, "did:example:bob"),), ((8, 11),)
    )


def test_shortened_links_are_written_in_full() -> None:
    """The address stands in the facet only; other ranges move with the text."""
    text = "see example.com/some-p... @bob and www.b.example"
    facets = [
        Facet(4, 25, "link", "https://example.com/some-page"),
        Facet(26, 30, "mention", "did:example:bob"),
        Facet(35, 48, "link", "https://www.b.example/deep"),
    ]
    assert from_facets(text, facets) == Marked(
        "see https://example.com/some-page @bob and www.b.example",
        (MentionRange(34, 38, "did:example:bob"),),
    )


def test_granary_facets() -> None:
    """Facets of granary's Bluesky examples mark what its authors meant."""
    if not GRANARY.exists():
        pytest.skip("the fixtures are not here")
    said = {}
    for path in sorted(GRANARY.glob("note_with*.bsky.json")):
        record = json.loads(path.read_text("utf-8"))
        for facet in record.get("facets", ()):
            index = facet["index"]
            marked = from_facets(
                record["text"],
                [Facet(index["byteStart"], index["byteEnd"], "mention", "did:example:x")],
            )
            [mention] = marked.mentions
            said[path.name.partition(".")[0]] = marked.text[mention.begin : mention.end]
    assert said == {
        "note_with_article_tag_indices": "foo",
        "note_with_mention_linked_text": "@alice",
    }


@settings(max_examples=100, deadline=None)
@given(
    st.text(max_size=12),
    st.lists(
        st.builds(
            Facet,
            st.integers(-2, 40),
            st.integers(-2, 40),
            st.sampled_from(["mention", "link", "tag"]),
            st.sampled_from(["did:example:x", "https://a.example/long"]),
        ),
        max_size=6,
    ),
)
def test_any_facets_give_sound_ranges(text: str, facets: list[Facet]) -> None:
    """Whatever the facets say, nothing is raised and no text is lost."""
    marked = from_facets(text, facets)
    places = [(one.begin, one.end) for one in marked.mentions] + list(marked.hashtags)
    edges = [edge for place in sorted(places) for edge in place]
    assert edges == sorted(edges)
    assert all(0 <= begin < end <= len(text) for begin, end in places)
    assert marked.text == text


def test_named_mentions_are_found_where_they_stand_alone() -> None:
    """The name of a Mention tag is a mention as a whole word only, in any case, and only once."""
    bob = Mention("https://b.example/bob", "@bob")
    text = "@bob, @Bob. x@bob @bob@c.example @bobby @bob.example /@bob"
    marked = Marked(text, (MentionRange(0, 4, "known"),))
    assert with_named_mentions(
        marked, [bob, Mention("did:example:x"), Mention("u", "a b")]
    ) == Marked(text, (MentionRange(0, 4, "known"), MentionRange(6, 10, "https://b.example/bob")))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("@ann @bob hello @eve", "hello @eve"),
        ("@ann,\n@bob: :) hello", ":) hello"),
        ("@ann\n\nhello", "hello"),
        ("@ann", ""),
        ("hello @ann", "hello @ann"),
        ("@ann's cat", "@ann's cat"),
        ("@ann @bob's cat", "@bob's cat"),
    ],
)
def test_addressing_mentions_go(text: str, left: str) -> None:
    """The run of mentions that a post begins with goes; any other stays, marked where it stands."""
    marked = without_addressing(_marked(text))
    assert marked == _marked(left)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("words\n\n#a #b", "words"),
        ("words\n#a", "words"),
        ("words\n#a\n\n#b, #c", "words"),
        ("words and #a #b", "words and"),
        ("I love #linux", "I love #linux"),
        ("I love it. #linux", "I love it."),
        ("I love #linux\n#a #b", "I love #linux"),
        ("I love it #a #b\n#c", "I love it"),
        ("#a is nice", "#a is nice"),
        ("#a", ""),
        ("#a #b words", "#a #b words"),
        ("- #a\n- #b", "- #a\n- #b"),
    ],
)
def test_trailing_tag_blocks_go(text: str, left: str) -> None:
    """Labels at the end go, words of a sentence stay."""
    assert without_tag_block(_marked(text)) == _marked(left)


def test_tags_in_words_of_others_stay() -> None:
    """Nothing is taken out of a quote, so that it can be compared with what it quotes."""
    marked = with_quotes(_marked("own\n\n> theirs #a #b"))
    assert without_tag_block(marked) == marked


@pytest.mark.parametrize(
    "line", ["RE: https://q.example/1", "QT: [https://q.example/1]", "RE: q.example/1"]
)
def test_quote_fallback_lines_go(line: str) -> None:
    """A line that only leads to the quoted post goes, wherever it stands."""
    assert without_quote_fallback(Marked(f"mine\n\n{line}")).text == "mine"
    assert without_quote_fallback(Marked(f"{line}\n\nmine")).text == "mine"
    assert without_quote_fallback(Marked(f"mine {line}")).text == f"mine {line}"


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("> one\n>\n> two\n\nown\n>> three", ["> one\n>\n> two", ">> three"]),
        (">_< and >:( and\n>no space\n>", []),
        ("```\n> shell\n```\n> theirs", ["> theirs"]),
        ("```\n> no end of code", ["> no end of code"]),
        ("RT @ann: their words\nmore", ["RT @ann: their words\nmore"]),
        ("RT @ann their words", ["RT @ann their words"]),
        ("so true RT @ann@a.example: their words", ["RT @ann@a.example: their words"]),
        ("so true\n\n♲ @ann@a.example: their words", ["♲ @ann@a.example: their words"]),
        ("♻️ @ann: their words", ["♻️ @ann: their words"]),
        ("so true 🔁 @ann: their words", ["🔁 @ann: their words"]),
        ("yes QT @ann: their words", ["QT @ann: their words"]),
        ("yes RT:@ann: their words", ["RT:@ann: their words"]),
        ("please RT @ann and START @ann: no ♻️ @ann", []),
    ],
)
def test_words_of_others_are_known_by_form(text: str, quoted: list[str]) -> None:
    """Quoted lines outside code, and what follows "RT @x:"."""
    marked = with_quotes(Marked(text))
    assert [marked.text[begin:end] for begin, end in marked.quoted] == quoted


@pytest.mark.parametrize(
    ("text", "words"),
    [("> one\n>\n> > two", "one\n\ntwo"), ("- > q", "q"), ("RT @ann: so > be it", " so > be it")],
)
def test_quoted_words(text: str, words: str) -> None:
    """What a quote says is free of the marks of quoting."""
    assert quoted_words(text) == words
