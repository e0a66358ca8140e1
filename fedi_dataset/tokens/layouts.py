"""What a chat template writes around the turns of a dialogue, with its ids worked out once.

A template frames turns with control tokens, and between two of those a tokenizer encodes by itself. So where a
rendered dialogue is nothing but the template's frame with the turns put in, as they are or stripped, its ids are
those of the frame and those of each turn with the few characters of the frame that touch it ("assistant\\n"). A turn
that stands in several dialogues is encoded once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    """Tokens behind the end-of-turn token."""
    opening: int
    """Characters between the generation prompt and the reply."""

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
        header = pieces.tokens_of(slot.left + turns[-1] + slot.right, len(slot.left) - self.opening)
        ids += self.after
        return None if header is None else (ids, first + header, len(ids) - self.untrained_after)


def layout_of(
    parts: Sequence[str],
    *,
    opening: str,
    behind_end_of_turn: str,
    pieces: PieceEncoder,
    encode: Callable[[str], list[int]],
) -> Layout | None:
    """Work out a frame; None if two turns have no added token between them, or none ends the last.

    ``parts`` as in :class:`Layout`; ``opening`` stands between the generation prompt and the reply;
    ``behind_end_of_turn`` after the token that ends it. ``encode`` is the library's.
    """
    cuts = [pieces.cut(part) for part in parts]
    inner = [[text for token, text in cut if token is not None] for cut in cuts]
    if not all(inner[1:]):
        return None
    slots = []
    for index in range(len(parts) - 1):
        left = _touching(cuts[index], last=True)
        begin = 0 if index == 0 else len(_touching(cuts[index], last=False))
        before = parts[index][begin : len(parts[index]) - len(left)]
        slots.append(_Slot(tuple(encode(before)), left, _touching(cuts[index + 1], last=False)))
    if len(opening) > len(slots[-1].left):
        return None
    after = parts[-1][len(slots[-1].right) :]
    return Layout(
        parts=tuple(parts),
        slots=tuple(slots),
        after=tuple(encode(after)),
        untrained_after=len(encode(behind_end_of_turn)),
        opening=len(opening),
    )


def _touching(cut: Sequence[tuple[int | None, str]], *, last: bool) -> str:
    """Give the plain text at one end of a part, up to its nearest added token."""
    if not cut:
        return ""
    token, text = cut[-1 if last else 0]
    return text if token is None else ""
