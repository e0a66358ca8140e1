"""What a chat template writes around the turns of a dialogue, with its ids worked out once.

A template frames turns with control tokens, and between two of those a tokenizer encodes by itself. So where a
rendered dialogue is nothing but the template's frame with the turns put in, as they are or stripped, its ids are
those of the frame and those of each turn with the few characters of the frame that touch it ("assistant\\n"). A turn
that stands in several dialogues is encoded once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from fedi_dataset.tokens.pieces import PieceEncoder

__all__ = ["Layout", "Woven", "layout_of"]

Woven = tuple[list[int], int, int]
"""Ids; the first that is trained; the one after the last."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where a turn goes: the ids of the frame before it, and the characters that touch it."""

    before: tuple[int, ...]
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The frame of all dialogues of one number of turns."""

    parts: tuple[str, ...]
    """What stands before the first turn, between turns, and after the last."""
    slots: tuple[_Slot, ...]
    after: tuple[int, ...]
    untrained_after: int
    """Tokens at the end on which no loss is taken."""
    lead: int
    """Characters that touch the reply and are not trained; negative: tokens before those that are."""

    def turns_in(self, contents: Sequence[str], rendered: str) -> Sequence[str] | None:
        """Give the turns as the template wrote them, if it put all of them in as they are, or stripped."""
        for turns in (contents, [one.strip() for one in contents]):
            woven = [self.parts[0]]
            for turn, part in zip(turns, self.parts[1:], strict=True):
                woven += (turn, part)
            if "".join(woven) == rendered:
                return turns
        return None

    def encode(self, turns: Sequence[str], pieces: PieceEncoder) -> Woven | None:
        """Encode the dialogue; None where a turn holds what only the library may encode."""
        ids: list[int] = []
        first = 0
        for slot, turn in zip(self.slots, turns, strict=True):
            segment = slot.left + turn + slot.right
            encoded = pieces.ids(segment)
            if encoded is None:
                return None
            ids += slot.before
            first = len(ids)
            ids += encoded
        slot = self.slots[-1]
        header = (
            pieces.tokens_of(slot.left + turns[-1] + slot.right, self.lead)
            if self.lead > 0
            else self.lead
        )
        ids += self.after
        return None if header is None else (ids, first + header, len(ids) - self.untrained_after)


def layout_of(
    parts: Sequence[str],
    *,
    before: int,
    end: int,
    pieces: PieceEncoder,
    encode: Callable[[str], list[int]],
) -> Layout | None:
    """Work out a frame; None if two turns have no added token between them, none ends the last, or a turn's
    characters could become a part of one.

    ``parts`` as in :class:`Layout`; loss is taken on that many characters ``before`` the reply, and on the
    first ``end`` after it. ``encode`` is the library's.
    """
    cuts = [pieces.cut(part) for part in parts]
    inner = [[text for token, text in cut if token is not None] for cut in cuts]
    if not all(inner[1:]) or not pieces.part(one for texts in inner for one in texts):
        return None
    slots = []
    for index in range(len(parts) - 1):
        left = _touching(cuts[index], last=True)
        begin = 0 if index == 0 else len(_touching(cuts[index], last=False))
        framing = parts[index][begin : len(parts[index]) - len(left)]
        slots.append(_Slot(tuple(encode(framing)), left, _touching(cuts[index + 1], last=False)))
    left = slots[-1].left
    lead = len(left) - before
    if lead < 0:  # the trained part begins in the frame: at an added token, or it cannot be told
        beginning = len(parts[-2]) - before
        if beginning not in _edges(cuts[-2]):
            return None
        lead = -len(encode(parts[-2][beginning : len(parts[-2]) - len(left)]))
    if end not in _edges(cuts[-1]):
        return None
    return Layout(
        parts=tuple(parts),
        slots=tuple(slots),
        after=tuple(encode(parts[-1][len(slots[-1].right) :])),
        untrained_after=len(encode(parts[-1][end:])),
        lead=lead,
    )


def _edges(cut: Sequence[tuple[int | None, str]]) -> set[int]:
    """Give the places in a part where an added token begins or ends, and its end."""
    ends = list(accumulate(len(text) for _, text in cut))
    touching = {
        place
        for (token, text), place in zip(cut, ends, strict=True)
        if token is not None
        for place in (place - len(text), place)
    }
    return touching | {ends[-1]}


def _touching(cut: Sequence[tuple[int | None, str]], *, last: bool) -> str:
    """Give the plain text at one end of a part, up to its nearest added token."""
    if not cut:
        return ""
    token, text = cut[-1 if last else 0]
    return text if token is None else ""
