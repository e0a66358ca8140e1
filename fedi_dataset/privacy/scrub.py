"""One conversation's texts, scrubbed: where detection, structured evidence and people come together.

Fails closed: a text that no detector covers, or that raises on the way, comes back refused, without text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedi_dataset.privacy.detector import Detector
from fedi_dataset.privacy.identities import PeopleMatcher
from fedi_dataset.privacy.placeholders import resolve
from fedi_dataset.privacy.spans import Mark, Person

__all__ = ["Said", "Scrubbed", "scrub"]


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


def scrub(said: Sequence[Said], people: Sequence[Person], detector: Detector) -> list[Scrubbed]:
    """Scrub the texts of one conversation, in order, with all its people looked for in all of them."""
    matcher = PeopleMatcher(people)
    return [_scrub_one(one, matcher, detector) for one in said]


def _scrub_one(said: Said, matcher: PeopleMatcher, detector: Detector) -> Scrubbed:
    try:
        if not detector.covers(said.text, said.language):
            return Scrubbed("", refused="no_detector_for_language")
        spans = detector.detect(said.text, said.language)
        marks = resolve(said.text, spans, said.mentions, matcher.marks(said.text, spans))
    except Exception:  # noqa: BLE001 - whatever went wrong, the text does not go round the detector
        return Scrubbed("", refused="unscrubbed")
    return Scrubbed(said.text, marks)
