"""Edits that keep ranges right, and the normal form of text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.text.marked import (
    Marked,
    MentionRange,
    cut,
    edited,
    joined,
    merged,
    normalized,
    without_ranges,
)

ODD = "a e\u0301\u200b\u200d\u200c\ufe0f\u202e\xa0\xad\n\t\r\x00\U0001f469\U0001f680\u0915\u1100\u1161"


@dataclass(frozen=True)
class Pin:
    """Something that stands in a text."""

    begin: int
    end: int
    name: str


def test_edits_carry_ranges() -> None:
    """A range moves with its text, grows over an edit that it touches, and goes with its text."""
    marked = Marked("0123456789", (MentionRange(4, 6, "a"),), ((1, 3), (8, 9)), ((0, 10),))
    assert edited(marked, [(1, 3, ""), (5, 7, "XYZ")]) == Marked(
        "034XYZ789", (MentionRange(2, 6, "a"),), ((7, 8),), ((0, 9),)
    )


def test_ranges_that_touch_one_edit_stay_apart() -> None:
    """Where two ranges meet inside one edit, the first one takes it."""
    marked = Marked("abcd", (MentionRange(0, 2, "x"), MentionRange(2, 4, "y")))
    assert edited(marked, [(1, 3, "ZZ")]).mentions == (
        MentionRange(0, 3, "x"),
        MentionRange(3, 4, "y"),
    )


def test_cutting_leaves_no_gap() -> None:
    """What is cut leaves no double space, no more than one blank line and none at the ends."""
    marked = Marked(
        "> q\n\nown words here\n\n> r\n\nend", (MentionRange(9, 14, "w"),), (), ((0, 3),)
    )
    assert without_ranges(marked, [(21, 24), (0, 3), (5, 8)]) == Marked(
        "words here\n\nend", (MentionRange(0, 5, "w"),)
    )
    assert without_ranges(Marked("one two three"), [(4, 7)]).text == "one three"


def test_cut_works_on_any_dataclass_with_a_place() -> None:
    """The bare form keeps what else its items carry, and drops those that are cut."""
    pins = (Pin(0, 2, "gone"), Pin(6, 8, "kept"))
    assert cut("ab cd ef", [(0, 3), (-5, 1), (7, 7)], pins) == ("cd ef", (Pin(3, 5, "kept"),))


def test_cut_composes_what_comes_together() -> None:
    """The text stays in NFC when a letter and an accent meet across a cut."""
    assert cut("ae[x]\u0301b", [(2, 5)], (Pin(1, 2, "e"),)) == ("aéb", (Pin(1, 2, "e"),))


def test_joined_shifts_ranges() -> None:
    """Parts without text are left out, separators and all."""
    part = Marked("@b", (MentionRange(0, 2, "b"),), ((0, 1),), ((0, 2),))
    assert joined([part, Marked(""), part]) == Marked(
        "@b\n\n@b",
        (MentionRange(0, 2, "b"), MentionRange(4, 6, "b")),
        ((0, 1), (4, 5)),
        ((0, 2), (4, 6)),
    )


def test_merged_is_the_union() -> None:
    """Ranges are sorted, overlapping and touching ones are one, empty ones are none."""
    assert merged([(5, 7), (0, 2), (2, 3), (6, 9), (4, 4)]) == ((0, 3), (5, 9))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("e\u0301 \u212b", "é Å"),
        ("\u1112\u1161\u11ab", "한"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("  a  \n \n\n \nb\t", "a\n\nb"),
        ("a\xa0\u3000b  c\td", "a  b  c\td"),
        ("al\u200bi\xadce\u202e\ufeff\x00\x1b!", "alice!"),
        ("a\u200db \u200d", "ab"),
        ("hi\U000e0068\U000e0069 \u2764\ufe0f\ufe0f\ufe01", "hi ❤\ufe0f"),
        ("a\ud800b\uffff\u2800c", "ab c"),
    ],
)
def test_normal_form(raw: str, text: str) -> None:
    """What is seen stays, composed; what is invisible goes, save joiners where they shape it."""
    assert normalized(Marked(raw)).text == text


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f469\u200d\U0001f680 \u2764\ufe0f\u200d\U0001f525",  # emoji
        "\u0915\u094d\u200d\u0937 \u0645\u06cc\u200c\u062e",  # Devanagari, Persian
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # a flag
    ],
)
def test_what_joiners_shape_stays(text: str) -> None:
    """Joined emoji, joined letters and flags are as they were."""
    assert normalized(Marked(text)).text == text


def test_normalization_keeps_marks() -> None:
    """A mention over what is composed, dropped or tidied still covers what it named."""
    raw = "\u200b  @Re\u0301ne\u200be\u0301  hi"
    marked = normalized(Marked(raw, (MentionRange(3, 12, "r"),)))
    assert marked == Marked("@Réneé  hi", (MentionRange(0, 6, "r"),))


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.text(ODD)), st.integers(0, 8), st.integers(0, 8))
def test_any_text_has_one_normal_form(raw: str, begin: int, length: int) -> None:
    """The normal form is NFC, tidy, free of control characters, and its own normal form."""
    place = (MentionRange(begin, begin + length, "x"),) if begin + length <= len(raw) else ()
    marked = normalized(Marked(raw, tuple(one for one in place if length)))
    text = marked.text
    assert unicodedata.is_normalized("NFC", text)
    assert text == text.strip()
    assert not re.search(r"[ \t]\n|\n{3}", text)
    assert not {char for char in text if unicodedata.category(char) in ("Cc", "Cs")} - {"\n", "\t"}
    assert normalized(Marked(text)).text == text
    assert all(0 <= one.begin < one.end <= len(text) for one in marked.mentions)
