"""Disguises: a text as it reads, though it was written to be unreadable to patterns.

Full-width and mathematical letters, digits of other scripts and in keycaps, typographic dashes and
spaces become the plain characters that they stand for; characters that nobody sees (zero-width,
directional, variation selectors, soft hyphens) go. Every character of the plain text knows where it
came from.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Plain", "undisguise"]

_LETTERS = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f"
_DISGUISED = re.compile(rf"[^\x00-\x7f{_LETTERS}]")
# What NFKC leaves alone, or maps to something that patterns do not know.
_PLAIN = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
    **dict.fromkeys("\u2018\u2019\u02bc\u00b4", "'"),
    **dict.fromkeys("\u3002\uff61\u2024", "."),
    **dict.fromkeys("\u2044\u2215", "/"),
    "\u20e3": "",  # the keycap around a digit
    "\u034f": "",
}


class Plain(NamedTuple):
    """A text without disguise, and where each of its characters stood."""

    text: str
    offsets: Sequence[int] | None
    """Of each character the index in the text as written; None: all stand where they stood."""

    def written(self, begin: int, end: int) -> tuple[int, int]:
        """Give a stretch of the plain text as the stretch of the text as written."""
        if self.offsets is None or begin >= end:
            return begin, end
        return self.offsets[begin], self.offsets[end - 1] + 1


def undisguise(text: str) -> Plain:
    """Give a text as it reads. Texts without anything unusual come back as they are."""
    if text.isascii() or not _DISGUISED.search(text):
        return Plain(text, None)
    pieces = list(map(_plain, text))
    plain = "".join(pieces)
    if len(plain) == len(text) and all(len(piece) == 1 for piece in pieces):
        return Plain(plain, None)
    return Plain(plain, [index for index, piece in enumerate(pieces) for _ in piece])


@lru_cache(maxsize=65_536)
def _plain(char: str) -> str:
    known = _PLAIN.get(char)
    if known is not None:
        return known
    category = unicodedata.category(char)
    if category == "Cf" or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Zs":
        return " "
    return unicodedata.normalize("NFKC", char)
