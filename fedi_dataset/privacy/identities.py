"""The people of a conversation, found wherever their names stand in its texts.

What the export says about people is the best evidence there is: handles, display names, DIDs and
profile URLs. They are looked for word by word, without regard to case and accents, in time
proportional to the text.

* A handle is found with and without its leading @. Its first part needs the @ (``@alice``), unless
  no ordinary word looks like it (``alice_92``).
* A display name is found whole, whatever its case. What stands in brackets or behind a bar, as
  pronouns do, may be left out.
* A part of a display name, of three letters or more, or a handle's first part, is found in any
  case, unless it is an ordinary word too (Hope, Wolf): then only when it is capitalized, and not at
  the beginning of a sentence if the text also has it in lower case ("Hope you are well. I hope
  ..."). Other lower-case parts are left to the detector, whose findings
  :meth:`PeopleMatcher.marks` takes and gives to the person whose name they are.
* A capitalized name may stand in the genitive (``Alice's``, ``Alices``).
* Names in hashtags are found in one word (``#AliceMiller``, ``#alicemiller``, ``#TeamAlice``); the
  mark takes the whole tag, without the #.
* A profile URL is found with what follows in the same link: the address of one of their posts.

Words that name nobody by themselves (articles, pronouns, titles) are never looked for alone.

Who withdrew is looked for too, by hashes (hidden.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from fedi_dataset.privacy.hidden import Digest, Hidden
from fedi_dataset.privacy.names import Form, Token, fold, forms_of, is_genitive, tokens_of
from fedi_dataset.privacy.spans import WORD, Mark, Person, Span

__all__ = ["PeopleMatcher", "find_people"]

_NAME_GAP = re.compile(r"[^\w\n]{1,3}")
_SENTENCE_BEGINS = re.compile(r"(?:^|[.!?:\n…]|[-*>•]\s)[\s\"'“‘«(¿¡]*$")
_NOT_LETTERS = re.compile(r"[\W\d_]+")
# The rest of a link behind the part that names somebody: the address of one of their posts.
_TAIL = re.compile(r"[/?#][^\s<>\"]*")
_CLOSING = ".,;:!?)]}>'\"*’”»…"
_SCHEME_BEFORE = re.compile(r"(?:https?|at)://(?:www\.)?$", re.IGNORECASE)
# Another name begins here: @alice.b, @alice@elsewhere.example, alice.example.org
_GOES_ON = re.compile(rf"[@.:\-]{WORD}")
_IN_ADDRESS = re.compile(rf"(?:{WORD}|/)\Z")  # before an @: another server's page or address
_GOES_BACK = re.compile(rf"{WORD}[@.\-]$")


def find_people(text: str, people: Sequence[Person]) -> list[Mark]:
    """Find people in one text; for many texts of one conversation build a :class:`PeopleMatcher`
    once."""
    return PeopleMatcher(people).marks(text)


class PeopleMatcher:
    """Finds the same people in text after text."""

    def __init__(self, people: Sequence[Person], digest: Digest | None = None) -> None:
        """``digest`` is what :func:`hide` was given, if anybody among the people is hidden."""
        self._hidden = Hidden(people, digest)
        self._forms: dict[tuple[object, ...], Form] = {}
        for person in people:
            for form in forms_of(person):
                known = self._forms.setdefault(
                    (form.words, form.gaps, form.entity, form.needs_at), form
                )
                known.needs_capital &= form.needs_capital
                known.referents.add(person.referent)
        self._by_first: dict[str, list[Form]] = {}
        for form in self._forms.values():
            self._by_first.setdefault(form.words[0], []).append(form)
        for forms in self._by_first.values():
            forms.sort(key=lambda form: form.rank)
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
        tokens = tokens_of(text)
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

    def _match(self, text: str, tokens: list[Token], index: int) -> tuple[Form, Mark] | None:
        """Find the longest form whose words begin with this token."""
        for form in self._beginning(tokens, index):
            run = tokens[index : index + len(form.words)]
            if not _says(run, form):
                continue
            begin, end = run[0].begin, run[-1].end
            gaps = [text[one.end : two.begin] for one, two in pairwise(run)]
            if form.gaps is None:
                fits = all(map(_NAME_GAP.fullmatch, gaps)) and (
                    run[0].capital
                    or not (
                        form.needs_capital or (len(run) == 1 and _is_in_address(text, begin, end))
                    )
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
            if fits:
                return form, _mark(text, begin, end, form)
        return None

    def _beginning(self, tokens: list[Token], index: int) -> Sequence[Form]:
        """Give the forms that may begin with this token, longer ones first."""
        token = tokens[index]
        forms = self._by_first.get(token.folded, ())
        more = self._hidden.beginning(tokens, index)
        if is_genitive(token):
            more += [
                form for form in self._by_first.get(token.folded[:-1], ()) if len(form.words) == 1
            ]
        return sorted([*forms, *more], key=_rank) if more else forms

    def _tag(self, text: str, token: Token) -> tuple[Form, Mark] | None:
        """Find a name in a hashtag: the whole tag, or words of it."""
        if token.begin == 0 or text[token.begin - 1] not in "#＃":
            return None
        squashed = token.folded.replace("_", "")
        form = self._squashed.get(squashed) or self._hidden.squashed(squashed)
        if form is None:
            pieces = [p for p in _pieces(text[token.begin : token.end]) if p[0].isupper()]
            runs = (
                tuple(map(fold, pieces[i:j]))
                for i in range(len(pieces))
                for j in range(min(len(pieces), i + 4), i, -1)
            )
            form = next((form for run in runs if (form := self._named(run))), None)
        if form is None:
            return None
        return form, Mark(token.begin, token.end, "PERSON", form.referent)

    def _named(self, words: tuple[str, ...]) -> Form | None:
        return self._names.get(words) or self._hidden.named(words)

    def _linked(self, text: str, spans: Iterable[Span]) -> Iterator[Mark]:
        for span in spans:
            if span.entity != "PERSON":
                continue
            words = tuple(token.folded for token in tokens_of(text[span.begin : span.end]))
            form = self._named(words)
            if form is not None:
                yield Mark(span.begin, span.end, "PERSON", form.referent)


def _rank(form: Form) -> tuple[object, ...]:
    return form.rank


def _ordinary_words(text: str, tokens: list[Token], marks: Iterable[Mark]) -> set[str]:
    """Words that the text also has in lower case, outside of names, handles and tags."""
    named = {position for mark in marks for position in range(mark.begin, mark.end)}
    return {
        token.folded
        for token in tokens
        if not token.capital
        and token.begin not in named
        and (token.begin == 0 or text[token.begin - 1] not in "@＠#＃")
    }


def _is_in_address(text: str, begin: int, end: int) -> bool:
    """Say whether a word is a part of a handle, an address or a path: @alice.elsewhere.example."""
    return bool(_GOES_ON.match(text, end)) or (begin > 0 and text[begin - 1] in "@＠/.:-")


def _says(run: Sequence[Token], form: Form) -> bool:
    """Say whether tokens are the words of a form; of a name, the last may stand in the genitive."""
    words = tuple(token.folded for token in run)
    if words == form.words:
        return True
    return (
        form.gaps is None
        and len(words) == len(form.words)
        and is_genitive(run[-1])
        and (*words[:-1], words[-1][:-1]) == form.words
    )


def _mark(text: str, begin: int, end: int, form: Form) -> Mark:
    """Take a handle's @ into the mark, a link's scheme, and what of a link leads to a post."""
    if form.entity == "PERSON":
        return Mark(begin, end, form.entity, form.referent)
    if form.entity == "HANDLE":
        at = begin > 0 and text[begin - 1] in "@＠"
        return Mark(begin - at, end, form.entity, form.referent)
    scheme = _SCHEME_BEFORE.search(text, max(0, begin - 12), begin)
    tail = _TAIL.match(text, end) if scheme or form.entity == "PROFILE_URL" else None
    post = tail.group().rstrip(_CLOSING) if tail else ""
    entity = form.entity
    if scheme and scheme.group().lower().startswith("at:"):
        entity = "AT_URI"
    elif len(post) > 1:
        entity = "POST_URL"
    return Mark(scheme.start() if scheme else begin, end + len(post), entity, form.referent)


def _pieces(tag: str) -> list[str]:
    """Split a hashtag where its letters go from small to capital, and around digits and _."""
    spaced = "".join(
        f" {char}" if before.islower() and char.isupper() else char
        for before, char in pairwise(f" {tag}")
    )
    return [piece for piece in _NOT_LETTERS.split(spaced) if piece]
