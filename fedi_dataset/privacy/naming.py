"""Which words of a text name a person: what the model says, weighed with all else that speaks for it.

The model alone is not enough: it misses "Iker" and takes "appeltaart gebakken" for somebody. So each
word collects evidence (:func:`evidence`): how probable the model finds it, how it is written, whether
it is a given name or an everyday word of the post's language, and what stands beside it. Each piece
of evidence has a weight in log-odds (``naming_weights.json``); a word whose weights sum to more than
a threshold names somebody. The weights are fitted on posts of invented people
(``scripts/fit_naming.py``); none belongs to a single name.

Words above the threshold take with them what belongs to the same name: initials, particles, and
neighbors that are nearly as probable.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from fedi_dataset.privacy.lexicon import LANGUAGES, NOTHING, Entry, Lexicon
from fedi_dataset.privacy.reading import Reading, Word, words_of
from fedi_dataset.privacy.spans import Span

__all__ = ["THRESHOLD", "Context", "evidence", "persons", "scores", "weights"]

THRESHOLD: Final = -0.3
"""Log-odds from which a word names somebody."""
_BESIDE: Final = -2.0
"""Log-odds from which a word names somebody if its neighbor in the same name does."""
_LIKELY: Final = 0.5
"""The model's probability from which a word with a capital belongs to the name beside it."""
_CERTAIN: Final = 1.5
"""Log-odds from which a name is a name wherever in the text it is written with a capital."""

_BINS: Final = (0.01, 0.05, 0.2, 0.5, 0.8, 0.97)
_LEAST: Final = 0.05  # below it, a word in small letters must be a given name to be considered
_REACH: Final = 4  # words before a number that may say whose it is
_CUES: Final = (
    "addressed",
    "after greeting",
    "after initial",
    "after kinship",
    "after label",
    "after possessive",
    "after saying",
    "after title",
    "before saying",
    "listed",
    "possessor",
    "speaker",
)
"""What around a word speaks for a name, even if the model sees none."""
_SHOUTING: Final = 0.6  # of the letters of a text that is written in capitals

_GAP = re.compile(r"[ \u00a0]|['’\-]")
"""Between two words of one name; behind an initial or a short title also a full stop."""
_STOP = re.compile(r"\. ?")
_ABBREVIATED: Final = 3  # letters
_BARRED: Final = ("kinship", "title", "greeting", "article", "possessive")
_ALSO_NAMES: Final = frozenset({"cher", "dag", "don", "joy", "love"})
_LIST_GAP = re.compile(r"\s*[,;&+/\n•*\-]\s*[-•*]?\s*")
_COLON = re.compile(r"\s?[:：]")
_LABELED = re.compile(r"\.?\s*[:：]\s*")
_OPENING: Final = " \t\"“”«»„'(‘’*_-–—>•[|"
_CLOSING_SENTENCE: Final = ".!?:\n…;"
_QUOTES: Final = '"“”«»„'


def _bin(mass: float) -> int:
    return sum(mass >= least for least in _BINS)


class Context:
    """A text's words with what is known of each, made once and asked word by word."""

    def __init__(self, text: str, language: str, reading: Reading, lists: Lexicon) -> None:
        self.text = text
        self.language = language.lower().split("-")[0]
        self.lists = lists.lists
        self._lexicon = lists
        self.words = words_of(text)
        self.entries = [_entry(word.folded, lists) for word in self.words]
        self.masses = [reading.over(word.begin, word.end) for word in self.words]
        self.person = [float(mass[0] + mass[1]) for mass in self.masses]
        self.known = _known(self.words, lists)
        self.kinds = [
            _class(entry, self.language, word.folded in self.lists["nickname"])
            for word, entry in zip(self.words, self.entries, strict=True)
        ]
        letters = [char for char in text if char.isalpha()]
        capitals = sum(map(str.isupper, letters))
        self.shouting = len(self.words) > 1 and capitals > _SHOUTING * len(letters)
        self.flat = capitals == 0

    def level(self, folded: str) -> int:
        """Say how frequent a folded word is in the text's language, 0 (not a word of it) to 4."""
        return self._lexicon.entry(folded).level(self.language)

    def numbered(self, begin: int) -> bool:
        """Say whether the words before a number make it a thing's: "Order 4411-20931", "RFC 9110"."""
        before = [word.folded for word in self.words if word.end <= begin][-_REACH:]
        return any(folded in self.lists["numbered"] for folded in before)

    def barred(self, at: int) -> bool:
        """Say whether a word only ever says something about a name beside it ("Grandma", "Hello")."""
        folded = self.words[at].folded
        if folded in _ALSO_NAMES or (self.kinds[at] in "HG" and not self.level(folded)):
            return False
        return any(folded in self.lists[name] for name in _BARRED)

    def gap(self, at: int) -> str:
        """Give what stands between the words ``at`` and ``at + 1``."""
        return self.text[self.words[at].end : self.words[at + 1].begin]

    def joined(self, at: int) -> bool:
        """Say whether the words ``at`` and ``at + 1`` may belong to one name."""
        gap = self.gap(at)
        if _GAP.fullmatch(gap):
            return True
        short = self.words[at].end - self.words[at].begin <= _ABBREVIATED
        return short and bool(_STOP.fullmatch(gap))

    def near(self, at: int, step: int) -> int | None:
        """Give the neighbor in the same name: beside the word, or behind an initial or particle."""
        position = at
        for _ in range(3):
            other = position + step
            if not 0 <= other < len(self.words) or not self.joined(min(position, other)):
                return None
            word = self.words[other]
            if word.shape != "one" and word.folded not in self.lists["particle"]:
                return other
            position = other
        return None


def _entry(folded: str, lists: Lexicon) -> Entry:
    """Give what is known of a word; of "Wiebkes" what is known of the name "Wiebke"."""
    entry = lists.entry(folded)
    if entry is NOTHING and folded.endswith("s"):
        owner = lists.entry(folded[:-1])
        return owner if owner.given and not owner.levels else entry
    return entry


def _known(words: Sequence[Word], lists: Lexicon) -> list[int]:
    """Count for each word how many words the name of fiction or history has that it belongs to."""
    folded = [word.folded for word in words]
    lengths = [0] * len(words)
    for at in range(len(words)):
        length = lists.known(folded, at)
        for inside in range(at, at + length):
            lengths[inside] = max(lengths[inside], length)
        # "Don Juan Tenorio": a name right behind one of two words belongs to it
        behind = at + length
        if length > 1 and behind < len(words) and words[behind].begin == words[behind - 1].end + 1:
            lengths[behind] = 2 if words[behind].shape == "title" else lengths[behind]
    return lengths


def _class(entry: Entry, language: str, pet: bool) -> str:
    """Say whether a word is a given name (H of this language alone, G of others too, N a short form,
    g of another language, x elsewhere), else a family name (F, f), else neither (-)."""
    digit = str(LANGUAGES.index(language)) if language in LANGUAGES else ""
    if entry.given and digit and digit in entry.given:
        return "G" if len(entry.given.replace("x", "")) > 1 else "H"
    if pet:
        return "N"
    if entry.given:
        return "g" if entry.given != "x" else "x"
    if entry.family:
        return "F" if digit and digit in entry.family else "f"
    return "-"


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
    if word.shape == "one" or context.known[at] > 1 or context.barred(at):
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
    around = list(_around(context, at))
    if model == 0 and level and not any(one.startswith(_CUES) for one in around):
        return []  # an everyday word that nothing but a list of names speaks for
    found += (f"{case} {piece}" for piece in around)
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


_NEVER: Final = 20.0


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
