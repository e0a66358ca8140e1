"""What the model made of a text, and the words of the text that it is asked about."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedi_dataset.privacy.names import fold

__all__ = ["COLUMNS", "Reading", "Word", "humps", "passages", "words_of"]

COLUMNS: Final = (
    "given",
    "family",
    "building",
    "street",
    "secondary",
    "zip",
    "place",
    "email",
    "phone",
    "official",
    "bank",
)
"""What a token can be part of, in the order of a reading's columns."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The model's tokens in the order of the text, and how probable each kind is for each of them.

    Where windows overlap, their tokens stand side by side.
    """

    begins: list[int]
    ends: list[int]
    """Of each token, the furthest end so far, so that they too are sorted."""
    masses: NDArray[np.float32]
    """Tokens by COLUMNS, in [0, 1]; what is missing from 1 is "nothing of these"."""

    def over(self, begin: int, end: int) -> NDArray[np.float32]:
        """Give the highest probability of each column over the tokens in a stretch of the text."""
        first, last = bisect_right(self.ends, begin), bisect_left(self.begins, end)
        if first >= last:
            return np.zeros(len(COLUMNS), np.float32)
        highest: NDArray[np.float32] = self.masses[first:last].max(axis=0)
        return highest


_MARK: Final = (
    r"[\u00ad\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u2060\u20d0-\u20ff\ufe00-\ufe0f]"
)
_WORD = re.compile(rf"[^\W\d_](?:[^\W\d_]|{_MARK})*")
_UPPER: Final = "A-ZÀ-ÖØ-Þ"
_HUMP = re.compile(
    rf"(?<=[^\W\d_{_UPPER}])(?=[{_UPPER}])|(?<=[{_UPPER}])(?=[{_UPPER}][^\W\d_{_UPPER}])"
)
_PREFIXED = re.compile(rf"(?:Mc|Mac|Fitz|De|Di|La|Le|Van|O)[{_UPPER}][^\W\d_{_UPPER}]+")


_END = re.compile(r"(?:(?<=[^\W\d_]{4}\.)|(?<=[!?…]))[)\"'”»]*\s+|\n+")
_PASSAGE: Final = 40  # characters that a passage has at least


class Word(NamedTuple):
    """A run of letters, or one of the words that a hashtag is made of."""

    begin: int
    end: int
    folded: str
    shape: str
    """``low``, ``title``, ``up`` (two letters and more), ``one`` (one capital) or ``mixed``."""
    glued: bool
    """Whether a digit or an underscore touches it, or it is part of an address or a path."""
    tagged: bool
    """Whether it stands in a hashtag."""


def words_of(text: str) -> list[Word]:
    """Give the words of a text in order; apostrophes and hyphens part words, as do capitals in
    hashtags."""
    words = []
    start = seen = (
        0  # where the run of letters, digits and _ begins; no character is looked at twice
    )
    for match in _WORD.finditer(text):
        begin, end = match.span()
        at = begin
        while at > seen and (text[at - 1].isalnum() or text[at - 1] == "_"):
            at -= 1
        start, seen = (start if at == seen else at), begin
        tagged = start > 0 and text[start - 1] == "#"
        cuts = [begin]
        if tagged:
            cuts += [begin + hump.start() for hump in _HUMP.finditer(match.group())]
        for one, two in zip(cuts, [*cuts[1:], end], strict=True):
            written = text[one:two]
            glued = not tagged and (_touches(text, begin - 1) or _touches(text, end))
            words.append(Word(one, two, fold(written), _shape(written), glued, tagged))
    return words


def passages(text: str) -> Iterator[tuple[int, int]]:
    """Cut a text into passages, which together are all of it: sentences and lines, short ones joined
    with the next.

    An abbreviation ("Dr. Weber") ends no sentence; behind three letters and fewer a full stop is taken
    for one.
    """
    begin = 0
    for match in _END.finditer(text):
        if match.end() - begin >= _PASSAGE:
            yield begin, match.end()
            begin = match.end()
    if begin < len(text):
        yield begin, len(text)


def humps(text: str) -> frozenset[int]:
    """Give where, inside of hashtags, one word ends and the next begins with a capital."""
    return frozenset(
        word.begin
        for word in words_of(text)
        if word.tagged and word.begin > 0 and text[word.begin - 1] != "#"
    )


def _touches(text: str, at: int) -> bool:
    """Say whether what stands there makes the word beside it part of a number, address or path."""
    if not 0 <= at < len(text):
        return False
    char = text[at]
    return char.isdigit() or char in "_@/\\=`$<>{}~"


def _shape(written: str) -> str:
    if written == written.lower():
        return "low"
    if not written[0].isupper():
        return "mixed"
    if len(written) == 1:
        return "one"
    if written == written.upper():
        return "up"
    if written[1:] == written[1:].lower() or _PREFIXED.fullmatch(written):
        return "title"
    return "mixed"
