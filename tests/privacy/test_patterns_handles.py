"""Handles, decentralized identifiers, and accounts named beside their platform."""

from __future__ import annotations

import pytest

from tests.privacy.finding import found, found_as


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("hi @ada@mastodon.example, yes", "@ada@mastodon.example"),
        ("hi @ada.bsky.social.", "@ada.bsky.social"),
        ("hi @ada.falk.example!", "@ada.falk.example"),
        ("ada.bsky.social!", "ada.bsky.social"),
        ("(@ada)", "@ada"),
        (".@ada look", "@ada"),
        ("@ada's dog", "@ada"),
        ("@ada/@bo", "@ada"),
        ("@Ada_92: yes", "@Ada_92"),
        ("/u/ada_b said", "/u/ada_b"),
        ("u/ada_b", "u/ada_b"),
        ("u/ada@lemmy.example", "u/ada@lemmy.example"),
        ("ask @ada:matrix.example.", "@ada:matrix.example"),
        ("ask @ada.f:matrix.example:8448", "@ada.f:matrix.example:8448"),
        ("auf Signal bin ich ada.42", "ada.42"),
        ("Discord: ada#0420", "ada#0420"),
        ("nostr:npub1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0jqgfzyvjz2f389q5", None),
        ("my insta is ada.falk.", "ada.falk"),
        ("Telegram: @ada_f", "@ada_f"),
        ("Telegram: ada_f", "ada_f"),
        ("insta ada_falk", "ada_falk"),
        ("my Discord username is ada", "ada"),
        ("mein Nutzername auf Mastodon ist adafalk", "adafalk"),
        ("mon pseudo sur Telegram : adafalk", "adafalk"),
        ("I'm ada_f on Discord", "ada_f"),
        ("me encuentras en Telegram como ada_f", "ada_f"),
        ("IRC: ~ada on libera", "~ada"),
    ],
)
def test_handles(text: str, handle: str | None) -> None:
    """A handle is found with its @ and without the punctuation behind it."""
    handles = found_as("HANDLE", text)
    assert handle in handles if handle else len(handles) == 1


@pytest.mark.parametrize(
    "text",
    [
        "see you @ 5, or @5pm, or @10:30, @2x zoom",
        "!gardening@lemmy.example, c/gardening, r/gardening, #room:matrix.example",
        "@property and @dataclass, @Override, @media (max-width: 3em)",
        "npm i @angular/core @types/node react@18.2.0 actions/checkout@v4",
        "@app.route('/')\n@cache(maxsize=3)\ndef f(): ...",
        "@@ -1,3 +1,4 @@ and @_@ and HEAD@{1}",
        "@everyone @here look",
        "your handle is like @user@instance.example",
        "scp box:/tmp/file . && cd a/u/b",
        "PR#1234 in repo#6361, a C# program",
        "session: user_id, element: my_id, line: foo_bar, tag: a_b",
        "Telegram: down again. My insta is full of cats. GitHub: v2.1 is out",
        "I'm active on Mastodon, I'm back on Twitch",
        "and/or, tcp/udp, I did: nothing",
    ],
)
def test_what_only_looks_like_a_handle(text: str) -> None:
    """Times, places on servers, code, packages, everybody, and issues name nobody."""
    assert found(text) == []


def test_handle_outscores_the_email_address_inside_it() -> None:
    """Of a full handle, the handle contains and outscores the address that it looks like."""
    from fedi_dataset.privacy.recognizers import recognizers

    scores = {
        result.entity_type: (result.score, result.start, result.end)
        for recognizer in recognizers()
        for result in recognizer.analyze("@a@mail.example", recognizer.supported_entities)
    }
    assert scores["HANDLE"] == (1.0, 0, 15)
    assert all(score < 1.0 for entity, (score, _, _) in scores.items() if entity != "HANDLE")


def test_decentralized_identifiers() -> None:
    """DIDs and at:// addresses are found without the punctuation behind them."""
    text = (
        "did:plc:ewvi7nxzyoun6zhxrhs64oiz, did:web:ada.example; did:key:z6MkfooBar"
        " at://ada.example/app.x/3k."
    )
    assert [pair for pair in found(text) if pair[0] in {"DID", "AT_URI"}] == [
        ("DID", "did:plc:ewvi7nxzyoun6zhxrhs64oiz"),
        ("DID", "did:web:ada.example"),
        ("DID", "did:key:z6MkfooBar"),
        ("AT_URI", "at://ada.example/app.x/3k"),
    ]
