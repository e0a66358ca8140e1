"""Texts that the model is not asked about: whatever it said, nothing would be found in them."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.privacy.addresses import addresses, may_be_address
from fedi_dataset.privacy.context import Context
from fedi_dataset.privacy.detector import Detector
from fedi_dataset.privacy.lexicon import LANGUAGES, lexicon
from fedi_dataset.privacy.naming import persons, possible, weights
from fedi_dataset.privacy.numbers import numbers
from fedi_dataset.privacy.rampart import RampartModel, find_files
from fedi_dataset.privacy.reading import COLUMNS, Reading, passages, words_of
from scripts.make_gold import GOLD

WORDS = st.sampled_from(
    [
        *("the", "and", "with", "said", "is", "water", "garden", "Water", "Garden", "Then", "NOW"),
        *("und", "der", "Wasser", "Garten", "sagt", "Oma", "le", "jardin", "mère", "rose", "will"),
        *("Alice", "alice", "Wolf", "Berlin", "Mastodon", "xylo", "don't", "#tea", "#HappyAlice"),
        *("Dr.", "mum", "dear", ",", ".", "!", ":", "\n", "-", "(", "der Ecke", "corner of"),
    ]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=14).map(" ".join)


@pytest.fixture(scope="module")
def model(detector: Detector) -> RampartModel:
    """The model alone."""
    assert detector.version
    return RampartModel(find_files("rampart"))


def reading(text: str, seed: int) -> Reading:
    """Whatever a model might say of the words of a text."""
    words = words_of(text)
    masses = np.random.default_rng(seed).dirichlet([0.15] * (len(COLUMNS) + 1), len(words))
    return Reading(
        [word.begin for word in words],
        [word.end for word in words],
        masses[:, :-1].astype(np.float32),
    )


@settings(max_examples=600, deadline=None)
@given(TEXTS, st.sampled_from([*LANGUAGES, "und"]), st.integers(0, 2**32 - 1))
def test_nobody_is_found_where_nobody_may_be_found(text: str, language: str, seed: int) -> None:
    """Where no word is a possible name, nobody is found, whatever the model says; likewise with addresses
    and numbers."""
    context = Context(text, language, lexicon())
    said = reading(text, seed)
    heard = context.with_reading(said)
    if not possible(context):
        assert persons(heard, weights()) == []
    if not may_be_address(text):
        assert addresses(heard, said) == []
        assert numbers(heard, said) == []


@pytest.mark.parametrize(
    ("text", "language", "asked"),
    [
        ("Once a day, whether they need it or not.", "en", []),
        ("Danke, es hilft, wenn man damit nicht allein ist.", "de", []),
        ("hello from Wiebke", "en", ["hello from Wiebke"]),
        ("come at 5", "en", ["come at 5"]),
        ("we meet at the corner of Elm and Oak", "en", ["we meet at the corner of Elm and Oak"]),
        (
            "It rained all day and nobody left the house. Wiebke came later with cake and tea for us.",
            "en",
            ["Wiebke came later with cake and tea for us."],
        ),
    ],
)
def test_what_is_asked(model: RampartModel, text: str, language: str, asked: list[str]) -> None:
    """The model is asked about the passages in which a word may name somebody, and about the whole of a
    text with a digit or a corner."""
    stretches = model._asked(Context(text, language, lexicon()))
    assert [text[begin:end] for begin, end in stretches] == asked


@pytest.mark.slow
def test_asking_about_everything_finds_nothing_more_where_nothing_was_asked(
    model: RampartModel,
) -> None:
    """Posts that the model is not asked about hold nothing that it would find."""
    silent = 0
    for one in json.loads((GOLD / "social.json").read_text("utf-8")):
        text, language = one["full_text"], one["metadata"]["language"]
        context = Context(text, language, lexicon())
        if not model._asked(context):
            silent += 1
            reading = model.read(text, [(0, len(text))])
            heard = context.with_reading(reading)
            assert persons(heard, weights()) == []
            assert [*addresses(heard, reading), *numbers(heard, reading)] == []
    assert silent > 50


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("aB.!? \n,"), max_size=300))
def test_passages_are_the_whole_text(text: str) -> None:
    """Passages follow one another from the first character to the last."""
    cut = list(passages(text))
    assert "".join(text[begin:end] for begin, end in cut) == text
    assert all(one[1] == two[0] for one, two in pairwise(cut))
