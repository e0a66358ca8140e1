"""Postal addresses: parts that the model or the form of a line gives away, completed to whole blocks.

The model finds "Gordon Terrace" and misses "Suite 828" in the line below it. So everything that can
be part of an address is collected: what the model says, and forms that are written alike everywhere
(streets with numbers, units, boxes, postal codes). Parts that stand together make a block; a block
with a street, a unit, a box or two other kinds of parts is an address from its first to its last
part. A city alone is a topic, not an address; a street without a number is a place unless the model
is sure of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from fedi_dataset.privacy.context import Context
from fedi_dataset.privacy.names import fold
from fedi_dataset.privacy.reading import COLUMNS, Reading
from fedi_dataset.privacy.spans import Span

__all__ = ["addresses", "may_be_address"]

_PART: Final = 0.3
"""Probability from which the model's word may be part of an address, if others stand beside it."""
_SURE: Final = 0.6
"""Probability from which a street, a unit or a postal code needs nobody beside it."""
_CODE_ALONE: Final = 0.8
_ZIP: Final = COLUMNS.index("zip")

_UP: Final = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĴĶĹĻĽĿŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽ"
_SMALL: Final = "d[eiou]s?|del|della|dell'|dei|du|la|las|los|le|les|van|von|den|der|het|da|das|do"
_NAME: Final = rf"(?:[{_UP}][\w'’.\-]{{0,40}}+|{_SMALL})"
_NUMBER: Final = r"(?:n[.º°o]{1,2}\s?)?\d{1,5}(?:[\-/]\d{1,4})?\s?(?:[a-hA-H]\b|bis\b|ter\b)?(?:[/\-][a-z]{1,3}\b)?"

_WORD: Final = rf"[{_UP}][\w\-]{{0,40}}"
_ROMANCE: Final = (
    "calle|c/|avenida|avda\\.?|av\\.?|paseo|pso\\.?|plaza|pza\\.?|camino|carretera|ctra\\.?|ronda|traves[ií]a"
    "|urbanizaci[óo]n|via|viale|v\\.le|corso|c\\.so|piazza|p\\.zza|piazzale|vicolo|largo|strada|rua|r\\.|travessa"
    "|tv\\.|pra[çc]a|alameda|al\\.|estrada|beco|rue|avenue|boulevard|bd\\.?|blvd\\.?|place|impasse|chemin|all[ée]e"
    "|quai|route|cours|passage|chem\\.|imp\\."
)
_STREETS: Final = (
    # 14 Larkspur Ave, 88 W. Larkspur Blvd, 1650 Old Quarry Road
    rf"\b\d{{1,5}}[a-z]?\s(?:[NSEW]{{1,2}}\.?\s)?(?:[{_UP}0-9][\w'’\-]{{0,40}}+\.?\s){{1,4}}"
    r"(?:Street|St|Avenue|Ave|Av|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Terrace|Ter|Close|"
    r"Crescent|Cres|Gardens|Gdns|Grove|Square|Sq|Way|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Trail|Trl|"
    r"Mews|Row|Walk|Wharf|Alley|Plaza|Loop|Quay|Hill|Heights|Green|Park|View|Place|Pl)\b\.?",
    # Lindenstr. 17, Am Hang 3b, Berliner Allee 45
    rf"\b(?:{_WORD}(?:stra(?:ß|ss)e|str\.|str|weg|gasse|platz|allee|damm|ufer|ring|chaussee|steig|pfad|graben|markt"
    r"|hof)|(?:Am|Im|(?:An|Auf|Hinter|Vor|Bei) de[rmn]|Zum|Zur|Unter den|Alte[rnm]?|Neue[rnm]?|Große[rn]?|Kleine[rn]?"
    rf"|Obere|Untere)\s{_WORD}|{_WORD}er\s(?:Stra(?:ß|ss)e|Str\.|Weg|Platz|Allee|Damm|Ring|Chaussee|Markt))"
    r"\s\d{1,4}\s?[a-z]?\b",
    # Kerkstraat 12, Laan van Meerdervoort 300, Looiersgracht 27-hs
    rf"\b(?:{_WORD}(?:straat|laan|weg|gracht|kade|plein|dijk|singel|steeg|hof|pad|dreef|markt)"
    rf"|(?:Laan|Plein|Weg|Burg|Prins|Koningin)\s(?:van|der|den|de)?\s?{_WORD})\s\d{{1,4}}"
    r"(?:[\-\s]?(?:[a-z]{1,3}|bis|I{1,3}))?\b",
    # Calle Mayor 23, C/ de los Olmos, 17, via Garibaldi 18, Rua das Flores, 123
    rf"(?i:\b(?:{_ROMANCE}))\s?(?:{_NAME}\s?){{1,6}},?\s{_NUMBER}",
    # 12 bis, rue des Lilas
    rf"\b{_NUMBER},?\s(?i:rue|avenue|av\.|boulevard|bd|place|impasse|imp\.|chemin|chem\.|all[ée]e|quai|route|cours|passage)\s"
    rf"(?:{_NAME}[\s\-]?){{1,6}}",
    # Király u. 15, Storgata 4
    rf"\b{_WORD}\s(?:u\.|utca|út|ulica|ul\.|gata|gatan|vej|vejen|katu|tie|gade|veien)\s\d{{1,4}}\b",
)
_UNITS: Final = (
    r"\b(?i:apt|apartment|appt|suite|ste|unit|flat|room|floor|bldg|building|lot|piso|planta|puerta|esc|escalera|apto|ap|"
    r"bloco|casa|andar|scala|interno|int|piano|whg|wohnung|etage|stock|b[âa]t|b[âa]timent|esc|appartement|bus|hs)\b\.?\s?#?"
    r"\s?[A-Z]?\d{1,5}\s?[A-Za-z]?\b",
    r"\b\d{1,2}\s?\.?[ºª]\s?(?:[A-Z]\b|izq\w*\.?|izda\.?|der\w*\.?|dcha\.?|dto\.?|esq\.?|frente|andar|piso)?",
    r"\b\d{1,2}(?:er|e|ème|eme)\s(?:étage|etage)\b|\b\d{1,2}\.?\s(?:Stock|OG|Etage|Obergeschoss)\b",
)
_BOXES: Final = (
    r"(?i:\bP\.?\s?O\.?\s?box|\bpostfach|\bpostbus|\bapartado(?: de correos)?|\bapdo\.?|\bcasella postale"
    r"|\bcaixa postal|\bbo[îi]te postale|\bB\.?P\.?(?=\s\d))\s(?:n[.º°o]{1,2}\s?)?\d{2,6}\b",
    r"\b(?:PSC|CMR|Unit)\s\d{3,5},?\s(?:Box|BOX|box)\s\d{2,5}\b",
    r"(?i:\b(?:APO|FPO|DPO)\s(?:AA|AE|AP)(?:\s\d{5})?\b)",
    rf"\b(?:USS|USNS|USNV|USCGC)\s[{_UP}][\w\-]+(?=\s+(?:APO|FPO|DPO)\b)",
)
_CORNER = re.compile(
    rf"(?i:\bthe corner of\s)(?:(?:[\w'’.\-]{{1,40}}+\s){{1,5}}(?i:and|&)\s(?:[{_UP}\d][\w'’\-]*\s?){{1,4}}"
    r"|(?=[^.;\n]{0,60}\d)(?:[\w'’.\-]{1,40}+\s){1,5}(?i:and|&)\s[\w'’\-]+(?:\s[\w'’\-]+)?)"
)
# 0138 Brisas 6802, in the line above "Suite 84"
_ABOVE_UNIT = re.compile(
    rf"(?<![\w\-])(?:\d{{1,5}} (?:{_NAME} ){{0,3}}{_NAME}(?: \d{{1,5}})?"
    rf"|(?:{_NAME} ){{1,4}}\d{{1,5}}(?: {_NAME}){{0,3}})"
    r"(?=,?[ \t]*\n[^\w\n]{0,6}(?i:suite|apt|apartment|unit|flat)\b\.?\s?#?\s?\w?\d)"
)
_CODE_NAMED = re.compile(
    r"(?i:\b(?:zip(?:\s?code)?|post(?:al)?\s?code|postcode|plz|postleitzahl|code postal|c[óo]digo postal|cap|cep|"
    r"postal)\b)(?:\s(?:is|ist|est|es|è|é|:))?[\s:#]{0,3}(\d{2,6}(?:[\s-]\d{2,4})?)\b"
)
_CODES: Final = (
    r"\b\d{4}\s?[A-Z]{2}\b(?!\s?\d)",  # the Netherlands
    r"(?<![\w-])\d{4}-\d{3}\b",  # Portugal
    r"(?<![\w-])\d{5}-\d{3}\b",  # Brazil
)
_BRITISH: Final = r"\b(?:GIR\s0AA|[A-PR-UWYZ][A-HK-Y]?\d[A-Z\d]?\s\d[ABD-HJLNP-UW-Z]{2})\b"
_FORMS: Final = (
    ("street", re.compile("|".join(f"(?:{one})" for one in _STREETS))),
    ("unit", re.compile("|".join(f"(?:{one})" for one in _UNITS))),
    ("box", re.compile("|".join(f"(?:{one})" for one in _BOXES))),
    ("code", re.compile("|".join(f"(?:{one})" for one in _CODES))),
)
_BRITISH_CODE = re.compile(_BRITISH)
_TOWN = re.compile(rf"[ ,]{{1,2}}[{_UP}][^\W\d_]{{2,}}")
_CODE = re.compile(r"\d{4,6}(?:[-\s]?(?:\d{3,4}|[A-Z]{2}))?")
_TOKEN = re.compile(r"\w+")
_GAP = re.compile(r"[\s,.;:#/()\-–>?|•*]{0,8}(?:\b\d{1,6}\b[\s,.;]{0,3})?(?:\bnan\b\s)?")


_SCORE_BEFORE = re.compile(r"(?<!\d)\d[-–]$")
_SCORE_BEHIND = re.compile(r"[-–]\d(?!\d)")


class _Part(NamedTuple):
    begin: int
    end: int
    kind: str
    score: float
    formed: bool
    """Whether its form gave it away, not the model alone."""


def may_be_address(text: str) -> bool:
    """Say whether a text holds what an address or a number of somebody's needs: a digit, or a corner
    of streets."""
    return any(map(str.isdigit, text)) or _CORNER.search(text) is not None


def addresses(context: Context, reading: Reading) -> list[Span]:
    """Give the addresses and postal codes in a text."""
    text = context.text
    spans = []
    for run in _blocks(text, sorted(_parts(text, reading))):
        block = _trimmed(context, run)
        if not block:
            continue
        kinds = {part.kind for part in block}
        score = max(part.score for part in block)
        begin, end = block[0].begin, max(part.end for part in block)
        guessed = not any(part.formed for part in block)
        if guessed and _is_thing(context, begin, end):
            continue
        coded = any((part.kind, part.begin, part.end) == ("code", begin, end) for part in block)
        if not coded and _is_address(text[begin:end], block, kinds):
            spans.append(Span(begin, end, "STREET_ADDRESS", round(score, 3)))
        else:
            spans += (
                Span(part.begin, part.end, "ZIP_CODE", round(part.score, 3))
                for part in block
                if part.kind == "code"
                and ((part.formed and part.score == 1.0) or _lone_code(context, part))
            )
    return spans


def _is_address(stretch: str, block: list[_Part], kinds: set[str]) -> bool:
    if kinds & {"box"} or any(part.kind == "street" and part.score == 1.0 for part in block):
        return True
    number = any(map(str.isdigit, stretch))
    if "street" in kinds:
        sure = max(part.score for part in block if part.kind == "street") >= _SURE
        return number and (sure or len(kinds) > 2)
    return (
        number
        and "unit" in kinds
        and (len(kinds) > 1 or max(p.score for p in block if p.kind == "unit") >= _SURE)
    )


def _is_thing(context: Context, begin: int, end: int) -> bool:
    """Say whether one of the words in a stretch is of what has numbers: "Version 4", "Bus 42"."""
    inside = (word for word in context.words if begin <= word.begin < end)
    return any(word.folded in context.lists["numbered"] for word in inside)


def _lone_code(context: Context, part: _Part) -> bool:
    """Say whether a number that the model takes for a postal code may be one with nothing beside it."""
    text = context.text
    if context.numbered(part.begin):
        return False
    if part.formed:
        return part.score >= _SURE
    written = text[part.begin : part.end]
    touched = text[max(part.begin - 1, 0) : part.begin] + text[part.end : part.end + 1]
    year = len(written) == 4 and "1800" <= written < "2100"
    return part.score >= _CODE_ALONE and not year and not set(touched) & set("-/#_:$€£")


def _trimmed(context: Context, block: list[_Part]) -> list[_Part]:
    """Take everyday words in small letters, and numbers that are versions, from a block's ends."""
    start, stop = 0, len(block)
    while start < stop and _everyday(context, block[start]):
        start += 1
    while start < stop and _everyday(context, block[stop - 1]):
        stop -= 1
    return block[start:stop]


def _everyday(context: Context, part: _Part) -> bool:
    if part.formed:
        return False
    text = context.text
    written = text[part.begin : part.end]
    if written[0].isdigit():
        return bool(_VERSION.match(text, part.end)) or text[part.begin - 1 : part.begin] in {
            ":",
            "$",
            "€",
        }
    folded = fold(written)
    if folded in context.lists["other"] or folded in context.lists["greeting"]:
        return True
    if part.kind == "street" and context.language != "de" and context.level(folded) >= 3:
        return True
    return written == written.lower() and not context.flat and context.level(folded) > 0


_VERSION = re.compile(r"[.,:]\d|\s?[%€$£°]|(?:am|pm|h|min|km|mm|kg|cm)\b")


def _parts(text: str, reading: Reading) -> Iterator[_Part]:
    """Give whatever may be part of an address."""
    for kind, form in _FORMS:
        for match in form.finditer(text):
            end = match.start() + len(match.group().rstrip(" ,-"))
            score = 1.0 if kind in {"street", "box"} else 0.5
            if kind == "code":
                town = _TOWN.match(text, end) is not None
                score = 1.0 if town else float(reading.over(match.start(), end)[_ZIP])
            yield _Part(match.start(), end, kind, score, True)
    for match in _CORNER.finditer(text):
        yield _Part(match.start(), match.start() + len(match.group().rstrip()), "street", 1.0, True)
    for match in _ABOVE_UNIT.finditer(text):
        yield _Part(*match.span(), "street", 1.0, True)
    for match in _CODE_NAMED.finditer(text):
        yield _Part(*match.span(1), "code", 1.0, True)
    for match in _BRITISH_CODE.finditer(text):
        yield _Part(*match.span(), "code", 1.0, True)
    street, building = COLUMNS.index("street"), COLUMNS.index("building")
    secondary, code, place = (
        COLUMNS.index("secondary"),
        COLUMNS.index("zip"),
        COLUMNS.index("place"),
    )
    for match in _TOKEN.finditer(text):
        if match.group().isdigit() and _is_decimal(text, match):
            continue
        mass = reading.over(*match.span())
        kinds = {
            "street": float(mass[street]),
            "number": float(mass[building]),
            "unit": float(mass[secondary]),
            "code": float(mass[code]),
            "place": float(mass[place]),
        }
        kind, score = max(kinds.items(), key=lambda item: item[1])
        if sum(kinds.values()) < _PART:
            continue
        if kind == "code" and not _CODE.fullmatch(match.group()):
            kind = "number" if match.group().isdigit() else "place"
        yield _Part(*match.span(), kind, min(score, 0.99), False)


def _is_decimal(text: str, match: re.Match[str]) -> bool:
    """Say whether digits are part of a decimal, a version, a time or a score: "2,50", "6.11", "2-2"."""
    begin, end = match.span()
    before = text[begin - 1 : begin] in set(".,:") and text[max(begin - 2, 0) : begin - 1].isdigit()
    behind = text[end : end + 1] in set(".,:") and text[end + 1 : end + 2].isdigit()
    return before or behind or _is_score(text, begin, end)


def _is_score(text: str, begin: int, end: int) -> bool:
    before = _SCORE_BEFORE.search(text, max(begin - 3, 0), begin)
    return end - begin == 1 and bool(before or _SCORE_BEHIND.match(text, end))


def _blocks(text: str, parts: list[_Part]) -> Iterator[list[_Part]]:
    """Give runs of parts with nothing between them but what stands between parts of an address."""
    block: list[_Part] = []
    end = 0
    for part in parts:
        if block and part.begin > end and not _GAP.fullmatch(text, end, part.begin):
            yield block
            block = []
        block.append(part)
        end = max(end if len(block) > 1 else 0, part.end)
    if block:
        yield block
