"""Makes rows short enough: the oldest turns go, whole, and no response that fits by itself goes with them.

Turns go two at a time, so that a row still begins with the user. Where a response that is trained is among them, it is
trained in a row of its own, made of what stood there up to it. What is refused takes only its last response along: what
stood before that one is tried again by itself. So a response is refused exactly if its own dialogue would be.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from fedi_dataset.tokens.messages import TOO_LONG, Refused, Rendered, Row, Shared

__all__ = ["Attempt", "fit"]

Attempt = Callable[[Sequence[Row]], Iterable[tuple[list[int], list[int]] | Refused]]
"""Ids and labels of each row at its full length, in order."""


class _Piece(NamedTuple):
    """A part of a row that is to be rendered."""

    row: int
    """Its number."""
    dropped: int
    """Messages left out at its beginning."""
    first: int
    """The first response that is to be trained here, or in a row of its own."""
    stop: int
    """The one after the last, with which the part ends."""


def fit(rows: Sequence[Row], attempt: Attempt, max_length: int | None) -> list[Shared]:
    """Give what becomes of each row, in order; nothing is longer than ``max_length`` ids (None: any length)."""
    rendered: list[list[tuple[range, Rendered]]] = [[] for _ in rows]
    refused: list[list[tuple[int, Refused]]] = [[] for _ in rows]
    pieces = [_Piece(index, 0, 0, len(row.trained)) for index, row in enumerate(rows)]
    while pieces:
        again: list[_Piece] = []
        cut = [_cut(rows[piece.row], piece) for piece in pieces]
        for piece, part, outcome in zip(pieces, cut, attempt(cut), strict=True):
            rest = piece.stop - 1  # where the part ends that is left to do
            if isinstance(outcome, Refused):
                refused[piece.row].append((rest, outcome))
            elif max_length is None or len(outcome[0]) <= max_length:
                rest = piece.stop - len(part.trained)
                one = Rendered(*outcome, dropped_turns=piece.dropped)
                rendered[piece.row].append((range(rest, piece.stop), one))
            elif len(part.messages) > 2:
                again.append(piece._replace(dropped=piece.dropped + 2))
                continue
            else:
                refused[piece.row].append((rest, Refused(TOO_LONG)))
            if rest > piece.first:
                again.append(_Piece(piece.row, 0, piece.first, rest))
        pieces = again
    return [
        Shared(tuple(sorted(kept, key=_first)), tuple(sorted(lost, key=_first)))
        for kept, lost in zip(rendered, refused, strict=True)
    ]


def _first(one: tuple[range, Rendered] | tuple[int, Refused]) -> int:
    place = one[0]
    return place if isinstance(place, int) else place.start


def _cut(row: Row, piece: _Piece) -> Row:
    """Give a part of a row, with those of its responses that are left in it."""
    if piece.dropped == 0 and piece.first == 0 and piece.stop == len(row.trained):
        return row
    first = max(piece.first, bisect_right(row.trained, piece.dropped))
    places = row.trained[first : piece.stop]
    return Row(
        row.messages[piece.dropped : places[-1] + 1],
        tuple(place - piece.dropped for place in places),
    )
