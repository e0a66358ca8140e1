"""Small trees: a notation for them, twenty that show one thing each, and as many made up as one asks for.

`A1 B2/1 A3/2x` is a post of A, the answer of B to post 1, and A's to post 2, which was deleted. A mark says what a
post is, if it is not simply there and free to be trained: `x` deleted (a stand-in "[deleted]" is left in the record),
`?` its author gave no consent (it is in no export, so that nothing but a reply's link tells of it), `~` its author
allows reading it and not training on it. Numbers are the order in time. A number that comes twice is one post that
stands in two exports.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

__all__ = ["TWENTY", "Post", "State", "Tree", "generated", "read", "whole"]

State = Literal["free", "deleted", "refused", "read-only"]

_MARKS: Final[dict[str, State]] = {"": "free", "x": "deleted", "?": "refused", "~": "read-only"}
_POST: Final = re.compile(r"([A-Z])(\d+)(?:/(\d+))?([x?~]?)")


@dataclass(frozen=True, slots=True)
class Post:
    """One post of a tree."""

    number: int
    author: str
    parent: int | None
    """Number of what it answers, there or not."""
    state: State = "free"
    words: int = 10

    def __str__(self) -> str:
        return f"{self.author}{self.number}"


@dataclass(frozen=True, slots=True)
class Tree:
    """A thread as its platform has it."""

    name: str
    posts: tuple[Post, ...]
    drawn: str = ""
    """In the notation."""
    about: str = ""


def read(drawn: str, name: str = "", about: str = "") -> Tree:
    """Read a tree in the notation; raises ValueError for anything else."""
    posts = []
    for word in drawn.split():
        found = _POST.fullmatch(word)
        if found is None:
            raise ValueError(f"{word!r} is no post: write A1, B2/1, or B2/1x")
        author, number, parent, mark = found.groups()
        posts.append(Post(int(number), author, int(parent) if parent else None, _MARKS[mark]))
    return Tree(name or drawn, tuple(posts), drawn, about)


_CHAIN: Final = " ".join(["A1", *(f"{'AB'[(n - 1) % 2]}{n}/{n - 1}" for n in range(2, 21))])

TWENTY: Final = tuple(
    read(drawn, name, about)
    for name, drawn, about in (
        ("an answer", "A1 B2/1", "The least there is to learn from."),
        ("question, answer, thanks", "A1 B2/1 A3/2", "The commonest shape of a talk."),
        ("four in turn", "A1 B2/1 A3/2 B4/3", "Three replies, each of which answers somebody."),
        ("a star", "A1 B2/1 C3/1 D4/1", "Three people answer the same post."),
        ("a fork below an answer", "A1 B2/1 A3/2 C4/2", "Two ways share their beginning."),
        ("two forks", "A1 B2/1 C3/1 A4/2 D5/2 A6/3", "Four ways, two of them through B2."),
        ("three voices in a row", "A1 B2/1 C3/2 A4/3", "Two others speak before A does again."),
        ("a thread by one person", "A1 A2/1 A3/2", "Nobody else says anything: there is no answer."),
        ("a long question", "A1 A2/1 B3/2", "A asks in two posts."),
        ("an answer to the middle", "A1 A2/1 B3/1", "A went on, but B answers what came before."),
        ("an answer in two posts", "A1 B2/1 B3/2", "Both of them answer A."),
        ("one deleted in the middle", "A1 B2/1x A3/2 B4/3 C5/1", "What is below it is still there."),
        ("one refused in the middle", "A1 B2/1? A3/2 B4/3", "B did not consent; A and a later B2 did."),
        ("a refused beginning", "A1? B2/1 C3/2 D4/1 C5/4", "Two talks are left, each without what it began with."),
        ("the last one deleted", "A1 B2/1 A3/2x", "B's answer has lost the thanks for it, nothing else."),
        ("two deleted by two people", "A1 B2/1x C3/2x A4/3 D5/4", "Deep in a context, both are still listed."),
        ("read, but do not train", "A1 B2/1~ A3/2", "B allows that the post stands in a context."),
        ("a chain of twenty", _CHAIN, "Longer than anybody's window."),
        ("in two exports", "A1 B2/1 B2/1 A3/2", "The archive of B and a capture hold the same post."),
        ("a circle", "A1/2 B2/1 C3/2 D4/3", "Two posts name each other; the rest hangs below."),
    )
)  # fmt: skip
"""Twenty trees, one thing each."""


def generated(count: int, seed: int) -> Iterator[Tree]:
    """Make up ``count`` trees; the same for the same seed, the first ones the same for any count.

    Sizes are log-normal (median 6 posts, at most 60). Each post answers the newest one (45 %) or any. It is by
    whoever spoke before the one it answers (35 %), by the very same person (10 %), or by anybody of the thread's
    people, of whom there are two and more. One person in six gave no consent, one in twenty allows reading only; one
    post in twenty was deleted. These shares are made up: they make every case common enough to count, and measure no
    platform.
    """
    return (_made_up(f"{seed}:{number}") for number in range(count))


def whole(tree: Tree) -> Tree:
    """Give the same tree, had everybody consented to everything and deleted nothing."""
    posts = tuple(replace(post, state="free") for post in tree.posts)
    return replace(tree, posts=posts, drawn="")


def _made_up(name: str) -> Tree:
    draw = random.Random(name)
    people = [chr(ord("A") + one) for one in range(min(26, 2 + int(draw.expovariate(0.5))))]
    states: dict[str, State] = {
        one: draw.choices(("free", "refused", "read-only"), (47, 10, 3))[0] for one in people
    }
    posts: list[Post] = []
    for number in range(1, 1 + min(60, 1 + round(draw.lognormvariate(1.6, 0.9)))):
        above = (posts[-1] if draw.random() < 0.45 else draw.choice(posts)) if posts else None
        author = _author(draw, people, above, posts)
        state: State = "deleted" if draw.random() < 0.05 else states[author]
        words = max(3, round(draw.lognormvariate(3.2, 0.7)))
        posts.append(Post(number, author, above.number if above else None, state, words))
    return Tree(name, tuple(posts))


def _author(draw: random.Random, people: list[str], above: Post | None, posts: list[Post]) -> str:
    drawn = draw.random()
    if above is not None and drawn < 0.1:
        return above.author
    if above is not None and above.parent is not None and drawn < 0.45:
        return posts[above.parent - 1].author
    return draw.choice(people)
