"""Write ``fedi_dataset/data/naming_weights.json``: how much each piece of evidence speaks for a name.

    python -m scripts.fit_naming [--check]

Reads ``scripts/naming/posts.txt``: posts of invented people in seven languages, written by hand, one a
line (``\\n`` is a line's end), with people as ``{P:Alice}``, addresses as ``{A:...}`` and what counts as
neither right nor wrong as ``{K:...}``. Each post with people is repeated with other names from the
lexicon, some of which it is made to forget, so that weights belong to evidence and not to names; posts
are repeated in small letters and in capitals. The weights are those of a logistic regression with an
L2 penalty, by Newton's method; evidence from fewer than four posts is left out.

With ``--check`` nothing is written: four times, a quarter of the posts is scored by weights fitted on
the rest.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedi_dataset.privacy.context import Context
from fedi_dataset.privacy.evidence import evidence
from fedi_dataset.privacy.lexicon import LANGUAGES, Entry, Lexicon, lexicon
from fedi_dataset.privacy.naming import persons
from fedi_dataset.privacy.rampart import RampartModel, find_files
from fedi_dataset.privacy.reading import words_of

POSTS: Final = Path(__file__).parent / "naming/posts.txt"
PLACE: Final = Path(__file__).parents[1] / "fedi_dataset/data/naming_weights.json"

SEED: Final = 5
COPIES: Final = 4
"""With other names, of each post that has people."""
FORGOTTEN: Final = 0.2
"""Share of the names put in that the lexicon is made to forget."""
PLAIN_WEIGHT: Final = 2.0
"""Of words in posts without people: a plain post that is touched costs more than one word."""
PENALTY: Final = 2.0
SMOOTHING: Final = 2.0
"""Penalty on the difference between weights of neighboring probabilities."""
LEAST_POSTS: Final = 4

_MARKED = re.compile(r"\{([PAK]):([^}]*)\}")
_PARTS = frozenset({"van", "der", "de", "den", "del", "la", "von", "el", "und", "and", "lo", "ol"})
_TITLED = re.compile(
    r"(?:herr|frau|mrs?|ms|dr|signor\w*|monsieur|mme|señora?|doctora?|doutora?|dottor\w*|mevrouw"
    r"|meneer|coach|judge|officer)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Post:
    """A post, where people and the rest stand in it, and from which line it comes."""

    text: str
    language: str
    marks: tuple[tuple[int, int, str], ...]
    line: int
    forgotten: frozenset[str] = frozenset()

    @property
    def has_people(self) -> bool:
        """Whether it names anybody."""
        return any(kind == "P" for _, _, kind in self.marks)


class Forgetful(Lexicon):
    """The lexicon without the names that it forgot."""

    def __init__(self, whole: Lexicon, forgotten: frozenset[str]) -> None:
        self.lists = whole.lists
        self.known = whole.known  # type: ignore[method-assign]  # its own lists are not loaded again
        self._whole = whole
        self._forgotten = forgotten

    def entry(self, folded: str) -> Entry:
        """Give what is known of a word, without names if it was forgotten."""
        entry = self._whole.entry(folded)
        return replace(entry, given="", family="") if folded in self._forgotten else entry


class Sample(NamedTuple):
    """One word of a post: its evidence, whether it names somebody, and how much it counts."""

    found: list[str]
    names: bool
    weight: float
    line: int


def main() -> None:
    """Fit, and write or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, cross-validate")
    options = parser.parse_args()
    posts = list(read_posts(POSTS.read_text("utf-8")))
    model = RampartModel(find_files("rampart"))
    samples = list(samples_of(varied(posts, lexicon()), model, lexicon()))
    if options.check:
        check(posts, samples, model)
    else:
        weights = fit(samples)
        PLACE.write_text(json.dumps(weights, indent=0, sort_keys=True) + "\n", "utf-8")


def read_posts(content: str) -> Iterator[Post]:
    """Read the file of posts."""
    language = ""
    for number, line in enumerate(content.splitlines()):
        if line.startswith("## "):
            language = line.removeprefix("## ")
        elif line and not line.startswith("# "):
            text, marks, position = "", [], 0
            line = line.replace("\\n", "\n")
            for match in _MARKED.finditer(line):
                text += line[position : match.start()]
                marks.append((len(text), len(text) + len(match[2]), match[1]))
                text += match[2]
                position = match.end()
            yield Post(text + line[position:], language, tuple(marks), number)


def varied(posts: Sequence[Post], lists: Lexicon) -> Iterator[Post]:
    """Give the posts, then copies with other names and letters."""
    rnd = random.Random(SEED)
    pools = _pools(lists)
    for post in posts:
        yield post
        if post.has_people:
            for _ in range(COPIES):
                copy = renamed(post, pools, lists, rnd)
                chance = rnd.random()
                if chance < 0.12:
                    copy = recased(copy, str.lower)
                elif chance < 0.18:
                    copy = recased(copy, str.upper)
                yield copy
        else:
            for change in (str.lower, str.upper):
                if rnd.random() < 0.35:
                    yield recased(post, change)


def _pools(lists: Lexicon) -> dict[str, tuple[list[str], list[str]]]:
    """Give given and family names by language, x for all others."""
    pools = {}
    for language, digit in [*((one, str(LANGUAGES.index(one))) for one in LANGUAGES), ("x", "x")]:
        entries = [(word, entry) for word, entry in lists.entries() if len(word) > 2]
        pools[language] = (
            sorted(word for word, entry in entries if digit in entry.given),
            sorted(word for word, entry in entries if digit in entry.family),
        )
    return pools


def renamed(
    post: Post,
    pools: Mapping[str, tuple[list[str], list[str]]],
    lists: Lexicon,
    rnd: random.Random,
) -> Post:
    """Put other names in, most of them of the post's language."""
    text, marks, position = "", [], 0
    forgotten = set()
    for begin, end, kind in post.marks:
        text += post.text[position:begin]
        written = post.text[begin:end]
        if kind == "P":
            pool = pools[post.language if rnd.random() < 0.8 else rnd.choice(sorted(pools))]
            pieces, at = [], 0
            given = not _TITLED.search(text)
            for word in words_of(written):
                old = written[word.begin : word.end]
                pieces.append(written[at : word.begin])
                at = word.end
                part = word.folded in _PARTS | lists.lists["kinship"] | lists.lists["title"]
                if part or word.shape == "one" or rnd.random() < 0.15:
                    pieces.append(old)
                else:
                    new = rnd.choice(pool[0 if given else 1])
                    if rnd.random() < FORGOTTEN:
                        forgotten.add(new)
                    pieces.append(_like(old, new))
                given = False
            written = "".join([*pieces, written[at:]])
        marks.append((len(text), len(text) + len(written), kind))
        text += written
        position = end
    return replace(
        post,
        text=text + post.text[position:],
        marks=tuple(marks),
        forgotten=frozenset(forgotten),
    )


def _like(old: str, new: str) -> str:
    if old == old.lower():
        return new
    return new.upper() if len(old) > 1 and old == old.upper() else new.title()


def recased(post: Post, change: Callable[[str], str]) -> Post:
    """Write all letters small or large, where that makes one of one."""
    text = "".join(change(one) if len(change(one)) == 1 else one for one in post.text)
    return replace(post, text=text)


def samples_of(posts: Iterator[Post], model: RampartModel, lists: Lexicon) -> Iterator[Sample]:
    """Give the words of the posts for which anything speaks."""
    for post in posts:
        known = Forgetful(lists, post.forgotten) if post.forgotten else lists
        context = Context(post.text, post.language, known).with_reading(model.read(post.text))
        for at, word in enumerate(context.words):
            kind = next((kind for b, e, kind in post.marks if b <= word.begin < e), "")
            aside = kind == "P" and word.folded in _PARTS | known.lists["kinship"]
            if kind in {"A", "K"} or aside:
                continue
            if found := evidence(context, at):
                weight = 1.0 if post.has_people else PLAIN_WEIGHT
                yield Sample(found, kind == "P", weight, post.line)


def fit(samples: Sequence[Sample]) -> dict[str, float]:
    """Fit the weights: those that make the samples likeliest, less the penalty."""
    lines: dict[str, set[int]] = defaultdict(set)
    for sample in samples:
        for one in sample.found:
            lines[one].add(sample.line)
    names = sorted(one for one, where in lines.items() if len(where) >= LEAST_POSTS)
    column = {name: index for index, name in enumerate(names)}
    rows: NDArray[np.float64] = np.zeros((len(samples), len(names) + 1))
    rows[:, -1] = 1
    for row, sample in zip(rows, samples, strict=True):
        row[[column[one] for one in sample.found if one in column]] = 1
    truth = np.array([sample.names for sample in samples], np.float64)
    counts = np.array([sample.weight for sample in samples])
    penalty = _penalty(names)
    solution: NDArray[np.float64] = np.zeros(rows.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(rows @ solution, -30, 30)))
        gradient = rows.T @ (counts * (truth - chance)) - penalty @ solution
        curvature = (rows * (counts * chance * (1 - chance))[:, None]).T @ rows + penalty
        step = np.linalg.solve(curvature, gradient)
        solution += step
        if np.abs(step).max() < 1e-4:
            break
    weights = {name: round(float(one), 2) for name, one in zip(names, solution, strict=False)}
    return {
        **{name: weight for name, weight in weights.items() if weight},
        "bias": round(float(solution[-1]), 2),
    }


def _penalty(names: Sequence[str]) -> NDArray[np.float64]:
    """Give the penalty's matrix: on each weight but the bias, and on steps between neighboring bins
    of the model's probability."""
    matrix: NDArray[np.float64] = np.diag([*[PENALTY] * len(names), 1e-3])
    column = {name: index for index, name in enumerate(names)}
    for name, index in column.items():
        stem, _, number = name.rpartition(" ")
        if not stem.endswith("model") or not number.isdigit():
            continue
        if (other := column.get(f"{stem} {int(number) + 1}")) is not None:
            matrix[index, index] += SMOOTHING
            matrix[other, other] += SMOOTHING
            matrix[index, other] -= SMOOTHING
            matrix[other, index] -= SMOOTHING
    return matrix


def check(posts: Sequence[Post], samples: Sequence[Sample], model: RampartModel) -> None:
    """Print how many names are found, and how many posts without people are touched, by posts that
    the weights have not seen."""
    found = names = touched = plain = 0
    order = sorted({post.line for post in posts})
    random.Random(SEED).shuffle(order)
    for part in range(4):
        unseen = set(order[part::4])
        weights = fit([sample for sample in samples if sample.line not in unseen])
        for post in posts:
            if post.line in unseen:
                context = Context(post.text, post.language, lexicon()).with_reading(
                    model.read(post.text)
                )
                spans = persons(context, weights)
                for begin, end, kind in post.marks:
                    if kind == "P":
                        names += 1
                        found += any(span.begin < end and begin < span.end for span in spans)
                plain += not post.marks
                touched += bool(spans) and not post.marks
    print(f"{found}/{names} names found, {touched}/{plain} plain posts touched")


if __name__ == "__main__":
    main()
