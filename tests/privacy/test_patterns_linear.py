"""Every pattern takes time in proportion to the text, whatever stands in it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import cache

import pytest

from fedi_dataset.privacy.detector import Detector, load_detector
from fedi_dataset.privacy.placeholders import resolve
from fedi_dataset.privacy.recognizers import recognizers

# One word of every context, so that no gate keeps a pattern from the text.
_OPENING = (
    "call my card iban bitcoin sol ip imei passport plate car gps lat lon qth email my blog discord"
    " password token app password Bearer ssh-rsa AAAA signal geo: +22 ///w u/ at:// did: @ # : = ° "
    "zero one five 1234 12.34 https://x.example/ -----BEGIN \n"
)
_PIECES = (
    # handles and addresses
    "@", "@a", "@a.", "@a@", "a@", "a.", "a-", "a_", "@a:b.", "@a-.", "u/a ", "a#1234 ", "a.42 ",
    "did:plc:a:", "at://a/", "npub1a", "discord: a_1 ", "my insta is ", "i'm a_1 on ", "~a ",
    # mail and its disguises
    "a (at) ", " at a dot ", "a at mail dot ", "((at)", "[at]", "_at_", "a'", "a @ b . ", "a dot ",
    # links
    "http://", "http://a/", "https://a.b/@a/1 ", "https://x.com/a_(", "www.a.", "a.b/", "/", ")",
    "my blog a.b ", "a.bsky.social ", "://a:b@", "a://", "https://a/@1.2345,",
    # secrets
    "password: a1", "password=", "token ", "sk-ant-", "eyJa", "eyJaaaaaaaa.", "AAAA", "bearer ",
    "-----BEGIN PRIVATE KEY-----", "-----", "&sig=", "sv=2020-01-01&", "aaaa-", "M" * 23,
    # numbers
    "1", "1 ", "11 ", "0", "(0)", "+1 ", "06 12 34 56 78 ", "call 1234567 ", "1-", "1.", "1,",
    "4111 ", "4111 1111 1111 1111 ", "DE89 ", "aa11", "A1 ", "1A1z", "bc1q", "0xab",
    "passport ", "passport number is the ", "passport a1 ", "123-45-6789 ", "123456789 ",
    "::", ":1", "1:2:", "1.1.1.1 ", "00:11:", "five ", "five six five ",
    # places and plates
    "52.5163, ", "52.5163, 13.3777 ", "52°31'", "N 52° ", "lat: 52.52 lon: ", "geo:1.1,", "2222+",
    "33UVU", "///a.b.", "AB-12 ", "plate AB ", "B-AB 1234 ",
    # everything else
    "é", "ａ＠", "a\u0301", "\u200b", "😀", "\n", " ", "(", "[", "{", "\\", "=", "%", "\x00",
)  # fmt: skip
# What begins once and then goes on and on.
_BEGUN = (
    ("https://", "a."), ("https://a.example/", ")"), ("https://a.example/", "a/"), ("https://", ":"),
    ("https://a.example/", "@a/"), ("https://x.example/@1.234,", "1"), ("a@", "a."), ("@", "a-"),
    ("@a@", "a."), ("did:web:", "a."), ("at://", "a/"), ("+", "1 "), ("-----BEGIN PRIVATE KEY-----", "-"),
    ("password: ", "a1"), ("passport ", "is "), ("iban DE", "1 "), ("geo:1.1,1.1", ";a"), ("ssh-rsa AAAA", "a"),
    ("postgres://", "a"), ("postgres://a:", "a"), ("discord: ", "a."), ("a at ", "a dot "), ("///", "a."),
)  # fmt: skip
# Runs without a border of words, and finds inside of them.
_UNBROKEN = ("a1", "a_", "DE89370400440532013000_", "4111111111111111\u0301", "@a@b.example,")
_DENSE = "call 1234567 passport 12345 a at mail dot com @a:b.c 52.5163, 13.3777 "
_GROWTH = 4
_TOLERANCE = 1.7
"""A pattern in quadratic time takes sixteen times as long for four times the text."""
_NOISE = 0.02  # seconds: below it the clock says nothing


def seconds(piece: str, length: int, begin_with: str = "") -> float:
    """CPU time of all patterns for so many characters made of a piece."""
    (patterns,) = recognizers("en")
    text = _OPENING + begin_with + (piece * (length // len(piece) + 1))[:length]
    begin = time.process_time()
    patterns.analyze(text, patterns.supported_entities)
    return time.process_time() - begin


def grows_in_proportion(
    piece: str, length: int, begin_with: str = "", taken: Callable[[str, int, str], float] = seconds
) -> bool:
    """Say whether four times the text takes about four times as long, in the best of four tries."""
    return any(
        taken(piece, length, begin_with)
        <= max(taken(piece, length // _GROWTH, begin_with), _NOISE) * _GROWTH * _TOLERANCE
        for _ in range(4)
    )


@cache
def _detector() -> Detector:
    return load_detector()


def seconds_of_all(piece: str, length: int, _: str) -> float:
    """CPU time of patterns, model and resolution for so many characters made of a piece."""
    text = (piece * (length // len(piece) + 1))[:length]
    begin = time.process_time()
    resolve(text, _detector().detect(text, "en"), [], [])
    return time.process_time() - begin


@pytest.mark.parametrize("piece", _PIECES)
def test_time_grows_in_proportion_to_the_text(piece: str) -> None:
    """Repetitions of what patterns begin with, go on with, and stumble over."""
    assert grows_in_proportion(piece, 16_000)


@pytest.mark.parametrize(("begin_with", "piece"), _BEGUN)
def test_long_continuations_take_time_in_proportion(begin_with: str, piece: str) -> None:
    """One link, address or number that does not end."""
    assert grows_in_proportion(piece, 60_000, begin_with)


@pytest.mark.parametrize("piece", _UNBROKEN)
def test_all_that_reads_a_text_takes_time_in_proportion(piece: str) -> None:
    """Words, spans and placeholders too, where nothing parts one word from the next."""
    assert grows_in_proportion(piece, 20_000, taken=seconds_of_all)


@pytest.mark.slow
def test_a_megabyte_takes_seconds() -> None:
    """A megabyte in which every few characters match, and one of stretches of everything."""
    assert grows_in_proportion(_DENSE, 1_000_000)
    stretch = 1_000_000 // len(_PIECES)
    everything = "".join((piece * stretch)[:stretch] for piece in _PIECES)
    assert seconds(everything, 1_000_000) < 60


def test_the_clock_notices_quadratic_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a pattern that looks at every word from every word, the same test fails."""
    (patterns,) = recognizers("en")
    slow = re.compile(r"\w(?: \w)*!")
    monkeypatch.setattr(
        patterns.recognizers[0], "analyze", lambda text, _: [*slow.finditer(text)][:0]
    )
    assert not grows_in_proportion("a ", 12_000)
