"""Text with marked ranges, and the edits that keep every range right.

Whatever changes a text in this room is a list of edits, applied in one place, so that no offset can
drift. Offsets are Unicode code points, end exclusive.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, ClassVar, Protocol, TypeVar

__all__ = [
    "Edit",
    "Marked",
    "MentionRange",
    "Range",
    "cut",
    "edited",
    "joined",
    "merged",
    "normalized",
    "without_ranges",
]

Range = tuple[int, int]
"""Begin and end."""
Edit = tuple[int, int, str]
"""Begin, end (greater than begin), and what stands there instead."""


class Placed(Protocol):
    """A frozen dataclass that stands somewhere in a text."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def begin(self) -> int: ...
    @property
    def end(self) -> int: ...


P = TypeVar("P", bound=Placed)


@dataclass(frozen=True, slots=True, order=True)
class MentionRange:
    """A stretch of text that names somebody, by the post's own markup."""

    begin: int
    end: int
    account: str
    """Canonical URI or DID; the link's address where the post carries no tag for it."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A text and what is marked in it. Ranges are sorted and those of one kind do not overlap."""

    text: str
    mentions: tuple[MentionRange, ...] = ()
    hashtags: tuple[Range, ...] = ()
    quoted: tuple[Range, ...] = ()
    """Words of others."""


def edited(marked: Marked, edits: Sequence[Edit]) -> Marked:
    """Apply ``edits`` (sorted, apart from each other) and carry every range along.

    A range that touches an edit in part grows to all of what replaces it, so that no mark loses a
    character to normalization; a range of which nothing is left disappears.
    """
    if not edits:
        return marked
    return Marked(
        _applied(marked.text, edits),
        _carried(edits, marked.mentions),
        tuple(filter(None, _moved(edits, marked.hashtags))),
        tuple(filter(None, _moved(edits, marked.quoted))),
    )


def without_ranges(marked: Marked, ranges: Iterable[Range]) -> Marked:
    """Remove ``ranges`` (any order, overlaps allowed) and the white space left behind."""
    for edits_of in _cutting(ranges):
        marked = edited(marked, edits_of(marked.text))
    return marked


def cut(text: str, ranges: Iterable[Range], mentions: Sequence[P]) -> tuple[str, tuple[P, ...]]:
    """:func:`without_ranges` for a bare text and what stands in it.

    ``mentions`` are dataclasses with ``begin`` and ``end``, sorted and apart from each other; those
    of which nothing is left disappear.
    """
    for edits_of in _cutting(ranges):
        edits = edits_of(text)
        text, mentions = _applied(text, edits), _carried(edits, mentions)
    return text, tuple(mentions)


def joined(parts: Iterable[Marked], separator: str = "\n\n") -> Marked:
    """Put the parts that have text one after another; ranges move with them."""
    texts: list[str] = []
    mentions: list[MentionRange] = []
    hashtags: list[Range] = []
    quoted: list[Range] = []
    at = 0
    for part in parts:
        if not part.text:
            continue
        mentions += (replace(one, begin=one.begin + at, end=one.end + at) for one in part.mentions)
        hashtags += ((b + at, e + at) for b, e in part.hashtags)
        quoted += ((b + at, e + at) for b, e in part.quoted)
        texts.append(part.text)
        at += len(part.text) + len(separator)
    return Marked(separator.join(texts), tuple(mentions), tuple(hashtags), tuple(quoted))


def merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The union of ``ranges``: sorted, apart from each other, empty ones left out."""
    result: list[Range] = []
    for begin, end in sorted(ranges):
        if begin >= end:
            continue
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((begin, end))
    return tuple(result)


def normalized(marked: Marked) -> Marked:
    r"""Bring a text into the form in which all text of this project stands.

    NFC. Line breaks are ``\n``, every other Unicode space is a plain one (tabs stay). Control
    characters, zero-width and bidirectional ones, soft hyphens, blank letters, noncharacters and
    lone surrogates are gone: they are invisible, and hide names from whoever looks for them.
    Joiners stay where they shape what is seen: in emoji sequences and in scripts that join letters;
    so do tag characters in flags, and one variation selector. No line ends in spaces, no two lines
    in a row are blank, and the text neither begins nor ends with white space.
    """
    if _INVISIBLE.search(marked.text):
        marked = edited(marked, _visible(marked.text))
    marked = edited(marked, _composing(marked.text))
    if loose := [(m.start(), m.end(), "") for m in _LOOSE.finditer(marked.text)]:
        marked = edited(marked, loose)
        marked = edited(marked, _composing(marked.text))
    return edited(marked, _tidying(marked.text))


# --- edits -------------------------------------------------------------------------------------


def _applied(text: str, edits: Sequence[Edit]) -> str:
    pieces: list[str] = []
    at = 0
    for begin, end, new in edits:
        pieces += (text[at:begin], new)
        at = end
    pieces.append(text[at:])
    return "".join(pieces)


def _moved(edits: Sequence[Edit], ranges: Sequence[Range]) -> list[Range | None]:
    """Where each of ``ranges`` is after ``edits``; None when nothing is left of it."""
    if not ranges or not edits:
        return list(ranges)
    ends = [end for _, end, _ in edits]
    shifts = [0, *accumulate(len(new) - (end - begin) for begin, end, new in edits)]

    def moved(at: int, *, to_end: bool) -> int:
        done = bisect_right(ends, at)
        if done < len(edits) and edits[done][0] < at:  # inside this edit
            return edits[done][0] + shifts[done] + (len(edits[done][2]) if to_end else 0)
        return at + shifts[done]

    result: list[Range | None] = []
    free = 0
    for begin, end in ranges:
        new_begin, new_end = max(moved(begin, to_end=False), free), moved(end, to_end=True)
        result.append((new_begin, new_end) if new_begin < new_end else None)
        free = max(free, new_end)
    return result


def _carried(edits: Sequence[Edit], items: Sequence[P]) -> tuple[P, ...]:
    moved = _moved(edits, [(item.begin, item.end) for item in items])
    return tuple(
        replace(item, begin=place[0], end=place[1])
        for item, place in zip(items, moved, strict=True)
        if place is not None
    )


def _cutting(ranges: Iterable[Range]) -> tuple[Callable[[str], list[Edit]], ...]:
    """Remove, then compose what has come together, then tidy: each over what the last one left."""
    return (lambda text: _removals(text, ranges)), _composing, _tidying


def _removals(text: str, ranges: Iterable[Range]) -> list[Edit]:
    clamped = ((max(0, begin), min(len(text), end)) for begin, end in ranges)
    spaced: list[Range] = []
    for begin, end in merged(clamped):
        stop = end
        if begin == 0 or text[begin - 1].isspace():
            while stop < len(text) and text[stop] in " \t":
                stop += 1
        spaced.append((begin, stop))
    return [(begin, end, "") for begin, end in merged(spaced)]


_UNTIDY = re.compile(r"\A\s+|(?<!\s)\s++\Z|(?<![ \t])[ \t]++(?=\n)|(?P<blank>\n(?:[ \t]*+\n){2,})")


def _tidying(text: str) -> list[Edit]:
    return [
        (match.start(), match.end(), "\n\n" if match.lastgroup == "blank" else "")
        for match in _UNTIDY.finditer(text)
    ]


# --- normalization -----------------------------------------------------------------------------

_LINE = "\r\x0b\x0c\x85\u2028\u2029"
_SPACE = "\x1c-\x1f\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\uffa0"
_DROPPED = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff0-\ufffc\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_LINE}{_SPACE}{_DROPPED}]")
_VISIBLE = re.compile(
    # A subdivision flag: black flag, tag letters, cancel tag (Unicode TS 51, ED-14a).
    "(?P<flag>\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f)"
    f"|(?P<line>\r\n|[{_LINE}])|(?P<space>[{_SPACE}])|(?P<dropped>[{_DROPPED}]+)"
)
_REPLACEMENTS = {"line": "\n", "space": " ", "dropped": ""}


def _visible(text: str) -> list[Edit]:
    return [
        (match.start(), match.end(), _REPLACEMENTS[match.lastgroup])
        for match in _VISIBLE.finditer(text)
        if match.lastgroup in _REPLACEMENTS
    ]


# Joiners belong between emoji, or letters of the scripts from Hebrew on; joined Latin, Greek and
# Cyrillic letters look like unjoined ones.
_SHAPED = "\u0590-\u1fff\u2030-\u20cf\u2190-\U0010ffff"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_LOOSE = re.compile(
    f"(?<![{_SHAPED}])[\u200c\u200d]+|[\u200c\u200d]+(?![{_SHAPED}\u200c\u200d])"
    f"|(?<=[{_SELECTORS}])[{_SELECTORS}]+"
)


def _composing(text: str) -> list[Edit]:
    if unicodedata.is_normalized("NFC", text):
        return []
    starts = [at for at, char in enumerate(text) if at == 0 or not _attaches(char)]
    edits: list[Edit] = []
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        composed = unicodedata.normalize("NFC", text[begin:end])
        if composed != text[begin:end]:
            edits.append((begin, end, composed))
    return edits


def _attaches(char: str) -> bool:
    """Whether normalization may join ``char`` to what stands before it: marks, and Hangul jamo."""
    return "\u1160" <= char <= "\u11ff" or unicodedata.category(char).startswith("M")
