"""Numbers that the model takes for somebody's, where no pattern knows their form.

Patterns with checksums and context words come first (:mod:`~fedi_dataset.privacy.recognizers`); this
adds account, license and telephone numbers in forms of their own ("my driver's license number is
2270-66-1551"). A number counts only with enough digits and few letters, and not where the words
before it say that it is an order's, a version's or a commit's.
"""

from __future__ import annotations

import re
from typing import Final

from fedi_dataset.privacy.context import Context
from fedi_dataset.privacy.reading import COLUMNS, Reading
from fedi_dataset.privacy.spans import Span

__all__ = ["numbers"]

_ENTITIES: Final = {
    "phone": "PHONE_NUMBER",
    "official": "GOVERNMENT_ID",
    "bank": "BANK_ACCOUNT",
}
_LEAST: Final = 0.5
"""Probability from which a number is taken for one of these."""
_DIGITS: Final = {"phone": 7, "official": 5, "bank": 6}
"""Digits that it must have."""
_MOST: Final = 24  # characters: what is longer is a hash or a key
_LETTERS: Final = 4  # more of them, and it is a hash or a name of a thing

_PIECE: Final = r"(?=[^\s]{0,20}\d)[\w+(][\w()./\-]*+"
_TOKEN = re.compile(rf"(?<![\w.@/+-]){_PIECE}(?: {_PIECE})*+")
_NAMED = re.compile(r"(?:CVE|CWE|RFC|ISO|DIN|NEM|PEP)\W?\d", re.IGNORECASE)
"""Numbers of what is public, written in one with its kind."""
_SQUARE = re.compile(r"\b[KQRBNDTSCAFLP]?x?[a-h][1-8]\b")
_MOVES: Final = 2  # squares of a chessboard, from which it is a game's notation
_COMMIT = re.compile(r"(?=\d*[a-f]\d*[a-f])[0-9a-f]{7,}")
"""The beginning of a hash, as version control shows it: papers are numbered in capitals."""
_HOST = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d+)?")
_MEASURED = re.compile(
    r"\d{1,3}\.\d{4,}(?:[eE]\d+)?|\d{1,3}\.\d{1,2}\.\d{2,5}\.\d{1,5}|\d{1,4}\.\d\.\d{2,5}\.\d{1,5}"
    r"|\d{8}T\d{4,6}Z?|\d{4}\.\d{4,5}(?:v\d{1,2})?"
)
"""Decimals, versions in four parts, points in time (ISO 8601), papers (arXiv): no official number is
written so."""
_COUNTED = re.compile(
    r"\s?(?:bytes|bits|[kmgt]i?b|m?s|seconds?|minutes?|hours?|km|m/s|hz|people|inhabitants|copies|downloads"
    r"|views|followers|lines|einwohner|zeilen|sekunden|mal|habitants|lignes|fois|habitantes|líneas|veces"
    r"|abitanti|righe|volte|linhas|vezes|inwoners|regels|keer|times|stars|€|euros?|dollars?|%)(?!\w)",
    re.IGNORECASE,
)
"""Behind a number: what is counted or measured."""


def _is_public(written: str) -> bool:
    """Say whether a number is a host's address, a document's, a commit's, a quantity or a game of chess."""
    whole = (_HOST, _COMMIT, _MEASURED)
    if _NAMED.match(written) or any(one.fullmatch(written) for one in whole):
        return True
    return len(_SQUARE.findall(written)) >= _MOVES


def numbers(context: Context, reading: Reading) -> list[Span]:
    """Give the numbers that the model is sure of, as PHONE_NUMBER, GOVERNMENT_ID or BANK_ACCOUNT."""
    text = context.text
    spans = []
    for match in _TOKEN.finditer(text):
        written = match.group().strip("./-(+)")
        digits = sum(map(str.isdigit, written))
        if digits < min(_DIGITS.values()) or len(written) > _MOST or _is_public(written):
            continue
        begin = match.start() + match.group().index(written)
        end = begin + len(written)
        mass = reading.over(begin, end)
        kind = max(_ENTITIES, key=lambda one: mass[COLUMNS.index(one)])
        score = float(mass[COLUMNS.index(kind)])
        letters = sum(map(str.isalpha, written))
        if score < _LEAST or digits < _DIGITS[kind] or letters > _LETTERS:
            continue
        if not context.numbered(begin) and not _COUNTED.match(text, end):
            spans.append(Span(begin, end, _ENTITIES[kind], round(score, 3)))
    return spans
