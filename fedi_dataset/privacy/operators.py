"""Operators: what stands in a text in the place of what was found in it.

By default a numbered placeholder, ``[PERSON_1]``. A build may choose another for everything, or for some
entities. None of them tells anything of what it replaces, not even its length, and none links a person
across conversations.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from fedi_dataset.config import BuildConfig, Operator
from fedi_dataset.privacy.spans import ENTITIES

__all__ = ["LOOKALIKE", "MASK", "OPERATORS", "Operators", "unnumbered"]

OPERATORS: Final[dict[Operator, str]] = {
    "placeholder": "a placeholder with a number; in a row, the same person or thing has the same number",
    "mask": "five asterisks, whatever stood there",
    "remove": "nothing: it is taken out without a trace",
    "hash": "a placeholder with a keyed hash, which is the same for the same person or thing in one"
    " conversation, and another in every other",
    "surrogate": "an invented value from spaces that are reserved for examples, numbered in each row;"
    " a placeholder where there is no such space",
}
"""What stands in the text, by operator."""

MASK: Final = "*****"

# fmt: off
_NAMES: Final = (
    "Alva", "Bero", "Cilla", "Dovan", "Ebba", "Fenno", "Galia", "Hesper", "Ilvo", "Jorin", "Kesta", "Lumo",
    "Merrin", "Novi", "Orla", "Pelle", "Quenna", "Rasko", "Sunniva", "Tavi", "Ulmo", "Veska", "Wynne", "Yaro",
)
# fmt: on
_FAMILY: Final = "Example"
"""The family name of all surrogates, which says what they are."""


class _Space(NamedTuple):
    """A space that nobody has a number or name in. ``#`` in its form is the number."""

    form: str
    width: int = 1
    last: int = 10**9


_SPACES: Final = {
    "HANDLE": _Space("@user#@example.org"),  # RFC 2606
    "DID": _Space("did:web:user#.example.org"),
    "AT_URI": _Space("at://did:web:user#.example.org"),
    "PROFILE_URL": _Space("https://example.org/@user#"),
    "POST_URL": _Space("https://example.org/@user#/1"),
    "EMAIL_ADDRESS": _Space("user#@example.org"),
    "PHONE_NUMBER": _Space("555-01#", 2, 99),  # fictitious use, by the NANP's administrator
    "IP_ADDRESS": _Space("192.0.2.#", 1, 254),  # TEST-NET-1, RFC 5737
    "STREET_ADDRESS": _Space("# Example Street"),
    "CREDIT_CARD": _Space("0000 0000 0000 #", 4, 9999),  # no network begins with 0, ISO/IEC 7812
    "IBAN_CODE": _Space("XX00 0000 0000 #", 4, 9999),  # XX is user-assigned in ISO 3166
    "GOVERNMENT_ID": _Space("000-00-#", 4, 9999),  # the SSA assigns no area 000
}

_PLACEHOLDER = rf"\[({'|'.join(ENTITIES)})_(?:\d+|[0-9a-f]{{12}})\]"
_SURROGATE_NAME = rf"(?:{'|'.join(_NAMES)}) {_FAMILY}(?: \d+)?"
_SURROGATE = "|".join(
    [
        _SURROGATE_NAME,
        *sorted(
            (re.escape(space.form).replace(r"\#", r"\d+") for space in _SPACES.values()),
            key=len,
            reverse=True,  # a longer form may begin like a shorter one
        ),
    ]
)

LOOKALIKE: Final = re.compile(rf"{_PLACEHOLDER}|\b{_SURROGATE_NAME}\b")
"""What somebody wrote that looks like a placeholder or a surrogate's name; its group is the entity, of a
name none."""

# of whatever type: a release may be older than this list of entities
_ANY_PLACEHOLDER = r"\[([A-Z_]+)_(?:\d+|[0-9a-f]{12})\]"
_STAND_IN = re.compile(_ANY_PLACEHOLDER)
_NUMBERED = re.compile(f"{_ANY_PLACEHOLDER}|{_SURROGATE}")


def unnumbered(text: str) -> str:
    """Give a text with the numbers of its placeholders and surrogates taken off: each row numbers its own."""
    return _NUMBERED.sub(lambda found: f"[{found[1] or 'SURROGATE'}]", text)


@dataclass(frozen=True, slots=True)
class Operators:
    """Which operator replaces which entity."""

    default: Operator = "placeholder"
    entities: Mapping[str, Operator] = field(default_factory=dict)
    salt: bytes | None = field(default=None, repr=False)
    """Key of the hashes, of one conversation. Without it nothing can be hashed."""

    @classmethod
    def of(cls, config: BuildConfig, salt: bytes | None = None) -> Operators:
        """Take what a build is told."""
        return cls(config.operator, config.operators, salt)

    def of_entity(self, entity: str) -> Operator:
        """Name the operator that replaces an entity."""
        return self.entities.get(entity, self.default)

    def removes(self, entity: str) -> bool:
        """Say whether an entity is taken out without a trace."""
        return self.of_entity(entity) == "remove"

    def numbers(self, entity: str) -> bool:
        """Say whether what replaces an entity has a number."""
        return self.of_entity(entity) in ("placeholder", "surrogate")

    def cleared(self, text: str, instead: str) -> str:
        """Give a released text with ``instead`` in the place of every placeholder, and of every surrogate if
        there can be any."""
        invents = "surrogate" in (self.default, *self.entities.values())
        return (_NUMBERED if invents else _STAND_IN).sub(lambda _: instead, text)

    def stand_in(self, entity: str, number: int, referent: str) -> str:
        """Give what stands in a text for the thing or person that has this number in its row.

        Raises ValueError for a hash without a salt: it could be guessed.
        """
        match self.of_entity(entity):
            case "remove":
                return ""
            case "mask":
                return MASK
            case "hash":
                if self.salt is None:
                    raise ValueError("a hash needs a salt")
                digest = hmac.digest(self.salt, referent.encode(), "sha256")
                return f"[{entity}_{digest[:6].hex()}]"
            case "surrogate":
                return _surrogate(entity, number) or f"[{entity}_{number}]"
            case "placeholder":
                return f"[{entity}_{number}]"

    def shown(self, entity: str) -> str:
        """Show for the card what replaces an entity."""
        match self.of_entity(entity):
            case "remove":
                return "nothing"
            case "hash":
                return f"`[{entity}_HASH]`"
            case "surrogate" if example := _surrogate(entity, 1):
                return f"`{example}` and the like"
            case "mask":
                return f"`{MASK}`"
            case _:
                return f"`[{entity}_n]`"


def _surrogate(entity: str, number: int) -> str | None:
    """Give the surrogate with a number (from 1); None where no reserved space has one."""
    if entity == "PERSON":
        again, name = divmod(number - 1, len(_NAMES))
        return f"{_NAMES[name]} {_FAMILY}" + (f" {again + 1}" if again else "")
    space = _SPACES.get(entity)
    if space is None or number > space.last:
        return None
    return space.form.replace("#", str(number).zfill(space.width))
