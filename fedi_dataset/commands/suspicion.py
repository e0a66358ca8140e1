"""What `audit` says of residual risk and of canaries: lines for a person, plain data for --json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedi_dataset.release.canaries import CanaryReport
    from fedi_dataset.release.second_opinion import Review

__all__ = ["canaries_json", "canary_lines", "residual_json", "residual_lines"]


def residual_json(found: Review) -> dict[str, object]:
    """Give what is suspected as plain data; rates in [0, 1], bounds of 95 % confidence."""
    residual = found.residual
    return {
        "texts": residual.texts if residual else 0,
        "sampled": residual.sampled if residual else 0,
        "suspected": residual.suspected if residual else 0,
        "rate": residual.rate if residual else None,
        "upper": residual.upper if residual else None,
        "kinds": found.kinds,
        "models": [
            {
                "model": one.model,
                "language": one.language,
                "sampled": one.sampled,
                "suspected": one.suspected,
                "rate": one.suspected / one.sampled,
                "upper": one.upper,
            }
            for one in found.opinions
        ],
    }


def residual_lines(found: Review) -> Iterator[str]:
    """Give what is suspected, by kind and by model; the figure itself is audit's."""
    if found.kinds:
        kinds = ", ".join(f"{kind} {texts}" for kind, texts in found.kinds.items())
        yield f"      suspected, in texts: {kinds}"
    for one in found.opinions:
        yield f"      {one.sentence}"


def canaries_json(report: CanaryReport) -> dict[str, object]:
    """Give what became of canaries as plain data, by kind."""
    return {
        "ok": report.ok,
        "exports": report.exports,
        "recorded": report.recorded,
        "kinds": {
            one.kind: {
                "certain": one.certain,
                "planted": one.planted,
                "arrived": one.arrived,
                "survived": one.survived,
                "rate": one.rate,
                "upper": one.upper,
            }
            for one in report.kinds
        },
    }


def canary_lines(report: CanaryReport) -> Iterator[str]:
    """Give a line for each kind of canary."""
    from fedi_dataset.privacy.rates import percent

    yield f"canaries in {report.exports} of {report.recorded} exports"
    yield f"{'kind':<17} {'planted':>8} {'arrived':>8} {'survived':>8}   at most (95 % confidence)"
    for one in report.kinds:
        bound = percent(one.upper) if one.arrived else "nothing proven"
        broken = "  BROKEN: none may" if one.certain and one.survived else ""
        counts = f"{one.planted:>8} {one.arrived:>8} {one.survived:>8}"
        yield f"{one.kind:<17} {counts}   {bound}{broken}"
