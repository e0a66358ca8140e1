"""Telephone numbers in words: "zero six, twelve, thirty-four ...", in seven languages.

Seven digits in words, one after the other, are a number to dial, unless they count up or down, or
say one word over and over.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from presidio_analyzer import EntityRecognizer

from fedi_dataset.privacy.patterns.rules import Rule, RuleRecognizer, both, gate, mentions, word_set

__all__ = ["numeral_recognizers"]

# Values of the words for numbers below a hundred; a word of several languages has one value in all.
_DIGITS: Final = {
    0: "zero oh null nul cero zéro",
    1: "one eins ein un une uno um uma een één",
    2: "two zwei zwo deux dos due dois duas twee",
    3: "three drei trois tres tre três drie",
    4: "four vier quatre cuatro quattro quatro",
    5: "five fünf cinq cinco cinque vijf",
    6: "six sechs seis sei zes meia",
    7: "seven sieben sept siete sette sete zeven",
    8: "eight acht huit ocho otto oito",
    9: "nine neun neuf nueve nove negen",
}
_LARGER: Final = (
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty"
    " forty fifty sixty seventy eighty ninety"
    " zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig dreißig"
    " vierzig fünfzig sechzig siebzig achtzig neunzig"
    " dix onze douze treize quatorze quinze seize vingt trente quarante cinquante soixante septante"
    " nonante"
    " diez once doce trece catorce quince veinte treinta cuarenta cincuenta sesenta setenta ochenta"
    " noventa"
    " dieci undici dodici tredici quattordici quindici sedici venti trenta quaranta cinquanta"
    " sessanta settanta ottanta novanta"
    " dez onze doze treze quinze dezesseis vinte trinta quarenta cinquenta sessenta oitenta"
    " tien twaalf dertien veertien vijftien zestien zeventien twintig dertig veertig vijftig zestig"
    " zeventig tachtig negentig"
)
_VALUE: Final = {word: value for value, words in _DIGITS.items() for word in words.split()}
_ARTICLES: Final = word_set("ein un une uno um uma een één oh one")
_TENS: Final = word_set(_LARGER)
_WORD: Final = "|".join(
    sorted({*_VALUE, *_TENS, "double", "triple", "doppel"}, key=lambda word: (-len(word), word))
)
_RUN: Final = re.compile(
    rf"(?<!\w)(?:{_WORD})(?:[ ,.\-–/]{{1,3}}(?:and |und |et |y |e |en )?(?:{_WORD})){{4,30}}+(?!\w)",
    re.IGNORECASE,
)
_ONE: Final = re.compile(_WORD, re.IGNORECASE)
_LEAST: Final = 7
"""Digits of a number to dial."""
_COUNT: Final = 4
"""Numbers in a row that are counting."""


def _is_number(match: re.Match[str]) -> bool:
    words = [word.lower() for word in _ONE.findall(match.group())]
    digits = sum(2 if word in _TENS else 1 for word in words)
    if digits < _LEAST:
        return False
    values = [_VALUE[word] for word in words if word in _VALUE]
    if len(values) < 3:
        return False  # tens by themselves are years and sums
    return len(set(values)) > 1 and _counted(values) <= len(values) * 2 // 3


def _counted(values: list[int]) -> int:
    """Count the values that stand in stretches of four or more that go up or down by one."""
    counted = 0
    length, step = 1, 0
    for change in (*((two - one + 1) % 10 - 1 for one, two in pairwise(values)), 0):
        if abs(change) == 1 and change == step:
            length += 1
            continue
        counted += length if length >= _COUNT else 0
        length, step = 2, change if abs(change) == 1 else 0
    return counted


_NUMERALS: Final = (Rule("number in words", "PHONE_NUMBER", _RUN, 0.8, check=_is_number),)


def numeral_recognizers() -> list[EntityRecognizer]:
    """Give the recognizer of telephone numbers in words."""
    twice = rf"(?<!\w)(?:{_WORD})[ ,.\-–/]{{1,3}}(?:{_WORD})(?!\w)"
    telling = mentions(set(_VALUE) - _ARTICLES)
    return [RuleRecognizer("Numbers in words", both(telling, gate(twice)), _NUMERALS)]
