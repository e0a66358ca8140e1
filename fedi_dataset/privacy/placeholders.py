"""Placeholders: all evidence about a text joined into marks, and marks replaced by ``[TYPE_n]`` or what
else the build's operators put there.

Evidence, from the most certain to the least: what the export's structure says (mentions, facets),
the people of the conversation, what the detector found. Stretches that overlap become one, so that
no character which any evidence covers is left; the most certain evidence names it.

The number stands for the person or thing, across types: ``[PERSON_1]`` and ``[HANDLE_1]`` are the
same person. Numbers run in the order of appearance in a row, from 1. A text that holds what looks
like one of our placeholders gets a number of its own for it, so that it cannot be taken for
somebody who has that number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from fedi_dataset.errors import PrivacyError
from fedi_dataset.privacy.names import fold
from fedi_dataset.privacy.operators import LOOKALIKE, Operators
from fedi_dataset.privacy.spans import WORD, Mark, Span, grower

__all__ = ["Placeholders", "mostly_placeholders", "resolve", "without_removed"]

_NOT_ALNUM = re.compile(r"[\W_]+")
_SAME_LINE_GAP = re.compile(r"[^\S\n]{0,2}")
_BLANKS = (" ", "\t")
_CLOSING = ("\n", *".,;:!?…)]}»”")
_WORDS = re.compile(f"{WORD}+")

_ADDRESSES: Final = frozenset(
    {"HANDLE", "EMAIL_ADDRESS", "PROFILE_URL", "POST_URL", "AT_URI", "DID"}
)
_MENTION, _PEOPLE, _DETECTED = 3, 2, 1
_SCORE: Final = 1.0  # of evidence that is certain


class _Evidence(NamedTuple):
    rank: int
    score: float
    begin: int
    end: int
    entity: str
    referent: str | None

    @property
    def weight(self) -> tuple[object, ...]:
        """What decides whose name an overlap gets; total, so that the order of evidence does not
        matter."""
        return (
            self.rank,
            self.score,
            self.end - self.begin,
            -self.begin,
            self.entity,
            self.referent or "",
        )


def resolve(
    text: str, spans: Sequence[Span], mentions: Sequence[Mark], people: Sequence[Mark]
) -> tuple[Mark, ...]:
    """Join all evidence about a text into marks that are sorted, apart, and made of whole words.

    Every character that any evidence covers is in a mark. ``spans`` that no mention and no person
    overlaps get a referent from what they say: equal values, whatever their case and punctuation,
    are one thing. Neighbors in a line with the same type and referent ("Alice" and "Miller") become
    one mark.

    Raises PrivacyError for evidence that lies outside of the text: it was made from another one.
    """
    evidence = [
        *(_Evidence(_MENTION, _SCORE, m.begin, m.end, m.entity, m.referent) for m in mentions),
        *(_Evidence(*_trust(m, spans), m.begin, m.end, m.entity, m.referent) for m in people),
        *(_Evidence(_DETECTED, s.score, s.begin, s.end, s.entity, None) for s in spans),
        *(
            _Evidence(_DETECTED, 0.0, m.start(), m.end(), m[1] or "PERSON", m[0])
            for m in LOOKALIKE.finditer(text)
        ),
    ]
    grow = grower(text)
    grown = []
    for item in evidence:
        if not 0 <= item.begin <= item.end <= len(text):
            raise PrivacyError("evidence of identifiers does not fit the text that it came with")
        begin, end = grow(item.begin, item.end)
        if begin < end:
            grown.append(item._replace(begin=begin, end=end))
    marks: list[Mark] = []
    for begin, end, best in _unions(grown):
        referent = best.referent or _value(best.entity, text[begin:end])
        last = marks[-1] if marks else None
        if (
            last is not None
            and (last.entity, last.referent) == (best.entity, referent)
            and _SAME_LINE_GAP.fullmatch(text, last.end, begin)
        ):
            marks[-1] = Mark(last.begin, end, best.entity, referent)
        else:
            marks.append(Mark(begin, end, best.entity, referent))
    return tuple(marks)


def _trust(person: Mark, spans: Sequence[Span]) -> tuple[int, float]:
    """Rank and score of a person's mark; a bare name inside a longer address does not say whose.

    ``@bob@elsewhere.example`` need not be the Bob of this conversation.
    """
    inside = any(
        span.entity in _ADDRESSES
        and span.begin <= person.begin
        and person.end <= span.end
        and span.end - span.begin > person.end - person.begin
        for span in spans
    )
    return (_DETECTED, 0.0) if inside and person.entity == "PERSON" else (_PEOPLE, _SCORE)


def _unions(evidence: list[_Evidence]) -> list[tuple[int, int, _Evidence]]:
    """Union what overlaps, each union with its weightiest evidence."""
    unions: list[tuple[int, int, _Evidence]] = []
    for item in sorted(evidence, key=lambda item: (item.begin, item.end)):
        if unions and item.begin < unions[-1][1]:
            begin, end, best = unions[-1]
            unions[-1] = (begin, max(end, item.end), max(best, item, key=lambda e: e.weight))
        else:
            unions.append((item.begin, item.end, item))
    return unions


def _value(entity: str, text: str) -> str:
    """Referent of a value: a name by its words, anything else by its letters and digits."""
    return f"{entity}:{_NOT_ALNUM.sub(' ' if entity == 'PERSON' else '', fold(text)).strip()}"


class Placeholders:
    """The numbering of one released row; texts are rendered in the row's order."""

    def __init__(self, operators: Operators | None = None) -> None:
        self._operators = operators or Operators()
        self._numbers: dict[str, int] = {}

    def render(self, text: str, marks: Sequence[Mark]) -> str:
        """Replace marks, which are sorted and apart as :func:`resolve` gives them.

        Raises ValueError if they are not.
        """
        rendered, position, removed = "", 0, False
        for mark in marks:
            if mark.begin < position:
                raise ValueError("marks overlap or are not sorted; resolve() gives them as needed")
            between = text[position : mark.begin]
            rendered = _closed(rendered, between) if removed else rendered + between
            stand_in = self._stand_in(mark)
            rendered, position, removed = rendered + stand_in, mark.end, not stand_in
        rest = text[position:]
        # the end of a text is the end of a line
        return _closed(rendered, f"{rest}\n")[:-1] if removed else rendered + rest

    def _stand_in(self, mark: Mark) -> str:
        number = 0
        if self._operators.numbers(mark.entity):
            number = self._numbers.setdefault(mark.referent, len(self._numbers) + 1)
        return self._operators.stand_in(mark.entity, number, mark.referent)


def without_removed(text: str, marks: Sequence[Mark], operators: Operators) -> str:
    """Give a text as it was written, without what the operators take out of it."""
    gone = [mark for mark in marks if operators.removes(mark.entity)]
    return Placeholders(operators).render(text, gone)


def _closed(before: str, after: str) -> str:
    """Join what stood on both sides of something that was removed.

    One blank goes where two would meet, or where one would stand at the beginning or end of a line or
    before punctuation; nothing else is touched.
    """
    if after.startswith(_BLANKS) and (not before or before[-1].isspace()):
        return before + after[1:]
    if before.endswith(_BLANKS) and after.startswith(_CLOSING):
        return before[:-1] + after
    return before + after


def mostly_placeholders(text: str, marks: Sequence[Mark]) -> bool:
    """Say whether too little is left to learn from: fewer than two words, or fewer words than
    placeholders.

    A word holds a letter or a digit and stands outside all marks.
    """
    words = 0
    position = 0
    for begin, end in [*((m.begin, m.end) for m in marks), (len(text), len(text))]:
        words += sum(any(map(str.isalnum, w)) for w in _WORDS.findall(text[position:begin]))
        position = end
    return words < 2 or words < len(marks)
