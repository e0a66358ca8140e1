"""Telephone numbers of many countries, in digits and in words."""

from __future__ import annotations

import pytest

from tests.privacy.finding import found, found_as


@pytest.mark.parametrize(
    ("text", "language", "number"),
    [
        ("call +49 30 901820", "en", "+49 30 901820"),
        ("+1 (555) 010-0199!", "en", "+1 (555) 010-0199"),
        ("tel:+31612345678", "nl", "+31612345678"),
        ("+81 3-1234-5678", "en", "+81 3-1234-5678"),
        ("0049 151 23456789", "de", "0049 151 23456789"),
        ("+49 (0)151 23456789", "de", "+49 (0)151 23456789"),
        ("(212) 555-2368", "en", "(212) 555-2368"),
        ("(212 555-2368)", "en", "212 555-2368"),
        ("202-555-0143", "en", "202-555-0143"),
        ("text me at 555-0142", "en", "555-0142"),
        ("07700 900123", "en", "07700 900123"),
        ("0151/23456789", "de", "0151/23456789"),
        ("030 - 901820 abends", "de", "030 - 901820"),
        ("06 12 34 56 78", "fr", "06 12 34 56 78"),
        ("01.84.17.61.18", "fr", "01.84.17.61.18"),
        ("612 34 56 78", "es", "612 34 56 78"),
        ("347 123 4567", "it", "347 123 4567"),
        ("(11) 98765-4321", "pt", "(11) 98765-4321"),
        ("912 345 678", "pt", "912 345 678"),
        ("06-12345678", "nl", "06-12345678"),
        ("mijn nummer is 0612345678", "nl", "0612345678"),
        ("Phone: 72 128 827", "en", "72 128 827"),
        ("my number is 800 555 0199", "en", "800 555 0199"),
    ],
)
def test_numbers(text: str, language: str, number: str) -> None:
    """Numbers with a country code are found anywhere, national ones in their language's countries."""
    assert found_as("PHONE_NUMBER", text, language) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "five five five, oh one nine nine",
        "null eins fünf eins, zwei drei vier fünf neun acht",
        "zéro six douze trente-quatre cinquante-six un deux neuf",
        "seis uno dos nueve cuatro cinco ocho tres",
    ],
)
def test_numbers_in_words(text: str) -> None:
    """Seven digits in words or more are a number to dial."""
    assert len(found_as("PHONE_NUMBER", text)) == 1


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "pt", "nl", "und"])
@pytest.mark.parametrize(
    "text",
    [
        "2024-11-05 12:34, 05.11.2024, 11/05/2024, 1939-1945, (1835-1910)",
        "1 000 000 people, 1.234.567 euros, 12,345,678",
        "won 21-19 21-18, 6-4 6-3 7-5",
        "order 2025550143, ISBN 978-3-16-148410-0, ticket no. 0612345678",
        "192.168.178.1 and 1.2.3.4.5.6.7",
        "one two three four five six seven eight, ten, nine, eight, seven, six, five, four, three",
        "112, 911, 110, 0800 1110111",
        "no no no no no no no no",
        "step 1 2 3 4 5 6 7 8 9 10",
        "between 10.00-11.30 or 14.15-15.45",
    ],
)
def test_what_nobody_answers(text: str, language: str) -> None:
    """Dates, amounts, scores, orders, addresses, counting and free numbers are left alone."""
    assert found(text, language) == []
