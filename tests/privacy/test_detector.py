"""The detector: everything together, on the real model."""

from __future__ import annotations

import pickle
import socket
import subprocess
import sys
import traceback
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from presidio_analyzer import LocalRecognizer

from fedi_dataset.errors import PrivacyError
from fedi_dataset.privacy.detector import Detector, load_detector
from fedi_dataset.privacy.placeholders import Placeholders, resolve
from fedi_dataset.privacy.spans import ENTITIES, Span

TEXTS = (
    "My name is Alice Miller, call +49 30 901820.",
    "ok",
    "Soy Lucía Fernández y vivo en la calle Mayor 12, 28013 Madrid.",
    "nothing personal in here, only tea and biscuits " * 12,
    "@alice@mastodon.example wrote to bob@mail.example 😀",
    "Ik ben Pieter de Vries uit Utrecht, en dit is een lange zin zonder meer.",
)


class Raising(LocalRecognizer):  # type: ignore[misc]  # Presidio is untyped
    """Raises with the text in its message, as libraries do."""

    def __init__(self) -> None:
        super().__init__(supported_entities=["PERSON"])

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Any]:
        """Fail."""
        raise ValueError(f"cannot read {text}")


def scrubbed(detector: Detector, text: str) -> str:
    """The text with what was detected replaced."""
    return Placeholders().render(text, resolve(text, detector.detect(text, "und"), [], []))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@alice@mastodon.example hi", "[HANDLE_1] hi"),
        ("bob.bsky.social hi", "[HANDLE_1] hi"),
        ("I am Alice Miller.", "I am [PERSON_1]."),
        ("I am Alice Miller🎉!", "I am [PERSON_1]🎉!"),
        ("mail ａｌｉｃｅ＠ｍａｉｌ．ｅｘａｍｐｌｅ now", "mail [EMAIL_ADDRESS_1] now"),
        ("call me at +49 30 901820, ok?", "call me at [PHONE_NUMBER_1], ok?"),
        ("read https://news.example/a today", "read https://news.example/a today"),
    ],
)
def test_scrubbing(detector: Detector, text: str, expected: str) -> None:
    """Handles with their @, names, disguised letters and numbers go; links to articles stay."""
    assert scrubbed(detector, text) == expected


@pytest.fixture(scope="module")
def alone(detector: Detector) -> dict[str, tuple[Span, ...]]:
    """What is found in each text the first time it is read."""
    return {text: detector.detect(text, "und") for text in TEXTS}


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(TEXTS))
def test_detections_do_not_depend_on_what_else_is_read(
    detector: Detector, alone: dict[str, tuple[Span, ...]], order: list[str]
) -> None:
    """A text gives the same spans and scores, bit for bit, in any order and company."""
    assert {text: detector.detect(text, "und") for text in order} == alone


def test_another_worker_finds_the_same(alone: dict[str, tuple[Span, ...]]) -> None:
    """A detector loaded anew, as each worker does, gives the same spans and scores."""
    other = load_detector()
    assert {text: other.detect(text, "und") for text in TEXTS} == alone


@settings(max_examples=25, deadline=None)
@given(st.text(st.sampled_from("aB é\u0301😀𝒜א٣ .@:/#\n\ud800\u200b田"), max_size=60))
def test_spans_lie_in_the_text(detector: Detector, text: str) -> None:
    """Spans are sorted, inside the text, not empty, and of the stated types."""
    assume(detector.covers(text, "und"))
    spans = detector.detect(text, "und")
    assert list(spans) == sorted(set(spans))
    assert all(0 <= s.begin < s.end <= len(text) and s.entity in ENTITIES for s in spans)


@settings(max_examples=25, deadline=None)
@given(
    st.text(st.sampled_from("a é\u0301😀𝒜א \n\u202e"), max_size=30).map(lambda s: s + " "),
    st.sampled_from(["@alice@mastodon.example", "bob@mail.example", "https://x.com/alice"]),
)
def test_offsets_hold_behind_any_script(detector: Detector, before: str, value: str) -> None:
    """Astral, combining, right-to-left and emoji characters before it do not shift a finding."""
    text = f"{before}{value} ok"
    assume(detector.covers(text, "und"))
    spans = detector.detect(text, "und")
    assert any(text[s.begin : s.end] == value for s in spans)


@pytest.mark.parametrize(
    ("text", "language", "covered"),
    [
        ("hello", "en", True),
        ("olá", "pt-BR", True),
        ("hello", "und", True),
        ("¯\\_(ツ)_/¯ 12 µm 𝓗𝓮𝓵𝓵𝓸 ﬁ 1ª", "und", True),
        ("123 😀", "und", True),
        ("dzień dobry", "pl", False),
        ("привет", "ru", False),
        ("привет", "und", False),
        ("my friend Иван", "en", False),
        ("こんにちは", "und", False),
    ],
)
def test_covers(detector: Detector, text: str, language: str, covered: bool) -> None:
    """Seven languages, und in Latin script; not a word of another script passes unseen."""
    assert detector.covers(text, language) is covered


def test_what_is_not_covered_is_not_detected(detector: Detector) -> None:
    """Detecting in a language that nothing covers, or in a text too long, refuses."""
    with pytest.raises(PrivacyError, match="no loaded detector covers"):
        detector.detect("dzień dobry", "pl")
    with pytest.raises(PrivacyError, match="too long"):
        detector.detect("a" * 100_001, "en")


def test_errors_hold_no_text(detector: Detector) -> None:
    """Whatever a recognizer raises, no word of the text is in the error, its cause or traceback."""
    broken = Detector([Raising()])
    word = "xylo" + "phone"  # in two, because a traceback shows the lines of this test
    with pytest.raises(PrivacyError) as caught:
        broken.detect(word, "en")
    error = caught.value
    shown = [str(error), repr(error), *traceback.format_exception(error)]
    assert word not in "".join(shown)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert word.encode() not in pickle.dumps(error)
    assert "ValueError" in str(error)


def test_detecting_asks_no_network(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket is opened, not even for the public suffix list."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert detector.detect("alice@mail.example at https://x.com/alice", "en")


def test_version_names_what_decides(detector: Detector) -> None:
    """Loading again gives the same version; other recognizers give another."""
    assert load_detector().version == detector.version
    assert Detector([Raising()]).version != detector.version
    assert len(detector.version) == 64


def test_describe_names_the_model_and_its_makers(detector: Detector) -> None:
    """The card gets the attribution that the model's license asks for."""
    described = detector.describe()
    assert described["attribution"] == "Rampart by National Design Studio, CC BY 4.0"
    assert described["entities"] == ENTITIES
    assert described["version"] == detector.version


def test_importing_is_light() -> None:
    """The module loads neither Presidio nor onnxruntime."""
    code = (
        "import sys, fedi_dataset.privacy.detector, fedi_dataset.privacy.placeholders\n"
        "print(sorted({'presidio_analyzer', 'onnxruntime', 'numpy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
