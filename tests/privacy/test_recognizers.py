"""All pattern recognizers together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.privacy.patterns.phones import REGIONS
from fedi_dataset.privacy.recognizers import recognizers
from fedi_dataset.privacy.spans import ENTITIES
from tests.privacy.finding import found

_PIECES = st.sampled_from(
    [
        "@ada", "@a@b.example", "ada@mail.example", "+49 30 901820", "4111 1111 1111 1111",
        "https://x.com/ada", "é", "\u200b", "😀", "call 555-0142", "IBAN", "DE89370400440532013000",
        ". ", " ", ", ", "\n", "#", "passport", "C01X00T47", "is", "a\u0301", "ａ＠",
    ]
)  # fmt: skip


def test_every_entity_is_a_stated_one() -> None:
    """What the recognizers give is in the closed list of entities."""
    for language in REGIONS:
        for recognizer in recognizers(language):
            assert set(recognizer.supported_entities) <= ENTITIES.keys()


def test_languages_without_countries_of_their_own_read_all() -> None:
    """A language tag counts by its primary subtag; unknown ones are read like none."""
    assert recognizers("de-AT") is recognizers("de")
    assert recognizers("DE") is recognizers("de")
    assert recognizers("ja") is recognizers()
    assert found("0151 23456789", "xx") == found("0151 23456789", "und")


@settings(max_examples=60, deadline=None)
@given(st.lists(_PIECES, max_size=12).map("".join), st.lists(_PIECES, max_size=6).map("".join))
def test_what_is_found_depends_on_the_text_alone(text: str, other: str) -> None:
    """The same text gives the same, whatever was read before it."""
    first = found(text)
    found(other)
    assert found(text) == first
    assert all(stretch in text for _, stretch in first)


def test_only_entities_that_are_asked_for_are_given() -> None:
    """As Presidio asks of its recognizers."""
    (patterns,) = recognizers()
    results = patterns.analyze("@ada, +49 30 901820, ada@mail.example", ["PHONE_NUMBER"])
    assert {result.entity_type for result in results} == {"PHONE_NUMBER"}


def test_an_error_in_a_pattern_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recognizer that raises ends the analysis, so that the turn is refused."""
    (patterns,) = recognizers()

    def broken(*_: object) -> list[object]:
        raise RuntimeError("broken")

    monkeypatch.setattr(patterns.recognizers[3], "analyze", broken)
    with pytest.raises(RuntimeError, match="broken"):
        patterns.analyze("anything", patterns.supported_entities)
