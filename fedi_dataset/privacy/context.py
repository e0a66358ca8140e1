"""A text with what is known of each of its words: the lexicon, how it is written, and what the model says."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fedi_dataset.privacy.lexicon import LANGUAGES, NOTHING, Entry, Lexicon
from fedi_dataset.privacy.reading import COLUMNS, Reading, Word, words_of

__all__ = ["Context"]

_SILENCE: Final[NDArray[np.float32]] = np.zeros(len(COLUMNS), np.float32)
_REACH: Final = 4  # words before a number that may say whose it is
_RELATION: Final = 4  # words from "my" to "neighbor"
_SHOUTING: Final = 0.6  # of the letters of a text that is written in capitals

_GAP = re.compile(r"[ \u00a0]|['’\-]")
"""Between two words of one name; behind an initial or a short title also a full stop."""
_STOP = re.compile(r"\. ?")
_ABBREVIATED: Final = 3  # letters
_NOT = re.compile(r"['’]t(?![^\W_])", re.IGNORECASE)
_BARRED: Final = ("kinship", "title", "greeting", "article", "possessive")
_ALSO_NAMES: Final = frozenset({"cher", "dag", "don", "joy", "love"})


class Context:
    """A text's words with what is known of each, made once and asked word by word.

    What the model says is added by :meth:`with_reading`, where it was asked; until then it is as if nothing
    were anything.
    """

    def __init__(self, text: str, language: str, lists: Lexicon) -> None:
        self.text = text
        self.language = language.lower().split("-")[0]
        self.lists = lists.lists
        self._lexicon = lists
        self.words = words_of(text)
        self.entries = [_entry(word.folded, lists) for word in self.words]
        self.masses: Sequence[NDArray[np.float32]] = [_SILENCE] * len(self.words)
        """For each word, how probable each of COLUMNS is."""
        self.person: Sequence[float] = [0.0] * len(self.words)
        """For each word, how probable it is that it names somebody."""
        self.known = _known(self.words, lists)
        self.kinds = [
            _class(entry, self.language, word.folded in self.lists["nickname"])
            for word, entry in zip(self.words, self.entries, strict=True)
        ]
        letters = sum(map(str.isalpha, text))
        capitals = sum(map(str.isupper, text))
        self.shouting = len(self.words) > 1 and capitals > _SHOUTING * letters
        self.flat = capitals == 0

    def with_reading(self, reading: Reading) -> Context:
        """Give the same text with what the model says of it."""
        heard = copy.copy(self)
        heard.masses = [reading.over(word.begin, word.end) for word in self.words]
        heard.person = [float(mass[0] + mass[1]) for mass in heard.masses]
        return heard

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
        if not any(folded in self.lists[name] for name in _BARRED) or folded in _ALSO_NAMES:
            return False
        return self.kinds[at] not in "HG" or self.level(folded) > 0

    def contracted(self, at: int) -> bool:
        """Say whether a word is cut from its "t", as "Don't" and "Shan’t" are: then it is no name."""
        word = self.words[at]
        return word.folded.endswith("n") and bool(_NOT.match(self.text, word.end))

    def everyday(self, at: int) -> bool:
        """Say whether a word is written so often, and is so rarely anybody's name, that it is none.

        With a capital it may be somebody's behind a title: "Frau Lange".
        """
        word, entry, kind = self.words[at], self.entries[at], self.kinds[at]
        level, often, given = (
            entry.level(self.language),
            entry.often(self.language),
            entry.common[0],
        )
        if word.shape == "low":
            rare = kind not in "HGN"
            return rare and (
                (given <= 2 and (level >= 1 or often >= 3))
                or (given <= 4 and level >= 2)
                or level >= 3
            )
        if often < 5 or (given > 2 and kind != "-"):
            return False
        # German's dictionary is taken whole, its nouns have capitals: level 1 is enough
        usual = level >= (1 if self.language == "de" else 2)
        titled = at > 0 and self.words[at - 1].folded in self.lists["title"]
        return usual and not titled

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
        length = 0 if _is_of_mine(folded[:at], lists) else lists.known(folded, at)
        for inside in range(at, at + length):
            lengths[inside] = max(lengths[inside], length)
        # "Don Juan Tenorio": a name right behind one of two words belongs to it
        behind = at + length
        if length > 1 and behind < len(words) and words[behind].begin == words[behind - 1].end + 1:
            lengths[behind] = 2 if words[behind].shape == "title" else lengths[behind]
    return lengths


def _is_of_mine(before: Sequence[str], lists: Lexicon) -> bool:
    """Say whether the folded words before a name make it somebody's whom the author knows ("my old neighbor"):
    private people are called like characters, too."""
    if not before or before[-1] not in lists.lists["kinship"]:
        return False
    return any(word in lists.lists["possessive"] for word in before[-_RELATION:-1])


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
