"""One conversation's texts, scrubbed: where detection, structured evidence and people come together.

Fails closed: a text that no detector covers, or that raises on the way, comes back refused, without text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fedi_dataset.privacy.hidden import Digest
from fedi_dataset.privacy.identities import PeopleMatcher
from fedi_dataset.privacy.placeholders import resolve
from fedi_dataset.privacy.spans import Mark, Person, Span

__all__ = ["Detect", "Said", "Scrubbed", "scrub"]


@dataclass(frozen=True, slots=True)
class Said:
    """A text to scrub, its language (``und`` if not identified), and whom its markup mentions where."""

    text: str
    language: str
    mentions: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """A text with the marks that its placeholders will replace, or the reason why it is refused."""

    text: str
    marks: tuple[Mark, ...] = ()
    refused: str | None = None


Detect = Callable[[int], Sequence[Span] | None]
"""What is detected in the text of this index; None: no detector covers it. May raise."""


def scrub(
    said: Sequence[Said], people: Sequence[Person], detect: Detect, digest: Digest
) -> list[Scrubbed]:
    """Scrub the texts of one conversation, in order, with all its people looked for in all of them.

    ``digest`` is the keyed hash by which people who withdrew are looked for (hidden.py).
    """
    matcher = PeopleMatcher(people, digest)
    return [_scrub_one(index, one, matcher, detect) for index, one in enumerate(said)]


def _scrub_one(index: int, said: Said, matcher: PeopleMatcher, detect: Detect) -> Scrubbed:
    try:
        spans = detect(index)
        if spans is None:
            return Scrubbed("", refused="no_detector_for_language")
        marks = resolve(said.text, spans, said.mentions, matcher.marks(said.text, spans))
    except Exception:  # noqa: BLE001 - whatever went wrong, the text does not go round the detector
        return Scrubbed("", refused="unscrubbed")
    return Scrubbed(said.text, marks)
