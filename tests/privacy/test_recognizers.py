"""Pattern recognizers: what names a person in the fediverse, and what only looks like it."""

from __future__ import annotations

import time

import pytest

from fedi_dataset.privacy.recognizers import link_entity, recognizers

RECOGNIZERS = recognizers()


def found(text: str) -> list[tuple[str, str]]:
    """All (entity, stretch) of a text at 0.4 or more, in its order."""
    results = {
        (r.start, r.end, r.entity_type)
        for recognizer in RECOGNIZERS
        for r in recognizer.analyze(text, recognizer.supported_entities)
        if r.score >= 0.4
    }
    return [(entity, text[begin:end]) for begin, end, entity in sorted(results)]


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("hi @alice@mastodon.example, yes", "@alice@mastodon.example"),
        ("hi @alice.bsky.social.", "@alice.bsky.social"),
        ("alice.bsky.social!", "alice.bsky.social"),
        ("(@alice)", "@alice"),
        (".@alice look", "@alice"),
        ("@alice's dog", "@alice"),
        ("/u/alice_b said", "/u/alice_b"),
        ("u/alice_b", "u/alice_b"),
    ],
)
def test_handles(text: str, handle: str) -> None:
    """A handle is found with its leading @ and without the punctuation behind it."""
    assert ("HANDLE", handle) in found(text)


def test_handle_outscores_the_email_address_inside_it() -> None:
    """Of a full handle, the handle contains and outscores the e-mail address that it looks like."""
    scores = {
        r.entity_type: (r.score, r.start, r.end)
        for recognizer in RECOGNIZERS
        for r in recognizer.analyze("@a@mail.example", recognizer.supported_entities)
    }
    assert scores["HANDLE"] == (1.0, 0, 15)
    assert scores["EMAIL_ADDRESS"] < scores["HANDLE"]


def test_matrix_id() -> None:
    """A Matrix id is found with its server."""
    assert ("HANDLE", "@alice:matrix.example") in found("on @alice:matrix.example.")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("mail a@b.c now", "a@b.c"),
        ("alice.m+x@mail.internal.", "alice.m+x@mail.internal"),
        ("o'brien@mail.example", "o'brien@mail.example"),
        ("'bob@mail.example'", "bob@mail.example"),
        ("x!bob@mail.example", "bob@mail.example"),
        ("me@bob@mail.example", "bob@mail.example"),
        ("alice [at] mail [dot] example", "alice [at] mail [dot] example"),
    ],
)
def test_email_addresses(text: str, address: str) -> None:
    """E-mail addresses are found on any domain, also written with (at) and (dot)."""
    assert ("EMAIL_ADDRESS", address) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "see you @ 5, or @5pm, or @10:30",
        "!gardening@lemmy.example is a community",
        "read https://news.example/2024/05/some-article-7 please",
        "https://github.com/someone/project and www.museum.example",
        "on 2024-11-05 at 12:34, for 1,000,000 people, v1.2.3, RFC 9110",
        "and/or, tcp/udp, I did: nothing",
    ],
)
def test_what_names_nobody(text: str) -> None:
    """Times, communities, articles, projects, dates and versions are left alone."""
    assert found(text) == []


@pytest.mark.parametrize(
    ("link", "entity"),
    [
        ("https://mastodon.example/@alice", "PROFILE_URL"),
        ("https://mastodon.example/@alice/112233", "POST_URL"),
        ("https://mastodon.example/users/alice/statuses/112233", "POST_URL"),
        ("https://mastodon.example/ap/users/112233", "PROFILE_URL"),
        ("mastodon.example/@alice", "PROFILE_URL"),
        ("https://bsky.app/profile/alice.bsky.social", "PROFILE_URL"),
        ("https://bsky.app/profile/did:plc:abc/post/3k", "POST_URL"),
        ("https://mobile.twitter.com/alice", "PROFILE_URL"),
        ("https://x.com/alice/status/123", "POST_URL"),
        ("https://x.com/i/status/123", "POST_URL"),
        ("https://x.com/search?q=tea", None),
        ("https://old.reddit.com/u/alice", "PROFILE_URL"),
        ("https://www.linkedin.com/in/alice-m", "PROFILE_URL"),
        ("https://akkoma.example/notice/AbC1", "POST_URL"),
        ("https://alice.tumblr.com", "PROFILE_URL"),
        ("https://alice:pw@files.example/x", "PROFILE_URL"),
        ("https://github.com/alice", "PROFILE_URL"),
        ("https://github.com/alice/project", None),
        ("https://news.example/post/what-happened-in-2024", None),
        ("https://news.example/", None),
    ],
)
def test_link_entity(link: str, entity: str | None) -> None:
    """A link leads to a person, to a person's post, or to neither."""
    assert link_entity(link) == entity


def test_links_end_before_the_punctuation_of_the_sentence() -> None:
    """Brackets and full stops behind a link are left; brackets that the link opens belong to it."""
    assert found("(see https://x.com/alice).") == [("PROFILE_URL", "https://x.com/alice")]
    assert found("https://x.com/alice_(b)!") == [("PROFILE_URL", "https://x.com/alice_(b)")]


def test_atproto_identifiers() -> None:
    """DIDs and at:// addresses are found without the punctuation behind them."""
    text = "did:plc:ewvi7nxzyoun6zhxrhs64oiz, did:web:alice.example; at://alice.example/app.x/3k."
    entities = [pair for pair in found(text) if pair[0] in {"DID", "AT_URI"}]
    assert entities == [
        ("DID", "did:plc:ewvi7nxzyoun6zhxrhs64oiz"),
        ("DID", "did:web:alice.example"),
        ("AT_URI", "at://alice.example/app.x/3k"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call +49 30 901820", ("PHONE_NUMBER", "+49 30 901820")),
        ("card 4111 1111 1111 1111", ("CREDIT_CARD", "4111 1111 1111 1111")),
        ("IBAN DE89370400440532013000", ("IBAN_CODE", "DE89370400440532013000")),
        ("from 198.51.100.7", ("IP_ADDRESS", "198.51.100.7")),
        ("ssn 536-90-4399", ("GOVERNMENT_ID", "536-90-4399")),
        ("dni 12345678Z", ("GOVERNMENT_ID", "12345678Z")),
    ],
)
def test_presidio_recognizers(text: str, expected: tuple[str, str]) -> None:
    """Numbers that reach or identify somebody are found; national ids are one entity."""
    assert expected in found(text)


@pytest.mark.parametrize(
    "piece", ["a.", "@a", "@a.", "at://a/", "a!", "(at)", "'a", "ab.cd/", "did:key:"]
)
def test_patterns_take_linear_time(piece: str) -> None:
    """Long adversarial texts stay far from the limit at which Presidio drops a pattern."""
    text = (piece * 40_000)[:40_000]
    begin = time.process_time()
    found(text)
    assert time.process_time() - begin < 6
