"""Official numbers and plates that nobody has, to be planted: valid in form and check digits, country by country.

Where a country keeps numbers that it never gives out, they are of those; else they are far from what is given out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

__all__ = ["PAPERS", "device", "grouped", "phone_serial", "plate", "telephone"]

Make = Callable[[int], str]

_CONSONANTS: Final = "BCDFGHJKLMNPRSTVWXYZ"
_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_MONTHS: Final = "ABCDEHLMPRST"

# Italy's decree of 23 December 1976: what characters at odd places count for; 0 to 9 as A to J.
_ODD: Final = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def _weighted(digits: str, weights: range) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def _letters(number: int, count: int) -> str:
    """Give so many consonants, other ones for every number below 20 ** count."""
    letters = ""
    for _ in range(count):
        number, index = divmod(number, len(_CONSONANTS))
        letters += _CONSONANTS[index]
    return letters


def _ssn(number: int) -> str:
    """United States: the areas from 900 on are never given out, and 10 to 40 are no ITIN's groups."""
    return f"{900 + number % 99}-{10 + number // 99 % 30}-{1000 + number * 7 % 9000:04d}"


def _nino(number: int) -> str:
    """United Kingdom: prefix, six digits, suffix; it has no check digit."""
    digits = f"{number * 7919 % 1_000_000:06d}"
    return f"ZY {digits[:2]} {digits[2:4]} {digits[4:]} {'ABCD'[number % 4]}"


def _steuer_id(number: int) -> str:
    """Germany: eleven digits, one of the first ten twice and the rest once; ISO/IEC 7064, MOD 11,10."""
    draw = random.Random(number)  # noqa: S311 - nothing is kept secret by it
    first, *rest = draw.sample("123456789", 9)
    body = "".join([first, *rest, first])
    product = 10
    for digit in body:
        total = (int(digit) + product) % 10 or 10
        product = 2 * total % 11
    return f"{body}{(11 - product) % 10}"


def _nir(number: int) -> str:
    """France: sex, year, a month of those who lack one (20 to 42), place, order, and 97 less the rest."""
    month = 20 + number % 23
    body = f"1{70 + number % 30:02d}{month}{75 + number % 20:02d}{100 + number % 800:03d}{1 + number % 900:03d}"
    return f"{body}{97 - int(body) % 97:02d}"


def _dni(number: int) -> str:
    """Spain: eight digits and the letter of their remainder by 23."""
    digits = f"{10_000_000 + number * 104_729 % 80_000_000}"
    return f"{digits}{_DNI[int(digits) % 23]}"


def _codice_fiscale(number: int) -> str:
    """Italy: name, date, place, and the letter of the decree of 23 December 1976."""
    name = _letters(number, 3) + _letters(number + 7, 3)
    born = f"{40 + number % 50:02d}{_MONTHS[number % 12]}{1 + number % 28:02d}"
    body = f"{name}{born}H{100 + number % 800}"
    letters = [chr(ord("A") + int(char)) if char.isdigit() else char for char in body]
    total = sum(
        _ODD[char] if index % 2 == 0 else ord(char) - ord("A") for index, char in enumerate(letters)
    )
    return f"{body}{chr(ord('A') + total % 26)}"


def _bsn(number: int) -> str:
    """Netherlands: nine digits that pass the test of eleven."""
    while True:
        body = f"{10_000_000 + number * 6_007 % 89_999_999:08d}"
        check = _weighted(body, range(9, 1, -1)) % 11
        if check < 10:
            return f"{body}{check}"
        number += 1_000_003


def _nif(number: int) -> str:
    """Portugal: eight digits and a check digit modulo eleven."""
    body = f"{20_000_000 + number * 6_007 % 9_999_999:08d}"
    check = 11 - _weighted(body, range(9, 1, -1)) % 11
    return f"{body}{check if check < 10 else 0}"


def _cpf(number: int) -> str:
    """Brazil: nine digits and two check digits modulo eleven, with dots and hyphen."""
    digits = f"{100_000_000 + number * 60_013 % 899_999_999}"
    for length in (10, 11):
        rest = _weighted(digits, range(length, 1, -1)) * 10 % 11
        digits += str(rest % 10)
    return f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"


def grouped(value: str, sizes: Sequence[int], between: str = " ") -> str:
    """Write a value in groups of these sizes; the last takes the rest."""
    begins = [sum(sizes[:index]) for index in range(len(sizes))]
    ends = [*begins[1:], len(value)]
    return between.join(value[begin:end] for begin, end in zip(begins, ends, strict=True))


def _alternating(make: Make, otherwise: Make) -> Make:
    """Write every second number in the other way that people write it."""
    return lambda number: (otherwise if number % 2 else make)(number)


PAPERS: Final[Mapping[str, tuple[str, Make]]] = {
    "US": ("SSN", _alternating(_ssn, lambda n: _ssn(n).replace("-", " "))),
    "GB": ("NINO", _alternating(_nino, lambda n: _nino(n).replace(" ", ""))),
    "DE": ("Steuer-ID", _alternating(_steuer_id, lambda n: grouped(_steuer_id(n), (2, 3, 3, 3)))),
    "FR": ("NIR", _alternating(_nir, lambda n: grouped(_nir(n), (1, 2, 2, 2, 3, 3, 2)))),
    "ES": ("DNI", _alternating(_dni, lambda n: grouped(_dni(n), (8, 1), "-"))),
    "IT": (
        "codice fiscale",
        _alternating(_codice_fiscale, lambda n: grouped(_codice_fiscale(n), (6, 5, 5))),
    ),
    "NL": ("BSN", _alternating(_bsn, lambda n: grouped(_bsn(n), (4, 2, 3), "."))),
    "PT": ("NIF", _alternating(_nif, lambda n: grouped(_nif(n), (3, 3, 3)))),
    "BR": ("CPF", _alternating(_cpf, lambda n: _cpf(n).replace(".", "").replace("-", ""))),
}
"""Countries with what people call their number, and how the one with a number is made and written."""


def plate(number: int) -> str:
    """Give a number plate, of five countries in turn: Germany, France, United Kingdom, Spain, Netherlands."""
    turn, number = number % 5, number // 5
    two, three = _letters(number + 41, 2), _letters(number + 41, 3)
    return (
        f"B-{two} {1000 + number * 37 % 9000}",
        f"{two}-{100 + number * 37 % 900}-{two[::-1]}",
        f"{two}{60 + number % 20} {three}",
        f"{1000 + number * 37 % 9000} {three}",
        f"{two}-{10 + number % 90}-{two[::-1]}",
    )[turn]


def telephone(number: int) -> str:
    """Give a telephone number, of four countries in turn, from what each keeps for films and books.

    United States: 555-0100 to 555-0199; United Kingdom: 020 7946 0000 to 0999 (Ofcom); Germany: (0)30 23125 000 to
    999 (Bundesnetzagentur); France: 01 99 00 00 00 to 99 99 (Arcep).
    """
    turn, number = number % 4, number // 4
    return (
        f"+1 {200 + number // 100 % 700} 555 01{number % 100:02d}",
        f"+44 20 7946 0{number % 1000:03d}",
        f"+49 30 23125{number % 1000:03d}",
        f"+33 1 99 00 {number // 100 % 100:02d} {number % 100:02d}",
    )[turn]


def device(number: int) -> str:
    """Give the address of a network card, of those that are kept for documents (RFC 7042, section 2.1.2)."""
    return f"00:00:5E:00:53:{number % 256:02X}"


def phone_serial(number: int) -> str:
    """Give the number of a telephone: of those for tests, whose first two digits are 00 (3GPP TS 23.003), with the
    check digit of annex B."""
    body = f"001017{number * 7_919 % 100_000_000:08d}"
    total = sum(
        sum(divmod(2 * int(d), 10)) if i % 2 == 0 else int(d) for i, d in enumerate(reversed(body))
    )
    return f"{body}{-total % 10}"
