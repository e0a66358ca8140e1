"""Rules: a regular expression, a check, and the words near which a find is believed.

Presidio's own context words need lemmas, that is a tagger on every post. Ours are regular
expressions that look at the characters around a find, and only there.

A recognizer made of rules looks at a text only if its gate finds something there (an @, a digit):
most posts have nothing that most rules could find.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

import yaml
from presidio_analyzer import LocalRecognizer
from presidio_analyzer import RecognizerResult as Result

__all__ = [
    "BEFORE",
    "Gate",
    "Rule",
    "RuleRecognizer",
    "Words",
    "any_word",
    "both",
    "contains",
    "gate",
    "mentions",
    "terms_of",
    "word_set",
    "words",
]

Gate = Callable[[str], object]
"""Says whether a text can hold anything of a kind: what is not true means no."""

BEFORE: Final = 60
"""Characters before a find in which its context may stand."""
AFTER: Final = 30
"""Characters behind a find in which its context may stand."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is looked for, and when it is believed."""

    name: str
    entity: str
    pattern: re.Pattern[str]
    """What is found is the group ``it`` if there is one, else all of it."""
    score: float = 1.0
    check: Callable[[re.Match[str]], bool] | None = None
    """Says whether a match is one; it may look around it."""
    near: Words | None = None
    """Words of which one must stand near."""

    def finds(self, text: str) -> Iterable[tuple[int, int]]:
        """Give begin and end of each find, in order."""
        if self.near is not None and not self.near.might_be_in(text):
            return
        group = "it" if "it" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text):
            begin, end = match.span(group)
            if (self.near is None or self.near.is_near(text, begin, end)) and (
                self.check is None or self.check(match)
            ):
                yield begin, end


class RuleRecognizer(LocalRecognizer):  # type: ignore[misc]  # Presidio is untyped
    """Finds what its rules find, in texts that pass its gate."""

    def __init__(self, name: str, gate: Gate, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._gate = gate
        super().__init__(supported_entities=sorted({rule.entity for rule in rules}), name=name)

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: Any = None,  # noqa: ARG002  # Presidio passes it by name
    ) -> list[Result]:
        """Give a result for each find of each rule."""
        if not self._gate(text):
            return []
        return [
            Result(rule.entity, begin, end, rule.score)
            for rule in self.rules
            if rule.entity in entities
            for begin, end in rule.finds(text)
        ]


def word_set(text: str) -> frozenset[str]:
    """Give the words of a text that white space separates: long lists are read as such."""
    return frozenset(text.split())


def gate(pattern: str) -> Gate:
    """Make a gate of a regular expression, in which capitals do not matter."""
    return re.compile(pattern, re.IGNORECASE).search


def contains(*pieces: str) -> Gate:
    """Make a gate of pieces of text that must all be there, as they are."""
    if len(pieces) == 1:
        (only,) = pieces
        return lambda text: only in text
    return lambda text: all(piece in text for piece in pieces)


def both(one: Gate, two: Gate) -> Gate:
    """Make a gate of two; the cheaper one goes first."""
    return lambda text: one(text) and two(text)


def mentions(terms: Iterable[str]) -> Gate:
    """Make a gate that is true of every text in which :func:`any_word` could find a term.

    It looks for how terms begin among the words of the text, which are split once for all gates.
    """
    first = frozenset(begin for term in terms for begin in _beginnings(term))
    return lambda text: not first.isdisjoint(_vocabulary(text))


def any_word(terms: Iterable[str]) -> str:
    """Give a regular expression for any of these terms, longest first.

    Accents may be left out, words of a term may be joined or hyphened, and a term in capitals is
    found in capitals only: PAN is a number, pan is not.
    """
    by_first: dict[str, list[str]] = {}
    for term in sorted(set(terms), key=lambda term: (-len(term), term)):
        by_first.setdefault(_letter(term[0].lower()), []).append(_term(term))
    # Grouped by how they begin: few letters of a text begin any.
    groups = (f"(?={first})(?:{'|'.join(rest)})" for first, rest in by_first.items())
    return rf"(?=\w)(?:{'|'.join(groups)})"


class Words:
    """Terms that say what stands near them. Built by :func:`words`."""

    def __init__(self, terms: Sequence[str]) -> None:
        self.might_be_in = mentions(terms)
        """Says whether a text can hold any of them."""
        self.pattern = re.compile(rf"(?<![^\W_])(?:{any_word(terms)})(?![^\W\d_])", re.IGNORECASE)
        """A term: no letter or digit before it, and no letter behind it."""

    def is_near(
        self, text: str, begin: int, end: int, before: int = BEFORE, after: int = AFTER
    ) -> bool:
        """Say whether a term stands so many characters before or after a stretch of text."""
        return bool(self.might_be_in(text)) and (
            self.pattern.search(text, max(0, begin - before), begin) is not None
            or (after > 0 and self.pattern.search(text, end, end + after) is not None)
        )


def words(*kinds: str) -> Words:
    """Give all terms of these kinds, in every language of data/privacy_words.yaml."""
    return Words(terms_of(*kinds))


def terms_of(*kinds: str) -> list[str]:
    """Give the terms of some kinds, of all languages."""
    table = _table()
    return [str(term) for kind in kinds for terms in table[kind].values() for term in terms]


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    text = files("fedi_dataset").joinpath("data", "privacy_words.yaml").read_text("utf-8")
    table: dict[str, dict[str, list[str]]] = yaml.safe_load(text)
    return table


def _term(term: str) -> str:
    pattern = "".join(map(_letter, term))
    return f"(?-i:{pattern})" if len(term) > 1 and term.isupper() and term.isalpha() else pattern


def _letter(char: str) -> str:
    if char == " ":
        return r"[ \t_-]?"
    if char == "'":
        return "['’]?"
    plain = unicodedata.normalize("NFD", char)[0]
    return re.escape(char) if plain == char else f"[{char}{plain}]"


def _beginnings(term: str) -> Iterable[str]:
    """Give what the first run of letters can be where a term stands, with words of it joined."""
    runs = _LETTERS.findall(_unaccented(term.lower()))
    return ("".join(runs[:length]) for length in range(1, len(runs) + 1))


@lru_cache(maxsize=8)
def _vocabulary(text: str) -> frozenset[str]:
    """Give the runs of letters of a text, in lower case and without accents."""
    return frozenset(_LETTERS.findall(_unaccented(text.lower())))


_LETTERS = re.compile(r"[^\W\d_]+")
_MARKS = re.compile("[\u0300-\u036f]+")


def _unaccented(text: str) -> str:
    return text if text.isascii() else _MARKS.sub("", unicodedata.normalize("NFD", text))
