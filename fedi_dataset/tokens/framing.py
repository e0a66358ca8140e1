"""Finds the frames of a template, by words that no template writes by itself.

A template that surrounds what a model generates with ``{% generation %}`` says itself where loss is taken: there, and
on the end-of-turn token in any case. Of any other, the prompt rendered with its generation prompt must be a prefix of
the whole dialogue rendered: what follows is what a model generates. Loss is taken on that, from the first character
after the generation prompt to the end of the end-of-turn token, and on nothing before or after.

A template of which that cannot be found, because it rewrites what was said or never ends a turn, is refused with the
reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from fedi_dataset.errors import UsageError
from fedi_dataset.tokens.frames import Frame, Marks
from fedi_dataset.tokens.messages import Messages, said
from fedi_dataset.tokens.template import GIVE_ANOTHER, Template

if TYPE_CHECKING:
    from tokenizers import Encoding

__all__ = ["Framer"]

_LEAVE_OUT: Final = "Give another (--chat-template FILE), or build the release without multi_turn."


class _Ending(NamedTuple):
    """What stands around the last reply, whatever the length of the dialogue."""

    lead: str
    """Between the last turn of the prompt and the reply."""
    closing: str
    """After the reply, to the end."""
    marks: Marks
    end_of_turn_id: int


class Framer:
    """Finds the frames of one template. Making one raises UsageError for a template that cannot be used."""

    def __init__(
        self, template: Template, encode: Callable[[str], Encoding], control: frozenset[int]
    ) -> None:
        """``control``: ids of the tokens with which the template marks turns."""
        self._template = template
        self._encode = encode
        self._control = control
        self._ending = self._find_ending()
        self.turn_marks = self._find_turn_marks()
        """Text between turns that holds no control token: the template's marks in plain text."""
        self._frames: dict[tuple[int, bool], Frame] = {}
        self._skeletons: dict[int, list[int]] = {}

    @property
    def end_of_turn_id(self) -> int:
        """The id of the token that ends a reply."""
        return self._ending.end_of_turn_id

    def frame(self, length: int, *, several: bool = False) -> Frame:
        """Give the frame of dialogues of that many turns, with marks of the last reply or of ``several``: all.

        Raises UsageError if those of a reply that is not the last cannot be told.
        """
        if (length, several) not in self._frames:
            messages = _probe(length)
            full = self._rendered(messages)
            parts = _between(full, messages)
            marks = {length - 1: self._ending.marks}
            for place in range(1, length - 1, 2) if several else ():
                marks[place] = self._marks_of(place, messages, full)
            self._frames[length, several] = Frame(tuple(parts), marks)
        return self._frames[length, several]

    def control_of(self, ids: Sequence[int]) -> list[int]:
        """Give the control tokens of a row."""
        return [token for token in ids if token in self._control]

    def skeleton(self, length: int) -> list[int]:
        """Control tokens that the template writes around a dialogue of plain words."""
        if length not in self._skeletons:
            full = self._rendered(_probe(length))
            self._skeletons[length] = self.control_of(self._encode(full).ids)
        return self._skeletons[length]

    def _rendered(self, messages: Messages) -> str:
        return self._template.render([messages])[0]

    def _marks_of(self, place: int, messages: Messages, full: str) -> Marks:
        """Find the marks of a reply that others follow."""
        begin = full.index(messages[place]["content"])
        end = begin + len(messages[place]["content"])
        following = full.index(messages[place + 1]["content"])
        if self._template.marked:
            former = full.index(messages[place - 1]["content"])
            spans = [
                span for span in self._template.generated(messages) if former < span[0] < following
            ]
            if not spans:
                raise UsageError(
                    "the chat template marks the last reply alone as generated, so several responses "
                    "of a row cannot be trained. " + _LEAVE_OUT
                )
            first, last = min(one for one, _ in spans), max(one for _, one in spans)
        else:
            (head,) = self._template.render([messages[:place]], add_generation_prompt=True)
            if not full.startswith(head) or len(head) > begin:
                raise UsageError(
                    "the chat template opens a reply differently once it is answered, so several "
                    "responses of a row cannot be trained. " + _LEAVE_OUT
                )
            first, last = len(head), end
        token, turn_end = self._end_of_turn(full, end)
        if token != self.end_of_turn_id or turn_end > following:
            raise UsageError(
                "the chat template ends a reply differently once it is answered, so several responses "
                "of a row cannot be trained. " + _LEAVE_OUT
            )
        if first > begin or last < end:
            raise UsageError(
                "the chat template marks only a part of a reply as generated. " + GIVE_ANOTHER
            )
        return Marks(begin - first, max(last, turn_end) - end)

    def _find_ending(self) -> _Ending:
        """Find what stands around the last reply, and insist that it is always the same."""
        endings = {self._ending_of(_probe(length)) for length in (2, 4)}
        if len(endings) != 1:
            raise UsageError(
                "the chat template frames the last reply differently in a longer dialogue, so its "
                "end cannot be known. " + GIVE_ANOTHER
            )
        return endings.pop()

    def _ending_of(self, messages: Messages) -> _Ending:
        *prompt, reply = messages
        full = self._rendered(messages)
        if not all(message["content"] in full for message in messages):
            raise UsageError("the chat template leaves out or alters a turn. " + GIVE_ANOTHER)
        if not all(message["content"].strip() in full for message in self._template.system):
            raise UsageError(
                "the chat template leaves out or alters the system prompt. Leave that out, or g"
                + GIVE_ANOTHER[1:]
            )
        asked = full.index(prompt[-1]["content"]) + len(prompt[-1]["content"])
        answered = full.index(reply["content"], asked)
        reply_end = answered + len(reply["content"])
        begin, end = (
            self._marked_span(messages, asked)
            if self._template.marked
            else (self._generated_from(prompt, full, answered), reply_end)
        )
        token, turn_end = self._end_of_turn(full, reply_end)
        if begin > answered or end < reply_end:
            raise UsageError(
                "the chat template marks only a part of a reply as generated. " + GIVE_ANOTHER
            )
        return _Ending(
            lead=full[asked:answered],
            closing=full[reply_end:],
            marks=Marks(answered - begin, max(end, turn_end) - reply_end),
            end_of_turn_id=token,
        )

    def _marked_span(self, messages: Messages, asked: int) -> tuple[int, int]:
        """What stands between ``{% generation %}`` and its end in the last turn, which begins at ``asked``."""
        last = [span for span in self._template.generated(messages) if span[0] >= asked]
        if not last:
            raise UsageError(
                "the chat template does not mark a last reply as generated. " + GIVE_ANOTHER
            )
        return min(begin for begin, _ in last), max(end for _, end in last)

    def _generated_from(self, prompt: Messages, full: str, answered: int) -> int:
        """Where what a model generates begins: at the end of the prompt with its generation prompt."""
        (head,) = self._template.render([prompt], add_generation_prompt=True)
        if not full.startswith(head):
            raise UsageError(
                "the chat template rewrites a prompt once it is answered (the prompt with its "
                "generation prompt is no prefix of the whole dialogue), so a model would be "
                "trained on a text that it never meets. " + GIVE_ANOTHER
            )
        unprompted = self._rendered(prompt)
        if full[len(head) : answered].strip() and head == unprompted:
            raise UsageError(
                "the chat template has no generation prompt: only a reply that is there is opened, "
                "so nothing can be generated with it. " + GIVE_ANOTHER
            )
        return len(head)

    def _end_of_turn(self, full: str, reply_end: int) -> tuple[int, int]:
        """The first control token after a reply, and the character behind it."""
        encoding = self._encode(full)
        for token, (begin, end) in zip(encoding.ids, encoding.offsets, strict=True):
            if begin >= reply_end and token in self._control:
                return token, end
        raise UsageError(
            "the chat template writes no end-of-turn token after a reply, so a model would never "
            "learn to stop. " + GIVE_ANOTHER
        )

    def _find_turn_marks(self) -> tuple[str, ...]:
        messages = _probe(4)
        marks = _between(self._rendered(messages), messages)[1:-1]
        return tuple(
            sorted(
                {
                    mark.strip()
                    for mark in marks
                    if mark.strip() and not self.control_of(self._encode(mark).ids)
                }
            )
        )


def _probe(length: int) -> Messages:
    """Make a dialogue of words that no template writes by itself, each different."""
    return said(*(f"qzx{position}xzq" for position in range(length)))


def _between(full: str, messages: Messages) -> list[str]:
    """Cut a rendered dialogue at its turns, which are different words."""
    parts, position = [], 0
    for message in messages:
        begin = full.index(message["content"], position)
        parts.append(full[position:begin])
        position = begin + len(message["content"])
    return [*parts, full[position:]]
