"""Words: where they begin and end."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.privacy.spans import grower


@pytest.mark.parametrize(
    ("text", "begin", "end", "expected"),
    [
        ("Dear Alicia, hello", 5, 8, "Alicia"),
        ("Dear Alicia, hello", 5, 11, "Alicia"),
        ("Jose\u0301!", 0, 4, "Jose\u0301"),  # the accent is a mark of its own
        ("𝒜lice 😀", 1, 3, "𝒜lice"),  # letters outside the first plane
        ("שלום דנה.", 5, 6, "דנה"),
        ("al\u200bice", 0, 2, "al\u200bice"),  # an invisible break inside a word
        ("田中@aliceさん", 2, 8, "@alice"),  # no spaces in this script: the sentence stays
        ("a, b", 1, 2, ","),
    ],
)
def test_grow_takes_the_whole_word(text: str, begin: int, end: int, expected: str) -> None:
    """A stretch that cuts a word takes all of it, and no punctuation beside it."""
    assert text[slice(*grower(text)(begin, end))] == expected


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_grow_never_narrows_and_is_stable(text: str, begin: int, end: int) -> None:
    """Growing covers what was given, stays inside the text, and growing again changes nothing."""
    begin, end = sorted((min(begin, len(text)), min(end, len(text))))
    grown = grower(text)(begin, end)
    assert 0 <= grown[0] <= begin
    assert end <= grown[1] <= len(text)
    assert grower(text)(*grown) == grown
