"""The people of a small fediverse: who they are, what they speak, and what they have agreed to.

Everybody is invented, on hosts that are reserved for examples (RFC 2606). The first twelve play every
part that a consent can have; whoever comes after them mostly consents.
"""

from __future__ import annotations

import hashlib
import random
import unicodedata
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Literal, get_args

from tests.world.grammar import WORDS

__all__ = ["LANGUAGES", "Person", "Platform", "Role", "cast", "outsider"]

Platform = Literal["mastodon", "bluesky"]
Role = Literal[
    "plain",  # consents to training
    "none",  # has never been asked
    "withdrawn",  # consented and withdrew
    "expired",  # consented until a day that has passed
    "under_age",  # fifteen years old
    "context",  # may be read, not trained on
    "noncommercial",  # consents under CC-BY-NC-4.0
    "bot",  # an automated account whose keeper consents
    "no_ai",  # consents, and says #NoAI in the bio
    "deny",  # consents, and a record in the repo says training=deny
    "dated",  # consents for what was written since 2025-07-01
    "weak",  # a repo, which anyone can fetch, with a mere assertion as evidence
]
"""The part that somebody plays: mostly, the kind of their consent."""

LANGUAGES = ("en", "de", "fr", "es")
MASTODON_HOSTS = (
    "harbor.example",
    "lantern.example",
    "orchard.test",
    "quarry.example",
    "fjord.test",
)
BLUESKY_HOSTS = ("skyline.example", "meadow.test")
FIRST_CAST: tuple[tuple[Role, Platform, tuple[str, ...]], ...] = (
    ("plain", "mastodon", ("en", "de", "fr", "es")),
    ("plain", "mastodon", ("de", "en", "es", "fr")),
    ("none", "mastodon", ("en", "de")),
    ("expired", "mastodon", ("fr", "en")),
    ("under_age", "mastodon", ("es", "en")),
    ("noncommercial", "mastodon", ("de", "en")),
    ("no_ai", "mastodon", ("en", "fr")),
    ("bot", "mastodon", ("en", "de", "fr", "es")),
    ("plain", "bluesky", ("fr", "en", "de", "es")),
    ("context", "bluesky", ("es", "en", "fr", "de")),
    ("deny", "bluesky", ("en", "de")),
    ("withdrawn", "bluesky", ("de", "fr", "en")),
    ("plain", "mastodon", ("fr", "es")),
    ("plain", "bluesky", ("en", "de", "es")),
    ("plain", "mastodon", ("es", "en", "fr")),
    ("plain", "mastodon", ("de", "en")),
    ("dated", "mastodon", ("en", "fr")),
    ("weak", "bluesky", ("en", "es")),
)
PEOPLE_NAMES = 7
"""So many of a language's first names are borne by people with accounts; the rest by third parties."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with one account, and everything that is true about them."""

    number: int
    uri: str
    """Actor id, or DID."""
    username: str
    host: str
    display_name: str
    platform: Platform
    languages: tuple[str, ...]
    """What they speak; the first is their own."""
    role: Role
    subject: str
    """Who they are in the ledger, whatever accounts they have."""
    bio: str
    joined: datetime

    @property
    def language(self) -> str:
        """Their own language."""
        return self.languages[0]

    @property
    def handle(self) -> str:
        """With the leading @, as the platform writes it in full."""
        at = "@" if self.platform == "mastodon" else "."
        return f"@{self.username}{at}{self.host}"

    @property
    def mention(self) -> str:
        """What a reader of a post sees where they are mentioned."""
        return f"@{self.username}" if self.platform == "mastodon" else self.handle

    @property
    def profile(self) -> str:
        """URL of their page."""
        if self.platform == "mastodon":
            return f"https://{self.host}/@{self.username}"
        return f"https://{self.host}/profile/{self.uri}"

    @property
    def first_name(self) -> str:
        """The first word of the display name."""
        return self.display_name.split()[0]

    @property
    def is_bot(self) -> bool:
        """Whether the account is automated."""
        return self.role == "bot"

    @property
    def old_software(self) -> bool:
        """Whether their server still writes the archives of before Mastodon 4.2 (.tar.gz)."""
        return self.platform == "mastodon" and self.number % 3 == 1


def cast(seed: int, size: int, platforms: Sequence[Platform]) -> tuple[Person, ...]:
    """``size`` people, in the order of their numbers."""
    rng = random.Random(f"{seed}/people")
    names = {language: _names(rng, language) for language in LANGUAGES}
    taken: set[tuple[str, str]] = set()
    people = []
    for number in range(size):
        role, platform, languages = _part(rng, number, platforms)
        name = next(names[languages[0]])
        person = _person(rng, number, role, platform, languages, name, taken)
        people.append(person)
    return tuple(people)


def outsider(rng: random.Random, platform: Platform, language: str) -> Person:
    """Somebody who is mentioned and answered, and of whom there is no export."""
    name = f"{rng.choice(WORDS[language].first_names[PEOPLE_NAMES:])} Elsewhere"
    return _person(rng, 10**6, "none", platform, (language,), name, set(), "elsewhere.example")


def _part(
    rng: random.Random, number: int, platforms: Sequence[Platform]
) -> tuple[Role, Platform, tuple[str, ...]]:
    if number < len(FIRST_CAST):
        role, platform, languages = FIRST_CAST[number]
    else:
        role = "plain" if rng.random() < 0.8 else rng.choice(get_args(Role)[1:])
        platform = "bluesky" if role in {"deny", "weak"} or rng.random() < 0.3 else "mastodon"
        languages = tuple(rng.sample(LANGUAGES, rng.choice((1, 2, 2, 3))))
    if platform not in platforms:
        platform = platforms[0]
    if platform == "mastodon" and role in {"deny", "weak"}:
        role = "no_ai" if role == "deny" else "plain"  # both are parts that only a repo can play
    return role, platform, languages


def _person(  # one argument a fact
    rng: random.Random,
    number: int,
    role: Role,
    platform: Platform,
    languages: tuple[str, ...],
    name: str,
    taken: set[tuple[str, str]],
    host: str | None = None,
) -> Person:
    hosts = MASTODON_HOSTS if platform == "mastodon" else BLUESKY_HOSTS
    host = host or hosts[number % len(hosts)]
    username = ascii_word(name.split()[0])
    if (username, host) in taken:
        username += str(number)
    taken.add((username, host))
    return Person(
        number=number,
        uri=_uri(number, platform, host, username),
        username=username,
        host=host,
        display_name=name,
        platform=platform,
        languages=languages,
        role=role,
        subject=uuid.UUID(int=rng.getrandbits(128), version=4).urn,
        bio=_bio(rng, role, languages[0]),
        joined=datetime(2019, 1, 1, tzinfo=UTC) + timedelta(days=rng.randrange(2000)),
    )


def _uri(number: int, platform: Platform, host: str, username: str) -> str:
    if platform == "bluesky":
        digest = int.from_bytes(hashlib.sha256(f"{username}.{host}".encode()).digest(), "big")
        alphabet = "abcdefghijklmnopqrstuvwxyz234567"
        return "did:plc:" + "".join(alphabet[(digest >> 5 * place) & 31] for place in range(24))
    if number % 5 == 4:  # accounts made by Mastodon 4.5 and later have numeric ids
        return f"https://{host}/ap/users/{116_000_000_000_000_000 + number}"
    return f"https://{host}/users/{username}"


def _bio(rng: random.Random, role: Role, language: str) -> str:
    bio = rng.choice(WORDS[language].bios)
    return f"{bio} #NoAI" if role == "no_ai" else bio


def _names(rng: random.Random, language: str) -> Iterator[str]:
    """Full names, each once, in an order in which neither half comes again soon; then numbered."""
    first = list(WORDS[language].first_names[:PEOPLE_NAMES])
    own = list(WORDS[language].last_names)
    foreign = [name for each in LANGUAGES if each != language for name in WORDS[each].last_names]
    rng.shuffle(first)
    rng.shuffle(own)
    rng.shuffle(foreign)
    for last in (own, foreign):
        for again in range(len(last)):
            yield from (
                f"{given} {last[(again + place) % len(last)]}" for place, given in enumerate(first)
            )
    for number in count(1):
        yield f"{first[number % len(first)]} {own[number % len(own)]} {number}"


def ascii_word(word: str) -> str:
    """Lower case without accents, as usernames and addresses have it."""
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in decomposed if letter.isascii() and letter.isalnum()).lower()
