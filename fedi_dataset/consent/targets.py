"""What a build does with a license: the verdict table, and the license of the release itself.

The target follows from the config alone, so that no withdrawal changes a release's license. By
default it takes CC0, the public domain mark and CC BY, and the release is CC BY 4.0. Adding a BY-SA
license makes it BY-SA, adding a NonCommercial one makes it NonCommercial. Every release adapts what
it holds (scrubbing, cutting, joining), so that these terms decide:

* NoDerivatives grants no right to share adapted material (CC BY-ND 4.0, section 2(a)(1)(B)): never.
* ShareAlike asks for an adapter's license with the same elements, this version or a later one
  (CC BY-SA and BY-NC-SA 4.0, section 3(b)(1); 2.0 to 3.0, section 4(b)); 1.0, section 4(b), allows
  itself only. Hence BY and BY-SA together make BY-SA, several versions the latest of them, and
  BY-SA with NonCommercial nothing: no license has the elements of both and no others.
* A license that asks for more than to name authors, and that is none of these, is never taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, Literal, get_args

from fedi_dataset.consent.licenses import (
    and_of,
    entries,
    expression_of,
    is_listed,
    parse_license,
    readings,
)
from fedi_dataset.errors import UsageError

__all__ = [
    "DEFAULT_ALLOWED",
    "Answer",
    "Target",
    "duties",
    "narrowed",
    "spoken",
    "target_of",
    "verdict",
]

Answer = Literal["allow", "allow-with-attribution", "allow-with-share-alike", "refuse"]
"""From the least that a license asks for to the most."""

DEFAULT_ALLOWED: Final = frozenset(
    {
        "CC0-1.0",
        "CC-PDM-1.0",
        "CC-BY-1.0",
        "CC-BY-2.0",
        "CC-BY-2.5",
        "CC-BY-2.5-AU",
        "CC-BY-3.0",
        "CC-BY-3.0-AT",
        "CC-BY-3.0-AU",
        "CC-BY-3.0-DE",
        "CC-BY-3.0-IGO",
        "CC-BY-3.0-NL",
        "CC-BY-3.0-US",
        "CC-BY-4.0",
    }
)
"""SPDX ids that every build takes: CC0, the public domain mark, CC BY with the ports SPDX lists."""

_FAMILY: Final = re.compile(r"CC-(BY(?:-NC|-ND|-SA)*)-(\d\.\d)(-[A-Z]+)?")
_ELEMENTS: Final = {
    "BY": "attribution",
    "NC": "non-commercial",
    "ND": "no-derivatives",
    "SA": "share-alike",
}
_ORDER: Final[tuple[Answer, ...]] = get_args(Answer)
_UNKNOWN: Final = frozenset({"unknown"})


@dataclass(frozen=True, slots=True)
class Target:
    """What a build takes, and what its release is licensed under as a whole."""

    allowed: frozenset[str]
    """SPDX ids."""
    license: str
    """SPDX id of the release; each row keeps the licenses of its posts."""


@lru_cache(maxsize=64)
def target_of(allow_licenses: tuple[str, ...]) -> Target:
    """Give the target of a config that takes these licenses beside :data:`DEFAULT_ALLOWED`.

    Raises :class:`UsageError` for what is no single license, for one that no build can take, and for
    licenses that no release can hold together.
    """
    extra = frozenset(map(_takable, allow_licenses))
    shared = sorted(one for one in extra if duties(one) == {"attribution", "share-alike"})
    commons = sorted(one for one in extra if "non-commercial" in duties(one))
    if shared and commons:
        raise UsageError(
            f"{shared[0]} and {commons[0]} exclude each other: ShareAlike asks that the release be under "
            f"{shared[0]} or a later version, which allows commercial use. Allow one of them"
        )
    shared = shared or [one for one in commons if "share-alike" in duties(one)]
    own = "CC-BY-NC-4.0" if commons else "CC-BY-4.0"
    return Target(DEFAULT_ALLOWED | extra, _common_version(shared) if shared else own)


@lru_cache(maxsize=4096)
def verdict(row_license: str, target: Target) -> Answer:
    """Say what becomes of a license: of ``AND`` the strictest answer counts, of ``OR`` the mildest."""
    return _answer(expression_of(row_license), target)


@lru_cache(maxsize=4096)
def narrowed(granted: str, stated: str, target: Target) -> str | None:
    """Give a row's license: the author's grant, narrowed by what the post itself states.

    The grant is the license for this use. A statement that asks for no more leaves it as it is; one
    that asks for more, and is taken, is joined to it by ``AND``; any other refuses (None), and so
    does one that cannot be read, or names no version where that matters. None of them widens.
    """
    possible = readings(stated)
    asked = [option for one in possible for option in _options(expression_of(one))]
    due = frozenset.intersection(*_options(expression_of(granted)))
    if asked and all(option <= due for option in asked):
        return granted
    if len(possible) == 1 and verdict(possible[0], target) != "refuse":
        return and_of([granted, possible[0]])
    return None


def spoken(stated: str) -> str:
    """Name a stated license for people, in our words and not in the post's."""
    possible = readings(stated)
    if len(possible) == 1:
        return possible[0]
    found = _FAMILY.match(possible[0]) if possible else None
    return f"CC-{found[1]} without its version" if found else "one that cannot be read"


@cache
def duties(spdx: str) -> frozenset[str]:
    """Give what one license asks for: attribution, share-alike, non-commercial, no-derivatives, or unknown."""
    if (found := _FAMILY.fullmatch(spdx)) and is_listed(spdx):
        return frozenset(_ELEMENTS[element] for element in found[1].split("-"))
    entry = entries().get(spdx)
    return _UNKNOWN if entry is None or entry.duties is None else frozenset(entry.duties)


def _takable(text: str) -> str:
    spdx = parse_license(text)
    if " " in spdx:
        raise UsageError(f"allow one license at a time, not the expression {spdx!r}")
    if "no-derivatives" in duties(spdx):
        raise UsageError(
            f"{spdx} allows no adaptations, and scrubbing a text adapts it: "
            "no build can take it. Ask the author for another license"
        )
    if duties(spdx) == _UNKNOWN:
        raise UsageError(
            f"{spdx} may ask for more than this package does (copyleft, say): no build takes it. "
            "Ask the author for another license"
        )
    return spdx


def _common_version(licenses: Iterable[str]) -> str:
    """Give the license that material under all of these, of one family, may be adapted under."""
    several = list(licenses)
    if len(several) == 1:
        return several[0]
    found = [match for one in several if (match := _FAMILY.fullmatch(one))]
    versions = {match[2] for match in found}
    if "1.0" in versions:
        raise UsageError(
            f"{' and '.join(several)} exclude each other: version 1.0 allows adaptations under itself only"
        )
    family = found[0][1]
    later = (f"CC-{family}-{version}" for version in ("2.0", "2.5", "3.0", "4.0"))
    return next(one for one in later if one[-3:] >= max(versions))


def _answer(expression: Any, target: Target) -> Answer:
    answers = [_answer(part, target) for part in expression.args]
    if answers:
        choose = max if expression.operator.strip() == "AND" else min
        return choose(answers, key=_ORDER.index)
    spdx = str(expression)
    asked = duties(spdx)
    if spdx not in target.allowed or "no-derivatives" in asked:
        return "refuse"
    if "share-alike" in asked:
        return "allow-with-share-alike"
    return "allow-with-attribution" if asked else "allow"


def _options(expression: Any) -> list[frozenset[str]]:
    """Give what each way to comply with an expression asks for."""
    parts = [_options(part) for part in expression.args]
    if not parts:
        return [duties(str(expression))]
    if expression.operator.strip() == "OR":
        return [option for options in parts for option in options]
    joined: list[frozenset[str]] = [frozenset()]
    for options in parts:
        joined = sorted({one | other for one in joined for other in options}, key=sorted)
    return joined
