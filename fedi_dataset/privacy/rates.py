"""Shares that were counted, with how sure one can be of them: what every figure about privacy is reported with."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["percent", "upper_bound", "wilson"]

_Z: Final = 1.959963984540054  # the normal distribution's 97.5 % quantile


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """Give Wilson's 95 % score interval of a share: ``(low, high)``, within 0 and 1.

    It stays honest at 0 and 1, where the usual interval shrinks to a point. Without trials nothing is
    known: ``(0, 1)``.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    JASA 22 (1927); Brown, Cai, DasGupta, Interval estimation for a binomial proportion, 2001.
    """
    if not 0 <= successes <= trials:
        raise ValueError("successes must lie between 0 and the number of trials")
    if trials == 0:
        return 0.0, 1.0
    share, squared = successes / trials, _Z * _Z
    middle = (share + squared / (2 * trials)) / (1 + squared / trials)
    spread = math.sqrt(share * (1 - share) / trials + squared / (4 * trials * trials))
    half = _Z * spread / (1 + squared / trials)
    # at 0 and 1 an end of the interval is the share itself, which rounding must not step over
    return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))


def percent(share: float) -> str:
    """Write a share with two significant digits: "0.72 %", "43 %", "100 %"."""
    return f"{float(f'{100 * share:.2g}'):g} %"


def upper_bound(found: int, trials: int) -> float:
    """Give what a share lies below with 95 % confidence: never 0, however little was found.

    If nothing was: the rule of three, ``3 / trials``. Else the upper end of :func:`wilson`'s interval. Without trials,
    and for so few that the rule gives more than all, it is 1.

    Source: Hanley, Lippman-Hand, If nothing goes wrong, is everything all right?, JAMA 249 (1983).
    """
    if found == 0:
        return min(1.0, 3 / trials) if trials else 1.0
    return wilson(found, trials)[1]
