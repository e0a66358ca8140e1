"""Sentences that give somebody away, or lead somewhere: one slot each, and what is filled in."""

from __future__ import annotations

import random
from string import Template
from typing import Literal, NamedTuple

from tests.world.draft import Entity, Private, Run
from tests.world.grammar import WORDS
from tests.world.people import PEOPLE_NAMES, Person, ascii_word

__all__ = ["ASIDES", "SHOWN", "Aside", "AsideKind", "aside"]

AsideKind = Literal[
    "phone", "email", "address", "person", "participant", "handle", "mention", "profile", "link"
]
ASIDES: tuple[AsideKind, ...] = (
    "phone",
    "email",
    "address",
    "person",
    "participant",
    "handle",
    "mention",
    "profile",
    "link",
)
_SLOTS = {"participant": "name", "profile": "url", "link": "url"}
_ENTITIES: dict[AsideKind, Entity] = {
    "phone": "PHONE_NUMBER",
    "email": "EMAIL_ADDRESS",
    "address": "STREET_ADDRESS",
    "person": "PERSON",
    "participant": "PERSON",
    "handle": "HANDLE",
    "mention": "HANDLE",
    "profile": "URL",
}
SHOWN = 30
"""Characters of a link before it is shortened, on both platforms."""
_MAIL_HOSTS = ("post.example", "mail.test", "letters.example")


class Aside(NamedTuple):
    """A sentence, and what in it must not survive."""

    runs: tuple[Run, ...]
    private: tuple[Private, ...]


def aside(
    rng: random.Random, kind: AsideKind, language: str, addressee: Person, other: Person
) -> Aside:
    """A sentence of ``kind``. ``addressee`` is spoken to; ``other`` is who is mentioned or linked."""
    template = rng.choice(WORDS[language].asides[kind])
    value = _value(rng, kind, language, addressee, other)
    slot = "${slot}"
    filled = Template(template).substitute({_SLOTS.get(kind, kind): slot})
    before, _, after = filled.partition(slot)
    planted = value.text.removeprefix("https://")
    private = (Private(_ENTITIES[kind], planted),) if kind in _ENTITIES else ()
    return Aside((Run(before), value, Run(after)), private)


def _value(
    rng: random.Random, kind: AsideKind, language: str, addressee: Person, other: Person
) -> Run:
    words = WORDS[language]
    third = f"{rng.choice(words.first_names[PEOPLE_NAMES:])} {rng.choice(words.last_names)}"
    match kind:
        case "phone":
            return Run(_phone(rng, language))
        case "email":
            address = ".".join(ascii_word(part) for part in third.split())
            return Run(f"{address}@{rng.choice(_MAIL_HOSTS)}")
        case "address":
            return Run(_street(language, rng.choice(words.streets), rng.randrange(2, 90)))
        case "person":
            return Run(third)
        case "participant":
            return Run(addressee.first_name)
        case "handle":
            at = "@" if addressee.platform == "mastodon" else "."
            return Run(f"@{ascii_word(third.split()[1])}{at}elsewhere.example")
        case "mention":
            return Run(other.mention, "mention", person=other)
        case "profile":
            return _link(f"elsewhere.example/@{ascii_word(third.split()[1])}", addressee)
        case "link":
            page = f"{rng.randrange(2020, 2026)}/the-long-way"
            return _link(f"notes.example/{language}/{page}", addressee)


def _link(address: str, addressee: Person) -> Run:
    """A link as it reads: Bluesky's app drops the scheme of an address that is short enough."""
    bare = addressee.platform == "bluesky" and len(address) <= SHOWN
    return Run(address if bare else f"https://{address}", "link")


def _phone(rng: random.Random, language: str) -> str:
    """Numbers set apart for films (Ofcom, Bundesnetzagentur, ARCEP); of Spain, which has none, an unused one."""
    digits = f"{rng.randrange(1000):03}"
    match language:
        case "de":
            return f"+49 30 23125 {digits}"
        case "fr":
            return f"+33 1 99 00 {digits[:2]} {digits[1:]}"
        case "es":
            return f"+34 910 000 {digits}"
        case _:
            return f"+44 20 7946 0{digits}"


def _street(language: str, street: str, number: int) -> str:
    """The order and the comma of the language's own addresses."""
    match language:
        case "de":
            return f"{street} {number}"
        case "es":
            return f"{street}, {number}"
        case "fr":
            return f"{number} {street}"
        case _:
            return f"{number} {street}"
