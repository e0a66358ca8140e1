"""Which words of a text name a person: what the model says, weighed with all else that speaks for it.

The model alone is not enough: it misses "Iker" and takes "appeltaart gebakken" for somebody. So each
word collects evidence (:mod:`~fedi_dataset.privacy.evidence`), and each piece of evidence has a
weight in log-odds (``naming_weights.json``); a word whose weights sum to more than a threshold names
somebody. The weights are fitted on posts of invented people (``scripts/fit_naming.py``); none
belongs to a single name.

Words above the threshold take with them what belongs to the same name: initials, particles, and
neighbors that are nearly as probable.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from fedi_dataset.privacy.context import Context
from fedi_dataset.privacy.evidence import Answers, answers, evidence, stated
from fedi_dataset.privacy.reading import Word
from fedi_dataset.privacy.spans import Span

__all__ = ["THRESHOLD", "persons", "possible", "scores", "weights"]

THRESHOLD: Final = -0.6
"""Log-odds from which a word names somebody."""
_BESIDE: Final = -4.0
"""Log-odds from which a word names somebody if its neighbor in the same name does."""
_LIKELY: Final = 0.5
"""The model's probability from which a word with a capital belongs to the name beside it."""
_CERTAIN: Final = 0.6
"""Log-odds from which a name is a name wherever in the text it is written with a capital."""
_ROUNDING: Final = 1e-6  # sums of the same weights in another order
_NEVER: Final = 20.0  # below zero, in log-odds: of words without evidence


@cache
def weights() -> Mapping[str, float]:
    """Give the weight of each piece of evidence, in log-odds; ``bias`` is always there."""
    path = files("fedi_dataset") / "data" / "naming_weights.json"
    table: dict[str, float] = json.loads(path.read_text("utf-8"))
    return table


def scores(context: Context, table: Mapping[str, float]) -> list[float]:
    """Give each word's log-odds of naming a person; far below zero where nothing speaks for it."""
    bias = table["bias"]
    result = []
    for at in range(len(context.words)):
        found = evidence(context, at)
        result.append(bias + sum(table.get(one, 0.0) for one in found) if found else -_NEVER)
    return result


def possible(context: Context) -> list[int]:
    """Give the words that :func:`persons` could find, by :func:`weights`, if the model said so.

    Most words are nobody's name whatever the model said of them: they would stay below the threshold.
    A text without any other need not be read by the model.
    """
    return [at for at in range(len(context.words)) if _ceiling(context, at) >= THRESHOLD]


def _ceiling(context: Context, at: int) -> float:
    """Give log-odds that no reading of the model lifts a word above."""
    questions = answers(context, at)
    if not questions:
        return -_NEVER
    table = weights()
    said = table["bias"] + sum(table.get(one, 0.0) for one in stated(context, at))
    return said + sum(map(_most, questions)) + _ROUNDING


@cache
def _most(questions: Answers) -> float:
    """Give what the answer that lifts a word most would weigh."""
    table = weights()
    return max(sum(table.get(one, 0.0) for one in answer) for answer in questions)


def persons(context: Context, table: Mapping[str, float]) -> list[Span]:
    """Give the names in a text: runs of words above the threshold, with what belongs to them.

    ``table`` has the weights, those of :func:`weights` unless other ones are tried.
    """
    words, odds = context.words, scores(context, table)
    chosen = {at for at, score in enumerate(odds) if score >= THRESHOLD}
    certain = {
        words[at].folded for at in chosen if odds[at] >= _CERTAIN and words[at].shape != "low"
    }
    chosen.update(
        at
        for at, word in enumerate(words)
        if word.folded in certain and word.shape in {"title", "up"} and odds[at] > -_NEVER
    )
    for at in sorted(chosen):
        for step in (-1, 1):
            _extend(context, odds, chosen, at, step)
    spans: list[Span] = []
    run: list[int] = []
    for at in sorted(chosen):
        if run and (at != run[-1] + 1 or not context.joined(run[-1])):
            spans.append(_span(words, odds, run))
            run = []
        run.append(at)
    return [*spans, _span(words, odds, run)] if run else spans


def _extend(context: Context, odds: Sequence[float], chosen: set[int], at: int, step: int) -> None:
    """Take in what belongs to the same name: nearly as probable words, and initials and particles
    that lead to a chosen word or, initials, stand beside it."""
    passed: list[int] = []
    position = at
    while 0 <= position + step < len(context.words):
        other = position + step
        if not context.joined(min(position, other)):
            break
        word = context.words[other]
        if other in chosen:
            chosen.update(passed)
            return
        likely = word.shape in {"title", "up"} and context.person[other] >= _LIKELY
        if likely or odds[other] >= (_BESIDE if word.shape != "low" else THRESHOLD - 0.5):
            chosen.update([*passed, other])
            passed = []
        elif word.shape == "one" or word.folded in context.lists["particle"]:
            passed.append(other)
        else:
            break
        position = other
    # "Tim B.": an initial at the end of a name belongs to it, a particle or "I" does not
    if passed and step > 0 and context.words[passed[0]].shape == "one":
        word = context.words[passed[0]]
        if (
            word.folded not in {"i", "a", "e", "o", "y"}
            or context.text[word.end : word.end + 1] == "."
        ):
            chosen.add(passed[0])


def _span(words: Sequence[Word], odds: Sequence[float], run: Sequence[int]) -> Span:
    best = max(odds[at] for at in run)
    return Span(
        words[run[0]].begin, words[run[-1]].end, "PERSON", round(1 / (1 + math.exp(-best)), 3)
    )
