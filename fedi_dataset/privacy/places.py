"""Places as topics: towns and states that the model sees, for those who ask that they be masked."""

from __future__ import annotations

import re
from typing import Final

from fedi_dataset.privacy.reading import COLUMNS, Reading
from fedi_dataset.privacy.spans import Span, grower

__all__ = ["places"]

_THRESHOLD: Final = 0.5
_PLACE: Final = COLUMNS.index("place")
_GAP = re.compile(r"[ \-'’.]{0,2}")


def places(text: str, reading: Reading) -> list[Span]:
    """Give the towns and states that the model is sure of, whole words, parts of one name joined."""
    found: list[Span] = []
    grow = grower(text)
    for begin, end, mass in zip(reading.begins, reading.ends, reading.masses, strict=True):
        if mass[_PLACE] < _THRESHOLD or not any(map(str.isalpha, text[begin:end])):
            continue
        begin, end = grow(begin, end)
        score = round(float(mass[_PLACE]), 3)
        if found and (begin <= found[-1].end or _GAP.fullmatch(text, found[-1].end, begin)):
            last = found[-1]
            found[-1] = Span(last.begin, max(last.end, end), "PLACE", max(last.score, score))
        else:
            found.append(Span(begin, end, "PLACE", score))
    return found
