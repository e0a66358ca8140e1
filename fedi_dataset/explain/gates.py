"""The gate, asked step by step: of each of its tests whether it passes a post, refuses it, or is not reached.

The answers are the gate's own. Where several tests ask the same (what a consent covers, say) only the first that fails
speaks, and those behind it are not told; all others are, even behind a refusal, so that one sees at once all that
stands in a post's way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from fedi_dataset.consent.admission import Admission, Verdict
from fedi_dataset.consent.gate import Gate
from fedi_dataset.explain.evidence import Case, evidence_of
from fedi_dataset.reasons import GATE

__all__ = ["Answer", "Step", "steps_of"]

Answer = Literal["passed", "refused", "not told"]


@dataclass(frozen=True, slots=True)
class Step:
    """One test of the gate."""

    code: str
    """The reason with which it refuses."""
    answer: Answer
    evidence: str
    """On what the answer rests; of a test that is not told, what it would look at."""


_OF_THE_POST: Final = ("not_own", "not_a_post", "not_public", "deleted")
_SCOPE: Final = ("consent_expired", "purpose_not_covered", "recipients_not_covered")
_COVERAGE: Final = ("outside_dates", "visibility_not_covered", "excluded_by_author", "no_date")
_ACCOUNT: Final = ("acquisition_not_covered", "weak_evidence", "under_age")
_GROUPS: Final = (_OF_THE_POST, _SCOPE, _COVERAGE, _ACCOUNT)
"""Tests of which only the first that fails speaks."""


def steps_of(case: Case, gate: Gate) -> tuple[Step, ...]:
    """Give every test in the gate's order. Reads no words."""
    first = gate.judge(case.post, case.export)
    refused: dict[str, str | None] = {}
    if first.reason in _OF_THE_POST:
        refused[first.reason] = None
    settled = gate.settled(case.export)
    if first.reason == "not_own":
        untold = set(GATE) - {"not_own"}  # the owner's consent is not this author's
    elif isinstance(settled, Verdict):
        untold = _after(str(settled.reason), GATE)
        refused[str(settled.reason)] = settled.detail
    else:
        untold = set()
        refused |= _refusals(case, settled)
    for group in _GROUPS:
        failing = next((code for code in group if code in refused), None)
        untold |= _after(failing, group) - refused.keys() if failing is not None else set()
    return tuple(
        Step(code, _answer(code, refused, untold), evidence_of(code, case, refused.get(code)))
        for code in GATE
    )


def _refusals(case: Case, admission: Admission) -> Mapping[str, str | None]:
    """What refuses, each code with the first detail it has."""
    found: dict[str, str | None] = {}
    for code, detail in admission.refusals(case.post):
        found.setdefault(code, detail)
    return found


def _after(code: str, codes: Iterable[str]) -> set[str]:
    listed = list(codes)
    return set(listed[listed.index(code) + 1 :])


def _answer(code: str, refused: Mapping[str, str | None], untold: set[str]) -> Answer:
    if code in refused:
        return "refused"
    return "not told" if code in untold else "passed"
