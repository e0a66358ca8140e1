"""Dialogues: for every response, the way from the top of its tree to it, as trainers expect it.

A response is a turn that may be trained, is not the first of its tree or fragment, and has another
author somewhere before it on its way. Its author is the assistant, everyone else the user. Prompts begin
with user and alternate; every response is the completion of exactly one dialogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fedi_dataset.conversations.turns import Turn, Utterance

__all__ = ["Dialogue", "Message", "Part", "make_dialogues"]

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Part:
    """One turn as one dialogue sees it: a reply to its middle sees it up to that post."""

    speaker: int
    """Numbered in the dialogue, from 1, in order of first appearance."""
    posts: tuple[Utterance, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message: parts to be joined by blank lines, each with its speaker's label if ``labels``."""

    role: Role
    parts: tuple[Part, ...]
    labels: bool


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One training example. ``response`` is the number of its trained turn."""

    response: int
    prompt: tuple[Message, ...]
    completion: Message
    n_turns: int
    n_speakers: int

    @property
    def context(self) -> tuple[Utterance, ...]:
        """Every post of the prompt, in order."""
        return tuple(
            post for message in self.prompt for part in message.parts for post in part.posts
        )


def make_dialogues(
    turns: Sequence[Turn], *, max_turns: int
) -> tuple[list[Dialogue], dict[int, str]]:
    """Give each response its dialogue, and each other turn the reason why it has none.

    ``turns`` as :func:`make_turns` numbers them. ``max_turns`` counts the response; older context is left
    out before the way is built. The dialogues come in the order of their responses; together with
    the reasons they account for every turn.
    """
    dialogues: list[Dialogue] = []
    reasons: dict[int, str] = {}
    for turn in turns:
        reason = _not_trainable(turn)
        if reason is None:
            context = _context(turn, turns, max_turns - 1)
            if all(posts[0].author == turn.author for posts in context):
                reason = "no_other_author"
            else:
                dialogues.append(_dialogue(turn, context))
        if reason is not None:
            reasons[turn.number] = reason
    return dialogues, reasons


def _not_trainable(turn: Turn) -> str | None:
    if turn.untrained is not None:
        return turn.untrained
    if turn.answers is None:
        return "first_of_fragment" if turn.gap else "first_of_tree"
    return None


def _context(turn: Turn, turns: Sequence[Turn], limit: int) -> list[tuple[Utterance, ...]]:
    """Collect what stands above ``turn``, oldest first, each turn up to the post that was answered."""
    above: list[tuple[Utterance, ...]] = []
    place = turn.answers
    while place is not None and len(above) < limit:
        parent = turns[place.turn]
        above.append(parent.posts[: place.post + 1])
        place = parent.answers
    return above[::-1]


def _dialogue(turn: Turn, context: list[tuple[Utterance, ...]]) -> Dialogue:
    numbers: dict[bytes, int] = {}
    for posts in [*context, turn.posts]:
        numbers.setdefault(posts[0].author, len(numbers) + 1)
    parts = [Part(numbers[posts[0].author], posts) for posts in context]
    me = numbers[turn.author]
    return Dialogue(
        response=turn.number,
        prompt=tuple(_messages(parts, me)),
        completion=Message("assistant", (Part(me, turn.posts),), labels=False),
        n_turns=len(parts) + 1,
        n_speakers=len(numbers),
    )


def _messages(parts: list[Part], me: int) -> list[Message]:
    """Fold the way into alternating messages that begin and end with user."""
    others = [index for index, part in enumerate(parts) if part.speaker != me]
    first, last = others[0], others[-1]
    groups: list[tuple[Role, list[Part]]] = []
    for index, part in enumerate(parts):
        mine = part.speaker == me and first < index < last
        role: Role = "assistant" if mine else "user"
        if groups and groups[-1][0] == role:
            groups[-1][1].append(part)
        else:
            groups.append((role, [part]))
    return [
        Message(role, tuple(group), labels=len({part.speaker for part in group}) > 1)
        for role, group in groups
    ]
