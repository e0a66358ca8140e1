"""Everything that finds identifiers by their form: Presidio's pattern recognizers as this project
chooses them, and our own for what names a person in the fediverse.

The list is stated, nothing is loaded by default. Left out on purpose: DATE_TIME, US_BANK_NUMBER and
US_DRIVER_LICENSE as stock Presidio has them, which are noise in prose (official and bank numbers
count beside their words), and URL: an ordinary link stays as words of the text.

Patterns take time in proportion to the text, and run without Presidio's time limit: it would drop
the pattern that ran out of time and go on, which lets identifiers through.

Importing this module imports Presidio, which takes seconds; :mod:`fedi_dataset.privacy.detector`
does it late.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cache
from typing import Any, Final

from presidio_analyzer import EntityRecognizer, LocalRecognizer
from presidio_analyzer import RecognizerResult as Result

from fedi_dataset.privacy.patterns.contacts import contact_recognizers
from fedi_dataset.privacy.patterns.disguise import undisguise
from fedi_dataset.privacy.patterns.handles import handle_recognizers
from fedi_dataset.privacy.patterns.hosts import url_recognizers
from fedi_dataset.privacy.patterns.ids import id_recognizers
from fedi_dataset.privacy.patterns.labelled import labelled_recognizers
from fedi_dataset.privacy.patterns.mail import mail_recognizers
from fedi_dataset.privacy.patterns.money import money_recognizers
from fedi_dataset.privacy.patterns.nearby_ids import nearby_id_recognizers
from fedi_dataset.privacy.patterns.network import network_recognizers
from fedi_dataset.privacy.patterns.numerals import numeral_recognizers
from fedi_dataset.privacy.patterns.phones import REGIONS, phone_recognizers
from fedi_dataset.privacy.patterns.places import place_recognizers
from fedi_dataset.privacy.patterns.plates import plate_recognizers
from fedi_dataset.privacy.patterns.secrets import secret_recognizers
from fedi_dataset.privacy.patterns.urls import links

__all__ = ["Patterns", "recognizers"]

# What is no number of anybody's where it is a part of a link.
_NOT_IN_LINKS: Final = frozenset(
    {
        "PHONE_NUMBER",
        "CREDIT_CARD",
        "GOVERNMENT_ID",
        "BANK_ACCOUNT",
        "LICENSE_PLATE",
        "DEVICE_ID",
        "HANDLE",
    }
)


class Patterns(LocalRecognizer):  # type: ignore[misc]  # Presidio is untyped
    """All pattern recognizers for posts of one language, over the text without its disguises."""

    def __init__(self, language: str) -> None:
        self.recognizers: tuple[EntityRecognizer, ...] = (
            *handle_recognizers(),
            *url_recognizers(),
            *mail_recognizers(),
            *contact_recognizers(),
            *secret_recognizers(),
            *phone_recognizers(language),
            *numeral_recognizers(),
            *money_recognizers(),
            *id_recognizers(),
            *nearby_id_recognizers(),
            *labelled_recognizers(),
            *network_recognizers(),
            *place_recognizers(),
            *plate_recognizers(),
        )
        entities = {entity for one in self.recognizers for entity in one.supported_entities}
        super().__init__(
            supported_entities=sorted(entities), supported_language=language, name="Patterns"
        )

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: Any = None,  # noqa: ARG002  # Presidio passes it by name
    ) -> list[Result]:
        """Give everything that any recognizer finds; offsets are those of the text as written."""
        plain = undisguise(text)
        found = {
            (result.start, result.end, result.entity_type): result.score
            for recognizer in self.recognizers
            for result in sorted(recognizer.analyze(plain.text, entities), key=_score)
        }
        if any(entity in _NOT_IN_LINKS for _, _, entity in found):
            ways = list(links(plain.text))
            begins = [begin for begin, _ in ways]
            found = {
                where: score
                for where, score in found.items()
                if not _is_part_of_link(*where, begins, ways)
            }
        return [
            Result(entity, *plain.written(begin, end), score)
            for (begin, end, entity), score in sorted(found.items())
        ]


def _score(result: Result) -> float:
    return float(result.score)


def _is_part_of_link(
    begin: int, end: int, entity: str, begins: list[int], ways: list[tuple[int, int]]
) -> bool:
    if entity not in _NOT_IN_LINKS:
        return False
    index = bisect_right(begins, begin) - 1
    return index >= 0 and end <= ways[index][1]


def recognizers(language: str = "und") -> tuple[EntityRecognizer, ...]:
    """Give the recognizers that need no model, for posts of a language (BCP 47, or ``und``).

    The language decides in which countries a telephone number without its country's code is valid;
    everything else is found in every language.
    """
    primary = language.lower().split("-")[0]
    return _recognizers(primary if primary in REGIONS else "und")


@cache
def _recognizers(language: str) -> tuple[EntityRecognizer, ...]:
    return (Patterns(language),)
