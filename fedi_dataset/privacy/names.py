"""What names a person: handles, display names and addresses as sequences of folded words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from fedi_dataset.privacy.spans import WORD, Person

__all__ = ["Form", "Token", "fold", "forms_of", "is_genitive", "tokens_of"]

TOKEN = re.compile(f"{WORD}+")
SEGMENT = re.compile(r"[|/•·–—:;,~()\[\]{}<>]|\s-\s")
_LETTERS: Final = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"}
)


# Levels of the lexicon up to which a word is not frequent.
_RARE: Final = 2


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NOT_NAMES: Final = _set(
    """
    the and for not you she her hers him his they them their dey ella elle elles eux ihr sie
    ihm ihn lui lei loro zij hij hem haar hen una uno las los les des del der den das die
    dem een het van von zum zur est une und mit avec con com por par pour bei aus auf dos
    uma bot official team fan account news dr mr mrs mme herr frau sir prof phd jr sr any
    all one its who new old big mad are was can will may from
    fedi fediverse mastodon bluesky bsky lgbt lgbtq lgbtqia enby nonbinary genderfluid solarpunk
    cyberpunk foss floss antifa acab furry gamedev webdev devops infosec selfhosted homelab nsfw
    """
)


class Token(NamedTuple):
    """A word of a text, and whether it begins with a capital (or a letter without case)."""

    begin: int
    end: int
    folded: str
    capital: bool


@dataclass(slots=True)
class Form:
    """A sequence of words that names somebody."""

    words: tuple[str, ...]
    gaps: tuple[str, ...] | None
    """What stands between the words, exactly; None: whatever separates words of a name."""
    entity: str
    needs_at: bool = False
    needs_capital: bool = True
    referents: set[str] = field(default_factory=set)

    @property
    def rank(self) -> tuple[object, ...]:
        """Longer sequences first, then an order that does not depend on who came first."""
        return (-len(self.words), self.entity, self.gaps or (), self.needs_at)

    @property
    def referent(self) -> str:
        """The person; of a form that several share, a referent of its own, so that nobody is
        mistaken."""
        return (
            min(self.referents)
            if len(self.referents) == 1
            else f"{self.entity}:{' '.join(self.words)}"
        )


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """Fold case, accents and invisible characters, so that spellings of one name become equal."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    return "".join(c for c in folded if unicodedata.category(c) not in {"Mn", "Me", "Cf"})


def tokens_of(text: str) -> list[Token]:
    """Split a text into words, in order."""
    return [
        Token(m.start(), m.end(), fold(m.group()), not m.group()[0].islower())
        for m in TOKEN.finditer(text)
    ]


def is_genitive(token: Token) -> bool:
    """Say whether a token may be a name with the s of the genitive: Annas, Millers."""
    return token.capital and token.folded.endswith("s") and len(token.folded) > 3


def forms_of(person: Person) -> Iterator[Form]:
    """Give every sequence of words that names a person; hidden ones have none to give."""
    for handle in person.handles:
        yield from _handle_forms(handle)
    for name in person.names:
        yield from _name_forms(name)
    for url in person.urls:
        yield from _url_forms(url)


def _exact(text: str, entity: str, *, needs_at: bool = False) -> Iterator[Form]:
    tokens = tokens_of(text)
    if tokens:
        gaps = tuple(text[a.end : b.begin].lower() for a, b in pairwise(tokens))
        words = tuple(token.folded for token in tokens)
        yield Form(words, gaps, entity, needs_at=needs_at, needs_capital=False)


def _handle_forms(handle: str) -> Iterator[Form]:
    bare = handle.strip().lstrip("@")
    local, at, _ = bare.partition("@")
    first = local if at else bare.split(".")[0]
    whole_needs_at = not at and "." not in bare
    yield from _exact(bare, "HANDLE", needs_at=whole_needs_at and not _is_distinctive(bare))
    if first != bare:
        yield from _exact(first, "HANDLE", needs_at=not _is_distinctive(first))
    if first.isalpha() and len(first) >= 3 and fold(first) not in _NOT_NAMES:
        yield Form((fold(first),), None, "PERSON", needs_capital=_is_ordinary(fold(first)))


def _is_distinctive(local: str) -> bool:
    """No ordinary word looks like this: five characters or more, letters with digits or
    underscores."""
    return (
        len(local) >= 5
        and any(map(str.isalpha, local))
        and any(char.isdigit() or char == "_" for char in local)
    )


def _name_forms(name: str) -> Iterator[Form]:
    segments = [words for part in SEGMENT.split(name) if (words := TOKEN.findall(part))]
    whole = TOKEN.findall(name)
    named = [whole, *segments[:1], *(words for words in segments[1:] if len(words) > 1)]
    for words in named:
        folded = tuple(map(fold, words))
        if any(map(str.isalpha, "".join(folded))) and (len(folded) > 1 or _is_name(folded[0])):
            yield Form(folded, None, "PERSON", needs_capital=len("".join(folded)) < 3)
    for word in whole:
        if (
            word.isalpha()
            and len(word) >= 3
            and _is_name(fold(word))
            and (not word[0].islower() or name == name.lower())
        ):
            yield Form((fold(word),), None, "PERSON", needs_capital=_is_ordinary(fold(word)))


def _is_ordinary(folded: str) -> bool:
    """Say whether people write this word in lower case without meaning anybody.

    A given or family name is ordinary where it is a frequent word besides (rose, will); any other
    word if a lexicon has it at all.
    """
    from fedi_dataset.privacy.lexicon import lexicon

    entry = lexicon().entry(folded)
    frequency = max(map(int, entry.levels), default=0)
    return frequency > (_RARE if entry.given or entry.family else 0) or len(folded) < 3


def _is_name(folded: str) -> bool:
    return len(folded) >= 2 and folded not in _NOT_NAMES


def _url_forms(url: str) -> Iterator[Form]:
    if url.startswith("did:"):
        yield from _exact(url, "DID")
        return
    rest = re.sub(r"^https?://(?:www\.)?", "", url.strip(), flags=re.IGNORECASE)
    yield from _exact(rest.rstrip("/"), "PROFILE_URL")
