"""Official numbers of people, country by country: identity, tax, social security, health, driving.

These count by themselves, because their form is rare and their check is right: a DNI with its
letter, a codice fiscale, a CPF with its dots. Check digits are Presidio's where it has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from presidio_analyzer import EntityRecognizer
from presidio_analyzer import predefined_recognizers as presidio

from fedi_dataset.privacy.patterns.checksums import (
    compact,
    cpf,
    digits_of,
    is_date,
    luhn,
    nir,
    rut,
    verhoeff,
)
from fedi_dataset.privacy.patterns.rules import Rule, RuleRecognizer, gate

__all__ = ["id_recognizers"]

_ENTITY: Final = "GOVERNMENT_ID"

Check = Callable[[re.Match[str]], bool]


def _alone(name: str, pattern: str, check: Check | None = None, flags: int = 0) -> Rule:
    return Rule(name, _ENTITY, re.compile(pattern, flags), check=check)


_ES_NIF = presidio.EsNifRecognizer()
_ES_NIE = presidio.EsNieRecognizer()
_US_SSN = presidio.UsSsnRecognizer()
_FI_HETU = presidio.FiPersonalIdentityCodeRecognizer()


def _is_ssn(match: re.Match[str]) -> bool:
    return not _US_SSN.invalidate_result(match.group())


def _is_personnummer(match: re.Match[str]) -> bool:
    digits = digits_of(match.group())[-10:]
    month, day = digits[2] * 10 + digits[3], digits[4] * 10 + digits[5]
    # a number for coordination, without residence, has the day and sixty
    return luhn(digits) and is_date(2000, month, day - 60 if day > 60 else day)


def _is_rijksregister(match: re.Match[str]) -> bool:
    digits = compact(match.group())
    body, check = digits[:9], int(digits[9:])
    return check in (97 - int(body) % 97, 97 - int("2" + body) % 97)


def _is_ahv(match: re.Match[str]) -> bool:
    digits = digits_of(match.group())
    return sum(d * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10 == 0


def _is_curp(match: re.Match[str]) -> bool:
    code = match.group()
    return is_date(2000, int(code[6:8]), int(code[8:10]))


# Rare forms, with their check where there is one.
_ALONE: Final = (
    # United States: social security, with hyphens
    _alone("US SSN", r"(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-]|\.\d)", _is_ssn),
    # Spain: DNI and NIE with their letter
    _alone(
        "ES DNI",
        r"(?<![\w.-])\d{8}[ -]?[A-HJ-NP-TV-Z](?![\w-])",
        lambda match: bool(_ES_NIF.validate_result(compact(match.group()))),
    ),
    _alone(
        "ES DNI with dots",
        r"(?<![\w.-])\d{2}\.\d{3}\.\d{3}[ -]?[A-HJ-NP-TV-Z](?![\w-])",
        lambda match: bool(_ES_NIF.validate_result(compact(match.group()))),
    ),
    _alone(
        "ES NIE",
        r"(?<![\w.-])[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z](?![\w-])",
        lambda match: bool(_ES_NIE.validate_result(compact(match.group()))),
    ),
    # Italy: codice fiscale
    _alone(
        "IT codice fiscale",
        r"(?<!\w)[A-Z]{6}\s?\d{2}\s?[A-EHLMPRST]\d{2}\s?[A-Z]\d{3}\s?[A-Z](?!\w)",
        None,
        re.IGNORECASE,
    ),
    # France: NIR, in groups or not
    _alone(
        "FR NIR",
        r"(?<![\w.-])[12][ .]?\d{2}[ .]?(?:0[1-9]|1[0-2]|[2-9]\d)[ .]?(?:\d{2}|2[AB])[ .]?\d{3}"
        r"[ .]?\d{3}[ .]?\d{2}(?![\w-])",
        lambda match: nir(compact(match.group())),
    ),
    # Finland: with the sign of the century
    _alone(
        "FI HETU",
        r"(?<![\w-])\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y](?![\w-])",
        lambda match: bool(_FI_HETU.validate_result(match.group())),
    ),
    # Sweden: with the hyphen
    _alone("SE personnummer", r"(?<![\w.-])(?:\d{2})?\d{6}[-+]\d{4}(?![\w-])", _is_personnummer),
    # Brazil: CPF with dots
    _alone(
        "BR CPF",
        r"(?<![\w.-])\d{3}\.\d{3}\.\d{3}-\d{2}(?![\w-])",
        lambda match: cpf(digits_of(match.group())),
    ),
    # Chile: RUT with dots
    _alone(
        "CL RUT",
        r"(?<![\w.-])\d{1,2}\.\d{3}\.\d{3}-[\dkK](?![\w-])",
        lambda match: rut(compact(match.group())),
    ),
    # Switzerland: AHV, which begins with the country
    _alone("CH AHV", r"(?<![\w.-])756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}(?![\w-])", _is_ahv),
    # Belgium: with dots and hyphen
    _alone("BE NRN", r"(?<![\w.-])\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}(?![\w-])", _is_rijksregister),
    # United Kingdom: national insurance, in capitals
    _alone(
        "UK NINO",
        r"(?<![\w-])(?!BG|GB|NK|KN|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![\w-])",
    ),
    _alone(
        "UK driving licence",
        r"(?<!\w)[A-Z9]{5}\d(?:0[1-9]|1[0-2]|5[1-9]|6[0-2])(?:0[1-9]|[12]\d|3[01])\d[A-Z9]{2}[A-Z0-9][A-Z]{2}(?!\w)",
    ),
    # India: PAN of a person, Aadhaar in groups
    _alone("IN PAN", r"(?<!\w)[A-Z]{3}P[A-Z]\d{4}[A-Z](?!\w)"),
    _alone(
        "IN Aadhaar",
        r"(?<![\w.-])[2-9]\d{3} \d{4} \d{4}(?![\w-]| \d)",
        lambda match: verhoeff(digits_of(match.group())),
    ),
    # Mexico: CURP
    _alone(
        "MX CURP",
        r"(?<!\w)[A-Z][AEIOUX][A-Z]{2}\d{6}[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[A-Z\d]\d(?!\w)",
        _is_curp,
    ),
    # South Korea: with the hyphen, the month and day in it
    _alone(
        "KR RRN", r"(?<![\w-])\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-[1-8]\d{6}(?![\w-])"
    ),
    # China: 18 characters that hold the date of birth
    _alone(
        "CN resident id",
        r"(?<!\w)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX](?!\w)",
        lambda match: (
            sum(
                int(char) * (2 ** (17 - index) % 11)
                for index, char in enumerate(match.group()[:17])
            )
            % 11
            == (1 - (10 if match.group()[17] == "X" else int(match.group()[17]))) % 11
        ),
    ),
)


def id_recognizers() -> list[EntityRecognizer]:
    """Give the recognizer of official numbers that count by themselves."""
    digits = gate(r"\d[\d. -]{0,3}\d[\d. -]{0,3}\d\d?[A-Z\d .-]")
    return [RuleRecognizer("Official numbers", digits, _ALONE)]
