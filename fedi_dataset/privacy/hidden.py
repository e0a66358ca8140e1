"""People who withdrew: found in others' words by keyed hashes of what names them.

Of them nothing readable is kept, and still no withdrawal may unmask anybody. So each sequence of words that
named them becomes a hash, and the matcher looks for it by hashing the windows of a text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from fedi_dataset.privacy.names import Form, Token, forms_of, is_genitive
from fedi_dataset.privacy.spans import Person

__all__ = ["Digest", "Hidden", "hide"]

Digest = Callable[[tuple[str, ...]], bytes]
"""A keyed hash of folded words."""


class HiddenForm(msgspec.Struct, frozen=True):
    """What is kept of a form of somebody who withdrew."""

    who: str
    """The person: the referent of their marks."""
    words: str
    """Keyed hash of the sequence of words, in hex."""
    length: int
    gaps: tuple[str, ...] | None
    entity: str
    needs_at: bool
    needs_capital: bool
    squashed: str | None
    """Keyed hash of the words written as one, where hashtags are searched for it."""


def hide(person: Person, digest: Digest) -> list[str]:
    """Give what may be kept of what names a person once they withdrew: JSON texts, sorted.

    ``digest`` must be keyed: who knows the key can test whether a name is hidden here.
    """
    kept = set()
    for form in forms_of(person):
        tagged = form.entity == "PERSON" and (len(form.words) > 1 or not form.needs_capital)
        hidden = HiddenForm(
            who=person.referent,
            words=digest(form.words).hex(),
            length=len(form.words),
            gaps=form.gaps,
            entity=form.entity,
            needs_at=form.needs_at,
            needs_capital=form.needs_capital,
            squashed=digest(("", "".join(form.words))).hex() if tagged else None,
        )
        kept.add(msgspec.json.encode(hidden).decode())
    return sorted(kept)


class Hidden:
    """Forms of people who withdrew, found by hashing what stands in a text."""

    def __init__(self, people: Sequence[Person], digest: Digest | None) -> None:
        forms = [
            msgspec.json.decode(kept, type=HiddenForm)
            for person in people
            for kept in person.hidden
        ]
        if forms and digest is None:
            raise ValueError("people are hidden, and there is no digest to find them by")
        self._digest: Digest = digest or _no_digest
        self._lengths = sorted({form.length for form in forms})
        self._by_words: dict[str, list[HiddenForm]] = {}
        self._by_squashed: dict[str, list[HiddenForm]] = {}
        for form in forms:
            self._by_words.setdefault(form.words, []).append(form)
            if form.squashed is not None:
                self._by_squashed.setdefault(form.squashed, []).append(form)

    def beginning(self, tokens: list[Token], index: int) -> list[Form]:
        """Find the hidden forms that are the words from this token on."""
        found: list[Form] = []
        for length in self._lengths:
            run = tokens[index : index + length]
            if len(run) < length:
                break
            words = tuple(token.folded for token in run)
            found += self._are(words)
            if is_genitive(run[-1]):
                found += [
                    form for form in self._are((*words[:-1], words[-1][:-1])) if form.gaps is None
                ]
        return found

    def _are(self, words: tuple[str, ...]) -> list[Form]:
        return _revealed(words, self._by_words.get(self._digest(words).hex(), ()))

    def named(self, words: tuple[str, ...]) -> Form | None:
        """Find the hidden name that is these words."""
        if len(words) not in self._lengths:
            return None
        return next((form for form in self._are(words) if form.entity == "PERSON"), None)

    def squashed(self, word: str) -> Form | None:
        """Find the hidden name that is this word when written as one."""
        if not self._by_squashed:
            return None
        kept = self._by_squashed.get(self._digest(("", word)).hex(), ())
        return next(iter(_revealed((word,), kept)), None)


def _no_digest(_: tuple[str, ...]) -> bytes:
    """Stand in where nobody is hidden."""
    return b""


def _revealed(words: tuple[str, ...], kept: Sequence[HiddenForm]) -> list[Form]:
    """Give forms back their words, which stand in the text at hand; equal ones once."""
    forms: dict[tuple[object, ...], Form] = {}
    for hidden in kept:
        form = forms.setdefault(
            (hidden.gaps, hidden.entity, hidden.needs_at),
            Form(words, hidden.gaps, hidden.entity, hidden.needs_at, hidden.needs_capital),
        )
        form.needs_capital &= hidden.needs_capital
        form.referents.add(hidden.who)
    return list(forms.values())
