"""Evidence: all that speaks for a word being somebody's name, or against it, each piece by its name.

How probable the model finds it, how it is written, whether it is a given name or an everyday word of
the post's language, and what stands beside it. What each piece weighs is in ``naming_weights.json``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fedi_dataset.privacy.context import Context

__all__ = ["evidence"]

_BINS: Final = (0.01, 0.05, 0.2, 0.5, 0.8, 0.97)
_LEAST: Final = 0.05  # below it, a word in small letters must be a given name to be considered
_LIST_GAP = re.compile(r"\s*[,;&+/\n•*\-]\s*[-•*]?\s*")
_COLON = re.compile(r"\s?[:：]")
_LABELED = re.compile(r"\.?\s*[:：]\s*")
_OPENING: Final = " \t\"“”«»„'(‘’*_-–—>•[|"
_CLOSING_SENTENCE: Final = ".!?:\n…;"
_QUOTES: Final = '"“”«»„'


def _bin(mass: float) -> int:
    return sum(mass >= least for least in _BINS)


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


def evidence(context: Context, at: int) -> list[str]:
    """Give the names of all evidence about one word; [] if nothing could make it a name."""
    word, entry, mass = context.words[at], context.entries[at], context.person[at]
    lists = context.lists
    kind = context.kinds[at]
    if word.shape == "one" or context.known[at] > 1 or context.barred(at) or context.contracted(at):
        return []
    if word.shape == "low" and len(word.folded) == 1:
        return []
    if word.shape == "low" and mass < _LEAST and kind not in "HGNg":
        return []
    written = _position(context, at)
    level = entry.level(context.language)
    elsewhere = int(max(entry.levels, default="0")) if not level else 0
    case = "l" if word.shape == "low" else "C"
    model = _bin(mass)
    german = "d" if context.language == "de" else ""
    found = [
        f"model {model}",
        f"{written} model {model}",
        f"{kind} model {model}",
        f"{german}{written} {kind} {level}",
        f"{german}{case} {kind} word {level}",
        f"{german}{case} word {level} model {model}",
        f"{case} elsewhere {elsewhere}",
        f"{written}",
        f"{case} {kind}",
    ]
    columns = context.masses[at]
    if columns[6] >= 0.3:
        found.append(f"{case} as place")
    if columns[2:6].max() >= 0.3:
        found.append(f"{case} as address")
    if columns[7:].max() >= 0.3:
        found.append("as number or mail")
    if entry.family and entry.given:
        found.append(f"{case} given and family")
    if len(word.folded) <= 2:
        found.append(f"{case} short")
    if word.glued:
        found.append("glued")
    if word.tagged:
        found.append("tagged")
    if context.known[at]:
        found += [f"{case} known", f"{case} known {kind}", f"{case} known model {model}"]
    if entry.place:
        found += [f"{case} place", f"{case} place {kind}", f"{case} place model {model}"]
    for name in ("saying", "particle", "locative", "label"):
        if word.folded in lists[name]:
            found.append(f"is {name}")
    if word.folded in lists["other"]:
        found += [f"{case} other", f"{case} other {kind}"]
    found += (f"{case} {piece}" for piece in _around(context, at))
    return found


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
            yield f"before {after}"
            if words[at + 1].shape == "one":
                yield "before initial"
        if gap in {" ", "'s ", "’s "}:
            for name in ("saying", "after_thing"):
                if after in lists[name]:
                    yield f"before {name}"
    yield from _listed(context, at)
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
    for step, side in ((-1, "left"), (1, "right")):
        other = context.near(at, step)
        if other is None or (context.words[other].shape == "low") is not (word.shape == "low"):
            continue
        neighbor = context.kinds[other]
        plain = context.entries[other].level(context.language) >= 3
        if word.shape == "low" and neighbor in "Ff-":
            continue
        yield f"{side} {neighbor}{'w' if plain else ''}"
        yield f"{side} model {_bin(context.person[other])}"
        if context.known[other]:
            yield f"{side} known"


def _listed(context: Context, at: int) -> Iterator[str]:
    """Give what a word is listed with ("Ann, Bo and Cy"): the likeliest name beside it."""
    low = context.words[at].shape == "low"
    best: tuple[int, str] | None = None
    for other, gap_at in ((at - 1, at - 1), (at + 1, at)):
        if not 0 <= other < len(context.words) or not _LIST_GAP.fullmatch(context.gap(gap_at)):
            continue
        if (context.words[other].shape == "low") is low:
            kind = context.kinds[other]
            best = max(best or (-1, ""), (_bin(context.person[other]), kind))
    if best is not None:
        yield f"listed model {best[0]}"
        yield f"listed {best[1]} {'sure' if best[0] >= 4 else 'unsure'}"
