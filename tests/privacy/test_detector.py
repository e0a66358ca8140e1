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
from presidio_analyzer import EntityRecognizer, LocalRecognizer

from fedi_dataset.config import BuildConfig
from fedi_dataset.errors import PrivacyError, UsageError
from fedi_dataset.privacy.detector import DEFAULT, Detector, Policy, load_detector
from fedi_dataset.privacy.models import Model
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


class Reader(Model):
    """Takes every word "Zorro" for a person and every "Gotham" for a place, in Polish."""

    packages = ()
    languages = frozenset({"pl"})

    def __init__(self) -> None:
        super().__init__(supported_entities=["PERSON", "PLACE"], name="reader")

    def load(self) -> None:
        """Nothing to load."""

    def find(self, text: str, language: str) -> list[Span]:
        """Look for the two words."""
        words = (("Gotham", "PLACE"), ("Zorro", "PERSON"))
        found = [(text.find(word), word, entity) for word, entity in words]
        return [Span(at, at + len(word), entity, 0.9) for at, word, entity in found if at >= 0]

    def digest(self) -> str:
        """Give any."""
        return "1"

    def title(self) -> str:
        """Give any."""
        return "A reader for tests"


def raising(language: str) -> tuple[EntityRecognizer, ...]:
    """Patterns that fail, whatever the language."""
    return (Raising(),)


def none(language: str) -> tuple[EntityRecognizer, ...]:
    """No patterns."""
    return ()


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
    broken = Detector([Reader()], raising, DEFAULT)
    word = "xylo" + "phone"  # in two, because a traceback shows the lines of this test
    with pytest.raises(PrivacyError) as caught:
        broken.detect(word, "pl")
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
    assert Detector([Reader()], none, DEFAULT).version != detector.version
    kept = Policy(keep_names=("Alice Miller",))
    assert Detector([Reader()], none, kept).version != Detector([Reader()], none, DEFAULT).version
    assert len(detector.version) == 64


def test_describe_names_the_model_and_its_makers(detector: Detector) -> None:
    """The card gets the attribution that the model's license asks for."""
    described = detector.describe()
    assert "Rampart by National Design Studio" in described["attribution"]
    assert "CC BY 4.0" in described["attribution"]
    topics = {"PLACE", "ORGANIZATION"}
    assert described["entities"].keys() == ENTITIES.keys() - topics
    assert described["version"] == detector.version


def test_topics_are_masked_only_if_asked_for() -> None:
    """A place stays unless the policy asks for places; what no model finds cannot be asked for."""
    text = "Zorro w Gotham"
    person, place = Span(0, 5, "PERSON", 0.9), Span(8, 14, "PLACE", 0.9)
    assert Detector([Reader()], none, DEFAULT).detect(text, "pl") == (person,)
    asked = Detector([Reader()], none, Policy(also_mask=("places",)))
    assert asked.detect(text, "pl") == (person, place)
    with pytest.raises(UsageError, match="also_mask names organizations, which reader does not"):
        Detector([Reader()], none, Policy(also_mask=("organizations",)))


def test_kept_names_stay() -> None:
    """A name that the policy keeps is not masked, however it is written; others are."""
    keeping = Detector([Reader()], none, Policy(keep_names=("zórro",)))
    assert keeping.detect("Zorro w Gotham", "pl") == ()


@pytest.mark.parametrize(
    ("policy", "language", "covered"),
    [
        (DEFAULT, "pl", True),
        (DEFAULT, "en", False),
        (DEFAULT, "und", False),
        (Policy(patterns_only=("en",)), "en-GB", True),
        (Policy(patterns_only=("und",)), "und", True),
    ],
)
def test_a_language_is_covered_by_a_model_or_by_the_policy(
    policy: Policy, language: str, covered: bool
) -> None:
    """What no model reads is refused unless the policy leaves the language to the patterns."""
    detector = Detector([Reader()], none, policy)
    assert detector.covers("Zorro", language) is covered
    if covered:
        assert bool(detector.detect("Zorro", language)) is (language == "pl")


def test_the_config_makes_the_policy() -> None:
    """Each field of the config reaches the policy, and through it the detector's version."""
    config = BuildConfig(
        also_mask=("places",),
        keep_names=("Alice Miller",),
        patterns_only_languages=("pl", "und"),
        detector_languages=("sv",),
    )
    assert config.policy == Policy(("places",), ("Alice Miller",), ("pl", "und"), ("sv",))
    with pytest.raises(UsageError, match="'xx' is not a language"):
        BuildConfig(patterns_only_languages=("xx",))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("transformers:no/such", "say which languages it reads, by detector_languages"),
        ("gliner:no/such", "say which languages it reads, by detector_languages"),
        ("nothing:such", "neither 'rampart' nor a folder"),
    ],
)
def test_detectors_that_cannot_be_had_are_refused(name: str, says: str) -> None:
    """The error says what is missing."""
    with pytest.raises(UsageError, match=says):
        load_detector(name)


def test_importing_is_light() -> None:
    """The module loads neither Presidio nor onnxruntime."""
    code = (
        "import sys, fedi_dataset.privacy.detector, fedi_dataset.privacy.placeholders\n"
        "print(sorted({'presidio_analyzer', 'onnxruntime', 'numpy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
