"""The lexicon: which words are names, places, or words like any other, in the languages of the model.

Where a model only guesses, it helps to know that "Matilde" is a given name and "jubila" a Spanish
verb. Lists are data: ``lexicon.txt.xz`` (from Faker and pyspellchecker, by
``scripts/make_lexicon.py``), ``naming.yaml`` (kin, titles, greetings, products, months) and
``known.yaml`` (people of fiction and history). All of it is folded: lower case, no accents.
"""

from __future__ import annotations

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
        """The words of naming.yaml by the names of its lists."""
        self._known: dict[str, list[tuple[str, ...]]] = {}
        known = yaml.safe_load((_DATA / "known.yaml").read_text("utf-8"))
        for names in known.values():
            for name in names.split(","):
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


def _entries() -> Iterator[tuple[str, Entry]]:
    """Read the file; words of which the same is known share one entry."""
    shared: dict[str, Entry] = {}
    for line in lzma.decompress((_DATA / "lexicon.txt.xz").read_bytes()).decode().splitlines():
        word, _, rest = line.partition("\t")
        entry = shared.get(rest)
        if entry is None:
            given, family, levels, place, *_ = [*rest.split("\t"), "", "", "", ""]
            entry = shared[rest] = Entry(given, family, levels, place == "p")
        yield word, entry
