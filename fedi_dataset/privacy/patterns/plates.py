"""Number plates, country by country, near the words that make them one.

The forms are those of every part number; so a plate counts beside a word for plates, or, if its
form is that of a country, beside a word for vehicles.
"""

from __future__ import annotations

import re
from typing import Final

from presidio_analyzer import EntityRecognizer

from fedi_dataset.privacy.patterns.labelled import LabelledRecognizer
from fedi_dataset.privacy.patterns.rules import (
    BEFORE,
    Rule,
    RuleRecognizer,
    both,
    gate,
    mentions,
    terms_of,
    words,
)

__all__ = ["plate_recognizers"]

_VEHICLE_WORDS: Final = words("plate", "vehicle", "sighting")

# National forms, in capitals as they stand on the plate.
_NATIONAL: Final = (
    # Germany: district, letters, digits
    r"(?!VW|BMW|KIA|AMG|SUV|LKW|PKW|KFZ)[A-ZÄÖÜ]{1,3}(?:-[A-Z]{1,2}[ -]?\d|[ -][A-Z]{1,2}[ -]?\d\d)\d{0,3}[EH]?",
    r"[A-Z]{1,2}[ -]\d{1,5}[ -]?[A-Z]{1,2}",  # Austria
    r"[A-Z]{2}[ -]?\d{3}[ -]?[A-Z]{2}",  # France, Italy
    r"\d{1,4}[ -][A-Z]{2,3}[ -](?:\d{2}|2[AB])",  # France until 2009
    r"[A-Z]{2}\d{2} ?[A-Z]{3}",  # United Kingdom
    r"\d{4}[ -]?[B-DF-HJ-NP-TV-Z]{3}",  # Spain
    r"[A-Z]{1,2}[ -]\d{4}[ -][A-Z]{2}",  # Spain until 2000
    r"(?:[A-Z]{2}|\d{2})-(?:[A-Z]{2}|\d{2})-(?:[A-Z]{2}|\d{2})",  # Portugal, Netherlands
    r"[A-Z]{1,2}-\d{2,3}-[A-Z]{1,2}|\d-[A-Z]{2,3}-\d{2,3}|[A-Z]{2}-\d{3}-[A-Z]|\d{2}-[A-Z]{3}-\d",  # Netherlands
    r"\d-[A-Z]{3}-\d{3}",  # Belgium
    r"[A-Z]{3}[ -]?\d[A-Z0-9]\d{2}",  # Brazil, also Mercosur
    r"[A-Z]{2} ?\d{3} ?[A-Z]{2}",  # Argentina
    r"\d{2,3}-[A-Z]{1,2}-\d{1,6}",  # Ireland
    r"[A-Z]{2}[ -]?\d{2}[ -]?[A-Z]{1,2}[ -]?\d{4}",  # India
    r"[A-Z]{2} ?\d{1,6}",  # Switzerland
)


# Three letters and a number, in the Americas and the North: quantities, models and norms are written so, too
_LOOSE: Final = r"[A-Z]{3}[ -]\d{3,4}|\d{3}[ -][A-Z]{3}|\d[A-Z]{3}\d{3}|[A-Z]{3}\d{3,4}"
_UNITS: Final = re.compile(
    r"MPH|KMH|KPH|RPM|BHP|EUR|USD|GBP|CHF|BRL|KGS|LBS|CCM|FPS|DPI|MHZ|GHZ|ISO|DIN|LED|DDR|SSL|TLS|DAB|DVD|USB|GTI"
    r"|TDI|TSI|BMW|KIA|KTM|AMG|SUV|RTX|GTX|PHP|CSS|NAS"
)


def _has_both(match: re.Match[str]) -> bool:
    found = match.group()
    return any(map(str.isdigit, found)) and any(map(str.isalpha, found))


# "placa" is also a circuit board, in Spanish and Portuguese
_BOARD: Final = re.compile(
    r"placas?[ -](?:de v[ií]deo|de som|m[aã]e|madre|base|gr[aá]fica|solar)", re.IGNORECASE
)


def _is_board(match: re.Match[str]) -> bool:
    return _BOARD.search(match.string, max(0, match.start() - BEFORE), match.start()) is not None


def _is_district(match: re.Match[str]) -> bool:
    """Say whether the letters could be a district's: models and norms are called alike ("CD-R 80")."""
    return match.group().split("-")[0] not in _NO_DISTRICT


_NO_DISTRICT: Final = frozenset(
    {
        "CD",
        "DVD",
        "ISO",
        "DIN",
        "TV",
        "PC",
        "USB",
        "RTX",
        "GTX",
        "RX",
        "MX",
        "CPU",
        "GPU",
        "SSD",
        "UTF",
    }
)

_PLATES: Final = (
    Rule(
        "national plate",
        "LICENSE_PLATE",
        re.compile(rf"(?<![\w/-])(?:{'|'.join(_NATIONAL[:-1])})(?![\w/-])"),
        0.9,
        check=lambda match: (
            _has_both(match) and not _is_board(match) and _UNITS.search(match.group()) is None
        ),
        near=_VEHICLE_WORDS,
    ),
    Rule(
        "plate like a quantity",
        "LICENSE_PLATE",
        re.compile(rf"(?<![\w/-])(?:{_LOOSE})(?![\w/-])"),
        0.9,
        check=lambda match: not _is_board(match) and _UNITS.search(match.group()) is None,
        near=words("plate", "sighting"),
    ),
    # Germany's is like nothing else: two groups of letters with a hyphen, then a space and digits
    Rule(
        "German plate",
        "LICENSE_PLATE",
        re.compile(r"(?<![\w/-])[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} [1-9]\d{0,3}[EH]?(?![\w/-])"),
        0.85,
        check=_is_district,
    ),
    # The number of a chassis (ISO 3779)
    Rule(
        "vehicle identification number",
        "LICENSE_PLATE",
        re.compile(r"(?<!\w)[A-HJ-NPR-Z0-9]{11,13}\d{4,6}(?!\w)"),
        0.85,
        check=lambda match: len(match.group()) == 17 and _has_both(match),
        near=_VEHICLE_WORDS,
    ),
)


def plate_recognizers() -> list[EntityRecognizer]:
    """Give the recognizers of number plates."""
    return [
        RuleRecognizer(
            "Number plates",
            both(gate(r"\d"), mentions(terms_of("plate", "vehicle", "sighting"))),
            _PLATES,
        ),
        LabelledRecognizer("Labelled number plates", "LICENSE_PLATE", terms_of("plate"), 3),
    ]
