"""Check digits: what tells an official number from any other number of its length."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import date
from typing import Final

__all__ = [
    "base58check",
    "bech32",
    "bsn",
    "compact",
    "cpf",
    "digits_of",
    "iban",
    "iban_length",
    "is_date",
    "luhn",
    "mod97",
    "nif_pt",
    "nir",
    "rut",
    "verhoeff",
]


def digits_of(text: str) -> list[int]:
    """Give the decimal digits of a text, everything else left out."""
    return [int(char) for char in text if char.isdecimal()]


def compact(text: str) -> str:
    """Give a number without the spaces, dots and hyphens that group it."""
    return re.sub(r"[\W_]", "", text)


def luhn(digits: Sequence[int]) -> bool:
    """ISO/IEC 7812-1, annex B: payment cards, IMEI, several national ids."""
    doubled = [digit * 2 if index % 2 else digit for index, digit in enumerate(reversed(digits))]
    return bool(digits) and sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def mod97(text: str) -> bool:
    """ISO/IEC 7064, MOD 97-10, over digits and letters (A = 10)."""
    return (
        text.isalnum() and text.isascii() and int("".join(str(int(c, 36)) for c in text)) % 97 == 1
    )


# Total length of an account number by country: SWIFT, IBAN Registry, release 99.
_IBAN_LENGTH: Final = {
    **dict.fromkeys(["NO"], 15),
    **dict.fromkeys(["BE"], 16),
    **dict.fromkeys(["DK", "FI", "FK", "FO", "GL", "NL", "SD"], 18),
    **dict.fromkeys(["MK", "SI"], 19),
    **dict.fromkeys(["AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"], 20),
    **dict.fromkeys(["CH", "CR", "HR", "LI", "LV"], 21),
    **dict.fromkeys(["BG", "BH", "DE", "GB", "GE", "IE", "ME", "RS", "VA"], 22),
    **dict.fromkeys(["AE", "GI", "IL", "IQ", "OM", "SO", "TL"], 23),
    **dict.fromkeys(["AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"], 24),
    **dict.fromkeys(["LY", "PT", "ST"], 25),
    **dict.fromkeys(["IS", "TR"], 26),
    **dict.fromkeys(["BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"], 27),
    **dict.fromkeys(["AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "NI", "PL", "SV"], 28),
    **dict.fromkeys(["BR", "EG", "PS", "QA", "UA"], 29),
    **dict.fromkeys(["JO", "KW", "MU", "YE"], 30),
    **dict.fromkeys(["MT", "SC"], 31),
    **dict.fromkeys(["LC"], 32),
    **dict.fromkeys(["RU"], 33),
}


def iban_length(country: str) -> int | None:
    """Length of an IBAN of a country (two capitals), None where there is none."""
    return _IBAN_LENGTH.get(country)


def iban(text: str) -> bool:
    """ISO 13616: letters and digits of the right length, check digits right."""
    upper = text.upper()
    return len(upper) == _IBAN_LENGTH.get(upper[:2]) and mod97(upper[4:] + upper[:4])


_BASE58 = {c: i for i, c in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}


def base58check(text: str) -> bool:
    """Bitcoin's Base58Check: the last four bytes are the double SHA-256 of those before."""
    number = 0
    for char in text:
        if char not in _BASE58:
            return False
        number = number * 58 + _BASE58[char]
    zeros = len(text) - len(text.lstrip("1"))
    raw = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    return len(raw) > 4 and _twice(raw[:-4])[:4] == raw[-4:]


def _twice(raw: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(raw).digest()).digest()


_BECH32 = {c: i for i, c in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}


def bech32(text: str) -> bool:
    """BIP 173 and BIP 350: Bech32 or Bech32m, whatever stands before the 1."""
    lower = text.lower()
    name, _, data = lower.rpartition("1")
    if not name or len(data) < 6 or any(char not in _BECH32 for char in data):
        return False
    values = [*(ord(c) >> 5 for c in name), 0, *(ord(c) & 31 for c in name)]
    values += [_BECH32[char] for char in data]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= term if top >> bit & 1 else 0
    return check in (1, 0x2BC830A3)


def is_date(year: int, month: int, day: int) -> bool:
    """Say whether there is such a day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def bsn(digits: Sequence[int]) -> bool:
    """Burgerservicenummer: the eleven-test, the last digit counted negatively."""
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return len(digits) == 9 and any(digits) and _dot(digits, weights) % 11 == 0


def cpf(digits: Sequence[int]) -> bool:
    """Brazil's CPF: two check digits modulo 11."""
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    return all(_dot(digits[:n], range(n + 1, 1, -1)) * 10 % 11 % 10 == digits[n] for n in (9, 10))


def nif_pt(digits: Sequence[int]) -> bool:
    """Portugal's NIF: one check digit modulo 11."""
    if len(digits) != 9:
        return False
    rest = _dot(digits[:8], range(9, 1, -1)) % 11
    return digits[8] == (0 if rest < 2 else 11 - rest)


def nir(text: str) -> bool:
    """France's NIR: 13 characters, then 97 minus the number modulo 97 (INSEE; Corsica as 19, 18)."""
    compact = text.upper().replace("2A", "19", 1).replace("2B", "18", 1)
    return (
        compact.isdecimal()
        and len(compact) == 15
        and 97 - int(compact[:13]) % 97 == int(compact[13:])
    )


def rut(text: str) -> bool:
    """Chile's RUT: weights 2 to 7 from the right, modulo 11, K for ten."""
    body, check = digits_of(text[:-1]), text[-1].upper()
    total = sum(digit * (2 + index % 6) for index, digit in enumerate(reversed(body)))
    return bool(body) and "0123456789K"[-total % 11] == check


_MULTIPLY: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_PERMUTE: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 5, 7, 6, 2, 8, 3, 0, 9, 4),
    (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7),
    (9, 4, 5, 3, 1, 2, 6, 8, 7, 0),
    (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5),
    (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)


def verhoeff(digits: Sequence[int]) -> bool:
    """Verhoeff's check over the dihedral group of order ten: Aadhaar."""
    check = 0
    for index, digit in enumerate(reversed(digits)):
        check = _MULTIPLY[check][_PERMUTE[index % 8][digit]]
    return bool(digits) and check == 0


def _dot(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True))
