"""Turns dialogues into ids and labels, both from one encoding of one rendered text.

**A token across a boundary.** Labels are decided by characters: a token is trained if it covers one of a trained
reply's (``framing`` finds which these are). So the "\\n\\n" that a byte-level tokenizer makes of a header's newline and
a reply's first one is trained, as it is in transformers' assistant mask. A control token that swallows the whitespace
after it (``rstrip``) belongs to the header and is not.

Where a template has ``{% generation %}``, that is transformers' ``assistant_masks``, and the end-of-turn token in any
case, with two exceptions: a last character of several tokens (an emoji as bytes) right behind which the template has
``{% endgeneration %}``, of which the library marks the first token alone; and white space at a reply's ends that a
tokenizer leaves out of its offsets (``trim_offsets``), by which the library finds another token or none. Here all
tokens of a reply are trained.

**Forged turns.** Control tokens are the tokenizer's special tokens and those added tokens that the template writes. A
row's control tokens must be exactly those that the template writes for as many turns of plain words; where a turn's
text brings in one of its own, or the plain text that some templates frame turns with ("[/INST]"), it is refused. It is
not encoded piece by piece instead, because then its ids would no longer be those of ``apply_chat_template``.

**The fast way.** Where a template is proven to write turns as they are (``opaque``) and a tokenizer to encode by pieces
(``pieces``), ids are put together from those of the frame and of each turn. All else, and whatever cannot be told, is
rendered and encoded by the library.
"""

from __future__ import annotations

import gc
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from fedi_dataset.errors import UsageError
from fedi_dataset.tokens.fitting import fit
from fedi_dataset.tokens.frames import Frame
from fedi_dataset.tokens.framing import Framer
from fedi_dataset.tokens.layouts import Layout, layout_of
from fedi_dataset.tokens.messages import (
    ALTERED,
    FORGED,
    IGNORED,
    TOO_LONG,
    Dialogue,
    Messages,
    Refused,
    Rendered,
    Row,
    Shared,
    checked,
    row_of,
    said,
)
from fedi_dataset.tokens.opaque import Assembly
from fedi_dataset.tokens.pieces import PieceEncoder
from fedi_dataset.tokens.template import GIVE_ANOTHER, Template
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
    "Row",
    "Shared",
]

Encoded = tuple[list[int], list[int]]
"""Ids and labels."""


class Renderer:
    """Renders dialogues with one tokenizer and its chat template.

    The template is tried when a renderer is made; one that cannot be used raises
    :class:`UsageError`, which says why.
    """

    def __init__(self, loaded: LoadedTokenizer, system_prompt: str | None = None) -> None:
        self._made_of = (loaded, system_prompt)
        self._tokenizer = loaded.tokenizer
        self._backend: Any = loaded.tokenizer.backend_tokenizer
        self._template = Template(loaded, system_prompt)
        self._control = _control_ids(loaded, self._template, self._encode)
        self._framer = Framer(self._template, self._encode, self._control)
        self._assembly = Assembly.of(self._template, self._framer.frame)
        self._pieces = PieceEncoder.of(self._backend)
        self._layouts: dict[tuple[int, bool], Layout | None] = {}
        self._check_sample()

    def __reduce__(self) -> tuple[type[Renderer], tuple[LoadedTokenizer, str | None]]:
        """Travel to another process as what it is made of."""
        return Renderer, self._made_of

    @property
    def end_of_turn_id(self) -> int:
        """The id of the token that ends a reply."""
        return self._framer.end_of_turn_id

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
        own marks as text, as ``special_token_in_text``; a dialogue of which it leaves out or changes a part,
        as ``altered_by_template``. The ids are those of ``apply_chat_template``.
        """
        with _no_collector():
            shared = fit([row_of(dialogue) for dialogue in dialogues], self._attempt, max_length)
        return [one.rendered[0][1] if one.rendered else one.refused[0][1] for one in shared]

    def render_rows(self, rows: Sequence[Row], max_length: int | None = None) -> list[Shared]:
        """Render rows of which several replies may be trained, in order: each of these once, or refused.

        A row longer than ``max_length`` loses its oldest turns as a dialogue does; replies that are to be trained and
        are among them make a row of their own (see ``fitting``). The labels of a reply are those that the template's
        own marks give it in this row. Raises UsageError for a template that opens or ends a reply in another way once
        it is answered, and ValueError for a row that is not as :class:`Row` says.
        """
        with _no_collector():
            return fit([checked(row) for row in rows], self._attempt, max_length)

    def _attempt(self, rows: Sequence[Row]) -> Iterator[Encoded | Refused]:
        """Ids and labels of each row at its full length, the fast way where there is one."""
        outcomes = [self._remembered(row) for row in rows]
        plainly = self._plainly(
            [row for row, one in zip(rows, outcomes, strict=True) if one is None]
        )
        for outcome in outcomes:
            yield next(plainly) if outcome is None else outcome

    def _plainly(self, rows: Sequence[Row]) -> Iterator[Encoded | Refused]:
        """Ids and labels from the library's own encoding: the oracle of :meth:`_remembered`."""
        if not rows:
            return
        fulls = self._template.render([row.messages for row in rows])
        encodings = self._backend.encode_batch(fulls, add_special_tokens=False)
        for row, full, encoding in zip(rows, fulls, encodings, strict=True):
            if self._is_forged(row.messages, encoding):
                yield Refused(FORGED)
                continue
            spans = self._trained_spans(row, full)
            yield Refused(ALTERED) if spans is None else self._label(encoding, spans)

    def _remembered(self, row: Row) -> Encoded | None:
        """Ids and labels from remembered pieces; None where only the library can tell.

        A row whose text is the template's frame with the turns put in needs no rendering to know where its replies
        begin, and holds no control token but the frame's.
        """
        layout = self._layout(row)
        if layout is None or self._pieces is None:
            return None
        turns = self._turns(row.messages, self._frame(row))
        return None if turns is None else layout.encode(turns, row.trained, self._pieces)

    def _turns(self, messages: Messages, frame: Frame) -> list[str] | None:
        """Give the turns as the template writes them, if that is all that it does to them."""
        if self._assembly is not None:
            turns = self._assembly.turns(messages, frame)
            if turns is not None:
                return turns
        (full,) = self._template.render([messages])
        return frame.turns_in(full, [message["content"] for message in messages])

    def _frame(self, row: Row) -> Frame:
        return self._framer.frame(len(row.messages), several=len(row.trained) > 1)

    def _layout(self, row: Row) -> Layout | None:
        """What the template writes around a row of that many turns, if it can be worked out as ids."""
        if self._pieces is None:
            return None
        key = len(row.messages), len(row.trained) > 1
        if key not in self._layouts:
            self._layouts[key] = layout_of(
                self._frame(row), self._pieces, lambda text: list(self._encode(text).ids)
            )
        return self._layouts[key]

    def _label(self, encoding: Encoding, spans: Sequence[tuple[int, int]]) -> Encoded:
        """Ids, and labels that are the id where a token covers a character of a span."""
        ids, offsets = encoding.ids, encoding.offsets
        labels = [IGNORED] * len(ids)
        for begin, end in spans:
            first = bisect_right(offsets, begin, key=lambda span: span[1])
            stop = bisect_left(offsets, end, key=lambda span: span[0])
            if ids[first] in self._control and offsets[first][0] < begin:
                first += 1
            labels[first:stop] = ids[first:stop]
        return ids, labels

    def _trained_spans(self, row: Row, full: str) -> list[tuple[int, int]] | None:
        """Characters of ``full`` on which loss is taken; None if the template altered a turn or its frame."""
        frame = self._frame(row)
        turns = frame.turns_in(full, [message["content"] for message in row.messages])
        if turns is None:
            return None
        spans = frame.spans(turns, row.trained)
        if not self._template.marked:
            prompts = [row.messages[:place] for place in row.trained]
            heads = self._template.render(prompts, add_generation_prompt=True)
            if heads != [full[:begin] for begin, _ in spans]:
                return None
        return spans

    def _is_forged(self, messages: Messages, encoding: Encoding) -> bool:
        if any(
            mark in message["content"] for message in messages for mark in self._framer.turn_marks
        ):
            return True
        return self._framer.control_of(encoding.ids) != self._framer.skeleton(len(messages))

    def _encode(self, text: str) -> Encoding:
        encoding: Encoding = self._backend.encode(text, add_special_tokens=False)
        return encoding

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
        outcomes = list(
            self._attempt([Row(messages, (len(messages) - 1,)) for messages in _SAMPLE])
        )
        if any(isinstance(one, Refused) for one in outcomes):
            raise UsageError("the chat template alters a turn's text. " + GIVE_ANOTHER)
        ids = [one[0] for one in outcomes if not isinstance(one, Refused)]
        theirs = [
            self._tokenizer.apply_chat_template(
                [*self._template.system, *messages], return_dict=False
            )
            for messages in _SAMPLE
        ]
        return ids == theirs


@contextmanager
def _no_collector() -> Iterator[None]:
    """Rendering makes no cycles, and the collector would go through all that is remembered again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _control_ids(loaded: LoadedTokenizer, template: Template, encode: Any) -> frozenset[int]:
    """Ids of the special tokens and of the added tokens that the template writes.

    Added tokens of whitespace are text, in templates too (Gemma's newlines).
    """
    (probe,) = template.render([said("x", "x", "x", "x")])
    written = set(encode(probe).ids)
    return frozenset(
        token
        for token, added in loaded.tokenizer.added_tokens_decoder.items()
        if added.content.strip()
        and (added.special or token in written or added.content in loaded.template)
    )


_SAMPLE: Final = (
    said("Hi", "Hello."),
    said("  two  spaces ", "\n\nnewlines\r\n\n"),
    said("Grüße 👩\u200d🚀", "日本語です 🎉🎉", "e\u0301 \ufb01", "👍"),
    said("1,234.5 + 6", "مرحبا\tبك", "- a\n- b", "don't\u00a0'quote'", "?", " x"),
)
