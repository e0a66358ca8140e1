"""Numbers that the text calls by their name: "my passport number is ...", "Konto: ...".

The label decides, so no form and no check digits are asked for: people invent, mistype and group
numbers as they like. The value is what follows the label and at most a few words of grammar: groups
of letters and digits that hold enough digits together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from presidio_analyzer import EntityRecognizer, LocalRecognizer
from presidio_analyzer import RecognizerResult as Result

from fedi_dataset.privacy.patterns.rules import any_word, both, gate, mentions, terms_of, word_set

__all__ = ["LabelledRecognizer", "labelled_recognizers"]

# What may stand between a label and its value.
_FILLERS: Final = any_word(
    word_set("""
    number numbers no nr num num. no. nr. id code card is was are the my it's that's being ending
    nummer ist lautet war die der das meine und zwar
    numéro n° nº est c'est le la les mon ma du de suivant
    número numero núm es era el mi del con
    è il lo mio mia della numero é o meu minha do
    het mijn van with of for
    """)
)
_GAP: Final = re.compile(
    rf"(?:[ \t]{{0,2}}[:=#.,()\[\]\"'*-]{{0,3}}[ \t]{{1,2}}(?:{_FILLERS})(?![^\W_])){{0,4}}"
    r"[ \t]{0,3}[:=#.\"'*(\[-]{0,3}\s{0,3}",
    re.IGNORECASE,
)
_GROUP: Final = re.compile(r"[A-Z0-9]{1,24}", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[ ./-]|\u00a0")
_AMOUNT: Final = re.compile(
    r"\s?(?:%|€|£|\$|euros?|eur|usd|dollars?|pounds?|followers|people|lines|files|zeilen|seiten|euro|lignes|l[íi]neas)(?!\w)",
    re.IGNORECASE,
)
"""Behind a number: it is one of money or of things, and nobody's."""
_MAXIMUM_GROUPS = 8
_SERIAL = 8


def _value_after(text: str, position: int, digits: int) -> tuple[int, int] | None:
    """Find the value that a label before ``position`` announces, with at least so many digits.

    Groups with a digit belong to it, and one to four capitals beside such a group.
    """
    gap = _GAP.match(text, position)
    begin = gap.end() if gap else position
    end = begin
    at = begin
    for _ in range(_MAXIMUM_GROUPS):
        group = _GROUP.match(text, at)
        if group is None or (group.end() < len(text) and _is_word(text[group.end()])):
            break
        value = group.group()
        if any(map(str.isdigit, value)):
            end = group.end()
        elif not (
            value.isupper() and len(value) <= 4 and _meets_digit(text, group.end(), at, begin)
        ):
            break
        else:
            end = group.end()
        between = _BETWEEN.match(text, group.end())
        if between is None:
            break
        at = between.end()
    found = text[begin:end]
    counted = sum(map(str.isdigit, found))
    # a serial number of capitals and digits needs fewer of these
    serial = counted >= digits - 1 and len(found) >= _SERIAL and found.isalnum() and found.isupper()
    return (begin, end) if counted >= digits or serial else None


def _meets_digit(text: str, after: int, at: int, begin: int) -> bool:
    """Say whether digits go before a group of capitals, or come right behind it."""
    following = text[after : after + 2]
    return at > begin or any(map(str.isdigit, following))


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


class LabelledRecognizer(LocalRecognizer):  # type: ignore[misc]  # Presidio is untyped
    """Finds values of one entity behind its labels."""

    def __init__(self, name: str, entity: str, terms: list[str], digits: int) -> None:
        self._label = re.compile(rf"(?<![^\W_])(?:{any_word(terms)})(?![^\W_])", re.IGNORECASE)
        self._gate = both(gate(r"\d\w?[ ./-]?\w?\d"), mentions(terms))
        self._digits = digits
        super().__init__(supported_entities=[entity], name=name)

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: Any = None,  # noqa: ARG002  # Presidio passes it by name
    ) -> list[Result]:
        """Give a result for each value behind a label."""
        entity = self.supported_entities[0]
        if entity not in entities or not self._gate(text):
            return []
        return [Result(entity, begin, end, 0.9) for begin, end in self._finds(text)]

    def _finds(self, text: str) -> Iterator[tuple[int, int]]:
        for label in self._label.finditer(text):
            value = _value_after(text, label.end(), self._digits)
            if value is not None and not _AMOUNT.match(text, value[1]):
                yield value


def labelled_recognizers() -> list[EntityRecognizer]:
    """Give the recognizers of numbers behind their labels."""
    return [
        LabelledRecognizer(
            "Labelled official numbers", "GOVERNMENT_ID", terms_of("government_id"), 5
        ),
        LabelledRecognizer("Labelled bank accounts", "BANK_ACCOUNT", terms_of("account"), 6),
    ]
