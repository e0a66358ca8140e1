"""Proves that a template writes turns as they are, so that dialogues are put together without rendering each.

A template can react to a turn by the strings and numbers that it holds itself (``'</think>' in content``,
``content | length > 500``), by single letters of theirs at the ends (``rstrip``), by white space, and by what kind of
text it is (digits, capitals, code). So each is put in every place of a dialogue, alone and amid words, and what the
template makes of it is held against its frame with the turns put in. Where that is not the same for one of its own
strings, turns that hold it are rendered; where it is not the same for plain text, everything is. So is a blank turn.

Proof is given when a template is first used, and then again by real dialogues: the first ones of each number of turns
are rendered too, and if one of them differs, nothing of that number is put together any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import Final

from fedi_dataset.errors import UsageError
from fedi_dataset.tokens.frames import EDITS, Frame
from fedi_dataset.tokens.messages import Messages, said
from fedi_dataset.tokens.template import Template

__all__ = ["Assembly"]

_LENGTHS: Final = (2, 4)
"""Turns of the proof's dialogues: between them they hold each role first, in the middle, last and alone."""

_SAMPLED: Final = 4
"""Real dialogues of each number of turns that are rendered too."""

_PLAIN: Final = (
    *(" x ", "\n\nx\n\n", "\t x\r\n", "\u00a0x\u2003", "x\n\n\nx", "\nx", "x\n", "x  x"),
    *(
        "x",
        "Hi there.",
        "x" * 100,
        "x y " * 1000,
        "Grüße 👩\u200d🚀 日本",
        "0",
        "12",
        "None",
        "true",
        "SHOUT",
    ),
    *("{{ x }}", "{% if x %}", "{# x #}", "{x}", "[x]", "<x>", "</x>", "<|x|>", "&<>\"'", "\\n"),
    *("%s", "[]", '{"x": 1}', "user", "assistant", "system"),
)
"""White space, lengths, kinds of text, and what is code somewhere."""

_LONGEST: Final = 20_000
"""Characters of a text by which a proof is given: people write no longer posts."""

_Edit = Callable[[str], str]
_Edits = tuple[_Edit, _Edit, _Edit]
"""What the template does to a user's turn, to a reply that others follow, and to the last one."""


class Assembly:
    """Gives the turns of a dialogue as one template writes them, without rendering it."""

    def __init__(self, template: Template, edits: _Edits, reactions: Sequence[str]) -> None:
        self._template = template
        self._edits = edits
        self._reactions = tuple(reactions)
        self._to_sample: dict[int, int] = {}
        self._differing: set[int] = set()

    @classmethod
    def of(cls, template: Template, frame: Callable[[int], Frame]) -> Assembly | None:
        """Give the way of a template, ``frame`` being what it writes around turns; None where none is proven."""
        if template.constants is None:
            return None
        strings, numbers = template.constants
        frames = [frame(length) for length in _LENGTHS]
        lengths = [size for one in numbers if one <= _LONGEST for size in (one - 1, one, one + 1)]
        seen = list(_seen(template, frames, (*_PLAIN, *("x" * size for size in lengths))))
        edits = next((one for one in product(EDITS, EDITS, EDITS) if _explain(one, seen)), None)
        if edits is None:
            return None

        def holds(*texts: str) -> bool:
            return _explain(edits, _seen(template, frames[-1:], filter(str.strip, texts)))

        reactions = [one for one in strings if not holds(one, f"{one}x{one}")]
        others = [one for one in strings if one not in reactions]
        letters = sorted(set("".join(strings)))
        if not holds("x".join(others), "x".join(reversed(others)), *(f"{a}x{a}" for a in letters)):
            return None
        return cls(template, edits, reactions)

    def turns(self, messages: Messages, frame: Frame) -> list[str] | None:
        """Give the turns as the template writes them; None where only rendering tells."""
        contents = [message["content"] for message in messages]
        length = len(contents)
        if length in self._differing:
            return None
        for content in contents:
            if not content or content.isspace():
                return None
            for one in self._reactions:
                if one in content:
                    return None
        turns = _edited(self._edits, contents)
        left = self._to_sample.get(length, _SAMPLED)
        if left:
            self._to_sample[length] = left - 1
            if self._template.render([messages]) != [frame.weave(turns)]:
                self._differing.add(length)
                return None
        return turns


def _edited(edits: _Edits, contents: Sequence[str]) -> list[str]:
    turns = [edits[place % 2](content) for place, content in enumerate(contents)]
    turns[-1] = edits[2](contents[-1])
    return turns


_Seen = tuple[Frame, list[str], str | None, list[str]]
"""A frame, contents, what the template made of them, and, unless it marks what is generated, of the prompt alone with
its generation prompt."""


def _seen(template: Template, frames: Sequence[Frame], texts: Iterable[str]) -> Iterator[_Seen]:
    """Render each text in each place of a dialogue of each length."""
    for text, frame in product(texts, frames):
        length = len(frame.parts) - 1
        for place in range(length):
            contents = [text if one == place else f"qzx{one}xzq" for one in range(length)]
            messages = said(*contents)
            try:
                (full,) = template.render([messages])
                heads = (
                    []
                    if template.marked
                    else template.render([messages[:-1]], add_generation_prompt=True)
                )
            except UsageError:  # it raises an error of its own about such a turn
                yield frame, contents, None, []
            else:
                yield frame, contents, full, heads


def _explain(edits: _Edits, seen: Iterable[_Seen]) -> bool:
    """Whether all that was seen is the frames with the turns put in, edited so."""
    for frame, contents, full, heads in seen:
        turns = _edited(edits, contents)
        if full != frame.weave(turns):
            return False
        for head in heads:
            ((begin, _),) = frame.spans(turns, [len(turns) - 1])
            if head != full[:begin]:
                return False
    return True
