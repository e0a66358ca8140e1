"""What all benchmarks share: the shape of a result, and a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

__all__ = ["Result", "timed"]

Result = dict[str, Any]
"""``name``, ``ratios``, ``agree`` (whether outputs agree that must), ``figures``."""


def timed(work: Callable[[], object]) -> float:
    """Give the seconds that something takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
