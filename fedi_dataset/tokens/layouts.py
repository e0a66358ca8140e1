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
from typing import NamedTuple

from fedi_dataset.tokens.frames import Frame, Marks
from fedi_dataset.tokens.messages import IGNORED
from fedi_dataset.tokens.pieces import PieceEncoder

__all__ = ["Layout", "layout_of"]


class _Reply(NamedTuple):
    """What is trained with a reply."""

    header: int
    """Characters of what touches it that are not."""
    early: int
    """Tokens of the frame before it that are, its last ones."""
    late: int
    """Tokens of the frame after it that are, its first ones."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where a turn goes: the ids of the frame before it, and the characters that touch it."""

    before: tuple[int, ...]
    left: str
    right: str
    reply: _Reply | None


@dataclass(frozen=True, slots=True)
class Layout:
    """The frame of all dialogues of one number of turns, as ids."""

    slots: tuple[_Slot, ...]
    after: tuple[int, ...]

    def encode(
        self, turns: Sequence[str], trained: Sequence[int], pieces: PieceEncoder
    ) -> tuple[list[int], list[int]] | None:
        """Give ids and labels, turns being as the template writes them; None where only the library may encode one."""
        ids: list[int] = []
        spans: list[tuple[int, int]] = []
        for place, (slot, turn) in enumerate(zip(self.slots, turns, strict=True)):
            segment = pieces.segment(slot.left + turn + slot.right, len(slot.left))
            if segment is None:
                return None
            ids += slot.before
            if slot.reply is not None and place in trained:
                header = segment.tokens_at(slot.reply.header)
                if header is None:
                    return None
                begin = len(ids) + header - slot.reply.early
                spans.append((begin, len(ids) + len(segment.ids) + slot.reply.late))
            ids += segment.ids
        ids += self.after
        labels: list[int] = []
        for begin, end in spans:
            labels += [IGNORED] * (begin - len(labels))
            labels += ids[begin:end]
        labels += [IGNORED] * (len(ids) - len(labels))
        return ids, labels


def layout_of(
    frame: Frame, pieces: PieceEncoder, encode: Callable[[str], list[int]]
) -> Layout | None:
    """Work out a frame; None if two turns have no added token between them, none ends the last, or a turn's
    characters could become a part of one. ``encode`` is the library's.
    """
    cuts = [pieces.cut(part) for part in frame.parts]
    inner = [[text for token, text in cut if token is not None] for cut in cuts]
    if not all(inner[1:]) or not pieces.part({one for texts in inner for one in texts}):
        return None
    slots = []
    for place, part in enumerate(frame.parts[:-1]):
        left = _touching(cuts[place], last=True)
        right = _touching(cuts[place + 1], last=False)
        begin = 0 if place == 0 else len(_touching(cuts[place], last=False))
        before = tuple(encode(part[begin : len(part) - len(left)]))
        reply = None
        if place in frame.marks:
            after = frame.parts[place + 1]
            reply = _reply(frame.marks[place], (part, after), cuts[place : place + 2], encode)
            if reply is None:
                return None
        slots.append(_Slot(before, left, right, reply))
    return Layout(tuple(slots), tuple(encode(frame.parts[-1][len(slots[-1].right) :])))


def _reply(
    marks: Marks,
    parts: tuple[str, str],
    cuts: Sequence[Sequence[tuple[int | None, str]]],
    encode: Callable[[str], list[int]],
) -> _Reply | None:
    """Say in tokens what is trained with a reply between two parts; None if it does not begin and end at edges."""
    before, after = parts
    left, right = _touching(cuts[0], last=True), _touching(cuts[1], last=False)
    if marks.end not in _edges(cuts[1]):
        return None
    late = len(encode(after[len(right) : marks.end]))
    header = len(left) - marks.before
    if header >= 0:
        return _Reply(header, 0, late)
    beginning = len(before) - marks.before
    if beginning not in _edges(cuts[0]):
        return None
    return _Reply(0, len(encode(before[beginning : len(before) - len(left)])), late)


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
