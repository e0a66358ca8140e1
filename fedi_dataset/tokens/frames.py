"""What a template writes around the turns of a dialogue, and which of it is trained with a reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple

__all__ = ["EDITS", "Frame", "Marks"]

EDITS: Final[tuple[Callable[[str], str], ...]] = (
    str,
    str.rstrip,
    lambda text: text.lstrip("\n"),
    str.lstrip,
    str.strip,
)
"""What templates do to a turn: nothing, or white space off its ends. The longest comes first."""


class Marks(NamedTuple):
    """What is trained beside a reply's own characters."""

    before: int
    """Characters of the frame before it, its last ones."""
    end: int
    """Characters of the frame after it, its first ones: up to the end-of-turn token at least."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a template writes around dialogues of one number of turns, the same in all of them."""

    parts: tuple[str, ...]
    """What stands before the first turn, between turns, and after the last."""
    marks: Mapping[int, Marks]
    """Of replies, by their place."""

    def weave(self, turns: Sequence[str]) -> str:
        """Give the text of a dialogue, its turns as the template writes them."""
        pairs = zip(turns, self.parts[1:], strict=True)
        return "".join([self.parts[0], *(text for pair in pairs for text in pair)])

    def turns_in(self, full: str, contents: Sequence[str]) -> list[str] | None:
        """Give the turns as they stand in a rendered dialogue; None if it is not this frame with them put in."""
        turns: list[str] = []
        if not full.startswith(self.parts[0]):
            return None
        position = len(self.parts[0])
        for content, part in zip(contents, self.parts[1:], strict=True):
            edited = (edit(content) for edit in EDITS)
            turn = next((one for one in edited if full.startswith(one + part, position)), None)
            if turn is None:
                return None
            turns.append(turn)
            position += len(turn) + len(part)
        return turns if position == len(full) else None

    def spans(self, turns: Sequence[str], trained: Sequence[int]) -> list[tuple[int, int]]:
        """Give the characters of the woven text on which loss is taken, for each reply that is trained."""
        pairs = zip(self.parts, turns, strict=False)
        lengths = (len(text) for pair in pairs for text in pair)
        ends = list(accumulate(lengths))
        return [
            (
                ends[2 * place] - self.marks[place].before,
                ends[2 * place + 1] + self.marks[place].end,
            )
            for place in trained
        ]
