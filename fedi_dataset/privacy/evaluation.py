"""How good a detector is: what it masks in texts whose identifiers are known, counted.

*Coverage recall*: the share of gold spans of identifying labels of which at least half of the non-blank
characters are masked, whatever they are masked as: what a scrubber is for. *Character precision*: of the
non-blank characters that are masked and lie in no gold span of another label, the share that lies in one of
an identifying label; masking a gold span of another label is neither right nor wrong. *Plain touched*: the
share of texts without any gold span in which something is masked: the damage to ordinary posts.

A text that the detector refuses reaches no release. It is counted apart, with its spans, and is in no rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fedi_dataset.privacy.gold import Gold, GoldSpan
from fedi_dataset.privacy.rates import wilson
from fedi_dataset.privacy.scrub import Scrubbed
from fedi_dataset.privacy.spans import Mark

__all__ = ["IDENTIFYING", "Evaluation", "Piece", "evaluate"]

IDENTIFYING: Final = (
    "STREET_ADDRESS",
    "PERSON",
    "CREDIT_CARD",
    "US_SSN",
    "US_DRIVER_LICENSE",
    "ZIP_CODE",
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "IBAN_CODE",
    "IP_ADDRESS",
    "DOMAIN_NAME",
    "HANDLE",
    "PROFILE_URL",
    "DID",
    "GOVERNMENT_ID",
    "CRYPTO",
    "API_KEY",
    "GEO",
    "LICENSE_PLATE",
)
"""Gold labels of what identifies or reaches a person by itself."""

_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a gold text that was missed or masked wrongly: the record (from 1), where, and as what."""

    record: int
    begin: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class _Scored:
    """One text that was scrubbed: which spans were found, and what each mark covers."""

    record: int
    language: str
    found: tuple[tuple[GoldSpan, bool], ...]
    covers: tuple[tuple[Mark, int, int], ...]
    """Each mark with its characters inside of identifying spans, and outside of any span."""


class Evaluation:
    """The scores of one detector on one gold file. Made by :func:`evaluate`."""

    def __init__(
        self,
        scored: Sequence[_Scored],
        refused: Sequence[tuple[Gold, str]],
        identifying: Collection[str],
    ) -> None:
        self._scored = tuple(scored)
        self._refused = tuple(refused)
        self._identifying = frozenset(identifying)

    @property
    def misses(self) -> list[Piece]:
        """Give the gold spans of identifying labels that were not found, in the file's order."""
        return [
            Piece(one.record, span.begin, span.end, span.label)
            for one in self._scored
            for span, found in one.found
            if not found and span.label in self._identifying
        ]

    @property
    def wrong(self) -> list[Piece]:
        """Give the marks that cover a character outside of all gold spans, in the file's order."""
        return [
            Piece(one.record, mark.begin, mark.end, mark.entity)
            for one in self._scored
            for mark, _, outside in one.covers
            if outside
        ]

    def to_dict(self) -> dict[str, Any]:
        """Give all figures as plain data; rates are null where there is nothing to count.

        Intervals (``*_95``) are Wilson's. That of a precision counts marks, not characters, since the
        characters of a mark stand and fall together.
        """
        languages = sorted({one.language for one in self._scored})
        return {
            "texts": len(self._scored),
            "refused": {
                "texts": len(self._refused),
                "spans": sum(
                    s.label in self._identifying for g, _ in self._refused for s in g.spans
                ),
                "reasons": dict(sorted(Counter(reason for _, reason in self._refused).items())),
            },
            **self._figures(self._scored),
            "languages": {
                language: self._figures([o for o in self._scored if o.language == language])
                for language in languages
            },
            "labels": {label: self._label(label) for label in self._labels()},
            "misses": dict(sorted(Counter(piece.label for piece in self.misses).items())),
        }

    def _figures(self, scored: Sequence[_Scored]) -> dict[str, Any]:
        hits = [f for one in scored for span, f in one.found if span.label in self._identifying]
        covers = [cover for one in scored for cover in one.covers]
        plain = [bool(one.covers) for one in scored if not one.found]
        touched = _rate("plain_touched", sum(plain), len(plain))
        recall = {"spans": len(hits), "found": sum(hits), **_rate("recall", sum(hits), len(hits))}
        return {
            "identifying": {**recall, **_precision(covers)},
            "plain": len(plain),
            "touched": sum(plain),
            **touched,
        }

    def _labels(self) -> list[str]:
        gold = {span.label for one in self._scored for span, _ in one.found}
        return sorted(gold | {mark.entity for one in self._scored for mark, _, _ in one.covers})

    def _label(self, label: str) -> dict[str, Any]:
        """Give recall over the gold spans with this label, and precision over the marks with this name."""
        hits = [f for one in self._scored for span, f in one.found if span.label == label]
        covers = [c for one in self._scored for c in one.covers if c[0].entity == label]
        return {
            "identifying": label in self._identifying,
            "spans": len(hits),
            "found": sum(hits),
            **_rate("recall", sum(hits), len(hits)),
            **_precision(covers),
        }


def evaluate(
    cases: Iterable[tuple[Gold, str, Scrubbed]], identifying: Collection[str] = IDENTIFYING
) -> Evaluation:
    """Score texts that were scrubbed, each with its gold and the language that it was scrubbed in."""
    scored: list[_Scored] = []
    refused: list[tuple[Gold, str]] = []
    for record, (gold, language, scrubbed) in enumerate(cases, 1):
        if scrubbed.refused is not None:
            refused.append((gold, scrubbed.refused))
        elif scrubbed.text != gold.text:
            raise ValueError(f"record {record} was scrubbed from another text than its gold's")
        else:
            scored.append(_score(record, gold, language, scrubbed.marks, identifying))
    return Evaluation(scored, refused, identifying)


def _score(
    record: int, gold: Gold, language: str, marks: Sequence[Mark], identifying: Collection[str]
) -> _Scored:
    masked = {at for mark in marks for at in _letters(gold.text, mark.begin, mark.end)}
    labeled: dict[bool, set[int]] = {True: set(), False: set()}
    found = []
    for span in gold.spans:
        letters = set(_letters(gold.text, span.begin, span.end))
        labeled[span.label in identifying] |= letters
        found.append((span, len(letters & masked) >= _HALF * len(letters)))
    covers = []
    for mark in marks:
        letters = set(_letters(gold.text, mark.begin, mark.end))
        outside = len(letters - labeled[True] - labeled[False])
        covers.append((mark, len(letters & labeled[True]), outside))
    return _Scored(record, language, tuple(found), tuple(covers))


def _letters(text: str, begin: int, end: int) -> Iterator[int]:
    return (at for at in range(begin, end) if not text[at].isspace())


def _precision(covers: Sequence[tuple[Mark, int, int]]) -> dict[str, Any]:
    inside, outside = sum(c[1] for c in covers), sum(c[2] for c in covers)
    counted = sum(1 for _, right, wrong in covers if right or wrong)
    share = inside / (inside + outside) if inside + outside else 0.0
    rate = _rate("precision", share * counted, counted)
    return {"marks": len(covers), "characters_right": inside, "characters_wrong": outside, **rate}


def _rate(name: str, successes: float, trials: int) -> dict[str, Any]:
    if not trials:
        return {name: None, f"{name}_95": None}
    low, high = wilson(successes, trials)
    return {name: round(successes / trials, 4), f"{name}_95": [round(low, 4), round(high, 4)]}
