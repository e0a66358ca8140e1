"""The lexicon: what is known of words, and names of fiction and history."""

from __future__ import annotations

import pytest

from fedi_dataset.privacy.lexicon import LANGUAGES, NOTHING, Entry, lexicon
from fedi_dataset.privacy.names import fold


@pytest.mark.parametrize(
    ("word", "language", "level"),
    [
        ("the", "en", 4),
        ("the", "de", 0),
        ("katze", "de", 1),
        ("katze", "und", 1),
        ("morgen", "nl", 4),
        ("qzxv", "en", 0),
    ],
)
def test_levels(word: str, language: str, level: int) -> None:
    """A word has a level in each language; in one that is not here, the highest of all."""
    assert lexicon().entry(word).level(language) == level


def test_names_and_places() -> None:
    """Given names, family names and places are told apart, by language."""
    anna, zwolle = lexicon().entry("anna"), lexicon().entry("zwolle")
    assert str(LANGUAGES.index("de")) in anna.given
    assert zwolle.place
    assert not zwolle.given
    assert lexicon().entry("qzxv") is NOTHING


@pytest.mark.parametrize(
    ("words", "count"),
    [("sherlock holmes said", 2), ("mary shelley", 2), ("mary smith", 0), ("gandalf", 1), ("", 0)],
)
def test_known_names_are_matched_whole(words: str, count: int) -> None:
    """The longest name of fiction or history from the first word on counts."""
    assert lexicon().known([*words.split(), "."], 0) == count


def test_all_lists_are_folded() -> None:
    """Whatever is looked up is folded, so everything in the lists must be too."""
    assert all(word == fold(word) for words in lexicon().lists.values() for word in words)
    assert all(word == fold(word) for word, _ in lexicon().entries())


def test_entries_say_what_they_mean() -> None:
    """An entry without levels is a word of no language."""
    assert Entry("0").level("de") == 0
    assert Entry(levels="0400000").level("en") == 4
