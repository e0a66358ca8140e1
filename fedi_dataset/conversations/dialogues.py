"""Dialogues: for every response, the way from the top of its tree to it, as trainers expect it.

A response is a turn that may be trained, is not the first of its tree or fragment, and has another
author somewhere before it on its way. Its author is the assistant, everyone else the user. Prompts begin
with user and alternate; every response is the completion of exactly one dialogue, unless a strategy
(strategies.py) leaves it out.

Where a placeholder stands for a missing post, that is a turn of the way too: of somebody else, as far as is known,
so that what answers it is a response. A post that is quoted is read directly before the turn that quotes it; it
is no turn of the way, and makes nobody a response. One that came only after the turn's first post is not read there:
it may answer that post.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from fedi_dataset.conversations.quoted import order_of
from fedi_dataset.conversations.turns import Turn, Utterance

__all__ = ["Dialogue", "Message", "Part", "make_dialogues"]

Role = Literal["user", "assistant"]
_Quotes = Mapping[bytes, Sequence[Utterance]]


@dataclass(frozen=True, slots=True)
class Part:
    """One turn as one dialogue sees it: a reply to its middle sees it up to that post."""

    speaker: int | None
    """Numbered in the dialogue, from 1, in order of first appearance; None: nobody knows who it was."""
    posts: tuple[Utterance, ...]
    """None for the placeholder of a missing post."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: parts to be joined by blank lines, each with its speaker's label if ``labels``."""

    role: Role
    parts: tuple[Part, ...]
    labels: bool
    next_speaker: int | None = None
    """Whose label ends the message: who speaks next in a transcript; None: no label does."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One training example. ``response`` is the number of its trained turn."""

    response: int
    prompt: tuple[Message, ...]
    completion: Message
    n_turns: int
    """Turns on the way, placeholder and response included."""
    n_speakers: int
    """People who surely are different: whoever wrote a missing post counts where nobody else is known."""

    @property
    def context(self) -> tuple[Utterance, ...]:
        """Every post of the prompt, in order."""
        return tuple(
            post for message in self.prompt for part in message.parts for post in part.posts
        )

    @property
    def said(self) -> tuple[Utterance, ...]:
        """The posts of the response."""
        return self.completion.parts[0].posts


@dataclass(frozen=True, slots=True)
class _Seen:
    """What stands before a response: part of a turn, a quoted post, or (no posts) a placeholder."""

    author: bytes | None
    posts: tuple[Utterance, ...]


def make_dialogues(
    turns: Sequence[Turn],
    *,
    max_turns: int,
    left_out: Mapping[int, str] = MappingProxyType({}),
    transcript: bool = False,
    fits: Callable[[Dialogue], bool] | None = None,
) -> tuple[list[Dialogue], dict[int, str]]:
    """Give each response its dialogue, and each other turn the reason why it has none.

    ``turns`` as :func:`make_turns` numbers them. ``max_turns`` counts the response; older context is left
    out before the way is built. ``left_out`` names responses that are to have none, and why. ``transcript``:
    the prompt is one user message in which every turn has its speaker's label. What does not ``fit`` loses its
    oldest turns, whole. The dialogues come in the order of their responses; together with the reasons they
    account for every turn.
    """
    quotes = _quotes(turns)
    dialogues: list[Dialogue] = []
    reasons: dict[int, str] = {}
    for turn in turns:
        reason = _not_trainable(turn)
        if reason is None:
            way = _way(turn, turns, max_turns - 1)
            alone = not _has_another(way, turn)
            reason = "no_other_author" if alone else left_out.get(turn.number)
        if reason is None:
            dialogue = _longest(turn, way, quotes, transcript, fits)
            if dialogue is None:
                reason = "over_max_characters"
            else:
                dialogues.append(dialogue)
        if reason is not None:
            reasons[turn.number] = reason
    return dialogues, reasons


def _not_trainable(turn: Turn) -> str | None:
    if turn.untrained is not None:
        return turn.untrained
    if turn.answers is None and turn.posts[0].absent != "other":
        return "first_of_fragment" if turn.gap else "first_of_tree"
    return None


def _way(turn: Turn, turns: Sequence[Turn], limit: int) -> list[_Seen]:
    """Collect what stands above ``turn``, oldest first, each turn up to the post that was answered."""
    above: list[_Seen] = []
    top, place = turn, turn.answers
    while place is not None and len(above) < limit:
        top = turns[place.turn]
        above.append(_Seen(top.author, top.posts[: place.post + 1]))
        place = top.answers
    absent = top.posts[0].absent
    if absent is not None and len(above) < limit:
        above.append(_Seen(top.author if absent == "own" else None, ()))
    return above[::-1]


def _has_another(way: Sequence[_Seen], turn: Turn) -> bool:
    return any(seen.author != turn.author for seen in way)


def _longest(
    turn: Turn,
    way: list[_Seen],
    quotes: _Quotes,
    transcript: bool,
    fits: Callable[[Dialogue], bool] | None,
) -> Dialogue | None:
    """The dialogue with as much of the way as fits; None if not even the least of it does."""
    for first in range(len(way)):
        if not _has_another(way[first:], turn):
            break
        dialogue = _dialogue(turn, way[first:], quotes, transcript)
        if fits is None or fits(dialogue):
            return dialogue
    return None


def _quotes(turns: Sequence[Turn]) -> _Quotes:
    """For each post that quotes, what is to be read before its turn: posts that were there before the turn began."""
    posts = {post.key: post for turn in turns for post in turn.posts}
    order = order_of((post.key, post.at, post.parent) for post in posts.values())
    return {
        post.key: [
            posts[key]
            for key in post.quotes
            if key in posts and order[key] < order[turn.posts[0].key]  # it may have been dropped
        ]
        for turn in turns
        for post in turn.posts
        if post.quotes
    }


def _with_quotes(way: Sequence[_Seen], turn: Turn, quotes: _Quotes) -> list[_Seen]:
    """Put each quoted post that is not on the way itself before the turn that quotes it, once."""
    turns = [*way, _Seen(turn.author, turn.posts)]
    shown = {post.key for seen in turns for post in seen.posts}
    result: list[_Seen] = []
    for seen in turns:
        for quoted in (one for post in seen.posts for one in quotes.get(post.key, ())):
            if quoted.key not in shown:
                shown.add(quoted.key)
                result.append(_Seen(quoted.author, (quoted,)))
        result.append(seen)
    return result[:-1]


def _dialogue(turn: Turn, way: Sequence[_Seen], quotes: _Quotes, transcript: bool) -> Dialogue:
    context = _with_quotes(way, turn, quotes)
    numbers: dict[bytes, int] = {}
    for author in [*(seen.author for seen in context), turn.author]:
        if author is not None:
            numbers.setdefault(author, len(numbers) + 1)
    parts = [Part(numbers[seen.author] if seen.author else None, seen.posts) for seen in context]
    me = numbers[turn.author]
    return Dialogue(
        response=turn.number,
        prompt=_transcript(parts, me) if transcript else tuple(_messages(parts, me)),
        completion=Message("assistant", (Part(me, turn.posts),), labels=False),
        n_turns=len(way) + 1,
        n_speakers=max(2, len(numbers)),
    )


def _transcript(parts: list[Part], me: int) -> tuple[Message, ...]:
    """Everything in one message with labels, and at its end whose turn it is."""
    return (Message("user", tuple(parts), labels=True, next_speaker=me),)


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
