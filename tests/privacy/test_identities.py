"""People of the conversation, found in its texts."""

from __future__ import annotations

import hashlib

import pytest

from fedi_dataset.privacy.hidden import hide
from fedi_dataset.privacy.identities import PeopleMatcher, find_people
from fedi_dataset.privacy.names import fold
from fedi_dataset.privacy.spans import Mark, Person, Span

ALICE = Person(
    "alice",
    ("@alice@mastodon.example",),
    ("Alice Miller (she/her) 🌈",),
    ("https://mastodon.example/@alice", "https://mastodon.example/users/alice"),
)
BOB = Person("bob", ("@bob.bsky.test",), ("Böb",), ("did:plc:abc123def",))
HOPE = Person("hope", ("@carol_92@mastodon.example",), ("Hope Lee",))
MATCHER = PeopleMatcher([ALICE, BOB, HOPE])


def found(text: str) -> list[tuple[str, str, str]]:
    """All (stretch, entity, referent) of a text."""
    return [(text[m.begin : m.end], m.entity, m.referent) for m in MATCHER.marks(text)]


@pytest.mark.parametrize(
    ("text", "stretch", "entity", "referent"),
    [
        ("ask @alice@mastodon.example.", "@alice@mastodon.example", "HANDLE", "alice"),
        ("ask @ALICE@Mastodon.example", "@ALICE@Mastodon.example", "HANDLE", "alice"),
        ("ask alice@mastodon.example", "alice@mastodon.example", "HANDLE", "alice"),
        ("ask @alice!", "@alice", "HANDLE", "alice"),
        ("ask @bob.bsky.test, ok", "@bob.bsky.test", "HANDLE", "bob"),
        ("bob.bsky.test", "bob.bsky.test", "HANDLE", "bob"),
        ("that was carol_92 again", "carol_92", "HANDLE", "hope"),
        ("we met alice miller there", "alice miller", "PERSON", "alice"),
        ("we met ALICE  MILLER", "ALICE  MILLER", "PERSON", "alice"),
        ("thanks Alice.", "Alice", "PERSON", "alice"),
        ("Alice's cat", "Alice", "PERSON", "alice"),
        ("bo\u0308b said", "bo\u0308b", "PERSON", "bob"),
        ("BOB said", "BOB", "PERSON", "bob"),
        ("it is did:plc:abc123def", "did:plc:abc123def", "DID", "bob"),
        (
            "see https://mastodon.example/@Alice",
            "https://mastodon.example/@Alice",
            "PROFILE_URL",
            "alice",
        ),
        ("mastodon.example/users/alice", "mastodon.example/users/alice", "PROFILE_URL", "alice"),
        ("#AliceMiller", "AliceMiller", "PERSON", "alice"),
        ("#alicemiller", "alicemiller", "PERSON", "alice"),
        ("#TeamAlice wins", "TeamAlice", "PERSON", "alice"),
        ("#alice_miller", "alice_miller", "PERSON", "alice"),
        ("thanks alice", "alice", "PERSON", "alice"),
        ("Alices Katze", "Alices", "PERSON", "alice"),
        ("das Haus der Alice Millers", "Alice Millers", "PERSON", "alice"),
        ("ALICE’S cat", "ALICE", "PERSON", "alice"),
        ("#teamÁlice", "teamÁlice", "PERSON", "alice"),
        ("#BöbIstDa", "BöbIstDa", "PERSON", "bob"),
        ("#alice", "alice", "PERSON", "alice"),
        (
            "it is at://did:plc:abc123def/app.bsky.feed.post/3k.",
            "at://did:plc:abc123def/app.bsky.feed.post/3k",
            "AT_URI",
            "bob",
        ),
        (
            "(https://mastodon.example/@alice/1122)",
            "https://mastodon.example/@alice/1122",
            "POST_URL",
            "alice",
        ),
        (
            "https://mastodon.example/users/Alice/statuses/1122?x=1!",
            "https://mastodon.example/users/Alice/statuses/1122?x=1",
            "POST_URL",
            "alice",
        ),
    ],
)
def test_people_are_found(text: str, stretch: str, entity: str, referent: str) -> None:
    """Handles, names, parts of names, DIDs, URLs and hashtags lead to the person."""
    assert found(text) == [(stretch, entity, referent)]


@pytest.mark.parametrize(
    "text",
    [
        "I hope so",
        "Hope you are well. I hope it helps",
        "she said that the malice was hers",
        "@alice@elsewhere.example",  # another account, left to the recognizers
        "@alice.thinks",
        "alice@mastodon.example.org",
        "mastodon.example/@alice@elsewhere.example",
        "https://elsewhere.example/@alice/12",
        "#hope",
        "thanks hope, thanks hoping",
        "the hopes of many, malices",
        "mail alice-b or x/alice",
        "",
    ],
)
def test_who_is_not_meant(text: str) -> None:
    """Ordinary words, parts of words, and other people's longer handles are not these people."""
    assert found(text) == []


def test_a_name_at_the_beginning_is_found_though_a_handle_spells_it_in_lower_case() -> None:
    """Lower case in handles, tags and full names does not make a name an ordinary word."""
    text = "Alice is @alice, alice miller, #alicemiller"
    assert [stretch for stretch, _, _ in found(text)] == [
        "Alice",
        "@alice",
        "alice miller",
        "alicemiller",
    ]


def test_what_two_people_share_is_neither_of_them() -> None:
    """A handle's first part that two accounts have gets a referent of its own."""
    other = Person("other", ("@alice@elsewhere.example",))
    marks = find_people("@alice and @alice@elsewhere.example", [ALICE, other])
    assert marks == [Mark(0, 6, "HANDLE", "HANDLE:alice"), Mark(11, 35, "HANDLE", "other")]


def test_detected_names_are_given_to_the_person() -> None:
    """A PERSON that the detector found and whose words are part of a name is that person."""
    text = "thanks hope, thanks dora"
    spans = [Span(7, 11, "PERSON", 0.9), Span(20, 24, "PERSON", 0.9)]
    assert MATCHER.marks(text) == []
    assert MATCHER.marks(text, spans) == [Mark(7, 11, "PERSON", "hope")]


def test_people_who_withdrew_are_found_by_hashes_of_the_same_forms() -> None:
    """Whatever is found of a person is found of them when only hashes are kept."""

    def digest(words: tuple[str, ...]) -> bytes:
        return hashlib.sha256("\0".join(("key", *words)).encode()).digest()

    hidden = Person("alice", hidden=tuple(hide(ALICE, digest)))
    matcher = PeopleMatcher([hidden], digest)
    text = (
        "@alice, alice, Alices Katze, ALICE MILLERS Haus, #TeamAlice, #alicemiller, "
        "https://mastodon.example/@alice/12 and alice@mastodon.example; malice, Millerson"
    )
    assert matcher.marks(text) == PeopleMatcher([ALICE]).marks(text)
    assert len(matcher.marks(text)) == 8


def test_fold() -> None:
    """Case, accents, compatibility forms and invisible characters do not matter."""
    assert fold("ÅSA\u200b Øl\u00adand Straße ﬁ 𝓑ob") == "asa oland strasse fi bob"
