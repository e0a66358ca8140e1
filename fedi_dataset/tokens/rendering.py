"""Turns a dialogue into ids and labels, both from one encoding of one rendered text.

A template that surrounds what a model generates with ``{% generation %}`` says itself where loss is taken:
there, in the last reply, and on its end-of-turn token in any case. Of any other, the prompt rendered with
its generation prompt must be a prefix of the whole dialogue rendered: what follows is what a model
generates. Loss is taken on that, from the first character after the generation prompt to the end of the
end-of-turn token, and on nothing before or after.

**A token across the boundary.** Labels are decided by characters: a token is trained if it covers
one of the reply's. So the "\\n\\n" that a byte-level tokenizer makes of a header's newline and a
reply's first one is trained, as it is in transformers' assistant mask. A control token that
swallows the whitespace after it (``rstrip``) belongs to the header and is not.

**Forged turns.** Control tokens are the tokenizer's special tokens and those added tokens that the
template writes. A dialogue's control tokens must be exactly those that the template writes for as
many turns of plain words; where a turn's text brings in one of its own, or the plain text that some
templates frame turns with ("[/INST]"), the dialogue is refused. It is not encoded piece by piece
instead, because then its ids would no longer be those of ``apply_chat_template``.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fedi_dataset.errors import UsageError
from fedi_dataset.tokens.layouts import Layout, layout_of
from fedi_dataset.tokens.pieces import PieceEncoder
from fedi_dataset.tokens.tokenizer import LoadedTokenizer

if TYPE_CHECKING:
    from tokenizers import Encoding

__all__ = [
    "ALTERED",
    "FORGED",
    "IGNORED",
    "TOO_LONG",
    "Dialogue",
    "Messages",
    "Refused",
    "Rendered",
    "Renderer",
]

_GENERATION = re.compile(r"\{%(-?\s*)generation(\s*-?)%\}")
_END_GENERATION = re.compile(r"\{%(-?\s*)endgeneration(\s*-?)%\}")

IGNORED: Final = -100
"""The label of a token on which no loss is taken (PyTorch's cross_entropy: ignore_index)."""

TOO_LONG: Final = "too_long"
FORGED: Final = "special_token_in_text"
ALTERED: Final = "altered_by_template"

_GIVE_ANOTHER: Final = "Give another: --chat-template FILE."

Messages = Sequence[Mapping[str, str]]
"""Messages of ``role`` and ``content``, oldest first."""

Dialogue = tuple[Messages, Messages]
"""Prompt (user first, then in turn, user last) and completion (one assistant message)."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A dialogue as a model reads it."""

    input_ids: list[int]
    labels: list[int]
    """As long as ``input_ids``: the id where loss is taken, else :data:`IGNORED`."""
    dropped_turns: int
    """Messages of the prompt that were left out, the oldest ones, to fit the length."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A dialogue that gives no row, and the code of the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a template writes around the last reply, the same in every dialogue."""

    lead: str
    """Between the last turn of the prompt and the reply."""
    closing: str
    """After the reply, to the end."""
    before: int
    """Characters of ``lead``, its last ones, on which loss is taken."""
    end: int
    """Characters of ``closing``, its first ones, on which loss is taken: up to the end-of-turn token at least."""
    end_of_turn_id: int


class Renderer:
    """Renders dialogues with one tokenizer and its chat template.

    The template is tried when a renderer is made; one that cannot be used raises
    :class:`UsageError`, which says why.
    """

    def __init__(self, loaded: LoadedTokenizer, system_prompt: str | None = None) -> None:
        self._made_of = (loaded, system_prompt)
        self._tokenizer = loaded.tokenizer
        self._system: Messages = (
            [] if system_prompt is None else [{"role": "system", "content": system_prompt}]
        )
        self._backend: Any = loaded.tokenizer.backend_tokenizer
        self._template = _compiled(loaded)
        self._marked = _GENERATION.search(loaded.template) is not None
        self._control = _control_ids(loaded, self._encode(self._render_probe(2)))
        self._frame = self._find_frame()
        self._turn_marks = self._find_turn_marks()
        self._skeletons: dict[int, list[int]] = {}
        self._layouts: dict[int, Layout | None] = {}
        self._pieces = PieceEncoder.of(self._backend)
        self._check_sample()

    def __reduce__(self) -> tuple[type[Renderer], tuple[LoadedTokenizer, str | None]]:
        """Travel to another process as what it is made of."""
        return Renderer, self._made_of

    @property
    def end_of_turn_id(self) -> int:
        """The id of the token that ends a reply."""
        return self._frame.end_of_turn_id

    def render(
        self, prompt: Messages, completion: Messages, max_length: int | None = None
    ) -> Rendered | Refused:
        """Render one dialogue; see :meth:`render_batch`."""
        return self.render_batch([(prompt, completion)], max_length)[0]

    def render_batch(
        self, dialogues: Sequence[Dialogue], max_length: int | None = None
    ) -> list[Rendered | Refused]:
        """Render dialogues, in order; of one longer than ``max_length`` tokens the oldest turns go.

        They go two at a time, whole, so that the dialogue still begins with the user. What is too
        long even with one message of context is refused as ``too_long``; what holds the template's
        own marks as text, as ``special_token_in_text``; a dialogue of which it leaves a part of a
        turn out, as ``altered_by_template``. The ids are those of ``apply_chat_template``.
        """
        for prompt, completion in dialogues:
            _check_roles(prompt, completion)
        results: dict[int, Rendered | Refused] = {}
        pending = [(index, 0) for index in range(len(dialogues))]
        while pending:
            shortened = [
                (dialogues[index][0][dropped:], dialogues[index][1]) for index, dropped in pending
            ]
            again = []
            for (index, dropped), (prompt, _), outcome in zip(
                pending, shortened, self._attempt(shortened), strict=True
            ):
                if isinstance(outcome, Refused):
                    results[index] = outcome
                elif max_length is None or len(outcome[0]) <= max_length:
                    results[index] = Rendered(*outcome, dropped_turns=dropped)
                elif len(prompt) > 2:
                    again.append((index, dropped + 2))
                else:
                    results[index] = Refused(TOO_LONG)
            pending = again
        return [results[index] for index in range(len(dialogues))]

    def _attempt(
        self, dialogues: Sequence[Dialogue]
    ) -> Iterator[tuple[list[int], list[int]] | Refused]:
        """Ids and labels of each dialogue at its full length, the fast way where there is one."""
        fulls = self._render([[*prompt, *completion] for prompt, completion in dialogues])
        outcomes = [
            self._remembered(dialogue, full)
            for dialogue, full in zip(dialogues, fulls, strict=True)
        ]
        left = [dialogue for dialogue, one in zip(dialogues, outcomes, strict=True) if one is None]
        plainly = self._plainly(left)
        for outcome in outcomes:
            yield next(plainly) if outcome is None else outcome

    def _plainly(
        self, dialogues: Sequence[Dialogue]
    ) -> Iterator[tuple[list[int], list[int]] | Refused]:
        """Ids and labels from the library's own encoding: the oracle of :meth:`_remembered`."""
        if not dialogues:
            return
        fulls = self._render([[*prompt, *completion] for prompt, completion in dialogues])
        heads = (
            [""] * len(dialogues)
            if self._marked
            else self._render([prompt for prompt, _ in dialogues], add_generation_prompt=True)
        )
        encodings = self._backend.encode_batch(fulls, add_special_tokens=False)
        for dialogue, head, full, encoding in zip(dialogues, heads, fulls, encodings, strict=True):
            span = self._trained_span(dialogue, head, full)
            if span is None or self._is_forged(dialogue, encoding):
                yield Refused(FORGED)
            elif not _stand_in_order(dialogue, full):
                yield Refused(ALTERED)
            else:
                yield self._label(encoding, *span)

    def _remembered(self, dialogue: Dialogue, full: str) -> tuple[list[int], list[int]] | None:
        """Ids and labels from remembered pieces; None where only the library can tell.

        A dialogue whose text is the template's frame with the turns put in as they are needs no second rendering to
        know where its reply begins, and holds no control token but the frame's.
        """
        contents = [message["content"] for messages in dialogue for message in messages]
        layout = self._layout(len(contents))
        turns = None if layout is None else layout.turns_in(contents, full)
        if layout is None or turns is None or self._pieces is None:
            return None
        woven = layout.encode(turns, self._pieces)
        if woven is None:
            return None
        ids, first, stop = woven
        return ids, [IGNORED] * first + ids[first:stop] + [IGNORED] * (len(ids) - stop)

    def _layout(self, length: int) -> Layout | None:
        """What the template writes around a dialogue of that many turns, if it can be worked out."""
        if self._pieces is None:
            return None
        if length not in self._layouts:
            probe = _probe(length // 2)
            full = self._render_probe(length // 2)
            parts, position = [], 0
            for message in (*probe[0], *probe[1]):
                begin = full.index(message["content"], position)
                parts.append(full[position:begin])
                position = begin + len(message["content"])
            self._layouts[length] = layout_of(
                [*parts, full[position:]],
                before=self._frame.before,
                end=self._frame.end,
                pieces=self._pieces,
                encode=lambda text: list(self._encode(text).ids),
            )
        return self._layouts[length]

    def _label(self, encoding: Encoding, begin: int, end: int) -> tuple[list[int], list[int]]:
        """Ids, and labels that are the id where a token covers a character of [begin, end)."""
        ids, offsets = encoding.ids, encoding.offsets
        first = bisect_right(offsets, begin, key=lambda span: span[1])
        stop = bisect_left(offsets, end, key=lambda span: span[0])
        if ids[first] in self._control and offsets[first][0] < begin:
            first += 1
        labels = [IGNORED] * first + ids[first:stop] + [IGNORED] * (len(ids) - stop)
        return ids, labels

    def _trained_span(self, dialogue: Dialogue, head: str, full: str) -> tuple[int, int] | None:
        """Characters of ``full`` on which loss is taken; None if the template altered the reply.

        ``head`` is the prompt with its generation prompt, or empty where the template marks what is generated.
        """
        frame = self._frame
        reply_end = len(full) - len(frame.closing)
        content = dialogue[1][0]["content"]
        for reply in (
            content,
            content.strip(),
            content.lstrip(),
            content.lstrip("\n"),
            content.rstrip(),
        ):
            begin = reply_end - len(reply) - frame.before
            stands = full.endswith(frame.lead + reply + frame.closing)
            if stands and full.startswith(head) and (not head or begin == len(head)):
                return begin, reply_end + frame.end
        return None

    def _is_forged(self, dialogue: Dialogue, encoding: Encoding) -> bool:
        prompt, completion = dialogue
        if any(
            mark in message["content"]
            for message in (*prompt, *completion)
            for mark in self._turn_marks
        ):
            return True
        return self._control_sequence(encoding.ids) != self._skeleton(len(prompt))

    def _control_sequence(self, ids: list[int]) -> list[int]:
        return [token for token in ids if token in self._control]

    def _skeleton(self, prompt_length: int) -> list[int]:
        """Control tokens that the template writes around a dialogue of plain words."""
        if prompt_length not in self._skeletons:
            full = self._render_probe(prompt_length // 2 + 1)
            self._skeletons[prompt_length] = self._control_sequence(self._encode(full).ids)
        return self._skeletons[prompt_length]

    def _render(
        self, conversations: Sequence[Messages], *, add_generation_prompt: bool = False
    ) -> list[str]:
        try:
            return [
                self._template([*self._system, *messages], add_generation_prompt)
                for messages in conversations
            ]
        except Exception:  # noqa: BLE001 - a template's expressions raise anything, and may quote a turn
            raise UsageError(
                "the chat template raises an error on a dialogue of user and assistant in turn"
                + (" after a system prompt. Leave that out, or g" if self._system else ". G")
                + _GIVE_ANOTHER[1:]
            ) from None

    def _render_probe(self, pairs: int) -> str:
        prompt, completion = _probe(pairs)
        return self._render([[*prompt, *completion]])[0]

    def _encode(self, text: str) -> Encoding:
        encoding: Encoding = self._backend.encode(text, add_special_tokens=False)
        return encoding

    def _find_frame(self) -> _Frame:
        """Find what stands around the last reply, and insist that it is always the same."""
        frames = {self._frame_of(_probe(pairs)) for pairs in (1, 2)}
        if len(frames) != 1:
            raise UsageError(
                "the chat template frames the last reply differently in a longer dialogue, so its "
                "end cannot be known. " + _GIVE_ANOTHER
            )
        return frames.pop()

    def _frame_of(self, dialogue: Dialogue) -> _Frame:
        prompt, (reply,) = dialogue
        (full,) = self._render([[*prompt, reply]])
        if not all(message["content"] in full for message in (*prompt, reply)):
            raise UsageError("the chat template leaves out or alters a turn. " + _GIVE_ANOTHER)
        if not all(message["content"].strip() in full for message in self._system):
            raise UsageError(
                "the chat template leaves out or alters the system prompt. Leave that out, or g"
                + _GIVE_ANOTHER[1:]
            )
        asked = full.index(prompt[-1]["content"]) + len(prompt[-1]["content"])
        answered = full.index(reply["content"], asked)
        reply_end = answered + len(reply["content"])
        begin, end = (
            self._marked_span(dialogue, asked)
            if self._marked
            else (self._generated_from(dialogue, full, answered), reply_end)
        )
        token, turn_end = self._end_of_turn(full, reply_end)
        if begin > answered or end < reply_end:
            raise UsageError(
                "the chat template marks only a part of a reply as generated. " + _GIVE_ANOTHER
            )
        return _Frame(
            lead=full[asked:answered],
            closing=full[reply_end:],
            before=answered - begin,
            end=max(end, turn_end) - reply_end,
            end_of_turn_id=token,
        )

    def _marked_span(self, dialogue: Dialogue, asked: int) -> tuple[int, int]:
        """What stands between ``{% generation %}`` and its end in the last turn, which begins at ``asked``."""
        from transformers.utils.chat_template_utils import render_jinja_template

        _, (spans,) = render_jinja_template(
            [[*self._system, *dialogue[0], *dialogue[1]]],
            chat_template=self._tokenizer.chat_template,
            return_assistant_tokens_mask=True,
            **self._tokenizer.special_tokens_map,
        )
        last = [(begin, end) for begin, end in spans if begin >= asked]
        if not last:
            raise UsageError(
                "the chat template does not mark a last reply as generated. " + _GIVE_ANOTHER
            )
        return min(begin for begin, _ in last), max(end for _, end in last)

    def _generated_from(self, dialogue: Dialogue, full: str, answered: int) -> int:
        """Where what a model generates begins: at the end of the prompt with its generation prompt."""
        prompt, _ = dialogue
        (head,) = self._render([prompt], add_generation_prompt=True)
        if not full.startswith(head):
            raise UsageError(
                "the chat template rewrites a prompt once it is answered (the prompt with its "
                "generation prompt is no prefix of the whole dialogue), so a model would be "
                "trained on a text that it never meets. " + _GIVE_ANOTHER
            )
        (unprompted,) = self._render([prompt])
        if full[len(head) : answered].strip() and head == unprompted:
            raise UsageError(
                "the chat template has no generation prompt: only a reply that is there is opened, "
                "so nothing can be generated with it. " + _GIVE_ANOTHER
            )
        return len(head)

    def _end_of_turn(self, full: str, reply_end: int) -> tuple[int, int]:
        """The first control token after the reply, and the character behind it."""
        encoding = self._encode(full)
        for token, (begin, end) in zip(encoding.ids, encoding.offsets, strict=True):
            if begin >= reply_end and token in self._control:
                return token, end
        raise UsageError(
            "the chat template writes no end-of-turn token after a reply, so a model would never "
            "learn to stop. " + _GIVE_ANOTHER
        )

    def _find_turn_marks(self) -> tuple[str, ...]:
        """Text between turns that holds no control token: the template's marks in plain text."""
        dialogue = _probe(2)
        full = self._render_probe(2)
        marks, position = set(), None
        for message in (*dialogue[0], *dialogue[1]):
            begin = full.index(message["content"])
            if position is not None:
                mark = full[position:begin]
                if mark.strip() and not self._control_sequence(self._encode(mark).ids):
                    marks.add(mark.strip())
            position = begin + len(message["content"])
        return tuple(sorted(marks))

    def _check_sample(self) -> None:
        """Compare a sample with the library's own result, id for id; what fails it on the fast way loses that."""
        if self._pieces is not None and not self._passes_sample():
            self._pieces = None
        if self._pieces is None and not self._passes_sample():
            raise UsageError(
                "the tokenizer's apply_chat_template gives other ids than its backend does for "
                "the same text, so labels cannot be placed. Give another: --tokenizer NAME."
            )

    def _passes_sample(self) -> bool:
        outcomes = self.render_batch(_SAMPLE)
        if any(isinstance(one, Refused) for one in outcomes):
            raise UsageError("the chat template alters a turn's text. " + _GIVE_ANOTHER)
        ids = [one.input_ids for one in outcomes if isinstance(one, Rendered)]
        theirs = [
            self._tokenizer.apply_chat_template(
                [*self._system, *prompt, *completion], return_dict=False
            )
            for prompt, completion in _SAMPLE
        ]
        return ids == theirs


def _compiled(loaded: LoadedTokenizer) -> Callable[[Messages, bool], str]:
    """Give what renders messages, with or without a generation prompt, as apply_chat_template does.

    The library's way there copies every message and takes thrice as long. What it compiles is private, so where it
    is not found the library's way is taken; a sample is compared in any case.
    """
    try:
        from transformers.utils.chat_template_utils import _compile_jinja_template
    except ImportError:
        tokenizer = loaded.tokenizer
        return lambda messages, generation: tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=generation
        )
    # what tracks generation costs as much as all the rest; "with" has the same scope and the same white space
    untracked = _GENERATION.sub(r"{%\g<1>with\g<2>%}", loaded.template)
    template = _compile_jinja_template(_END_GENERATION.sub(r"{%\g<1>endwith\g<2>%}", untracked))
    special = dict(loaded.tokenizer.special_tokens_map)
    return lambda messages, generation: template.render(
        messages=messages, tools=None, documents=None, add_generation_prompt=generation, **special
    )


def _stand_in_order(dialogue: Dialogue, full: str) -> bool:
    """Whether each turn stands in the rendered text, in order, with nothing but white space at its ends changed."""
    position = 0
    for message in (*dialogue[0], *dialogue[1]):
        content = message["content"].strip()
        position = full.find(content, position)
        if position < 0:
            return False
        position += len(content)
    return True


def _check_roles(prompt: Messages, completion: Messages) -> None:
    """Hold a dialogue to the schema: dropping its oldest turns two at a time rests on it."""
    roles = [message["role"] for message in (*prompt, *completion)]
    pairs, odd = divmod(len(roles), 2)
    if odd or not pairs or len(completion) != 1 or roles != ["user", "assistant"] * pairs:
        raise ValueError(
            "a prompt begins and ends with user and alternates; a completion is one reply"
        )


def _control_ids(loaded: LoadedTokenizer, probe: Encoding) -> frozenset[int]:
    """Ids of the special tokens and of the added tokens that the template writes.

    Added tokens of whitespace are text, in templates too (Gemma's newlines).
    """
    written = set(probe.ids)
    return frozenset(
        token
        for token, added in loaded.tokenizer.added_tokens_decoder.items()
        if added.content.strip()
        and (added.special or token in written or added.content in loaded.template)
    )


def _dialogue(*contents: str) -> Dialogue:
    messages = [
        {"role": ("user", "assistant")[position % 2], "content": content}
        for position, content in enumerate(contents)
    ]
    return messages[:-1], messages[-1:]


def _probe(pairs: int) -> Dialogue:
    """Make a dialogue of words that no template writes by itself, each different."""
    return _dialogue(*(f"qzx{position}xzq" for position in range(2 * pairs)))


_SAMPLE: Final = (
    _dialogue("Hi", "Hello."),
    _dialogue("  two  spaces ", "\n\nnewlines\r\n\n"),
    _dialogue("Grüße 👩\u200d🚀", "日本語です 🎉🎉", "e\u0301 \ufb01", "👍"),
    _dialogue("1,234.5 + 6", "مرحبا\tبك", "- a\n- b", "don't\u00a0'quote'", "?", " x"),
)
