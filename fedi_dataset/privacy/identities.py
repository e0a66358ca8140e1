"""The people of a conversation, found wherever their names stand in its texts.

What the export says about people is the best evidence there is: handles, display names, DIDs and
profile URLs. They are looked for word by word, without regard to case and accents, in time
proportional to the text.

* A handle is found with and without its leading @. Its first part needs the @ (``@alice``), unless
  no ordinary word looks like it (``alice_92``).
* A display name is found whole, whatever its case. What stands in brackets or behind a bar, as
  pronouns do, may be left out.
* A part of a display name, of three letters or more, or a handle's first part, is found when it is
  capitalized; not at the beginning of a sentence if the text also has it in lower case ("Hope you
  are well. I hope ..."). Lower-case parts are left to the detector, whose findings
  :meth:`PeopleMatcher.marks` takes and gives to the person whose name they are.
* Names in hashtags are found in one word (``#AliceMiller``, ``#alicemiller``, ``#TeamAlice``); the
  mark takes the whole tag, without the #.

Words that name nobody by themselves (articles, pronouns, titles) are never looked for alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from fedi_dataset.privacy.spans import WORD, Mark, Person, Span

__all__ = ["PeopleMatcher", "find_people", "fold"]

_TOKEN = re.compile(f"{WORD}+")
_SEGMENT = re.compile(r"[|/•·–—:;,~()\[\]{}<>]|\s-\s")
_NAME_GAP = re.compile(r"[^\w\n]{1,3}")
_SENTENCE_BEGINS = re.compile(r"(?:^|[.!?:\n…]|[-*>•]\s)[\s\"'“‘«(¿¡]*$")
_PIECE = re.compile(
    r"[A-Z\u00c0-\u00de]?[a-z\u00df-\u00ff]+|[A-Z\u00c0-\u00de]+(?![a-z\u00df-\u00ff])|\d+"
)
_SCHEME_BEFORE = re.compile(r"(?:https?|at)://(?:www\.)?$", re.IGNORECASE)
# Another name begins here: @alice.b, @alice@elsewhere.example, alice.example.org
_GOES_ON = re.compile(rf"[@.:\-]{WORD}")
_IN_ADDRESS = re.compile(rf"(?:{WORD}|/)\Z")  # before an @: another server's page or address
_GOES_BACK = re.compile(rf"{WORD}[@.\-]$")

_LETTERS: Final = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"}
)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NOT_NAMES: Final = _set(
    """
    the and for not you she her hers him his they them their dey ella elle elles eux ihr sie
    ihm ihn lui lei loro zij hij hem haar hen una uno las los les des del der den das die
    dem een het van von zum zur est une und mit avec con com por par pour bei aus auf dos
    uma bot official team fan account news dr mr mrs mme herr frau sir prof phd jr sr any
    all one its who new old big mad are was can will may from
    """
)


class _Token(NamedTuple):
    begin: int
    end: int
    folded: str
    capital: bool


@dataclass(slots=True)
class _Form:
    """A sequence of words that names somebody."""

    words: tuple[str, ...]
    gaps: tuple[str, ...] | None
    """What stands between the words, exactly; None: whatever separates words of a name."""
    entity: str
    needs_at: bool = False
    needs_capital: bool = True
    referents: set[str] = field(default_factory=set)

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


def find_people(text: str, people: Sequence[Person]) -> list[Mark]:
    """Find people in one text; for many texts of one conversation build a :class:`PeopleMatcher`
    once."""
    return PeopleMatcher(people).marks(text)


class PeopleMatcher:
    """Finds the same people in text after text."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._forms: dict[tuple[object, ...], _Form] = {}
        for person in people:
            for form in _forms(person):
                known = self._forms.setdefault(
                    (form.words, form.gaps, form.entity, form.needs_at), form
                )
                known.needs_capital &= form.needs_capital
                known.referents.add(person.referent)
        self._by_first: dict[str, list[_Form]] = {}
        for form in self._forms.values():
            self._by_first.setdefault(form.words[0], []).append(form)
        for forms in self._by_first.values():
            forms.sort(key=lambda f: (-len(f.words), f.entity, f.gaps or (), f.needs_at))
        self._names = {f.words: f for f in self._forms.values() if f.entity == "PERSON"}
        self._squashed = {
            "".join(words): form
            for words, form in sorted(self._names.items())
            if len(words) > 1 or not form.needs_capital
        }

    def marks(self, text: str, spans: Iterable[Span] = ()) -> list[Mark]:
        """Mark these people in a text, sorted.

        ``spans`` are the detector's findings in it: of those, a PERSON whose words are a name of
        one of these people, or a part of it, is marked as that person.
        """
        tokens = _tokens(text)
        marks = set(self._linked(text, spans))
        doubtful: list[tuple[str, Mark]] = []
        index = 0
        while index < len(tokens):
            match = self._tag(text, tokens[index]) or self._match(text, tokens, index)
            if match is None:
                index += 1
                continue
            form, found = match
            if form.needs_capital and _SENTENCE_BEGINS.search(
                text, max(0, found.begin - 8), found.begin
            ):
                doubtful.append((tokens[index].folded, found))
            else:
                marks.add(found)
            while index < len(tokens) and tokens[index].begin < found.end:
                index += 1
        ordinary = _ordinary_words(text, tokens, marks) if doubtful else set()
        marks |= {mark for word, mark in doubtful if word not in ordinary}
        return sorted(marks)

    def _match(self, text: str, tokens: list[_Token], index: int) -> tuple[_Form, Mark] | None:
        """Find the longest form whose words begin with this token."""
        for form in self._by_first.get(tokens[index].folded, ()):
            run = tokens[index : index + len(form.words)]
            if tuple(token.folded for token in run) != form.words:
                continue
            begin, end = run[0].begin, run[-1].end
            gaps = [text[one.end : two.begin] for one, two in pairwise(run)]
            if form.gaps is None:
                fits = all(map(_NAME_GAP.fullmatch, gaps)) and (
                    run[0].capital or not form.needs_capital
                )
            else:
                at = begin > 0 and text[begin - 1] in "@＠"
                fits = (
                    [gap.lower() for gap in gaps] == list(form.gaps)
                    and (
                        not form.needs_at
                        or (at and not _IN_ADDRESS.search(text, max(0, begin - 2), begin - 1))
                    )
                    and not _GOES_ON.match(text, end)
                    and (at or not _GOES_BACK.search(text, max(0, begin - 2), begin))
                )
                begin = _with_prefix(text, begin, form.entity, at)
            if fits:
                return form, Mark(begin, end, form.entity, form.referent)
        return None

    def _tag(self, text: str, token: _Token) -> tuple[_Form, Mark] | None:
        """Find a name in a hashtag: the whole tag, or words of it."""
        if token.begin == 0 or text[token.begin - 1] not in "#＃":
            return None
        form = self._squashed.get(token.folded.replace("_", ""))
        if form is None:
            pieces = [p for p in _PIECE.findall(text[token.begin : token.end]) if p[0].isupper()]
            runs = (
                tuple(map(fold, pieces[i:j]))
                for i in range(len(pieces))
                for j in range(min(len(pieces), i + 4), i, -1)
            )
            form = next((self._names[run] for run in runs if run in self._names), None)
        if form is None:
            return None
        return form, Mark(token.begin, token.end, "PERSON", form.referent)

    def _linked(self, text: str, spans: Iterable[Span]) -> Iterator[Mark]:
        for span in spans:
            if span.entity != "PERSON":
                continue
            words = tuple(token.folded for token in _tokens(text[span.begin : span.end]))
            form = self._names.get(words)
            if form is not None:
                yield Mark(span.begin, span.end, "PERSON", form.referent)


def _tokens(text: str) -> list[_Token]:
    return [
        _Token(m.start(), m.end(), fold(m.group()), not m.group()[0].islower())
        for m in _TOKEN.finditer(text)
    ]


def _ordinary_words(text: str, tokens: list[_Token], marks: Iterable[Mark]) -> set[str]:
    """Words that the text also has in lower case, outside of names, handles and tags."""
    named = {position for mark in marks for position in range(mark.begin, mark.end)}
    return {
        token.folded
        for token in tokens
        if not token.capital
        and token.begin not in named
        and (token.begin == 0 or text[token.begin - 1] not in "@＠#＃")
    }


def _with_prefix(text: str, begin: int, entity: str, at: bool) -> int:
    """Take a handle's @ and a URL's scheme into the mark."""
    if entity == "HANDLE":
        return begin - 1 if at else begin
    scheme = _SCHEME_BEFORE.search(text, max(0, begin - 12), begin)
    return scheme.start() if scheme else begin


# --- what names a person
# ---------------------------------------------------------------------------


def _forms(person: Person) -> Iterator[_Form]:
    for handle in person.handles:
        yield from _handle_forms(handle)
    for name in person.names:
        yield from _name_forms(name)
    for url in person.urls:
        yield from _url_forms(url)


def _exact(text: str, entity: str, *, needs_at: bool = False) -> Iterator[_Form]:
    tokens = _tokens(text)
    if tokens:
        gaps = tuple(text[a.end : b.begin].lower() for a, b in pairwise(tokens))
        words = tuple(token.folded for token in tokens)
        yield _Form(words, gaps, entity, needs_at=needs_at, needs_capital=False)


def _handle_forms(handle: str) -> Iterator[_Form]:
    bare = handle.strip().lstrip("@")
    local, at, _ = bare.partition("@")
    first = local if at else bare.split(".")[0]
    whole_needs_at = not at and "." not in bare
    yield from _exact(bare, "HANDLE", needs_at=whole_needs_at and not _is_distinctive(bare))
    if first != bare:
        yield from _exact(first, "HANDLE", needs_at=not _is_distinctive(first))
    if first.isalpha() and len(first) >= 3 and fold(first) not in _NOT_NAMES:
        yield _Form((fold(first),), None, "PERSON")


def _is_distinctive(local: str) -> bool:
    """No ordinary word looks like this: five characters or more, letters with digits or
    underscores."""
    return (
        len(local) >= 5
        and any(map(str.isalpha, local))
        and any(char.isdigit() or char == "_" for char in local)
    )


def _name_forms(name: str) -> Iterator[_Form]:
    segments = [words for part in _SEGMENT.split(name) if (words := _TOKEN.findall(part))]
    whole = _TOKEN.findall(name)
    named = [whole, *segments[:1], *(words for words in segments[1:] if len(words) > 1)]
    for words in named:
        folded = tuple(map(fold, words))
        if any(map(str.isalpha, "".join(folded))) and (len(folded) > 1 or _is_name(folded[0])):
            yield _Form(folded, None, "PERSON", needs_capital=len("".join(folded)) < 3)
    for word in whole:
        if (
            word.isalpha()
            and len(word) >= 3
            and _is_name(fold(word))
            and (not word[0].islower() or name == name.lower())
        ):
            yield _Form((fold(word),), None, "PERSON")


def _is_name(folded: str) -> bool:
    return len(folded) >= 2 and folded not in _NOT_NAMES


def _url_forms(url: str) -> Iterator[_Form]:
    if url.startswith("did:"):
        yield from _exact(url, "DID")
        return
    rest = re.sub(r"^https?://(?:www\.)?", "", url.strip(), flags=re.IGNORECASE)
    yield from _exact(rest.rstrip("/"), "PROFILE_URL")
