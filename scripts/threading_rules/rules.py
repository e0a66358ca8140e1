"""Eight rules that make training examples of a tree, each in a few lines, and leaf paths to compare costs with.

Re-stated from the sources named at each, without their filters by length, score, language and forum. Every rule gets
the posts that somebody who honors consent could give it: no refused ones, and of deleted ones the stand-in that the
rule's own source has for them (Reddit's "[deleted]", Open Assistant's flag). Where a source leaves open on what loss is
taken, the rule says what is assumed.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from fedi_dataset.config import BuildConfig
from fedi_dataset.conversations.dialogues import make_dialogues
from fedi_dataset.conversations.turns import Utterance, make_turns
from scripts.threading_rules.trees import Post, Tree

__all__ = ["LEAF_PATHS", "OURS", "RULES", "Example", "Rule", "Said", "admitted", "parents"]

ASSISTANT: Final = "assistant"
TEN_THOUSAND: Final = 10**4


class Said(NamedTuple):
    """One post in one example."""

    post: Post
    name: str | None
    """Who the example says is speaking; None where it only says that it is somebody else."""
    trained: bool


Example = tuple[Said, ...]
"""What a model reads at once, in order."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to make examples of a tree."""

    name: str
    source: str
    make: Callable[[Tree, random.Random], list[Example]]
    answers: bool
    """Whether what it trains is meant as an answer; else a whole text is trained, whoever speaks in it."""


# --- what a tree has ------------------------------------------------------------------------------


def parents(posts: Sequence[Post]) -> dict[int, int | None]:
    """Say what each post answers, circles cut at their smallest number, as fedi_dataset's forest cuts them."""
    above = {post.number: post.parent for post in posts}
    for number in sorted(above):
        seen = {number}
        climbed = above[number]
        while climbed is not None and climbed not in seen:
            seen.add(climbed)
            climbed = above.get(climbed)
        if climbed == number:  # back where it began: it is on the circle, and the smallest there
            above[number] = None
    return above


def admitted(tree: Tree) -> dict[int, Post]:
    """Give the posts whose words may be read, each once."""
    there = [post for post in tree.posts if post.state in ("free", "read-only")]
    return {post.number: post for post in there}


def _given(tree: Tree) -> dict[int, Post]:
    """What another rule is given, by id: of a post that comes twice the last."""
    return {post.number: post for post in tree.posts if post.state != "refused"}


def _children(posts: Mapping[int, Post]) -> dict[int | None, list[int]]:
    below = defaultdict(list)
    for post in posts.values():
        below[post.parent].append(post.number)
    return below


# --- dolma ----------------------------------------------------------------------------------------


def _windows(
    posts: Mapping[int, Post], depth: int
) -> Iterator[tuple[list[list[int]], list[list[int]]]]:
    """Give the paths from every post without a parent in the record, level by level, with those of the next level.

    A path keeps its last ``depth`` posts and the new one; what comes twice on the way down is left out.
    """
    below = _children(posts)
    paths = [[number] for number, post in posts.items() if post.parent not in posts]
    seen = {path[0] for path in paths}
    while paths:
        longer = []
        for path in paths:
            for child in below[path[-1]]:
                if child not in seen:
                    seen.add(child)
                    longer.append([*path[-depth:], child])
        yield paths, longer
        paths = longer


def _ends(posts: Mapping[int, Post]) -> list[list[int]]:
    """Give the paths that dolma takes: those that end, and those from whose first post no longer one begins."""
    taken = []
    for paths, longer in _windows(posts, 12):
        going_on, begun = {path[-2] for path in longer}, {path[0] for path in longer}
        taken += [path for path in paths if path[-1] not in going_on or path[0] not in begun]
    return [path for path in taken if len(path) > 1]


def _anonymous(posts: Mapping[int, Post], draw: random.Random) -> dict[str, str]:
    """Draw a name for each author; whoever deleted is the one author "[deleted]"."""
    return {_listed(post): f"user_{draw.randrange(1, TEN_THOUSAND):04}" for post in posts.values()}


def _listed(post: Post) -> str:
    return "[deleted]" if post.state == "deleted" else post.author


def _document(
    path: Collection[int], posts: Mapping[int, Post], names: Mapping[str, str]
) -> Example:
    return tuple(Said(posts[one], names[_listed(posts[one])], trained=True) for one in path)


def _dolma_v1(tree: Tree, draw: random.Random) -> list[Example]:
    """Every path to its end; left out if one of its last two is deleted, whatever stands above them."""
    posts = _given(tree)
    names = _anonymous(posts, draw)
    whole = (path for path in _ends(posts) if not _deleted(path[-2:], posts))
    return [_document(path, posts, names) for path in whole]


def _dolma_v2(tree: Tree, draw: random.Random) -> list[Example]:
    """Paths cut before the first deleted post; from the longest on, one that begins where none has been."""
    posts = _given(tree)
    names = _anonymous(posts, draw)
    cut = [_until_deleted(path, posts) for path in _ends(posts)]
    seen: set[int] = set()
    chosen = []
    for path in reversed([path for path in cut if len(path) > 1]):
        if path[0] not in seen:
            chosen.append(path)
            seen.update(path)
    return [_document(path, posts, names) for path in chosen]


def _dolma_v4(tree: Tree, draw: random.Random) -> list[Example]:
    """The whole thread in one text, from what answers the submission down; nothing visits what hangs on a gap."""
    posts = _given(tree)
    names = _anonymous(posts, draw)
    below = _children({one: post for one, post in posts.items() if post.state != "deleted"})
    visited: list[int] = []
    waiting = below[None][::-1]
    while waiting:
        visited.append(waiting.pop())
        waiting += below[visited[-1]][::-1]
    return [_document(visited, posts, names)] if visited else []


def _dolma_v3(tree: Tree, _: random.Random) -> list[Example]:
    """Each comment by itself."""
    whole = (post for post in _given(tree).values() if post.state != "deleted")
    return [(Said(post, None, trained=True),) for post in whole]


def _deleted(path: Sequence[int], posts: Mapping[int, Post]) -> bool:
    return any(posts[one].state == "deleted" for one in path)


def _until_deleted(path: Sequence[int], posts: Mapping[int, Post]) -> Sequence[int]:
    gone = (place for place, one in enumerate(path) if posts[one].state == "deleted")
    return path[: next(gone, len(path))]


# --- PolyAI, Open Assistant, ConvoKit ---------------------------------------------------------------


def _polyai(tree: Tree, _: random.Random) -> list[Example]:
    """Every comment with a parent in the record is a response, with ten above; not if it or its parent is deleted."""
    posts = _given(tree)
    paths = [path for _, longer in _windows(posts, 10) for path in longer]
    return [_answered(path, posts) for path in paths if not _deleted(path[-2:], posts)]


def _answered(path: Sequence[int], posts: Mapping[int, Post]) -> Example:
    *context, response = (posts[one] for one in path)
    return (
        *(Said(post, None, trained=False) for post in context),
        Said(response, ASSISTANT, trained=True),
    )


def _oasst(tree: Tree, _: random.Random) -> list[Example]:
    """Ways to the leaves without a deleted message, prompter and assistant in turn; a last prompter is dropped.

    Roles by depth: there the platform sees to it that they alternate.
    """
    posts = [post for post in tree.posts if post.state != "refused"]
    below = defaultdict(list)
    for post in posts:
        below[post.parent].append(post)
    examples = []
    waiting: list[tuple[Post, ...]] = [(below[None][0],)] if below[None] else []
    while waiting:
        way = waiting.pop()
        replies = below[way[-1].number]
        waiting += [(*way, reply) for reply in reversed(replies)]
        by_assistant = len(way) % 2 == 0
        counts = len(way) > 1 and (by_assistant or below[way[-2].number][0] == way[-1])
        if not replies and counts and all(post.state != "deleted" for post in way):
            examples.append(_roles(way if by_assistant else way[:-1]))
    return examples


def _roles(way: Sequence[Post]) -> Example:
    return tuple(
        Said(post, ASSISTANT if place % 2 else None, trained=place % 2 == 1)
        for place, post in enumerate(way)
    )


def _convokit(tree: Tree, _: random.Random) -> list[Example]:
    """All ways from the root to a leaf; a conversation whose links are broken gives an error, and nothing."""
    posts = _given(tree)
    answered = {post.parent for post in posts.values()}
    opening = [post for post in posts.values() if post.parent is None]
    itself = any(post.parent == post.number for post in posts.values())
    if answered - posts.keys() != {None} or len(opening) > 1 or itself:
        return []
    ways = [_climb(one, posts) for one in posts if one not in answered]
    if any(way is None for way in ways):
        return []  # below a circle the climb never ends
    return [_dialogue(way) for way in ways if way is not None and len(way) > 1]


def _climb(number: int, posts: Mapping[int, Post]) -> list[Post] | None:
    way = [posts[number]]
    while (above := way[0].parent) is not None:
        if len(way) > len(posts):
            return None
        way.insert(0, posts[above])
    return way


def _dialogue(way: Sequence[Post]) -> Example:
    """A way with loss on all but its beginning, as DialoGPT takes it (arXiv 1911.00536, section 3)."""
    return tuple(Said(post, post.author, trained=place > 0) for place, post in enumerate(way))


# --- ours, and leaf paths ---------------------------------------------------------------------------


def _utterances(tree: Tree) -> list[Utterance]:
    """The tree as the forest hands it on: no copies, no circles, gaps where something is missing."""
    above, there = parents(tree.posts), admitted(tree)
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Utterance(
            key=post.number.to_bytes(4, "big"),
            author=post.author.encode(),
            at=begun + timedelta(minutes=post.number),
            parent=parent.to_bytes(4, "big") if (parent := above[post.number]) in there else None,
            gap=post.parent is not None and parent not in there,
            untrained=None if post.state == "free" else "context_only",
        )
        for post in there.values()
    ]


def _ours(tree: Tree, _: random.Random) -> list[Example]:
    """A dialogue for each response: the very code of fedi_dataset.conversations."""
    there = admitted(tree)
    dialogues, _reasons = make_dialogues(
        make_turns(_utterances(tree)), max_turns=BuildConfig().max_turns
    )
    examples = []
    for one in dialogues:
        said = [
            Said(
                there[int.from_bytes(post.key, "big")],
                f"Speaker {part.speaker}" if message.labels else _role(message.role),
                trained=message is one.completion,
            )
            for message in (*one.prompt, one.completion)
            for part in message.parts
            for post in part.posts
        ]
        examples.append(tuple(said))
    return examples


def _role(role: str) -> str | None:
    return ASSISTANT if role == ASSISTANT else None


def _leaf_paths(tree: Tree, _: random.Random) -> list[Example]:
    """All ways to a leaf, begun anew below a gap: what the cost of the others is compared with."""
    above, there = parents(tree.posts), admitted(tree)
    cut = {
        one: Post(one, post.author, parent if (parent := above[one]) in there else None)
        for one, post in there.items()
    }
    answered = {post.parent for post in cut.values()}
    ways = [_climb(one, cut) for one in cut if one not in answered]
    return [_dialogue([there[post.number] for post in way]) for way in ways if way and len(way) > 1]


_DOLMA: Final = "allenai/dolma, sources/reddit"

OURS: Final = Rule("ours", "fedi_dataset/conversations", _ours, answers=True)
LEAF_PATHS: Final = Rule("leaf paths", "DialoGPT, arXiv 1911.00536", _leaf_paths, answers=True)

RULES: Final = (
    Rule(
        "dolma v1", f"{_DOLMA}/comment_threads_v1/build_comment_data.py", _dolma_v1, answers=False
    ),
    Rule(
        "dolma v2", f"{_DOLMA}/comment_threads_v2/build_comment_data.py", _dolma_v2, answers=False
    ),
    Rule(
        "dolma v3, v5",
        f"{_DOLMA}/atomic_content_v3/build_comment_data.py and atomic_content_v5",
        _dolma_v3,
        answers=False,
    ),
    Rule(
        "dolma v4",
        f"{_DOLMA}/complete_threads_codelike_v4/build_combined_thread_data.py",
        _dolma_v4,
        answers=False,
    ),
    Rule(
        "PolyAI",
        "PolyAI-LDN/conversational-datasets, reddit/create_data.py",
        _polyai,
        answers=True,
    ),
    Rule(
        "OASST",
        "LAION-AI/Open-Assistant, model/model_training/custom_datasets/oasst_dataset.py, "
        "backend/oasst_backend/utils/tree_export.py",
        _oasst,
        answers=True,
    ),
    Rule(
        "ConvoKit", "CornellNLP/ConvoKit, convokit/model/conversation.py", _convokit, answers=True
    ),
    OURS,
)
"""In the order in which they are shown."""
