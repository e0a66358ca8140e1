"""Coordinates: places so exact that somebody's door is meant, in every way that people write them.

Four decimals of a degree are eleven meters. Pairs with fewer count beside a word of their kind
(``lat``, ``GPS``, ``Koordinaten``).
"""

from __future__ import annotations

import re
from typing import Final

from presidio_analyzer import EntityRecognizer

from fedi_dataset.privacy.patterns.rules import (
    Rule,
    RuleRecognizer,
    both,
    contains,
    gate,
    mentions,
    terms_of,
    words,
)

__all__ = ["place_recognizers"]

_GEO_WORDS = words("coordinates")
_POINT = r"[.,]"
_NUMBER = rf"[+-]?\d{{1,3}}{_POINT}\d{{2,15}}"
# O: Ost, ouest, oeste, ovest
_PAIR = re.compile(
    r"(?<![\w.,+-])(?P<ns0>[NS]\s?)?(?P<lat>[+-]?\d{1,2}[.,]\d{2,15})(?:\s?°)?(?P<ns>\s?[NS])?"
    r"(?P<gap>\s?[,;/|]\s?|\s{1,3})(?P<ew0>[EWO]\s?)?(?P<lon>[+-]?\d{1,3}[.,]\d{2,15})(?:\s?°)?"
    r"(?P<ew>\s?[EWO](?!\w))?(?![\w%€$£°]|[.,]\d)"
)
_MORE_BEFORE = re.compile(r"\d\s{0,2}[,;/|]?\s{0,2}[(\[]?$")
_MORE_BEHIND = re.compile(r"\s{0,2}[,;/|]\s{0,2}[+-]?\d")
_FAR: Final = 10.0
"""Degrees: two constants or measurements are rarely as large and as exact as this."""


def _is_pair(match: re.Match[str]) -> bool:
    text, (begin, end) = match.string, match.span()
    written = match["lat"], match["lon"]
    lat, lon = (float(number.replace(",", ".")) for number in written)
    if abs(lat) > 90 or abs(lon) > 180:
        return False
    if (match["ns"] or match["ns0"]) and (match["ew"] or match["ew0"]):
        return True
    decimals = min(len(re.split("[.,]", number)[1]) for number in written)
    if _GEO_WORDS.is_near(text, begin, end):
        return True
    if "," in match["lat"] and match["gap"].strip() in ("", ","):
        return False  # 12,345 67,891: thousands
    listed = _MORE_BEFORE.search(text, max(0, begin - 6), begin) or _MORE_BEHIND.match(text, end)
    apart = match["gap"].strip() or "-" in match["lat"] + match["lon"]
    exact = decimals >= (4 if apart else 5)
    return exact and max(abs(lat), abs(lon)) >= _FAR and not listed


_SEC = r"(?:[\"″”“]|'{2}|′′)"
_MIN = r"[ʹ'′’]"
_DECIMAL = r"\d{1,2}(?:[.,]\d{1,6})?"
_DMS_ONE = rf"\d{{1,3}}\s?[°º]\s?{_DECIMAL}\s?(?:{_MIN}\s?)?(?:{_DECIMAL}\s?{_SEC}?\s?)?"
_COORDINATES: Final = (
    Rule("pair of degrees", "GEO", _PAIR, check=_is_pair),
    # 52°31'12.0"N 13°24'18.0"E; N 52° 31.200 E 013° 24.300
    Rule(
        "degrees and minutes",
        "GEO",
        re.compile(
            rf"(?<!\w)(?:{_DMS_ONE}[NS][ ,;/]{{0,3}}{_DMS_ONE}[EWO](?!\w)"
            rf"|[NS]\s?{_DMS_ONE}[ ,;/]{{0,3}}[EWO]\s?{_DMS_ONE}(?![\w]))",
            re.IGNORECASE,
        ),
    ),
    # lat: 52.52, lon: 13.405
    Rule(
        "latitude and longitude by name",
        "GEO",
        re.compile(
            rf"(?<!\w)(?:lat|lat[ií]tud[e]?|latitudine|breite(?:ngrad)?|breedtegraad)[\"']?\s?[:=]?\s?"
            rf"{_NUMBER}\s?°?\s?[NS]?[ ,;/&\n]{{0,4}}[\"']?"
            rf"(?:lon|lng|long|longitud[e]?|longitudine|l[äa]nge(?:ngrad)?|lengtegraad)[\"']?\s?[:=]?\s?{_NUMBER}",
            re.IGNORECASE,
        ),
    ),
    Rule(
        "geo URI",
        "GEO",
        re.compile(
            r"(?<!\w)geo:[+-]?\d{1,2}(?:\.\d{1,15})?,[+-]?\d{1,3}(?:\.\d{1,15})?[\w;=,.?&()%+-]{0,200}",
            re.IGNORECASE,
        ),
    ),
)
_OLC = "23456789CFGHJMPQRVWX"
_CODES: Final = (
    # Open Location Code: full, or short with the place that it counts from
    Rule(
        "plus code",
        "GEO",
        re.compile(
            rf"(?<![\w+-])[2-9CFGHJMPQRV][2-9CFGHJMPQRVX](?:[{_OLC}]{{2}}){{1,3}}\+[{_OLC}]{{2,7}}(?![\w+])"
        ),
        check=lambda match: (
            any(map(str.isalpha, match.group())) and any(map(str.isdigit, match.group()))
        ),
    ),
    # Military grid, to 10 or 1 meters
    Rule(
        "military grid",
        "GEO",
        re.compile(
            r"(?<![\w-])\d{1,2}[C-HJ-NP-X]\s?[A-HJ-NP-Z]{2}\s?(?:\d{4}\s?\d{4}|\d{5}\s?\d{5})(?!\w)"
        ),
    ),
)
_WORDS3: Final = (
    Rule(
        "what3words",
        "GEO",
        re.compile(r"(?<![\w/:])/{3}[^\W\d_]{2,25}(?:[.。][^\W\d_]{2,25}){2}(?![\w])"),
    ),
    Rule(
        "what3words by name",
        "GEO",
        re.compile(
            r"(?<!\w)(?:what3words|w3w)(?:\s(?:is|ist|est|es|è|é))?[\s:=]{1,3}"
            r"(?P<it>[^\W\d_]{2,25}(?:\.[^\W\d_]{2,25}){2})(?!\w)",
            re.IGNORECASE,
        ),
    ),
)
_LOCATORS: Final = (
    Rule(
        "Maidenhead locator",
        "GEO",
        re.compile(r"(?<!\w)[A-R]{2}\d{2}[A-X]{2}(?:\d{2})?(?!\w)", re.IGNORECASE),
        near=words("locator"),
    ),
    Rule(
        "geohash",
        "GEO",
        re.compile(
            r"(?<!\w)geohash(?:\sis)?[\s:=]{1,3}(?P<it>[0-9b-hjkmnp-z]{7,12})(?!\w)", re.IGNORECASE
        ),
    ),
)

_SHORTENERS = r"maps\.app\.goo\.gl|goo\.gl/maps|w3w\.co|what3words\.com|osm\.org/go|plus\.codes"
_DEGREES = r"[+-]?\d{1,3}\.\d{3,15}"
_MAPS: Final = (
    # A link to a point on a map, whatever the service
    Rule(
        "link to a place on a map",
        "GEO",
        re.compile(
            rf"https?://[^\s<>\"]{{0,300}}?(?:[@=/!]|%40|3d|q=|ll=|loc:)"
            rf"{_DEGREES}(?:,|%2C|/|!4d|&[a-z]{{1,6}}=){_DEGREES}[^\s<>\"]{{0,300}}",
            re.IGNORECASE,
        ),
        check=lambda match: match.group().count("://") == 1,
    ),
    Rule(
        "short link to a place",
        "GEO",
        re.compile(
            rf"(?:https?://)?(?<![\w.-])(?:{_SHORTENERS})"
            r"/[^\s<>\"),;]{4,200}",
            re.IGNORECASE,
        ),
    ),
)


def place_recognizers() -> list[EntityRecognizer]:
    """Give the recognizers of coordinates and of codes for places."""
    return [
        RuleRecognizer("Coordinates", gate(r"\d[.,]\d{2}|[°º]|geo:"), _COORDINATES),
        RuleRecognizer("Codes of places", gate(r"\+\w\w|\d{4} ?\d{4}"), _CODES),
        RuleRecognizer("Words of places", gate("///|what3words|w3w"), _WORDS3),
        RuleRecognizer("Locators", mentions([*terms_of("locator"), "geohash"]), _LOCATORS),
        RuleRecognizer(
            "Links to places", both(contains("/"), gate(rf"\.\d{{3}}|{_SHORTENERS}")), _MAPS
        ),
    ]
