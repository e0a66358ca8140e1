"""Splits text with the patterns of a byte-level tokenizer's pre-tokenizer, one after the other.

They are written for another engine, with Unicode's properties (``\\p{L}``). The module ``regex`` knows those; the
standard library's does not, but is thrice as fast. So where a text has none but western characters the standard
library's is asked, with each property written out as the few characters of that kind.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

import regex

__all__ = ["WESTERN", "Splitter"]

WESTERN: Final = frozenset(
    map(chr, (0x09, 0x0A, 0x0D, *range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x2010, 0x2030)))
)
"""Printable ASCII, white space, the letters of western languages, dashes and quotation marks."""

_PROPERTY = re.compile(r"\\p\{(L|M|N|P|S|Z|L[ultmo]|N[dlo])\}")


class Splitter:
    """Splits by patterns in turn; each cuts what the ones before it left, at its matches and between them."""

    def __init__(self, sources: Sequence[str]) -> None:
        """Compile the patterns; ValueError or ``regex.error`` for what cannot be used."""
        if not sources:
            raise ValueError("nothing is split")
        self._any = [regex.compile(f"({source})") for source in sources]
        if any(pattern.groups != 1 for pattern in self._any):
            raise ValueError("a pattern has groups of its own")
        western = [_written_out(source) for source in sources]
        self._western = [one for one in western if one is not None]
        if len(self._western) < len(sources):
            self._western = []

    def split(self, text: str) -> list[str]:
        """Give the pieces, which are the text again when joined."""
        patterns = self._western if self._western and WESTERN.issuperset(text) else self._any
        *leading, last = patterns
        parts = [text]
        for pattern in leading:
            if pattern.search(text):  # it matches here and there, and is asked of every text
                parts = [one for part in parts for one in pattern.split(part) if one]
        pieces: list[str] = []
        for part in parts:
            found = last.findall(part)
            if sum(map(len, found)) != len(part):  # something lies between the matches
                found = [one for one in last.split(part) if one]
            pieces += found
        return pieces


def _written_out(source: str) -> Any | None:
    """Write a pattern for the standard library and western characters; None if it holds what is not known here."""
    written: list[str] = []
    in_class = False
    at = 0
    while at < len(source):
        match = _PROPERTY.match(source, at)
        if match:
            members = _members(match[1])
            written.append(members if in_class else f"[{members}]" if members else "(?!)")
            at = match.end()
        elif source[at] == "\\":
            if source[at + 1 : at + 2] in ("p", "P", "h", "R", "X", ""):
                return None
            written.append(source[at : at + 2])
            at += 2
        else:
            if source[at] == "[" and in_class:
                return None  # a class in a class: engines differ
            in_class = (in_class or source[at] == "[") and source[at] != "]"
            written.append(source[at])
            at += 1
    try:
        compiled = re.compile(f"({''.join(written)})")
    except re.error:
        return None
    return compiled if compiled.groups == 1 else None


def _members(category: str) -> str:
    """Write the western characters of a general category as the inside of a class."""
    points = sorted(map(ord, WESTERN))
    runs = groupby(
        (point for point in points if unicodedata.category(chr(point)).startswith(category)),
        key=_run_of(),
    )
    written = []
    for _, run in runs:
        found = list(run)
        written.append(f"{re.escape(chr(found[0]))}-{re.escape(chr(found[-1]))}")
    return "".join(written)


def _run_of() -> Any:
    """Give a key that is the same for points that follow one another without a gap."""
    places = iter(range(len(WESTERN)))
    return lambda point: point - next(places)
