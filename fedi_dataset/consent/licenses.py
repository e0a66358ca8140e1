"""Licenses as SPDX expressions: reading them, joining them, and which of them a build takes.

A spelling that people use (a Creative Commons URL, "CC BY 4.0", a deed's title) becomes the SPDX
id that it names. Nothing is guessed: a missing version, or a port that SPDX does not list, is an
error. Which licenses a build takes is a list: public domain, Attribution, and what the config adds.
NoDerivatives is never taken, because scrubbing and cutting adapt the work.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, Final

from fedi_dataset.errors import UsageError

__all__ = [
    "DEFAULT_ALLOWED",
    "and_of",
    "check_allowable",
    "components",
    "is_allowed",
    "parse_license",
]

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

_LONGEST: Final = 1000
"""Characters of the longest expression that is read; nothing real comes near it."""

_URL: Final = re.compile(
    r"(?:https?://)?(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)"
    r"/(?P<code>[a-z-]+)/(?P<version>\d\.\d)(?:/(?P<port>[a-z]{2,3}))?"
    r"(?:/(?:deed|legalcode)(?:[.-][a-z_-]+)?)?/?(?:[?#].*)?"
)
_TITLE: Final = re.compile(
    r"(?:cc-)?(?P<code>by(?:-(?:nc|nd|sa))*|cc0|pdm)-(?P<version>\d\.\d)(?:-(?P<port>[a-z]{2,3}))?"
    r"(?:-(?P<edition>international|unported|generic|universal))?"
)
_WORDS: Final = (
    (re.compile(r"[\s_/–-]+"), "-"),
    (re.compile(r"-?(?:public-)?licen[cs]e$"), ""),
    (re.compile(r"^creative-commons-"), "cc-"),
    (re.compile(r"attribution"), "by"),
    (re.compile(r"non-?commercial"), "nc"),
    (re.compile(r"share-?alike"), "sa"),
    (re.compile(r"no-?deriv(?:ative)?s"), "nd"),
    (re.compile(r"^(?:cc-)?zero(?=-)|^cc-0(?=-)"), "cc0"),
    (re.compile(r"^(?:cc-)?public-domain-mark"), "pdm"),
    (re.compile(r"-public-domain-dedication$"), ""),
)
"""Steps from a deed's title to the short spelling, in their order."""
_IDS: Final = {"zero": "CC0", "cc0": "CC0", "mark": "CC-PDM", "pdm": "CC-PDM"}
_EDITIONS: Final = {
    "international": ("4.0",),
    "unported": ("3.0",),
    "generic": ("1.0", "2.0", "2.5"),
    "universal": ("1.0",),
}
"""What the deeds call the edition that is not ported to a country, by version."""


@lru_cache(maxsize=4096)
def parse_license(text: str) -> str:
    """Give the canonical SPDX expression of a license: ids as SPDX writes them, simplified, sorted.

    Takes SPDX expressions, Creative Commons URLs (deeds and legal codes in any language, ports) and
    titles. Raises :class:`UsageError`, with the nearest ids, for anything else.
    """
    return str(_parse(_spdx_of_creative_commons(text) or text))


def check_allowable(text: str) -> str:
    """Give the SPDX id of a license that a config asks for beside :data:`DEFAULT_ALLOWED`.

    Raises :class:`UsageError` for what is no single license, and for NoDerivatives.
    """
    spdx = parse_license(text)
    if " " in spdx:
        raise UsageError(f"allow one license at a time, not the expression {spdx!r}")
    if _is_no_derivatives(spdx):
        raise UsageError(
            f"{spdx} allows no adaptations, and scrubbing a text adapts it: "
            "no build can take it. Ask the author for another license"
        )
    return spdx


@lru_cache(maxsize=4096)
def is_allowed(license: str, extra: tuple[str, ...] = ()) -> bool:  # noqa: A002 - the field's name
    """Tell whether a build takes a license: of ``AND`` it must take all, of ``OR`` one.

    ``extra`` are licenses taken beside :data:`DEFAULT_ALLOWED`; NoDerivatives is refused even so.
    """
    allowed = DEFAULT_ALLOWED.union(map(parse_license, extra))
    return _takes(_parse(parse_license(license)), allowed)


def and_of(licenses: Iterable[str]) -> str:
    """Join licenses into the SPDX ``AND`` of the distinct ones, sorted; the same for any order.

    Raises :class:`ValueError` when there is none: no row is without a license.
    """
    parts = sorted({part for one in licenses for part in _conjuncts(one)})
    if not parts:
        raise ValueError("a row has at least one license")
    if len(parts) == 1:
        return parts[0]
    return " AND ".join(f"({part})" if " OR " in part else part for part in parts)


@lru_cache(maxsize=4096)
def components(spdx: str) -> tuple[str, ...]:
    """Give the distinct licenses that an expression names, sorted."""
    return tuple(sorted(set(_licensing().license_keys(spdx))))


def _conjuncts(spdx: str) -> tuple[str, ...]:
    expression = _parse(parse_license(spdx))
    if isinstance(expression, _licensing().AND):
        return tuple(str(part) for part in expression.args)
    return (str(expression),)


def _takes(expression: Any, allowed: frozenset[str]) -> bool:
    licensing = _licensing()
    if isinstance(expression, licensing.AND):
        return all(_takes(part, allowed) for part in expression.args)
    if isinstance(expression, licensing.OR):
        return any(_takes(part, allowed) for part in expression.args)
    return str(expression) in allowed and not _is_no_derivatives(str(expression))


def _is_no_derivatives(spdx: str) -> bool:
    return "nd" in spdx.casefold().split("-")


def _spdx_of_creative_commons(text: str) -> str | None:
    """The id that a Creative Commons URL or title names, unchecked; None when it is neither."""
    folded = text.strip().casefold()
    found = _URL.fullmatch(folded) or _TITLE.fullmatch(_shortened(folded))
    if found is None:
        return None
    code, version, port = found["code"], found["version"], found["port"]
    edition = found.groupdict().get("edition")
    if edition is not None and (port or version not in _EDITIONS[edition]):
        return None
    name = _IDS.get(code) or f"CC-{code.upper()}"
    return f"{name}-{version}" + (f"-{port.upper()}" if port else "")


def _shortened(title: str) -> str:
    for pattern, short in _WORDS:
        title = pattern.sub(short, title)
    return title


def _parse(text: str) -> Any:
    from license_expression import ExpressionError

    if len(text) > _LONGEST:
        raise UsageError(f"a license of {len(text)} characters is no SPDX expression")
    try:
        expression = _licensing().parse(text, validate=True, strict=True)
    except ExpressionError as error:
        raise UsageError(_unknown(text)) from error
    if expression is None:
        raise UsageError("the license is empty; write an SPDX id such as CC-BY-4.0")
    return expression.simplify()


def _unknown(text: str) -> str:
    names = {name.casefold(): name for name in _licensing().known_symbols if "Ref-" not in name}
    near: list[str] = []
    for word in re.split(r"\s+(?:and|or|with)\s+|[()]", text.strip().casefold()):
        if (folded := re.sub(r"[\s_]+", "-", word)) in names:
            continue
        near += [name for key, name in names.items() if key.startswith(f"{folded}-")][:3]
        near += [names[key] for key in difflib.get_close_matches(folded, names, n=3)]
    hint = ", ".join(dict.fromkeys(near))
    return (
        f"{text[:80]!r} is no SPDX license expression, or names a license without its version. "
        + (f"Near it: {hint}" if hint else "Write an SPDX id such as CC-BY-4.0")
    )


@cache
def _licensing() -> Any:
    """The SPDX list; read once, and only when a license is met."""
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()
