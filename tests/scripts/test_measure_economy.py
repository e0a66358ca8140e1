"""What `multi_turn` saves: the sentence about it, and where it stands in the page."""

from __future__ import annotations

import re

import pytest

from scripts.measure_economy import BEGIN, END, PAGE, sentence_of, written

FOUND = {
    "responses": 4,
    "dialogues": 4,
    "multi_turn": 3,
    "tokens_of_dialogues": 2000,
    "tokens_of_multi_turn": 1500,
}


def test_the_sentence_says_what_was_measured() -> None:
    """Dialogues and rows with their tokens, and the share that is saved."""
    assert sentence_of(FOUND) == (
        "On a generated world of 200 conversations 4 dialogues of 2,000 tokens become 3 rows of 1,500, "
        "which is 25 % less."
    )


def test_the_page_has_a_place_for_it() -> None:
    """Only what stands between the marks is written again; a page without them is refused."""
    page = PAGE.read_text("utf-8")
    changed = written(page, sentence_of(FOUND))
    (before, shown), (same, new) = (
        (
            text.partition(BEGIN)[0] + text.partition(END)[2],
            text.partition(BEGIN)[2].partition(END)[0],
        )
        for text in (page, changed)
    )
    assert before == same
    assert re.sub(r"[\d,]+", "N", shown) == re.sub(r"[\d,]+", "N", new)
    with pytest.raises(ValueError, match="lacks the marks"):
        written("no marks", "a sentence")
