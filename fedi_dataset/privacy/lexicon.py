"""The lexicon: which words are names, places, or words like any other, in the languages of the model.

Where a model only guesses, it helps to know that "Matilde" is a given name and "jubila" a Spanish
verb. Lists are data: ``lexicon.txt.xz`` (from Faker and pyspellchecker, by
``scripts/make_lexicon.py``), ``naming.yaml`` (kin, titles, greetings, products, months),
``things.txt`` and ``towns.txt`` (what is called by a name and is nobody) and ``known.yaml`` and
``nobody.txt`` (people of fiction and history, and what is called like people). All of it is folded:
lower case, no accents.
"""

from __future__ import annotations

import io
import lzma
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import yaml

from fedi_dataset.privacy.names import fold

__all__ = ["LANGUAGES", "NOTHING", "Entry", "Lexicon", "lexicon"]

LANGUAGES: Final = ("de", "en", "es", "fr", "it", "nl", "pt")
"""The languages of the lexicon; their order is that of the fields in its file."""

_DATA: Final = files("fedi_dataset") / "data"
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a word."""

    given: str = ""
    """Where it is a given name: digits of LANGUAGES, ``x`` for elsewhere."""
    family: str = ""
    """Where it is a family name, likewise."""
    levels: str = ""
    """A digit a language: 0 not a word of it, 1 rare to 4 frequent; empty: of none."""
    place: bool = False
    common: tuple[int, int] = (0, 0)
    """How common it is as a given name, 0 (in no list) to 6, and as a family name, 0 to 4."""
    zipf: str = ""
    """A digit a language: how often it is written, as a name or not: the logarithm of its number in a
    thousand million words, rounded down; 0 below 2. Empty: rare in all."""

    def often(self, language: str) -> int:
        """Say how often the word is written in a language, 0 or 2 to 7; in one that is not here, in any."""
        if not self.zipf:
            return 0
        if language in LANGUAGES:
            return int(self.zipf[LANGUAGES.index(language)])
        return int(max(self.zipf))

    def level(self, language: str) -> int:
        """Say how frequent the word is in a language; in one that is not here, in any of them."""
        if not self.levels:
            return 0
        if language in LANGUAGES:
            return int(self.levels[LANGUAGES.index(language)])
        return int(max(self.levels))


NOTHING: Final = Entry()
"""What is known of a word that is in no list."""


class Lexicon:
    """The lists, loaded. Built once a process by :func:`lexicon`."""

    def __init__(self) -> None:
        self._entries = dict(_entries())
        lists = yaml.safe_load((_DATA / "naming.yaml").read_text("utf-8"))
        self.lists: dict[str, frozenset[str]] = {
            name: frozenset(map(fold, words.split())) for name, words in lists.items()
        }
        """The words of naming.yaml by the names of its lists; ``thing`` and ``town`` from files of
        their own."""
        for name in ("thing", "town"):
            self.lists[name] = frozenset(
                fold(word) for line in _lines(f"{name}s.txt") for word in line.split()
            )
        self._known: dict[str, list[tuple[str, ...]]] = {}
        known = yaml.safe_load((_DATA / "known.yaml").read_text("utf-8"))
        listed = [name for names in known.values() for name in names.split(",")]
        for name in sorted({*listed, *_lines("nobody.txt")}):
            words = tuple(_WORD.findall(fold(name)))
            self._known.setdefault(words[0], []).append(words)

    def entry(self, folded: str) -> Entry:
        """Give what is known of a folded word."""
        return self._entries.get(folded, NOTHING)

    def entries(self) -> Iterable[tuple[str, Entry]]:
        """Give all folded words with what is known of them."""
        return self._entries.items()

    def known(self, words: Sequence[str], at: int) -> int:
        """Count the folded words from ``at`` on that make the name of somebody of fiction or
        history; 0: none."""
        best = 0
        for name in self._known.get(words[at], ()):
            if len(name) > best and tuple(words[at : at + len(name)]) == name:
                best = len(name)
        return best


@cache
def lexicon() -> Lexicon:
    """Give the lexicon, loaded on first use."""
    return Lexicon()


def _lines(name: str) -> list[str]:
    """Give the lines of a file of words, without comments."""
    lines = (_DATA / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and line[0] != "#"]


def _entries() -> Iterator[tuple[str, Entry]]:
    """Read the file line by line; words of which the same is known share one entry."""
    shared: dict[str, Entry] = {}
    packed = io.BytesIO((_DATA / "lexicon.txt.xz").read_bytes())
    with lzma.LZMAFile(packed) as file, io.TextIOWrapper(file, "utf-8") as lines:
        for line in lines:
            word, _, rest = line.removesuffix("\n").partition("\t")
            entry = shared.get(rest)
            if entry is None:
                given, family, levels, place, common, zipf, *_ = [*rest.split("\t"), *[""] * 6]
                grades = divmod(int(common or "0"), 10)
                entry = shared[rest] = Entry(given, family, levels, place == "p", grades, zipf)
            yield word, entry
