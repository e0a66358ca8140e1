"""Identifiers that nobody has, to be planted in a copy of the input: valid in form, by kind.

Kinds are the entities that the detector masks (official numbers by country), and two of a participant's own: those
are known from the export, and must be found whatever the detector makes of them. Towns are real ones.
"""

from __future__ import annotations

import hashlib
import random
import re
import string
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, Literal

from fedi_dataset.posts import Account
from fedi_dataset.release.canary_papers import (
    PAPERS,
    device,
    grouped,
    phone_serial,
    plate,
    telephone,
)

__all__ = ["KINDS", "Kind", "kinds_of", "traces"]

Frame = Literal[
    "person", "reach", "phone", "place", "number", "site", "post", "account", "paper", "plate", "device", "town",
    "firm",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of identifier: how its values are made, and what sentence they stand in."""

    name: str
    frame: Frame
    make: Callable[[int, Account], str | None]
    """Give the value with a number, in a post of this account; None if the account has none of this kind."""
    certain: bool = False
    """Found by structure or form, and not by a model's judgment: none may survive."""
    label: str = ""
    """What stands before it in the sentence, in every language."""
    topic: str = ""
    """Planted only where the release's config masks this topic too (``also_mask``)."""


# fmt: off
_GIVEN: Final = (
    "Marlene", "Tobias", "Ingrid", "Rafael", "Noemi", "Hendrik", "Chiara", "Anselm", "Beatriz", "Casper",
    "Dorothea", "Emilio", "Fiona", "Gaspar", "Hannelore", "Isidro", "Josephine", "Leopold", "Mireille",
    "Nadine", "Ottavio", "Paloma", "Quirin", "Renata",
)
_FAMILY: Final = (
    "Hofstetter", "Vandermeer", "Castellano", "Delacroix", "Figueiredo", "Lindqvist", "Marchetti", "Oliveras",
    "Petersdorf", "Quintana", "Rosenquist", "Santangelo", "Thornbury", "Uhlenbeck", "Vasconcelos",
    "Winterbourne", "Zimmerli", "Beauregard", "Carvalhosa", "Dijkhuizen", "Echeverria",
)
# fmt: on
_TOWNS: Final = (
    "Lisbon",
    "Toulouse",
    "Gothenburg",
    "Valencia",
    "Rotterdam",
    "Bologna",
    "Leipzig",
    "Edinburgh",
    "Marseille",
    "Porto",
    "Hamburg",
    "Utrecht",
    "Seville",
    "Turin",
    "Birmingham",
    "Lyon",
    "Dresden",
    "Braga",
    "Naples",
    "Liverpool",
    "Stuttgart",
    "Bordeaux",
    "Antwerp",
    "Malaga",
)
_NETS: Final = ("203.0.113", "198.51.100", "192.0.2")  # for documentation, RFC 5737
_TELLING: Final = 4
_DIGIT: Final = re.compile(r"\d")
_USER: Final = re.compile(r"[a-z]+[_-][a-z]+\d+")


def _word(number: int) -> str:
    return (
        f"{_GIVEN[number % len(_GIVEN)].lower()}_{_FAMILY[number % len(_FAMILY)].lower()}{number}"
    )


def _digest(number: int) -> str:
    return hashlib.sha256(f"canary {number}".encode()).hexdigest()


def _digits(number: int) -> str:
    return f"{int(_digest(number)[:8], 16) % 90_000 + 10_000}"


def _letters(number: int) -> str:
    draw = random.Random(number)  # noqa: S311 - nothing is kept secret by it
    return "".join(draw.choices(string.ascii_letters + string.digits, k=36))


def _did(number: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    draw = random.Random(number)  # noqa: S311 - nothing is kept secret by it
    return "did:plc:" + "".join(draw.choices(letters, k=24))


def _firm(number: int) -> str:
    return ("GmbH", "Ltd", "S.A.", "S.p.A.", "Lda", "B.V.")[number % 6]


def _card(number: int) -> str:
    """A number that passes Luhn's check (ISO/IEC 7812-1 annex B)."""
    body = f"4539{number:011d}"
    total = sum(
        sum(divmod(2 * int(d), 10)) if i % 2 == 0 else int(d) for i, d in enumerate(reversed(body))
    )
    card = f"{body}{-total % 10}"
    return grouped(card, (4, 4, 4, 4)) if number % 2 else card


def _iban(number: int) -> str:
    """An account number that passes the check of ISO 13616."""
    account = f"37040044{number:010d}"
    check = 98 - int(f"{account}131400") % 97  # D and E are 13 and 14
    iban = f"DE{check:02d}{account}"
    return grouped(iban, (4, 4, 4, 4, 4, 2)) if number % 2 else iban


def _of_nobody(make: Callable[[int], str]) -> Callable[[int, Account], str]:
    """Make values that do not hang on whose post they stand in."""
    return lambda number, _: make(number)


KINDS: Final = (
    Kind("own handle", "reach", lambda _, owner: next(iter(owner.handles), None), certain=True),
    Kind("own name", "person", lambda _, owner: next(iter(owner.names), None)),
    Kind("HANDLE", "reach", lambda n, _: f"@{_word(n)}@social.example", certain=True),
    Kind("DID", "reach", lambda n, _: _did(n), certain=True),
    Kind(
        "AT_URI",
        "reach",
        lambda n, _: f"at://{_did(n)}/app.bsky.feed.post/3k{_digest(n)[:11]}",
        certain=True,
    ),
    Kind("PROFILE_URL", "reach", lambda n, _: f"https://social.example/@{_word(n)}", certain=True),
    Kind(
        "POST_URL",
        "reach",
        lambda n, _: f"https://social.example/@{_word(n)}/11{n:016d}",
        certain=True,
    ),
    Kind("EMAIL_ADDRESS", "reach", lambda n, _: f"{_word(n)}@post.example.org", certain=True),
    Kind("PHONE_NUMBER", "phone", _of_nobody(telephone)),
    Kind("IBAN_CODE", "number", _of_nobody(_iban), label="IBAN"),
    Kind("CREDIT_CARD", "number", _of_nobody(_card), label="Visa"),
    Kind("CRYPTO", "number", lambda n, _: f"0x{_digest(n)[:40]}", label="Ethereum"),
    Kind("IP_ADDRESS", "number", lambda n, _: f"{_NETS[n // 254 % 3]}.{n % 254 + 1}", label="IP"),
    Kind(
        "GEO",
        "number",
        lambda n, _: f"{40 + n % 12}.{_digits(n)}, {n % 18}.{_digits(n + 1)}",
        label="GPS",
    ),
    Kind("API_KEY", "number", lambda n, _: f"ghp_{_letters(n)}", label="API key"),
    Kind("PERSON", "person", lambda n, _: f"{_GIVEN[n % len(_GIVEN)]} {_FAMILY[n % len(_FAMILY)]}"),
    Kind("STREET_ADDRESS", "place", lambda n, _: str(n % 180 + 1)),  # the street is the language's
    Kind("ZIP_CODE", "post", lambda n, _: f"{10_007 + n * 7_919 % 89_000}"),
    Kind(
        "WEBSITE",
        "site",
        lambda n, _: f"https://www.{_word(n).replace('_', '-')}.example/",
        certain=True,
    ),
    Kind("BANK_ACCOUNT", "account", lambda n, _: f"{1_000_000_000 + n * 104_729}"),
    Kind("DEVICE_ID MAC", "device", _of_nobody(device), label="MAC"),
    Kind("DEVICE_ID IMEI", "device", _of_nobody(phone_serial), label="IMEI"),
    Kind("LICENSE_PLATE", "plate", _of_nobody(plate)),
    *(
        Kind(f"GOVERNMENT_ID {country}", "paper", _of_nobody(make), label=label)
        for country, (label, make) in PAPERS.items()
    ),
    Kind("PLACE", "town", lambda n, _: _TOWNS[n % len(_TOWNS)], topic="places"),
    Kind(
        "ORGANIZATION",
        "firm",
        lambda n, _: f"{_FAMILY[n % len(_FAMILY)]} {_firm(n)}",
        topic="organizations",
    ),
)
"""Every kind that is planted: the first two are known from the export, the others are the detector's entities."""


def kinds_of(topics: Collection[str]) -> tuple[Kind, ...]:
    """Give the kinds to plant in a release that masks these topics beside what identifies a person."""
    return tuple(kind for kind in KINDS if not kind.topic or kind.topic in topics)


def traces(kind: Kind, value: str) -> list[str]:
    """Give what must not be left of a value, folded: any of it would tell who it is."""
    folded = value.casefold().lstrip("@")
    if kind.name == "PERSON":
        return folded.split()
    if kind.name == "ORGANIZATION":
        return folded.split()[:1]
    user = _USER.search(folded)
    if user:
        return [user.group()]
    # of a number in groups, any telling one
    return [folded, *(one for one in folded.split() if len(one) >= _TELLING and _DIGIT.search(one))]
