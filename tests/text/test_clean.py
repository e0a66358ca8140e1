"""From a post's body to its clean text."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.posts import Body, Facet, Mention
from fedi_dataset.text.clean import Clean, clean
from fedi_dataset.text.marked import MentionRange
from fedi_dataset.text.markup import cut

PASTURE = Path(__file__).parents[2] / "../shared/fixtures/activitypub-pasture"
BOB = Mention("https://social.example/users/bob", "@bob@social.example")


def _html(content: str, **more: object) -> Body:
    return Body(content, "text/html", **more)  # type: ignore[arg-type]  # any field of Body


def test_a_mastodon_reply() -> None:
    """Address, tag block and fallback go; a mention in mid-sentence stays where it stands."""
    body = _html(
        '<p><span class="h-card"><a href="https://social.example/@bob" class="u-url mention">@<span>'
        'bob</span></a></span> I asked <a href="https://c.example/@cleo" class="mention">@cleo</a> '
        'and she agrees with all of it.</p><p><a class="mention hashtag" href="/t" rel="tag">#Cats</a></p>'
        '<p class="quote-inline">RE: https://q.example/1</p>',
        mentions=(BOB,),
        languages=("en",),
        quote_of="https://q.example/1",
    )
    assert clean(body, alt_texts=False) == Clean(
        "I asked @cleo and she agrees with all of it.",
        (MentionRange(8, 13, "https://c.example/@cleo"),),
        (),
        "en",
    )


def test_a_bluesky_post() -> None:
    """Facets are laid on before anything moves; tags at the end go, links are whole."""
    text = "Schön, @ann.test! Mehr unter example.com/das-is... #a #b"
    body = Body(
        text,
        "text/plain",
        facets=(
            Facet(8, 17, "mention", "did:example:ann"),
            Facet(30, 51, "link", "https://example.com/das-ist-es"),
            Facet(52, 54, "tag", "a"),
            Facet(55, 57, "tag", "b"),
        ),
        languages=("de",),
    )
    assert clean(body, alt_texts=True) == Clean(
        "Schön, @ann.test! Mehr unter https://example.com/das-ist-es",
        (MentionRange(7, 16, "did:example:ann"),),
        (),
        "de",
    )


def test_parts_are_paragraphs_in_reading_order() -> None:
    """Warning, title, content, poll, and descriptions if asked for."""
    body = _html(
        "<p>Which one?</p><p>Tell me.</p>",
        title="A\n question",
        summary="food, <b>@bob@social.example</b>",
        poll_options=("> 5 apples", " ", "pears\nor plums"),
        alt_texts=("A bowl", "A plate"),
        mentions=(BOB,),
    )
    text = (
        "CW: food, @bob@social.example\n\nA question\n\nWhich one?\n\nTell me.\n\n"
        "- > 5 apples\n- pears or plums"
    )
    described = clean(body, alt_texts=True)
    assert clean(body, alt_texts=False).text == text
    assert described.text == f"{text}\n\nA bowl\n\nA plate"
    assert described.mentions == (MentionRange(10, 29, BOB.account),)
    assert described.quoted == ()


@pytest.mark.parametrize(
    ("content", "summary", "text"),
    [
        ("<p>same</p>", "same", "same"),
        ("<p>same</p><p>more</p>", "same", "same\n\nmore"),
        ("", "only this", "CW: only this"),
        ("text", "\u200b", "text"),
        ("text", "a < b & c", "CW: a < b & c\n\ntext"),
        ("text", "Q&amp;A", "CW: Q&A\n\ntext"),
    ],
)
def test_content_warnings(content: str, summary: str, text: str) -> None:
    """A warning is said once, plain or HTML, and an invisible one (Misskey's) is none."""
    assert clean(_html(content, summary=summary), alt_texts=False).text == text


def test_the_language_is_that_of_the_own_words() -> None:
    """Words of others are marked, and do not count for the language."""
    body = _html(
        "<blockquote>I can't believe that it's already Friday again</blockquote>"
        "<p>Ich glaube, das stimmt so nicht ganz, es ist erst Donnerstag.</p>"
    )
    said = clean(body, alt_texts=False)
    assert said.language == "de"
    assert cut(said.text, said.quoted, said.mentions) == (
        "Ich glaube, das stimmt so nicht ganz, es ist erst Donnerstag.",
        (),
    )


def test_pasture_mentions() -> None:
    """Only a name that the text holds as its tag writes it is one: an address, here, which goes."""
    path = PASTURE / "mentions.json"
    if not path.exists():
        pytest.skip("the fixtures are not here")
    said = []
    for example in json.loads(path.read_text("utf-8"))["examples"]:
        tags = example["tag"] if isinstance(example["tag"], list) else [example["tag"]]
        mentions = tuple(Mention(tag["href"], tag.get("name")) for tag in tags)
        one = clean(_html(example["content"], mentions=mentions), alt_texts=False)
        said.append((one.text[:16], len(one.mentions)))
    assert said == [
        ("basic mention; m", 0), ("text @actor@past", 0), ("unrelated text", 0),
        ("Missing Name @ac", 0), ("text", 0), ("text", 0), ("text", 0), ("text", 0), ("text", 0),
        ("duplicate mentio", 0),
    ]  # fmt: skip


def test_pasture_summaries_and_warnings() -> None:
    """No markup of a content warning reaches the text."""
    if not PASTURE.exists():
        pytest.skip("the fixtures are not here")
    for name in ("html_tags_summary", "content_warnings"):
        for example in json.loads((PASTURE / f"{name}.json").read_text("utf-8"))["examples"]:
            body = _html(example["content"], summary=example.get("summary"))
            text = clean(body, alt_texts=False).text
            assert text.endswith(example["content"])
            assert "</" not in text
            assert "alert(" not in text


PIECES = st.sampled_from(
    [
        "<p>", "</p>", "<br>", "@bob@social.example", "<a class=mention href=x>@b</a>", "#a",
        "\n> q\n", "<a class=hashtag href=x>#t</a>", "RT @x: y", "\nRE: https://a.example/b\n",
        "<pre>", "</pre>", "&lt;", "e\u0301", "\u200d", "\U0001f469\u200d\U0001f680", "words of mine",
        " ", "`", "<ul><li>", "\x00",
    ]
)  # fmt: skip
WORDS = st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=12).map("".join))


def _assert_sound(said: Clean) -> None:
    for ranges in ([(one.begin, one.end) for one in said.mentions], list(said.quoted)):
        edges = [edge for pair in ranges for edge in pair]
        assert edges == sorted(edges)
        assert all(0 <= begin < end <= len(said.text) for begin, end in ranges)
    assert said.text == said.text.strip()
    assert unicodedata.is_normalized("NFC", said.text)
    controls = {char for char in said.text if unicodedata.category(char) in ("Cc", "Cs")}
    assert controls <= {"\n", "\t"}


@settings(max_examples=150, deadline=None)
@given(
    st.builds(
        Body,
        content=WORDS,
        content_type=st.sampled_from(["text/html", "text/plain"]),
        title=st.none() | WORDS,
        summary=st.none() | WORDS,
        poll_options=st.lists(WORDS, max_size=2).map(tuple),
        languages=st.lists(st.text(max_size=5), max_size=2).map(tuple),
        mentions=st.just((BOB,)),
        facets=st.lists(
            st.builds(
                Facet,
                st.integers(0, 30),
                st.integers(0, 30),
                st.sampled_from(["mention", "link", "tag"]),
                st.just("https://a.example/b"),
            ),
            max_size=3,
        ).map(tuple),
        quote_of=st.none() | st.just("https://a.example/b"),
        alt_texts=st.lists(WORDS, max_size=1).map(tuple),
    )
)
def test_any_body_is_cleaned(body: Body) -> None:
    """Nothing is raised, text and ranges are sound, and cleaning the text again changes nothing."""
    said = clean(body, alt_texts=True)
    _assert_sound(said)
    again = clean(Body(said.text, "text/plain"), alt_texts=False)
    assert again.text == said.text


def test_headings_are_found_again_in_the_text() -> None:
    """The warning with its prefix and the title, each where it stands; none where it is not said."""
    for summary, title, expected in (
        ("food", "A question", ("CW: food", "A question")),
        (None, "A question", (None, "A question")),
        ("food", None, ("CW: food", None)),
        (None, "Which one?", (None, None)),  # the content begins with it
    ):
        said = clean(_html("<p>Which one?</p>", title=title, summary=summary), alt_texts=False)
        found = tuple(
            said.text[place[0] : place[1]] if place else None
            for place in (said.warning, said.title)
        )
        assert found == expected
