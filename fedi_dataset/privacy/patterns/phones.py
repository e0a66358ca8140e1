"""Telephone numbers of the whole world, by Google's libphonenumber.

A number with a + is read wherever it is from. A national number is read as one of the countries
where the post's language is spoken, if it is written as such numbers are (in groups, or with its
trunk zero) and is valid there. Beside a word of telephones anything counts that is long enough:
local numbers, invented ones.

Spared are numbers that reach no person: free, shared-cost and premium numbers, emergency numbers
(too short), and what only looks like a number to dial: dates, amounts, ISBNs, orders, versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import phonenumbers
from phonenumbers import PhoneNumberType
from presidio_analyzer import EntityRecognizer, LocalRecognizer
from presidio_analyzer import RecognizerResult as Result

from fedi_dataset.privacy.patterns.rules import gate, words

__all__ = ["REGIONS", "RegionalPhoneRecognizer", "phone_recognizers"]

REGIONS: Final[dict[str, tuple[str, ...]]] = {
    "en": ("US", "GB", "AU", "IE", "NZ", "ZA", "IN"),
    "de": ("DE", "AT", "CH"),
    "fr": ("FR", "BE", "CH", "US"),
    "es": ("ES", "MX", "AR", "CO", "CL", "PE"),
    "it": ("IT", "CH"),
    "pt": ("PT", "BR"),
    "nl": ("NL", "BE"),
    "und": ("US", "GB", "DE", "FR", "ES", "IT", "PT", "BR", "NL"),
}
"""Countries whose national numbers are read in posts of a language."""

# How national numbers are written where they have no trunk zero; elsewhere they begin with it.
_ANY_GROUPS: Final = re.compile(r"[\d ().-]+")
_FORMS: Final = {
    "US": re.compile(r"(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}"),
    "IN": re.compile(r"[6-9]\d{4}[ -]\d{5}|0\d{2,4}[ -]\d{6,8}"),
    **dict.fromkeys(["ES", "PT", "IT", "BR", "MX", "AR", "CO", "CL", "PE"], _ANY_GROUPS),
}
# 06 12 34 56 78: nobody writes anything else so, whether or not it was ever given out
_PAIRS: Final = re.compile(r"0\d(?:([ .-])\d\d)(?:\1\d\d){3}")

# 07700 900 123, 030 23125 678: likewise
_TRUNK: Final = re.compile(r"\(?0[1-9]\d{1,4}\)?(?:[ /-]| - | / )\d{3,8}(?:[ -]\d{2,6}){0,2}")

_CANDIDATE: Final = re.compile(
    r"(?<![\w#№$€£¥+@/-])(?<!\d[\s.,:=])(?:\+|00(?=[1-9]))?\s?\(?\d"
    r"(?:(?: ?[().\/-]{1,2} ?| )?\d){5,16}+(?![\w%€$£¥°@]|[.,:]\d)"
)
_NEAR: Final = words("phone")
_NOT_A_PHONE: Final = re.compile(
    r"\b(?:isbn|issn|ean|doi|rfc|cve|order|bestell\w*|commande|pedido|ordine|encomenda|bestelling|invoice"
    r"|rechnung\w*|facture|factura|fattura|fatura|factuur|ticket|tracking|sendung\w*|ref|reference"
    r"|referenz|version|build|issue|bug|pr|commit|serial|article|artikel\w*|item|sku|part|lot|model"
    r"|lot+o|loto|tirage|seed|id|port|no|nr|room|page|pages?|year|years|score|vol|volume)s?\b[\s.:#№-]{0,3}(?:no|nr|number|nummer|is)?[\s.:#№-]{0,3}$",
    re.IGNORECASE,
)
_DATE: Final = re.compile(
    r"\(?(?:(?:19|20)\d\d([./ -])\d{1,2}\1\d{1,2}|\d{1,2}([./ -])\d{1,2}\2(?:1\d|20)\d\d"
    r"|(?:1\d|20)\d\d\s?[-/]\s?(?:1\d|20)\d\d|\d{1,2}\.\d\d\s?-\s?\d{1,2}\.\d\d)(?!\d)"
)
_ADDRESS: Final = re.compile(r"[1-9]\d{0,2}(?:\.\d{1,3}){3}")
_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}(?:([ .])\d{3})(?:\1\d{3})*")
_UNIT: Final = re.compile(r"\s?(?:[A-Za-zµ€$£%²³°]|\+)")
_FREE: Final = frozenset(
    {
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
    }
)
_FREE_PREFIX: Final = re.compile(r"0[89]00(?!\d{3}\b)")
_MINE: Final = re.compile(
    r"\b(?:my|mein\w*|mon|ma|mi|mio|mia|meu|minha|mijn|me|mich|mir|moi)\b", re.IGNORECASE
)


class RegionalPhoneRecognizer(LocalRecognizer):  # type: ignore[misc]  # Presidio is untyped
    """Finds telephone numbers in posts of one language (its primary subtag, or ``und``)."""

    def __init__(self, language: str) -> None:
        self._regions = REGIONS.get(language, REGIONS["und"])
        self._pairs = "FR" in self._regions or "NL" in self._regions
        self._trunk = "GB" in self._regions or "DE" in self._regions
        self._gate = gate(r"\d(?:[ .()/-]{0,3}\d){5}")
        super().__init__(
            supported_entities=["PHONE_NUMBER"], supported_language=language, name="Phones"
        )

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: Any = None,  # noqa: ARG002  # Presidio passes it by name
    ) -> list[Result]:
        """Give a result for each number, surer if it says its country."""
        if "PHONE_NUMBER" not in entities or not self._gate(text):
            return []
        return list(self._finds(text))

    def _finds(self, text: str) -> Iterator[Result]:
        for match in _CANDIDATE.finditer(text):
            begin, end = match.span()
            written = match.group()
            stripped = written.lstrip()
            begin += len(written) - len(stripped)
            if stripped.count("(") > stripped.count(")"):
                begin, stripped = _unbracketed(begin, stripped)
            score = self._score(text, begin, end, stripped)
            if score:
                yield Result("PHONE_NUMBER", begin, end, score)

    def _score(self, text: str, begin: int, end: int, number: str) -> float:
        digits = sum(map(str.isdigit, number))
        if number.startswith(("+", "00")):
            if digits < 8:
                return 0.0
            if _is_international(number):
                return 0.95
            # the country's plan has changed, or a digit is wrong: its word says what it is
            called = number[0] == "+" and digits <= 15 and _NEAR.is_near(text, begin, end)
            return 0.85 if called and not _is_impersonal(number) else 0.0
        if (
            digits > 15
            or _DATE.match(number)
            or _ADDRESS.fullmatch(number)
            or _NOT_A_PHONE.search(text, max(0, begin - 30), begin)
        ):
            return 0.0
        if _NEAR.is_near(text, begin, end) and self._is_plausible(text, begin, number, digits):
            return 0.85
        return 0.75 if self._is_national(text, end, number, digits) else 0.0

    def _is_plausible(self, text: str, begin: int, number: str, digits: int) -> bool:
        """Beside a word of telephones: written as a number to dial, or long enough to be one."""
        if _THOUSANDS.fullmatch(number) and digits < 9 and text[begin - 3 : begin].find(":") < 0:
            return False
        single = number.isdigit() and number[0] != "0"
        if not (9 <= digits <= 12 if single else digits >= 7 and _is_grouped(number)):
            return False
        return _MINE.search(text, max(0, begin - 40), begin) is not None or not self._is_free(
            number
        )

    def _is_free(self, number: str) -> bool:
        return any(
            _is_written_in(number, region)
            and (parsed := _parsed(number, region)) is not None
            and phonenumbers.number_type(parsed) in _FREE
            for region in self._regions
        )

    def _is_national(self, text: str, end: int, number: str, digits: int) -> bool:
        if not 8 <= digits <= 12 or not _is_grouped(number) or _FREE_PREFIX.match(number):
            return False
        if _THOUSANDS.fullmatch(number) and _UNIT.match(text, end):
            return False
        return (
            any(_is_valid(number, region) for region in self._regions)
            or (self._pairs and _PAIRS.fullmatch(number) is not None)
            or (self._trunk and _TRUNK.fullmatch(number) is not None and digits >= 10)
        )


def _is_grouped(number: str) -> bool:
    """Say whether digits stand in groups as in a number to dial, or behind a trunk zero."""
    groups = re.findall(r"\d+", number)
    if len(groups) == 1:
        return number[0] == "0"
    single = sum(len(group) == 1 for group in groups)
    return single == 0 or (single == 1 and len(groups) > 2)


def _is_written_in(number: str, region: str) -> bool:
    form = _FORMS.get(region)
    return number.startswith(("0", "(0")) if form is None else form.fullmatch(number) is not None


def _is_valid(number: str, region: str) -> bool:
    if not _is_written_in(number, region):
        return False
    parsed = _parsed(number, region)
    return (
        parsed is not None
        and phonenumbers.is_valid_number_for_region(parsed, region)
        and phonenumbers.number_type(parsed) not in _FREE
    )


def _unbracketed(begin: int, number: str) -> tuple[int, str]:
    """Leave out a bracket that opens before the number and does not close in it."""
    return (begin + 1, number[1:]) if number[0] == "(" else (begin, number)


def _parsed(number: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(number.replace("(0)", ""), region)
    except phonenumbers.NumberParseException:
        return None


def _is_international(number: str) -> bool:
    plus = number if number[0] == "+" else "+" + number.lstrip("0")
    parsed = _parsed(plus, None)
    return (
        parsed is not None
        and phonenumbers.is_possible_number(parsed)
        and phonenumbers.number_type(parsed) not in _FREE
    )


def _is_impersonal(number: str) -> bool:
    parsed = _parsed(number, None)
    return parsed is not None and phonenumbers.number_type(parsed) in _FREE


def phone_recognizers(language: str) -> list[EntityRecognizer]:
    """Give the recognizer of telephone numbers for posts of a language."""
    return [RegionalPhoneRecognizer(language)]
