"""Money: payment cards, bank accounts, wallets.

A number of the right form and check digits counts by itself if its form is rare enough (a card of a
known issuer, an IBAN, an address in Base58Check or Bech32); else if a word of its kind stands near.
People mistype and invent numbers: beside its word a number counts without its check digits too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from presidio_analyzer import EntityRecognizer, LocalRecognizer
from presidio_analyzer import RecognizerResult as Result

from fedi_dataset.privacy.patterns.checksums import (
    base58check,
    bech32,
    digits_of,
    iban,
    iban_length,
    luhn,
)
from fedi_dataset.privacy.patterns.rules import Rule, RuleRecognizer, gate, words

__all__ = ["money_recognizers"]

_CARD_WORDS = words("card")
_ACCOUNT_WORDS = words("account")
_WALLET_WORDS = words("wallet")
_SOLANA_WORDS = words("solana")

# ISO/IEC 7812 issuers: Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay.
_ISSUED: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|(?:222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|(?:6011|65\d\d|64[4-9]\d)\d{12}"
    r"|35(?:2[89]|[3-8]\d)\d{12}|(?:2131|1800)\d{11}|62\d{14,17}"
)


def _is_card(match: re.Match[str]) -> bool:
    digits = digits_of(match.group())
    if not 12 <= len(digits) <= 19 or len(set(digits)) < 2:
        return False
    number = "".join(map(str, digits))
    if luhn(digits) and _ISSUED.fullmatch(number):
        return True
    return _CARD_WORDS.is_near(match.string, *match.span())


_CARDS: Final = (
    Rule(
        "payment card",
        "CREDIT_CARD",
        re.compile(r"(?<![\w.,/#+-])\d{4}(?:[ -]?\d){8,15}(?![\w]|[-/.,]\d)"),
        check=_is_card,
    ),
)


class CheckedIbanRecognizer(LocalRecognizer):  # type: ignore[misc]  # Presidio is untyped
    """Finds IBANs, in groups or not, and ends them where their country's end."""

    _START = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2}(?=[ -]?[A-Z0-9]{2})", re.IGNORECASE)
    _NEXT = re.compile(r"[ -]?([A-Z0-9])", re.IGNORECASE)

    def __init__(self) -> None:
        self._gate = gate(r"\d\d[ -]?[A-Z0-9]{2}")
        super().__init__(supported_entities=["IBAN_CODE"], name="IBANs")

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: Any = None,  # noqa: ARG002  # Presidio passes it by name
    ) -> list[Result]:
        """Give a result for each IBAN; with wrong check digits only beside a word of accounts."""
        if "IBAN_CODE" not in entities or not self._gate(text):
            return []
        return [Result("IBAN_CODE", begin, end, 1.0) for begin, end in self._finds(text)]

    def _finds(self, text: str) -> Iterator[tuple[int, int]]:
        for match in self._START.finditer(text):
            length = iban_length(match.group()[:2].upper())
            if length is None:
                continue
            compact, end = match.group(), match.end()
            while len(compact) < length and (following := self._NEXT.match(text, end)):
                compact, end = compact + following[1], following.end()
            ends = end == len(text) or not text[end].isalnum()
            if (
                ends
                and len(compact) == length
                and (
                    iban(compact)
                    or (
                        sum(map(str.isdigit, compact)) >= 10
                        and _ACCOUNT_WORDS.is_near(text, match.start(), end)
                    )
                )
            ):
                yield match.start(), end


_BASE58 = "1-9A-HJ-NP-Za-km-z"


def _is_wallet(match: re.Match[str]) -> bool:
    address = match.group()
    if not any(map(str.isdigit, address)) or address.isdigit():
        return False
    if base58check(address):
        return True
    text, (begin, end) = match.string, match.span()
    if 32 <= len(address) <= 44 and _SOLANA_WORDS.is_near(text, begin, end):
        return True
    starts = address[0] in "13LMDTXr48" and len(address) in (33, 34, 95, 106)
    return starts and _WALLET_WORDS.is_near(text, begin, end)


def _is_segwit(match: re.Match[str]) -> bool:
    address = match.group().lower()
    if address.startswith(("npub1", "nprofile1", "nsec1", "age-")):
        return False
    return bech32(address) or address.startswith(("bc1", "ltc1", "tb1", "addr1"))


_WALLETS: Final = (
    Rule(
        "Base58Check address or key",
        "CRYPTO",
        re.compile(rf"(?<![\w/+=-])[{_BASE58}]{{26,112}}(?![\w/+=])"),
        check=_is_wallet,
    ),
    Rule(
        "Bech32 address",
        "CRYPTO",
        re.compile(r"(?<![\w/])[a-z]{1,12}1[02-9ac-hj-np-z]{25,110}(?!\w)", re.IGNORECASE),
        check=_is_segwit,
    ),
    # Ethereum and its kin; a transaction's hash has 64 digits
    Rule(
        "Ethereum address",
        "CRYPTO",
        re.compile(r"(?<![\w/])0x[0-9a-f]{40}(?!\w)", re.IGNORECASE),
        check=lambda match: len(set(match.group().lower())) > 6,
    ),
    Rule(
        "Ethereum name",
        "CRYPTO",
        re.compile(r"(?<![\w.@/-])[a-z0-9-]{3,60}\.eth(?![\w-]|\.\w)", re.IGNORECASE),
        0.9,
    ),
    Rule("Monero address", "CRYPTO", re.compile(rf"(?<![\w/])[48][0-9AB][{_BASE58}]{{93}}(?!\w)")),
)


def money_recognizers() -> list[EntityRecognizer]:
    """Give the recognizers of cards, IBANs and wallets."""
    return [
        RuleRecognizer("Payment cards", gate(r"\d{4}[ -]?\d{2,4}[ -]?\d{4}"), _CARDS),
        CheckedIbanRecognizer(),
        RuleRecognizer("Wallets", gate(r"[a-z0-9]{26}|\.eth\b"), _WALLETS),
    ]
