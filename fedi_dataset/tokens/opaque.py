"""Proves that a template writes turns as they are, so that dialogues are put together without rendering each.

What is put in every place of a dialogue, and held against the template's frame with the turns put in:

* each string that the template holds itself (``'</think>' in content``), alone and amid words, in lower case, upper
  case and their like (``'think' in content | lower``), all of them together, and each letter of theirs at the ends
  (``rstrip``);
* as many characters, words, lines and paragraphs, and those strings as often, as a number that it holds says, one less
  and one more (``content | length > 500``, ``content.split('\n')[:12]``);
* white space, and texts of every kind (digits, capitals, code, very long ones);
* the same turn in several places, and one within another (``content == messages[0].content``).

Where that is not the same for one of its own strings, turns that hold it are rendered, in whatever case if case does
not matter to the template; where it is not for turns that are the same, dialogues that hold such; where it is not for
anything else, everything is. So is a blank turn.

This covers what templates are written to do, not whatever one could compute: one that reacts to a turn's digest, to a
number of lines that is not in it but a sum, or to how two turns differ would pass. Therefore the first real dialogues
of each number of turns are rendered too, and if one of them differs, nothing of that number is put together any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product
from typing import Final

from fedi_dataset.errors import UsageError
from fedi_dataset.tokens.frames import EDITS, Frame
from fedi_dataset.tokens.messages import Messages, said
from fedi_dataset.tokens.template import Template

__all__ = ["Assembly"]

_LENGTHS: Final = (2, 4)
"""Turns of the proof's dialogues: between them they hold each role first, in the middle, last and alone."""

_SEVERAL: Final = 6
"""Turns of the dialogues by which it is tried whether a template compares turns: three of each role."""

_SAMPLED: Final = 4
"""Real dialogues of each number of turns that are rendered too."""

_PLAIN: Final = (
    *(" x ", "\n\nx\n\n", "\t x\r\n", "\u00a0x\u2003", "x\n\n\nx", "\nx", "x\n", "x  x"),
    *(
        "x",
        "Hi there.",
        "x" * 100,
        "x y " * 1000,
        "x\n" * 1000,
        "x\n\n" * 1000,
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

_UNITS: Final = ("x", "x ", "x\n", "x\n\n")
"""A character, a word, a line, a paragraph."""

_SEPARATOR: Final = 4
"""Characters of a string, at most, by which a template may cut turns apart."""

_LONGEST: Final = 20_000
"""Characters of a text by which a proof is given: people write no longer posts."""

_Edit = Callable[[str], str]
_Edits = tuple[_Edit, _Edit, _Edit]
"""What the template does to a user's turn, to a reply that others follow, and to the last one."""


@dataclass(frozen=True, slots=True)
class _Reactions:
    """What a template does not write as it is."""

    exact: tuple[str, ...]
    """Strings in a turn."""
    folded: tuple[str, ...]
    """Strings in a turn, in whatever case; casefolded themselves."""
    repeated: bool
    """Turns that are the same, but perhaps for case and the white space around them."""

    def to(self, contents: Sequence[str]) -> bool:
        """Whether there is any in the turns of a dialogue."""
        if any(one in content for content in contents for one in self.exact):
            return True
        if self.folded:
            plain = [_folded(content) for content in contents]
            if any(one in content for content in plain for one in self.folded):
                return True
        return self.repeated and len({_folded(one).strip() for one in contents}) < len(contents)


def _folded(text: str) -> str:
    """Make texts the same that are so in lower, upper or title case; casefold alone leaves the dotless i."""
    return text.upper().casefold()


class Assembly:
    """Gives the turns of a dialogue as one template writes them, without rendering it."""

    def __init__(self, template: Template, edits: _Edits, reactions: _Reactions) -> None:
        self._template = template
        self._edits = edits
        self._reactions = reactions
        self._to_sample: dict[int, int] = {}
        self._differing: set[int] = set()

    @classmethod
    def of(cls, template: Template, frame: Callable[[int], Frame]) -> Assembly | None:
        """Give the way of a template, ``frame`` being what it writes around turns; None where none is proven."""
        if template.constants is None:
            return None
        strings, numbers = template.constants
        frames = [frame(length) for length in _LENGTHS]
        sizes = sorted({near for one in numbers for near in (one - 1, one, one + 1)})
        counted = [unit * size for size in sizes if size <= _LONGEST for unit in _UNITS]
        seen = list(_each_place(template, frames, (*_PLAIN, *counted)))
        edits = next((one for one in product(EDITS, EDITS, EDITS) if _explain(one, seen)), None)
        if edits is None:
            return None

        def hold(texts: Iterable[str]) -> bool:
            return _explain(edits, _each_place(template, frames[-1:], filter(str.strip, texts)))

        def hold_together(dialogues: Iterable[list[str]]) -> bool:
            return _explain(edits, (_see(template, frame(_SEVERAL), one) for one in dialogues))

        exact = [one for one in strings if not hold((one, f"{one}x{one}"))]
        others = [one for one in strings if one not in exact]
        spelled = [
            (one, other)
            for one in strings
            for other in _spellings(one)
            if not any(reaction in other for reaction in exact)
        ]
        folded = {_folded(one) for one, other in spelled if not hold((other, f"{other}x{other}"))}
        plain = [one for one in others if _folded(one) not in folded]
        joined = ["x".join(plain), "x".join(reversed(plain))]
        separators = "".join(f"x{one}" for one in plain if len(one) <= _SEPARATOR)
        often = [separators * size for size in sizes if size * len(separators) <= _LONGEST]
        letters = sorted(set("".join(strings)))
        if not hold(
            (
                *(text for one in joined for text in (one, *_spellings(one))),
                *often,
                *(f"{letter}x{letter}" for letter in letters),
            )
        ) or not hold_together(_within()):
            return None
        reactions = _Reactions(tuple(exact), tuple(folded), not hold_together(_repeated()))
        return cls(template, edits, reactions)

    def turns(self, messages: Messages, frame: Frame) -> list[str] | None:
        """Give the turns as the template writes them; None where only rendering tells."""
        contents = [message["content"] for message in messages]
        length = len(contents)
        if length in self._differing:
            return None
        if any(not content or content.isspace() for content in contents):
            return None
        if self._reactions.to(contents):
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


def _spellings(text: str) -> list[str]:
    """Give a text in other cases: a template may make all the same before it compares."""
    ways = (text.lower(), text.upper(), text.title(), text.capitalize(), text.swapcase())
    return [one for one in dict.fromkeys(ways) if one != text]


def _repeated() -> Iterator[list[str]]:
    """Give dialogues of which turns are the same, or would be but for their case and the white space around them."""
    for again in ("again", " AGAIN\n"):
        for one, other in combinations(range(_SEVERAL), 2):
            yield _with({one: "again", other: again})
        yield ["again", *[again] * (_SEVERAL - 1)]


def _within() -> Iterator[list[str]]:
    """Give dialogues of which one turn stands within another, at its begin, amid it, or at its end."""
    for one, other in permutations(range(_SEVERAL), 2):
        for around in ("x again x", "again x", "x again"):
            yield _with({one: "again", other: around})


def _with(turns: Mapping[int, str], length: int = _SEVERAL) -> list[str]:
    """Give the contents of a dialogue with these turns in it, and others that nothing is like."""
    return [turns.get(place, f"qzx{place}xzq") for place in range(length)]


_Seen = tuple[Frame, list[str], str | None, list[str]]
"""A frame, contents, what the template made of them, and, unless it marks what is generated, of the prompt alone with
its generation prompt."""


def _each_place(
    template: Template, frames: Sequence[Frame], texts: Iterable[str]
) -> Iterator[_Seen]:
    """Render each text in each place of a dialogue of each length."""
    for text, frame in product(texts, frames):
        length = len(frame.parts) - 1
        for place in range(length):
            yield _see(template, frame, _with({place: text}, length))


def _see(template: Template, frame: Frame, contents: list[str]) -> _Seen:
    """Render a dialogue, and see what comes of it."""
    messages = said(*contents)
    try:
        (full,) = template.render([messages])
        heads = (
            [] if template.marked else template.render([messages[:-1]], add_generation_prompt=True)
        )
    except UsageError:  # it raises an error of its own about such a turn
        return frame, contents, None, []
    return frame, contents, full, heads


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
