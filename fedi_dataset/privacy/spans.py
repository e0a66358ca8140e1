"""What privacy's rooms hand each other: spans that were detected, people, and marks to replace.

And what they must agree on: the closed list of entities, and where a word begins and ends.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

__all__ = ["ENTITIES", "WORD", "Mark", "Person", "Span", "grower"]

ENTITIES: Final[dict[str, str]] = {
    "HANDLE": "handles of accounts, the leading @ included",
    "PERSON": "names of people",
    "DID": "decentralized identifiers of accounts",
    "AT_URI": "at:// addresses of records, which hold their author's identifier",
    "PROFILE_URL": "links to a person's profile",
    "POST_URL": "links to a person's post",
    "WEBSITE": "links to a site of somebody's own",
    "EMAIL_ADDRESS": "e-mail addresses",
    "PHONE_NUMBER": "telephone numbers",
    "STREET_ADDRESS": "streets with what stands beside them in the address",
    "ZIP_CODE": "postal codes",
    "CREDIT_CARD": "numbers of payment cards",
    "IBAN_CODE": "international bank account numbers",
    "BANK_ACCOUNT": "other bank account and routing numbers",
    "CRYPTO": "addresses of cryptocurrency wallets",
    "IP_ADDRESS": "IP addresses",
    "DEVICE_ID": "numbers of devices: MAC addresses, IMEI",
    "GOVERNMENT_ID": "numbers of passports, licenses, tax files and other official papers",
    "LICENSE_PLATE": "number plates and chassis numbers of vehicles",
    "GEO": "coordinates, and codes and links for points on a map",
    "API_KEY": "passwords, tokens and keys, public ones of a person too",
    "PLACE": "towns, states and other places, where the config asks for it",
    "ORGANIZATION": "organizations, where the config asks for it and a model finds them",
}
"""Everything that is masked, with what it means: the types of all placeholders."""

WORD: Final = (
    r"[\w\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u0610-\u061a\u064b-\u065f"
    r"\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u2060\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]"
)
"""One character of a word, as a regular expression: letters, digits, underscores, combining marks,
and the invisible characters that may stand inside a word."""

# Scripts that put no space between words: a word must not grow into them, or it takes the sentence.
_SPACELESS = (
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff]"
)
_GROWS = re.compile(f"(?:(?!{_SPACELESS}){WORD})++")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Something detected in a text. Offsets in code points, end exclusive; Presidio's score."""

    begin: int
    end: int
    entity: str
    score: float


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who takes part in a conversation or is mentioned in it, by what names them."""

    referent: str
    """Stands for this person in marks; the account key in hex."""
    handles: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    """Of somebody who withdrew, in place of all that: keyed hashes of it (identities.hide)."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A stretch of text to replace by a placeholder. ``referent`` is equal for what is the same."""

    begin: int
    end: int
    entity: str
    referent: str


def grower(text: str) -> Callable[[int, int], tuple[int, int]]:
    """Give what widens a stretch of a text that begins or ends inside a word to the whole word, and never
    narrows it. The text is looked at once, however many stretches there are."""
    runs = [run.span() for run in _GROWS.finditer(text)]
    begins = [begin for begin, _ in runs]

    def around(at: int) -> tuple[int, int]:
        begin, end = runs[index] if (index := bisect_left(begins, at) - 1) >= 0 else (at, at)
        return (begin, end) if at < end else (at, at)

    def grow(begin: int, end: int) -> tuple[int, int]:
        return (begin, end) if begin >= end else (around(begin)[0], around(end)[1])

    return grow
