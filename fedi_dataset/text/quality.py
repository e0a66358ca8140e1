"""What counts as words, and whether a turn has enough of them to learn from.

Addresses, mentions, hashtags, emoji and placeholders are no words.
"""

from __future__ import annotations

import math
import re
from typing import Final

__all__ = ["count_words", "is_empty", "untrained_reason", "without_noise"]

_NOISE: Final = re.compile(
    r"""
      \[[A-Z][A-Z_]*_[0-9]+\]                                 # placeholders
    | (?<!\w)(?:https?|ftp|at|gemini|matrix|xmpp|ipfs)://\S+  # addresses
    | (?<!\w)(?:www\.|did:[a-z]+:|mailto:)\S+
    | (?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+ # e-mail
    | (?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63})+/\S*            # example.com/page
    | (?<!\w)[@!][\w.-]+@[\w.-]+ | (?<!\w)@[\w.-]+            # handles, communities
    | (?<!\w)[#＃]\w+                                         # hashtags
    | (?<!\w):[A-Za-z0-9_+-]{2,64}:                           # custom emoji
    | [0-9]\ufe0f?\u20e3                                      # keycap emoji
    """,
    re.VERBOSE,
)

_HAN_AND_KANA: Final = re.compile(
    "[\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
_SOUTHEAST_ASIAN: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff]")


def without_noise(text: str) -> str:
    """Replace everything that is no word of a language by a space."""
    return _NOISE.sub(" ", text)


def count_words(text: str) -> int:
    """Count words: runs between spaces that hold a letter or a digit.

    Scripts that set no spaces are counted by characters: two of Chinese or Japanese, or four of
    Thai, Lao, Burmese or Khmer make a word, which is about their mean length in running text.
    """
    text = without_noise(text)
    text, pairs = _HAN_AND_KANA.subn(" ", text)
    text, fours = _SOUTHEAST_ASIAN.subn(" ", text)
    spaced = sum(any(map(str.isalnum, run)) for run in text.split())
    return spaced + math.ceil(pairs / 2) + math.ceil(fours / 4)


def is_empty(text: str) -> bool:
    """Whether no letter and no digit is left once everything that is no word is gone."""
    return not any(map(str.isalnum, without_noise(text)))


def untrained_reason(text: str, *, minimum_words: int) -> str | None:
    """Say why ``text`` is not trained, by a code of :mod:`fedi_dataset.reasons`; None if it may be.

    ``empty_text``: see :func:`is_empty`. ``too_short``: fewer than ``minimum_words``.
    """
    if is_empty(text):
        return "empty_text"
    return "too_short" if count_words(text) < minimum_words else None
