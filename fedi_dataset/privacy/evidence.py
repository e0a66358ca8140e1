"""Evidence: all that speaks for a word being somebody's name, or against it, each piece by its name.

How probable the model finds it, how it is written, whether it is a given name or an everyday word of
the post's language, and what stands beside it. What each piece weighs is in ``naming_weights.json``.

What a text says by itself (:func:`stated`) is kept apart from what the model adds, of which all
possible answers can be had (:func:`answers`): so it is known before the model runs how far it could
lift a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from fedi_dataset.privacy.context import Context

__all__ = ["Answers", "answers", "evidence", "stated"]

_BINS: Final = (0.01, 0.05, 0.2, 0.5, 0.8, 0.97)
_LEAST: Final = 0.05  # below it, a word in small letters must be a given name to be considered
_ASIDE: Final = 0.3  # probability from which a word is part of something else
_REACH: Final = 15  # words behind a name in which somebody may be spoken of
_LIST_GAP = re.compile(r"\s*[,;&+/\n•*\-]\s*[-•*]?\s*")
_COLON = re.compile(r"\s?[:：]")
_LABELED = re.compile(r"\.?\s*[:：]\s*")
_OPENING: Final = " \t\"“”«»„'(‘’*_-–—>•[|"
_CLOSING_SENTENCE: Final = ".!?:\n…;"
_QUOTES: Final = '"“”«»„'

Answers = tuple[tuple[str, ...], ...]
"""What the model may say to one question: evidence for each answer, of which one is true."""


def evidence(context: Context, at: int) -> list[str]:
    """Give the names of all evidence about one word; [] if nothing could make it a name."""
    mass = context.person[at]
    if not _considered(context, at):
        return []
    if context.words[at].shape == "low" and mass < _LEAST and context.kinds[at] not in "HGNg":
        return []
    found = [*_own(context, at)[_bin(mass)], *stated(context, at)]
    case = _case(context, at)
    columns = context.masses[at]
    aside = (columns[6], columns[2:6].max(), columns[7:].max())
    found += (piece for piece, one in zip(_aside(case), aside, strict=True) if one >= _ASIDE)
    listed = [
        (_bin(context.person[other]), context.kinds[other]) for other in _listed_with(context, at)
    ]
    if listed:
        found += _of_listed(case, *max(listed))
    found += (
        _of_neighbor(side, case)[_bin(context.person[other])][0]
        for side, other in _beside(context, at)
    )
    return found


def answers(context: Context, at: int) -> list[Answers]:
    """Give what the model may add to :func:`stated` about one word, by question; [] if nothing could
    make it a name."""
    if not _considered(context, at):
        return []
    case = _case(context, at)
    questions: list[Answers] = [_own(context, at)]
    questions += (((), (piece,)) for piece in _aside(case))
    kinds = "".join(context.kinds[other] for other in _listed_with(context, at))
    if kinds:
        questions.append(_of_any_listed(case, kinds))
    questions += (_of_neighbor(side, case) for side, _ in _beside(context, at))
    return questions


def stated(context: Context, at: int) -> list[str]:
    """Give what the text itself says about one word."""
    word, entry, kind = context.words[at], context.entries[at], context.kinds[at]
    lists = context.lists
    written, case = _position(context, at), _case(context, at)
    level = entry.level(context.language)
    elsewhere = int(max(entry.levels, default="0")) if not level else 0
    german = _german(context)
    found = [
        f"{german}{written} {kind} {level}",
        f"{german}{case} {kind} word {level}",
        f"{case} elsewhere {elsewhere}",
        f"{written}",
        f"{case} {kind}",
    ]
    given, family = entry.common
    often = entry.often(context.language)
    found += [
        f"{german}{written} given {given}",
        f"{german}{case} given {given} often {often}",
        f"{german}{case} given {given} word {level}",
        f"{case} family {family} often {often}",
        f"{case} family {family} word {level}",
    ]
    if not given and not family:
        seen = max(entry.zipf, default="0")
        found += [f"{case} unlisted {kind} {seen}", f"{german}{written} unlisted {kind}"]
    if entry.family and entry.given:
        found.append(f"{case} given and family")
    if len(word.folded) <= 2:
        found.append(f"{case} short")
    if word.glued:
        found.append("glued")
    if word.tagged:
        found.append("tagged")
    if context.known[at]:
        found += [f"{case} known", f"{case} known {kind}"]
    if _is_place(context, at):
        found += [f"{case} place", f"{case} place {kind}"]
        if at > 0 and context.words[at - 1].folded in lists["locative"]:
            found.append(f"{case} place located")
    for name in ("saying", "particle", "locative", "label"):
        if word.folded in lists[name]:
            found.append(f"is {name}")
    for name in ("other", "thing"):
        if word.folded in lists[name]:
            found += [f"{case} {name}", f"{case} {name} {kind}"]
    found += (f"{case} {piece}" for piece in _around(context, at))
    found += (f"{case} {piece}" for piece in _behind(context, at))
    return found


def _considered(context: Context, at: int) -> bool:
    """Say whether a word could be a name at all."""
    word = context.words[at]
    if word.shape == "one" or (word.shape == "low" and len(word.folded) == 1):
        return False
    if context.known[at] > 1 or context.everyday(at):
        return False
    return not (context.barred(at) or context.contracted(at))


def _is_place(context: Context, at: int) -> bool:
    return context.entries[at].place or context.words[at].folded in context.lists["town"]


def _bin(mass: float) -> int:
    return sum(mass >= least for least in _BINS)


def _case(context: Context, at: int) -> str:
    return "l" if context.words[at].shape == "low" else "C"


def _german(context: Context) -> str:
    """German writes every noun with a capital: its weights are its own."""
    return "d" if context.language == "de" else ""


def _position(context: Context, at: int) -> str:
    """Say how a word is written, and whether it opens a sentence, where all words are capitals."""
    word = context.words[at]
    if word.shape == "low":
        return "lowflat" if context.flat else "low"
    if word.shape == "up":
        return "upall" if context.shouting else "up"
    if word.shape == "title":
        before = word.begin - 1
        while before >= 0 and context.text[before] in _OPENING:
            before -= 1
        opens = before < 0 or context.text[before] in _CLOSING_SENTENCE
        return "open" if opens and not word.tagged else "title"
    return word.shape


def _around(context: Context, at: int) -> Iterator[str]:
    """Give what stands beside a word, as far as it speaks for a name or against one."""
    text, words, lists = context.text, context.words, context.lists
    word = words[at]
    last = at + 1 == len(words)
    if at > 0:
        before, gap = words[at - 1].folded, context.gap(at - 1)
        if context.joined(at - 1) or (word.tagged and not gap):
            for name in (
                "kinship",
                "title",
                "greeting",
                "saying",
                "possessive",
                "locative",
                "label",
                "before_thing",
            ):
                if before in lists[name]:
                    yield f"after {name}"
            if before in lists["article"]:
                yield f"after article {context.language}"
            if (
                before in lists["particle"]
                and at > 1
                and words[at - 2].folded in lists["before_thing"]
            ):
                yield "after before_thing"
            if not _is_only_a_name(context, at - 1):
                yield f"after {before}"
            if words[at - 1].shape == "one" and "." in gap:
                yield "after initial"
        elif gap in {", ", ","} and before in lists["greeting"]:
            yield "after greeting"
        elif _LABELED.fullmatch(gap):
            yield "after label" if before in lists["label"] else "after colon"
    if not last:
        after, gap = words[at + 1].folded, context.gap(at)
        if gap == " ":
            if not _is_only_a_name(context, at + 1):
                yield f"before {after}"
            if words[at + 1].shape == "one":
                yield "before initial"
        if gap in {" ", "'s ", "’s "}:
            for name in ("saying", "after_thing"):
                if after in lists[name]:
                    yield f"before {name}"
    rest = text[word.end : word.end + 2]
    if rest[:1] == " " and rest[1:].isdigit():
        yield "before number"
    if rest in {"'s", "’s"}:
        yield "possessor"
        if at + 2 < len(words) and words[at + 2].folded in lists["after_thing"]:
            yield "before after_thing"
    opens = word.begin == 0 or text[word.begin - 1] == "\n"
    if opens and _COLON.match(text, word.end):
        yield "speaker"
    if opens and rest[:1] == ",":
        yield "addressed"
    if text[max(word.begin - 2, 0) : word.begin] == ", " and rest[:1] in {"", "!", "?", ".", "\n"}:
        yield "addressed last"
    if opens and (word.end == len(text) or text[word.end] == "\n"):
        yield "alone"
    if text[word.begin - 1 : word.begin] in _QUOTES and word.begin and rest[:1] in _QUOTES and rest:
        yield "quoted"
    for side, other in _beside(context, at):
        neighbor = context.kinds[other]
        plain = context.entries[other].level(context.language) >= 3
        yield f"{side} {neighbor}{'w' if plain else ''}"
        if context.known[other]:
            yield f"{side} known"


def _behind(context: Context, at: int) -> Iterator[str]:
    """Give what follows a word in its sentences, as far as it speaks of somebody."""
    words, lists = context.words, context.lists
    after = words[at + 1 : at + 1 + _REACH]
    if any(word.folded in lists["pronoun"] for word in after):
        yield f"pronoun {context.language}"
    if len(after) > 1 and context.gap(at) == " " and after[0].folded in lists["copula"]:
        yield f"before copula {after[1].folded}"
    other = _next_in_list(context, at, 1)
    last = max(at, other or at, 0)
    if _next_in_list(context, at, -1) is None and other is None:
        return
    if last + 1 < len(words) and words[last + 1].folded in lists["plural"]:
        yield "several"


def _is_only_a_name(context: Context, at: int) -> bool:
    """Say whether a word is a given name and no word: weights belong to words, never to somebody's name."""
    entry = context.entries[at]
    return bool(entry.given) and not entry.levels


def _beside(context: Context, at: int) -> Iterator[tuple[str, int]]:
    """Give the words beside a word that count, with their side: written like it, and if small, maybe
    given names."""
    low = context.words[at].shape == "low"
    for step, side in ((-1, "left"), (1, "right")):
        other = context.near(at, step)
        if other is None or (context.words[other].shape == "low") is not low:
            continue
        if not (low and context.kinds[other] in "Ff-"):
            yield side, other


def _listed_with(context: Context, at: int) -> Iterator[int]:
    """Give the words that a word is listed with ("Ann, Bo and Cy"), written like it."""
    low = context.words[at].shape == "low"
    for step in (-1, 1):
        other = _next_in_list(context, at, step)
        if other is not None and (context.words[other].shape == "low") is low:
            yield other


def _next_in_list(context: Context, at: int, step: int) -> int | None:
    """Give the word behind a comma or the like, or behind a conjunction."""
    other = at + step
    if not 0 <= other < len(context.words):
        return None
    if _LIST_GAP.fullmatch(context.gap(min(at, other))):
        return other
    behind = other + step
    joins = context.words[other].folded in context.lists["conjunction"]
    if joins and 0 <= behind < len(context.words):
        gaps = {context.gap(min(at, other)), context.gap(min(other, behind))}
        return behind if gaps == {" "} else None
    return None


# --- what the model says -------------------------------------------------------------------------


def _own(context: Context, at: int) -> Answers:
    """Give what a word's own probability says, bin by bin."""
    entry = context.entries[at]
    return _of_own(
        _position(context, at),
        context.kinds[at],
        _case(context, at),
        _german(context),
        entry.level(context.language),
        bool(context.known[at]),
        _is_place(context, at),
        entry.common[0],
        not any(entry.common),
    )


@cache
def _of_own(
    written: str,
    kind: str,
    case: str,
    german: str,
    level: int,
    known: bool,
    place: bool,
    given: int,
    unlisted: bool,
) -> Answers:
    names = ["", written, kind, f"{german}{case} word {level}", f"{case} given {given}"]
    names += [f"{case} known"] * known + [f"{case} place"] * place
    names += [f"{case} unlisted", f"{case} {kind} unlisted"] * unlisted
    return tuple(
        tuple(f"{name} model {model}".lstrip() for name in names) for model in range(len(_BINS) + 1)
    )


@cache
def _aside(case: str) -> tuple[str, str, str]:
    return f"{case} as place", f"{case} as address", "as number or mail"


@cache
def _of_neighbor(side: str, case: str) -> Answers:
    return tuple((f"{case} {side} model {model}",) for model in range(len(_BINS) + 1))


def _of_listed(case: str, model: int, kind: str) -> tuple[str, str]:
    """Give what the likeliest of the words beside it says of a word in a list."""
    return (
        f"{case} listed model {model}",
        f"{case} listed {kind} {'sure' if model >= 4 else 'unsure'}",
    )


@cache
def _of_any_listed(case: str, kinds: str) -> Answers:
    return tuple(_of_listed(case, model, kind) for model in range(len(_BINS) + 1) for kind in kinds)
