"""Names of people: words, evidence, and what belongs to a name."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.privacy import naming
from fedi_dataset.privacy.context import Context
from fedi_dataset.privacy.detector import Detector
from fedi_dataset.privacy.evidence import evidence
from fedi_dataset.privacy.lexicon import lexicon
from fedi_dataset.privacy.naming import persons, weights
from fedi_dataset.privacy.rampart import RampartModel, find_files
from fedi_dataset.privacy.reading import words_of
from scripts.fit_naming import POSTS, Sample, fit, read_posts, renamed


@pytest.fixture(scope="module")
def model(detector: Detector) -> RampartModel:
    """The model alone."""
    assert detector.version
    return RampartModel(find_files("rampart"))


def names(model: RampartModel, text: str, language: str) -> list[str]:
    """The people that are found, in order."""
    context = Context(text, language, lexicon()).with_reading(model.read(text))
    return [text[span.begin : span.end] for span in persons(context, weights())]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("coffee with Magdalena tomorrow", "en", ["Magdalena"]),
        ("thanks tobias, you saved me", "en", ["tobias"]),
        ("my neighbor Mrs. Oyelaran sings", "en", ["Oyelaran"]),
        ("Regards\nPetra van den Heuvel", "en", ["Petra van den Heuvel"]),
        ("signed, Tim B. and Agnes", "en", ["Tim B", "Agnes"]),
        ("#HappyBirthdayMatilda", "en", ["Matilda"]),
        ("HAPPY BIRTHDAY SAMANTHA", "en", ["SAMANTHA"]),
        ("Meine Schwester Annika kommt", "de", ["Annika"]),
        ("Ma voisine Mathilde chante", "fr", ["Mathilde"]),
        ("Mi prima Lucía se casa", "es", ["Lucía"]),
        ("Mia sorella Ginevra canta", "it", ["Ginevra"]),
        ("A minha irmã Leonor canta", "pt", ["Leonor"]),
        ("Mijn zus Marieke zingt", "nl", ["Marieke"]),
        ("Sherlock Holmes would hate this", "en", []),
        ("Grandma made soup in December", "en", []),
        ("Die Fahrradwerkstatt hat zu", "de", []),
        ("Vanavond appeltaart gebakken", "nl", []),
        ("WHO ATE THE CHEESE", "en", []),
        ("Firefox crashed on Debian again", "en", []),
        ("Don't use vinegar. Shan’t. DON'T", "en", []),
        ("Don't tell Don.", "en", ["Don"]),
    ],
)
def test_people_are_told_from_words(
    model: RampartModel, text: str, language: str, expected: list[str]
) -> None:
    """Names are found in every language and spelling; kin, fiction, months, products stay."""
    assert names(model, text, language) == expected


def test_a_sure_name_is_one_wherever_it_has_a_capital(model: RampartModel) -> None:
    """What the rest of a text makes certain holds for all of it."""
    text = "Will my brother Rosalind? No. Rosalind"
    assert "Rosalind" in names(model, "my sister Rosalind called. Rosalind!", "en")
    found = names(model, "my sister Rosalind called. Then Rosalind left.", "en")
    assert found == ["Rosalind", "Rosalind"]
    assert names(model, text, "en")[-1] == "Rosalind"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Ann-Marie O'Hara",
            [("ann", "title"), ("marie", "title"), ("o", "one"), ("hara", "title")],
        ),
        ("#RIPDouglas", [("rip", "up"), ("douglas", "title")]),
        ("McDonald iPad", [("mcdonald", "title"), ("ipad", "mixed")]),
        ("d'Élodie ÉCOLE", [("d", "low"), ("elodie", "title"), ("ecole", "up")]),
        ("Jo\u0301se", [("jose", "title")]),
    ],
)
def test_words(text: str, expected: list[tuple[str, str]]) -> None:
    """Words are runs of letters, folded, each with the shape that it is written in."""
    assert [(word.folded, word.shape) for word in words_of(text)] == expected


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("aB é\u0301😀#_9'-.\n"), max_size=40))
def test_words_lie_apart_in_the_text(text: str) -> None:
    """Words are sorted, apart, not empty, and hold letters and marks alone."""
    words = words_of(text)
    assert all(0 <= word.begin < word.end <= len(text) for word in words)
    assert all(one.end <= two.begin for one, two in pairwise(words))
    assert not any(
        char.isdigit() or char.isspace() for w in words for char in text[w.begin : w.end]
    )


def test_weights_belong_to_evidence_and_not_to_names() -> None:
    """No weight names a word that is a given name and nothing else."""
    lists = lexicon()
    for one in weights():
        last = one.rpartition(" ")[2]
        entry = lists.entry(last)
        assert not (one.startswith(("C after ", "C before ")) and entry.given and not entry.levels)


def test_weights_are_those_that_the_posts_give() -> None:
    """Fitting is deterministic, and separates what evidence separates."""
    samples = [Sample(["good", "dull"], True, 1.0, line) for line in range(8)]
    samples += [Sample(["bad", "dull"], False, 1.0, line) for line in range(8, 16)]
    samples += [Sample(["rare"], True, 1.0, 99)]
    fitted = fit(samples)
    assert fitted == fit(samples)
    assert fitted["good"] > 0.9 > -0.9 > fitted["bad"]
    assert "rare" not in fitted


def test_posts_are_read_with_their_marks() -> None:
    """Every post of the file has a language that the lexicon knows, and marks where it says."""
    posts = list(read_posts("## de\nHallo {P:Uwe} aus {A:Am Hang 3}\\nTschüss\n# comment\n"))
    assert [(post.text, post.language, post.marks) for post in posts] == [
        ("Hallo Uwe aus Am Hang 3\nTschüss", "de", ((6, 9, "P"), (14, 23, "A")))
    ]
    shipped = list(read_posts(POSTS.read_text("utf-8")))
    assert len(shipped) > 6_000
    assert not any(re.search(r"\{[A-Z]:", post.text) for post in shipped)


def test_copies_keep_their_shape() -> None:
    """A post with other names has as many marks, and the same words around them."""
    import random

    (post,) = read_posts("## en\nsaw {P:Alice Miller} and {P:bob}, ok")
    pools = {"en": (["zoe"], ["falk"]), "x": (["zoe"], ["falk"])}
    copy = renamed(post, pools, lexicon(), random.Random(3))
    assert len(copy.marks) == 2
    assert copy.text.startswith("saw ")
    assert copy.text.endswith(", ok")


def test_evidence_is_none_for_what_is_no_name(model: RampartModel) -> None:
    """Kin, titles, single letters, and small words that nothing speaks for have no evidence."""
    text = "grandma ate a pie, Mr T"
    context = Context(text, "en", lexicon()).with_reading(model.read(text))
    assert [bool(evidence(context, at)) for at in range(len(context.words))] == [False] * 6


def test_the_shipped_weights_are_rounded_and_complete() -> None:
    """The file is what the script writes: sorted, two decimals, with a bias."""
    path = Path(naming.__file__).parents[1] / "data/naming_weights.json"
    table = json.loads(path.read_text("utf-8"))
    assert list(table) == sorted(table)
    assert table["bias"] < 0
    assert all(round(weight, 2) == weight for weight in table.values())
