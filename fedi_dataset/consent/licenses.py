"""Licenses as SPDX expressions: reading them in the spellings that people use, and joining them.

A spelling (a URL, "CC BY 4.0", a deed's title, the name of a software license) becomes the SPDX id
that it names. Nothing is guessed: a missing version, or a port that SPDX does not list, is an error.
What licenses ask for, and which of them a build takes, is in :mod:`fedi_dataset.consent.targets`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Annotated, Any, Final, Literal

import msgspec
import yaml
from msgspec import Meta, Struct

from fedi_dataset.errors import UsageError

__all__ = [
    "LicenseEntry",
    "and_of",
    "components",
    "entries",
    "expression_of",
    "is_listed",
    "parse_license",
    "readings",
]

Text = Annotated[str, Meta(min_length=1)]


class LicenseEntry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One license of data/licenses.yaml: what it asks for, and how people write it."""

    id: Text
    """As SPDX writes it."""
    duties: tuple[Literal["attribution"], ...] | None
    """What passing adapted material on asks for; None: more than this package knows how to do."""
    urls: tuple[Text, ...]
    """Without scheme, ``www.`` and trailing slash, in lower case."""
    titles: tuple[Text, ...]
    """In lower case."""


_LONGEST: Final = 1000
"""Characters of the longest expression that is read; nothing real comes near it."""

_URL: Final = re.compile(
    r"(?:(?:https?:)?//)?(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)"
    r"/(?P<code>[a-z-]+)(?:/(?P<version>\d\.\d)(?:/(?P<port>[a-z]{2,3}))?)?"
    r"(?:/(?:deed|legalcode)(?:[.-][a-z_-]+)?)?/?(?:[?#].*)?"
)
_TITLE: Final = re.compile(
    r"(?:cc-)?(?P<code>by(?:-(?:nc|nd|sa))*|cc0|pdm)(?:-v?(?P<version>\d\.\d)(?:-(?P<port>[a-z]{2,3}))?"
    r"(?:-(?P<edition>international|unported|generic|universal))?)?"
)
_ADDRESS: Final = re.compile(r"\A(?:(?:https?:)?//)?(?:www\.)?")
_SAID_TWICE: Final = re.compile(r"(?P<title>[^()]+) \((?P<short>[^()]+)\)")
"""A deed's title with its short form, as Creative Commons' chooser writes it."""
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
    return str(_parse(_spdx_id(text) or text))


def readings(text: str) -> tuple[str, ...]:
    """Give every SPDX expression that a statement may mean: one, where :func:`parse_license` knows it.

    A Creative Commons license without its version may be any version of it. Nothing that is known:
    empty.
    """
    try:
        return (parse_license(text),)
    except UsageError:
        pass
    parts = re.split(r"\s+AND\s+", text)
    if len(parts) > 1:  # a post's properties, joined, each in its own spelling
        read = [readings(part) for part in parts]
        exact = all(len(one) == 1 for one in read)
        return (and_of(one[0] for one in read),) if exact else ()
    named = _creative_commons(text)
    if named is None or named[1] is not None:
        return ()
    listed = _licensing().known_symbols
    return tuple(sorted(one for one in listed if re.match(rf"{named[0]}-\d", one)))


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


def is_listed(spdx: str) -> bool:
    """Tell whether SPDX lists this very id."""
    return spdx in _licensing().known_symbols


def expression_of(spdx: str) -> Any:
    """Give the parsed form of an expression, of the library license-expression."""
    return _parse(parse_license(spdx))


@cache
def entries() -> Mapping[str, LicenseEntry]:
    """Give the licenses that data/licenses.yaml lists, by SPDX id."""
    source = resources.files("fedi_dataset") / "data" / "licenses.yaml"
    listed = msgspec.convert(yaml.safe_load(source.read_text("utf-8")), tuple[LicenseEntry, ...])
    return {one.id: one for one in listed}


def _conjuncts(spdx: str) -> tuple[str, ...]:
    expression = _parse(parse_license(spdx))
    if isinstance(expression, _licensing().AND):
        return tuple(str(part) for part in expression.args)
    return (str(expression),)


def _spdx_id(text: str) -> str | None:
    """The id that a URL or title names, unchecked; None when it is neither."""
    folded = re.sub(r"\s+", " ", text.strip().casefold())
    if listed := _titles().get(folded) or _urls().get(_ADDRESS.sub("", folded).rstrip("/")):
        return listed
    if twice := _SAID_TWICE.fullmatch(folded):
        one, other = _spdx_id(twice["title"]), _spdx_id(twice["short"])
        return one if one == other else None
    named = _creative_commons(text)
    return "-".join(filter(None, named)) if named is not None and named[1] is not None else None


def _creative_commons(text: str) -> tuple[str, str | None, str | None] | None:
    """Name, version and port of the Creative Commons license that a text is; None when it is none."""
    folded = text.strip().casefold()
    found = _URL.fullmatch(folded) or _TITLE.fullmatch(_shortened(folded))
    if found is None:
        return None
    code, version, port = found["code"], found["version"], found["port"]
    edition = found.groupdict().get("edition")
    if edition is not None and (port or version not in _EDITIONS[edition]):
        return None
    first, *elements = code.split("-")
    name = _IDS.get(code) or "-".join(["CC", first.upper(), *sorted(map(str.upper, elements))])
    return name, version, port.upper() if port else None


@cache
def _titles() -> dict[str, str]:
    return {title: one.id for one in entries().values() for title in one.titles}


@cache
def _urls() -> dict[str, str]:
    return {url: one.id for one in entries().values() for url in one.urls}


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
