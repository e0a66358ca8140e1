"""Strategies: which responses a build trains, of those that there are, and why not the others.

The default leaves none out. Each option is a sentence:

``responses``       ``best-branch``: of each tree or fragment, those on one path from its top, which at every fork goes
                    on with the turn that most turns of other authors answer, directly or further down; the earlier
                    one of equals. ``longest-path``: those on one path of as many turns as any; the earliest of equals.
``roles``           ``op-as-user``: those of everybody but the opener. ``author=``: those of one person.
``max_per_author``  of each author at most so many, those whose keys are smallest.
``gap_policy``      ``drop``: of what stands below a gap nothing is used.

Paths and openers are of one conversation. What counts an author's turns everywhere is decided before, in the
relational plane (columns.py), and comes with the posts. Pure; whatever is left out has a reason.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from fedi_dataset.config import BuildConfig
from fedi_dataset.conversations.turns import Turn, Utterance

__all__ = [
    "best_branch",
    "left_out",
    "longest_path",
    "single_left_out",
    "told",
    "without_fragments",
]


def left_out(turns: Sequence[Turn], config: BuildConfig) -> dict[int, str]:
    """Name the turns that are to have no dialogue, by number, and why: the first reason that holds."""
    reasons = {turn.number: "other_voice" for turn in turns if not turn.posts[0].voice}
    if config.roles == "op-as-user":
        _add(reasons, _openers(turns), "opener")
    if config.responses != "all":
        path = best_branch if config.responses == "best-branch" else longest_path
        _add(reasons, {turn.number for turn in turns} - path(turns), "off_path")
    _add(reasons, {turn.number for turn in turns if turn.posts[0].over_limit}, "over_author_limit")
    return reasons


def single_left_out(turn: Turn) -> str | None:
    """Say why a turn that nobody else answers is to be in no row, or None."""
    if not turn.posts[0].voice:
        return "other_voice"
    return "over_author_limit" if turn.posts[0].single_over_limit else None


def without_fragments(
    utterances: Sequence[Utterance],
) -> tuple[list[Utterance], list[Utterance]]:
    """Part the posts of a conversation into those that stand in a tree and those below a gap."""
    answers: dict[bytes, list[Utterance]] = {}
    for post in utterances:
        if post.parent is not None:
            answers.setdefault(post.parent, []).append(post)
    below: set[bytes] = set()
    waiting = [post for post in utterances if post.gap]
    while waiting:
        post = waiting.pop()
        below.add(post.key)
        waiting += answers.get(post.key, ())
    return (
        [post for post in utterances if post.key not in below],
        [post for post in utterances if post.key in below],
    )


def best_branch(turns: Sequence[Turn]) -> set[int]:
    """Give the turns on one path of each tree: at every fork where most turns of other authors follow.

    A turn's engagement is the number of turns below it, at any depth, by other authors than its own.
    """
    answers = _answers(turns)
    order = _preorder(turns, answers)
    size = _sizes(turns, order)
    entered = {number: at for at, number in enumerate(order)}
    spoken: dict[bytes, list[int]] = {}  # author → where each of their turns stands in the order
    for at, number in enumerate(order):
        spoken.setdefault(turns[number].author, []).append(at)

    def engagement(number: int) -> int:
        begin, end = entered[number], entered[number] + size[number]
        own = spoken[turns[number].author]
        return size[number] - (bisect_left(own, end) - bisect_left(own, begin))

    return _paths(turns, answers, [engagement(number) for number in range(len(turns))])


def longest_path(turns: Sequence[Turn]) -> set[int]:
    """Give the turns on one path of each tree that has as many turns as any."""
    answers = _answers(turns)
    depth = [1] * len(turns)
    for number in reversed(_preorder(turns, answers)):
        depth[number] += max((depth[below] for below in answers[number]), default=0)
    return _paths(turns, answers, depth)


def told(config: BuildConfig) -> list[str]:
    """Say in sentences what a reader of the release must know of the strategies it was made with."""
    path = {
        "all": None,
        "best-branch": "At every fork of a thread only the branch that most other authors' turns follow is trained.",
        "longest-path": "Of every thread only one of the longest paths is trained.",
    }[config.responses]
    roles = {
        "response": None,
        "op-as-user": "Whoever opened a conversation is the user in it and is not trained.",
        "multi-party": "A prompt is one user message: the thread as a transcript with a label for every turn, and at "
        "its end the label of whoever speaks next.",
    }.get(
        config.roles,
        "All responses are one person's; everybody else is the user.",
    )
    gaps = {
        "cut": None,
        "placeholder": "Where a thread goes on below a post that is not in the dataset, `[unavailable]` stands for "
        "that post; it is never trained, and what answers it is.",
        "drop": "What stands below a post that is not in the dataset was left out.",
    }[config.gap_policy]
    headings = " and ".join(
        name
        for name, where in (("titles", config.titles), ("warnings", config.content_warnings))
        if where == "context"
    )
    return [
        sentence
        for sentence, holds in (
            (path, path),
            (roles, roles),
            (gaps, gaps),
            (
                "A quoted post of the same conversation stands before the turn that quotes it, if it is older.",
                config.quotes == "context",
            ),
            (f"Of a turn's own text, {headings} are context only.", headings),
            (
                f"A dialogue has at most {config.max_characters} characters; the oldest turns went first.",
                config.max_characters is not None,
            ),
            (
                f"At least {config.minimum_speakers} people speak in a dialogue.",
                config.minimum_speakers > 2,
            ),
            (
                f"Of each person at most {config.max_per_author} responses are trained, chosen by key.",
                config.max_per_author is not None,
            ),
        )
        if sentence and holds
    ]


def _paths(
    turns: Sequence[Turn], answers: Sequence[Sequence[int]], weight: Sequence[int]
) -> set[int]:
    """Go down from every top to the weightiest answer, the earlier of equals."""
    taken: set[int] = set()
    for turn in turns:
        here = turn.number if turn.answers is None else None
        while here is not None:
            taken.add(here)
            here = max(answers[here], key=lambda below: (weight[below], -below), default=None)
    return taken


def _openers(turns: Sequence[Turn]) -> set[int]:
    """Give the turns by whoever opened the conversation.

    That is the author of its first post where that is in the dataset, also of what stands below a gap; else, of
    each fragment, the author of its first turn.
    """
    first = next((turn.author for turn in turns if turn.answers is None and not turn.gap), None)
    opener: dict[int, bytes] = {}
    for number in _preorder(turns, _answers(turns)):
        turn = turns[number]
        if turn.answers is not None:
            opener[number] = opener[turn.answers.turn]
        else:
            opener[number] = turn.author if first is None or not turn.gap else first
    return {number for number, author in opener.items() if turns[number].author == author}


def _answers(turns: Sequence[Turn]) -> list[list[int]]:
    """For each turn the turns that answer it, whichever of its posts, in their order."""
    answers: list[list[int]] = [[] for _ in turns]
    for turn in turns:
        if turn.answers is not None:
            answers[turn.answers.turn].append(turn.number)
    return answers


def _preorder(turns: Sequence[Turn], answers: Sequence[Sequence[int]]) -> list[int]:
    """All turns, each directly followed by all that stands below it. A reply may be dated before its parent."""

    def walk() -> Iterator[int]:
        waiting = [turn.number for turn in turns if turn.answers is None]
        while waiting:
            number = waiting.pop()
            yield number
            waiting += answers[number]

    return list(walk())


def _sizes(turns: Sequence[Turn], order: Sequence[int]) -> list[int]:
    """For each turn how many turns its subtree has, itself included."""
    size = [1] * len(turns)
    for number in reversed(order):
        above = turns[number].answers
        if above is not None:
            size[above.turn] += size[number]
    return size


def _add(reasons: dict[int, str], numbers: set[int], reason: str) -> None:
    for number in numbers:
        reasons.setdefault(number, reason)
