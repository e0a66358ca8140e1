"""What a rule does to a tree: which replies it loses, which posts it repeats, what it invents.

A *reply to be trained* is a post that its author lets be trained, with somebody else's words, admitted too, anywhere on
the chain of admitted posts above it. This says nothing about how a rule goes about it, and is the same for all. All is
counted in posts, each at most once for a tree, but for repetitions: those are the times too many.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from scripts.threading_rules.rules import Example, Rule, Said, admitted, parents
from scripts.threading_rules.trees import Post, Tree

__all__ = ["INVENTIONS", "Findings", "judge", "replies"]

INVENTIONS: Final = {
    "openings": "a reply is trained as if it answered nothing",
    "bodies": 'a "[deleted]" stands in an example as if somebody had said it',
    "names": "two people have one name, or are one assistant",
    "answers": "a post is trained as an answer where nobody else has spoken",
    "permissions": "a post is trained that its author lets be read only",
}
"""What a rule can invent: kind → what it means."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a rule did to a tree. Posts by number."""

    examples: tuple[Example, ...]
    replies: frozenset[int]
    """Those that are to be trained."""
    lost: frozenset[int]
    repeated: dict[int, int]
    """Post → times that it is trained beyond the first."""
    invented: dict[str, frozenset[int]] = field(default_factory=dict)
    """Kind → posts, without empty ones."""

    @property
    def headless(self) -> int:
        """Examples whose first post answers something that is not in them."""
        return sum(example[0].post.parent is not None for example in self.examples)

    @property
    def words(self) -> int:
        """Words that a model reads."""
        return sum(said.post.words for example in self.examples for said in example)

    @property
    def flawless(self) -> bool:
        """Whether nothing is lost, repeated or invented."""
        return not (self.lost or self.repeated or self.invented)


def judge(due: frozenset[int], rule: Rule, examples: Iterable[Example]) -> Findings:
    """Hold the examples that a rule made of a tree against its :func:`replies`."""
    made = tuple(examples)
    times = Counter(said.post.number for said in _trained(made))
    kinds = {
        "openings": _openings(made),
        "bodies": {
            said.post.number for one in made for said in one if said.post.state == "deleted"
        },
        "names": {number for one in made for number in _sharing_a_name(one)},
        "answers": {number for one in made for number in _to_nobody(one)}
        if rule.answers
        else set(),
        "permissions": {
            said.post.number for said in _trained(made) if said.post.state == "read-only"
        },
    }
    return Findings(
        examples=made,
        replies=due,
        lost=due - times.keys(),
        repeated={number: count - 1 for number, count in sorted(times.items()) if count > 1},
        invented={kind: frozenset(posts) for kind, posts in kinds.items() if posts},
    )


def replies(tree: Tree) -> frozenset[int]:
    """Give the posts of a tree that are to be trained as answers."""
    above, there = parents(tree.posts), admitted(tree)
    return frozenset(
        number
        for number, post in there.items()
        if post.state == "free"
        and any(one.author != post.author for one in _chain(number, above, there))
    )


def _chain(number: int, above: dict[int, int | None], there: dict[int, Post]) -> Iterator[Post]:
    climbed = above[number]
    while climbed in there:
        yield there[climbed]
        climbed = above[climbed]


def _trained(examples: Sequence[Example]) -> list[Said]:
    return [said for example in examples for said in example if said.trained]


def _openings(examples: Sequence[Example]) -> set[int]:
    first = (example[0] for example in examples)
    return {said.post.number for said in first if said.trained and said.post.parent is not None}


def _to_nobody(example: Example) -> Iterator[int]:
    """Posts trained as answers with nobody else's words before them in the example."""
    for place, said in enumerate(example):
        before = {one.post.author for one in example[:place]}
        if said.trained and before == {said.post.author}:
            yield said.post.number


def _sharing_a_name(example: Example) -> Iterator[int]:
    by_name = defaultdict(list)
    for said in example:
        if said.name is not None:
            by_name[said.name].append(said.post)
    for posts in by_name.values():
        if len({post.author for post in posts}) > 1:
            yield from (post.number for post in posts)
