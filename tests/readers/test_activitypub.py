"""The shapes of ActivityPub's values, and who may read what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fedi_dataset.posts import Body, Mention, Visibility
from fedi_dataset.readers.activitypub import (
    UNREADABLE_LICENSE,
    authors_of,
    body_of,
    ids_of,
    is_vote,
    tags_of,
    types_of,
    uri_of,
    visibility_of,
)
from tests.readers.exports import ALICE, BOB, FIXTURES, PUBLIC, needs_fixtures

FOLLOWERS = f"{ALICE}/followers"
NOTE: dict[str, Any] = {"type": "Note", "id": f"{ALICE}/statuses/1"}


def pasture(name: str) -> list[dict[str, Any]]:
    """The objects of one of the fediverse pasture's inputs."""
    path = FIXTURES / f"activitypub-pasture/{name}.json"
    examples: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["examples"]
    return examples


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        (None, []),
        ("x", ["x"]),
        ({"id": "x", "href": "y"}, ["x"]),
        ({"type": "Link", "href": "y"}, ["y"]),
        (["x", {"id": "y"}, {"id": 3}, 4, None, ""], ["x", "y"]),
    ],
)
def test_one_value_or_many(value: object, ids: list[str]) -> None:
    """A property gives its ids whether it holds a string, an object, a list of them, or junk."""
    assert ids_of(value) == ids


def test_types_lose_their_prefix() -> None:
    """A type may be a list, and may be written with ``as:``."""
    assert types_of({"type": ["as:Note", "Article", 3]}) == {"Note", "Article"}


def test_a_bear_gives_the_id_in_it() -> None:
    """A bear: capability is unwrapped to the id that it carries."""
    assert uri_of({"id": "bear:?t=abc&u=https://h.example/1"}) == "https://h.example/1"
    assert uri_of({"id": "bear:?t=abc"}) is None


@pytest.mark.parametrize(
    ("obj", "visibility"),
    [
        ({"to": PUBLIC}, "public"),
        ({"to": ["as:Public"], "cc": [FOLLOWERS]}, "public"),
        ({"to": [{"id": "Public"}]}, "public"),
        ({"to": [FOLLOWERS], "cc": [PUBLIC]}, "unlisted"),
        ({"to": [FOLLOWERS], "cc": [BOB]}, "followers"),
        ({"to": [BOB]}, "direct"),
        ({"to": [f"{BOB}/followers"]}, "direct"),
        ({"to": [], "cc": []}, "unknown"),
        ({}, "unknown"),
        ({"bto": [PUBLIC]}, "unknown"),
        ({"to": ["public"]}, "direct"),
        ({"to": ["https://h.example/#Public"], "cc": []}, "local_only"),
        ({"to": ["https://h.example/#Public", PUBLIC]}, "local_only"),
        ({"to": [PUBLIC], "directMessage": True}, "direct"),
        ({"to": [PUBLIC], "listMessage": "https://h.example/lists/1"}, "direct"),
        ({"to": [PUBLIC], "type": "ChatMessage"}, "direct"),
        ({"to": [PUBLIC], "id": "bear:?u=https://h.example/1"}, "unknown"),
    ],
)
def test_the_audience_decides_who_may_read(obj: dict[str, Any], visibility: str) -> None:
    """Only an exact Public among the addressees is public, and any mark of less wins over it."""
    assert visibility_of({}, NOTE | obj, FOLLOWERS) is Visibility(visibility)


def test_the_activity_speaks_where_the_object_is_silent() -> None:
    """The activity's audience counts only for a property that the object has not at all."""
    public = {"to": [PUBLIC], "cc": []}
    assert visibility_of(public, NOTE, FOLLOWERS) is Visibility.PUBLIC
    assert visibility_of(public, NOTE | {"to": []}, FOLLOWERS) is Visibility.UNKNOWN
    assert visibility_of(public | {"directMessage": True}, NOTE, None) is Visibility.DIRECT


@needs_fixtures
def test_the_pasture_s_spellings_of_public() -> None:
    """All three spellings of Public that the pasture collects are public."""
    seen = {visibility_of({}, NOTE | one, None) for one in pasture("public_addressing")}
    assert seen == {Visibility.PUBLIC}


@needs_fixtures
def test_the_pasture_s_attributions() -> None:
    """Authors are found in each form of attributedTo, and a second one is not lost."""
    one, two = "http://pasture-one-actor/actor", "http://pasture-one-actor/second"
    authors = [authors_of({"actor": one}, example) for example in pasture("attributed_to")]
    assert authors == [[one], [one], [one, two], [one], [one]]


def test_a_channel_is_no_author() -> None:
    """Of a person and their channel, the person is the author."""
    both = [{"type": "Group", "id": "channel"}, {"type": "Person", "id": "person"}]
    assert authors_of({}, {"attributedTo": both}) == ["person"]


@needs_fixtures
def test_the_pasture_s_quotes() -> None:
    """The quoted post is found in each of the five ways to name it."""
    quoted = [body_of(NOTE | example).quote_of for example in pasture("quotes")]
    assert quoted == ["http://pasture-one-actor/assets/note1.jsonap"] * 5


def test_quote_wins_over_its_older_names() -> None:
    """Of several names for the quoted post, Mastodon's order decides; a tombstone without id has none."""
    named = {"quoteUri": "u", "quoteUrl": "l", "_misskey_quote": "m", "quote": {"id": "q"}}
    assert body_of(NOTE | named).quote_of == "q"
    assert body_of(NOTE | named | {"quote": {"type": "Tombstone"}}).quote_of == "m"


@needs_fixtures
def test_the_pasture_s_languages() -> None:
    """One key of contentMap is the language; of several that do not match none is."""
    found = [body_of(NOTE | example) for example in pasture("language")]
    assert [(one.content, one.languages) for one in found] == [
        ("text", ()),
        ("text", ("de",)),
        ("text", ("en",)),
        ("text", ()),
        ("text", ()),
        ("Deutsch", ("de",)),
        ("English", ("en",)),
        ("", ()),
        ("", ()),
    ]


@pytest.mark.parametrize(
    ("texts", "languages"),
    [
        ({"en": "x", "de": "y"}, ("en",)),
        ({"en": "x", "de": "x"}, ()),
        ({"und": "x"}, ()),
        ({"en": None}, ("en",)),
        (["en"], ()),
    ],
)
def test_the_language_is_the_one_that_matches(texts: object, languages: tuple[str, ...]) -> None:
    """The single key whose value is the content is the language; ``und`` is none."""
    assert body_of(NOTE | {"content": "x", "contentMap": texts}).languages == languages


@needs_fixtures
def test_the_pasture_s_image_descriptions() -> None:
    """The name of an attachment is its description, its summary only without a name."""
    texts = [body_of(NOTE | one).alt_texts for one in pasture("image_description")]
    assert texts == [(), ("name",), ("name",), ()]


@needs_fixtures
def test_link_cards_are_not_described_images() -> None:
    """Names of Link attachments and of attached notes are not taken for descriptions."""
    texts = [body_of(NOTE | example).alt_texts for example in pasture("attachments")]
    assert {text for one in texts for text in one} == {
        "a cow",
        "a cow eating grass",
        "the moo sound of a cow",
        "text document",
    }


@needs_fixtures
def test_the_pasture_s_content_warnings() -> None:
    """An object is sensitive if it, or an attachment, says so; the summary is kept apart."""
    found = [body_of(NOTE | example) for example in pasture("content_warnings")]
    assert [(one.sensitive, one.summary) for one in found] == [
        (True, None),
        (False, "summary"),
        (True, "summary"),
        (True, None),
        (True, None),
        (True, None),
        (True, None),
    ]


@needs_fixtures
def test_the_pasture_s_hashtags_and_mentions() -> None:
    """Hashtags and mentions are read from one tag or a list, prefixed types included, once each."""
    tags = [tags_of(example) for example in pasture("hashtag_jsonld")]
    assert tags == [("test",), ("test",), (), ("test",), ("test",)]
    mentions = [body_of(NOTE | example).mentions for example in pasture("mentions")]
    known = "http://pasture-one-actor/actor"
    assert mentions[3] == (Mention(known, None),)
    assert mentions[7:] == [
        (Mention(known, "yay"),),
        (),
        (Mention(known, "@actor@test_server"),),
    ]


def test_a_poll_and_its_vote() -> None:
    """A poll's options are read from either list; a vote is a Note with a name and no content."""
    poll = {"type": "Question", "content": "?", "oneOf": [{"name": "Yes"}, {"name": "No"}, 3]}
    vote = {"type": "Note", "name": "Yes", "inReplyTo": f"{BOB}/polls/1"}
    assert body_of(poll).poll_options == ("Yes", "No")
    assert body_of(poll | {"oneOf": None, "anyOf": {"name": "A"}}).poll_options == ("A",)
    assert is_vote(vote)
    assert not is_vote(vote | {"content": "Yes"})
    assert not is_vote(NOTE | {"inReplyTo": "x", "content": "Yes"})


def test_a_title_and_a_warning_are_told_apart() -> None:
    """Name and summary are the title and an excerpt of an Article, and a Note's content warning."""
    said = {"name": "Title", "summary": "Short", "content": "Long", "mediaType": "text/markdown"}
    article = body_of({"type": "Article", **said})
    assert (article.title, article.summary, article.content_type) == ("Title", None, "text/plain")
    assert body_of({"type": "Note", **said}).summary == "Short"
    assert body_of(NOTE | {"summary": "\u200b"}).summary is None


@pytest.mark.parametrize(
    ("stated", "license_"),
    [
        ({}, None),
        ({"license": None}, None),
        ({"license": "https://cc.example/by/4.0/"}, "https://cc.example/by/4.0/"),
        ({"license": "CC-BY-4.0", "schema:license": "CC-BY-4.0"}, "CC-BY-4.0"),
        ({"license": "CC0-1.0", "rights": "CC-BY-4.0"}, "CC-BY-4.0 AND CC0-1.0"),
        ({"licence": {"identifier": "2", "name": "Attribution"}}, UNREADABLE_LICENSE),
        ({"licenseExpression": "CC0-1.0 OR MIT", "rights": "MIT"}, "(CC0-1.0 OR MIT) AND MIT"),
        ({"licenseExpression": "CC-BY-4.0 OR MIT"}, "CC-BY-4.0 OR MIT"),
        ({"attachment": [{"type": "PropertyValue", "name": "License", "value": "x"}]}, "x"),
        ({"attachment": [{"type": "Image", "name": "license", "license": "x"}]}, None),
        ({"license": 7}, UNREADABLE_LICENSE),
    ],
)
def test_every_stated_license_counts(stated: dict[str, Any], license_: str | None) -> None:
    """Licenses are joined; one in a form that is not read stands there as unreadable."""
    assert body_of(NOTE | stated).license == license_


def test_junk_is_no_body() -> None:
    """Whatever types an object's properties have, its body can be read."""
    junk = dict.fromkeys(
        ("content", "contentMap", "tag", "attachment", "oneOf", "summary", "name", "quote"), 3
    )
    assert body_of({"type": 3, **junk}) == Body(content="", content_type="text/html")
