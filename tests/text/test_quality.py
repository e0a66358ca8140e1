"""What counts as words."""

from __future__ import annotations

import pytest

from fedi_dataset.reasons import TURN, UNTRAINED
from fedi_dataset.text.quality import count_words, is_empty, untrained_reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("one, two – three!", 3),
        ("it's a well-known thing", 4),
        ("@ann@a.example https://a.example/b?c=d #tag :blob_cat: 🎉 1️⃣ [PERSON_12] ok", 1),
        ("mail ann@a.example or example.com/page, did:plc:abc at://x/y www.a.example", 2),
        ("at 12:30:45 we met", 4),
        ("今日はいい天気ですね", 5),
        ("我很好", 2),
        ("สวัสดีครับ", 3),
        ("नमस्ते दुनिया", 2),
        ("안녕 세계", 2),
        ("... --- !!!", 0),
    ],
)
def test_count_words(text: str, words: int) -> None:
    """Addresses, names, tags, emoji and placeholders are no words; scripts without spaces count."""
    assert count_words(text) == words
    assert is_empty(text) is (words == 0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[HANDLE_1] 😂 https://a.example", "empty_text"),
        ("thank you [HANDLE_1]", "too_short"),
        ("thank you so much", None),
    ],
)
def test_untrained_reason(text: str, reason: str | None) -> None:
    """Empty comes before short, and every code is in the closed list."""
    assert untrained_reason(text, minimum_words=3) == reason
    assert reason is None or reason in TURN | UNTRAINED
