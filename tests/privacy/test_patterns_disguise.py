"""Disguised texts: read as they look, found where they stand."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedi_dataset.privacy.patterns.disguise import undisguise
from tests.privacy.finding import found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "ａｄａ＠ｍａｉｌ．ｅｘａｍｐｌｅ !",
            ("EMAIL_ADDRESS", "ａｄａ＠ｍａｉｌ．ｅｘａｍｐｌｅ"),
        ),
        ("x a\u200bda@ma\u200bil.example y", ("EMAIL_ADDRESS", "a\u200bda@ma\u200bil.example")),
        ("𝐚𝐝𝐚@𝐦𝐚𝐢𝐥.𝐞𝐱𝐚𝐦𝐩𝐥𝐞", ("EMAIL_ADDRESS", "𝐚𝐝𝐚@𝐦𝐚𝐢𝐥.𝐞𝐱𝐚𝐦𝐩𝐥𝐞")),
        ("😀 ＠ada_f 😀", ("HANDLE", "＠ada_f")),
        ("+49 30 901820", ("PHONE_NUMBER", "+49 30 901820")),
        ("+49\u00a030\u2011901820", ("PHONE_NUMBER", "+49\u00a030\u2011901820")),
        (
            "ssn 5\ufe0f\u20e33\ufe0f\u20e36-90-4399",
            ("GOVERNMENT_ID", "5\ufe0f\u20e33\ufe0f\u20e36-90-4399"),
        ),
        ("IBAN DE89\u00ad370400440532013000", ("IBAN_CODE", "DE89\u00ad370400440532013000")),
    ],
)
def test_disguises(text: str, expected: tuple[str, str]) -> None:
    """Full-width, mathematical, invisible and keycap characters hide nothing; offsets are right."""
    assert expected in found(text)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_every_plain_character_knows_where_it_came_from(text: str) -> None:
    """Offsets never run backwards, and each plain character comes from the one at its offset."""
    plain = undisguise(text)
    offsets = range(len(text)) if plain.offsets is None else plain.offsets
    assert len(offsets) == len(plain.text)
    assert all(one <= two for one, two in pairwise(offsets))
    for begin in range(len(plain.text)):
        first, last = plain.written(begin, begin + 1)
        assert last == first + 1
        assert plain.text[begin] in undisguise(text[first:last]).text


@given(st.text(alphabet=st.characters(max_codepoint=0x17F), max_size=60))
def test_latin_text_comes_back_as_it_is(text: str) -> None:
    """ASCII comes back untouched."""
    if text.isascii():
        assert undisguise(text) == (text, None)
