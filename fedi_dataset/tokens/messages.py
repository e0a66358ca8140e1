"""What a renderer is given, and what it gives: messages and what is trained of them, ids and labels, or a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

__all__ = [
    "ALTERED",
    "FORGED",
    "IGNORED",
    "TOO_LONG",
    "Dialogue",
    "Messages",
    "Refused",
    "Rendered",
    "Row",
    "Shared",
    "checked",
    "row_of",
    "said",
]

IGNORED: Final = -100
"""The label of a token on which no loss is taken (PyTorch's cross_entropy: ignore_index)."""

TOO_LONG: Final = "too_long"
FORGED: Final = "special_token_in_text"
ALTERED: Final = "altered_by_template"

Messages = Sequence[Mapping[str, str]]
"""Messages of ``role`` and ``content``, oldest first."""

Dialogue = tuple[Messages, Messages]
"""Prompt (user first, then in turn, user last) and completion (one assistant message)."""


class Row(NamedTuple):
    """Messages, and which of them are trained."""

    messages: Messages
    """User first, then in turn."""
    trained: tuple[int, ...]
    """Places from 0, ascending, each of an assistant's message; the last message is trained."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A row as a model reads it."""

    input_ids: list[int]
    labels: list[int]
    """As long as ``input_ids``: the id where loss is taken, else :data:`IGNORED`."""
    dropped_turns: int
    """Messages that were left out, the oldest ones, to fit the length."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What gives no ids, and the code of the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Shared:
    """What became of a row: each of its responses, numbered from 0, is in one of these places."""

    rendered: tuple[tuple[range, Rendered], ...]
    """Which responses are trained together, and as what; in order."""
    refused: tuple[tuple[int, Refused], ...]
    """Responses that are trained nowhere, in order."""


def row_of(dialogue: Dialogue) -> Row:
    """Give a dialogue as a row, of which the completion is trained.

    Raises ValueError for one that does not begin with user, alternate and end with one reply: dropping its oldest
    turns two at a time rests on that.
    """
    prompt, completion = dialogue
    row = Row([*prompt, *completion], (len(prompt),))
    if len(completion) != 1 or not _alternates(row.messages):
        raise ValueError(
            "a prompt begins and ends with user and alternates; a completion is one reply"
        )
    return row


def said(*contents: str) -> Messages:
    """Give contents as messages of user and assistant in turn."""
    return [
        {"role": ("user", "assistant")[place % 2], "content": content}
        for place, content in enumerate(contents)
    ]


def checked(row: Row) -> Row:
    """Give the row; ValueError if it is not as :class:`Row` says."""
    places = (-1, *row.trained)
    ascend = all(here < place for here, place in pairwise(places))
    if (
        not row.trained
        or not _alternates(row.messages)
        or not ascend
        or not all(place % 2 for place in places)
        or places[-1] != len(row.messages) - 1
    ):
        raise ValueError(
            "a row begins with user, alternates and ends with a reply; what is trained are replies, "
            "the last among them"
        )
    return row


def _alternates(messages: Messages) -> bool:
    """Whether user and assistant speak in turn, and the assistant last."""
    roles = [message["role"] for message in messages]
    return roles == ["user", "assistant"] * (len(roles) // 2)
