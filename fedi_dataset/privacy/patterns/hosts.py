"""Hosts that name a person by themselves: handles that are domains, and sites of somebody's own."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

import tldextract
from presidio_analyzer import EntityRecognizer, LocalRecognizer
from presidio_analyzer import RecognizerResult as Result

from fedi_dataset.privacy.patterns.handles import HOST
from fedi_dataset.privacy.patterns.rules import gate
from fedi_dataset.privacy.patterns.sites import HANDLE_DOMAINS, is_public_site
from fedi_dataset.privacy.patterns.urls import LinkRecognizer, entity_of_host, is_own

__all__ = ["url_recognizers"]

# A host that stands by itself, without a path; @ before it makes it a handle or an address.
_HOST: Final = re.compile(rf"(?<![\w.@/-])(?<!\w:){HOST}(?![\w/@-]|\.\w)", re.IGNORECASE)


_FILES: Final = frozenset({"cf", "md", "mov", "pl", "ps", "py", "rs", "sh", "so", "zip"})
"""Top-level domains that are written behind the names of files more often than of hosts."""
_RESERVED: Final = frozenset({"example", "test"})
"""Top-level domains under which nothing is registered (RFC 2606): people's, where people are invented."""
_SHORTEST: Final = 4
"""Letters of the name before the suffix: shorter ones are abbreviations ("b.o.") or well known."""


class HostRecognizer(LocalRecognizer):  # type: ignore[misc]  # Presidio is untyped
    """Finds hosts that name a person: handles that are domains, and sites of somebody's own."""

    def __init__(self) -> None:
        super().__init__(supported_entities=["HANDLE", "PROFILE_URL", "WEBSITE"], name="Hosts")
        self._gate = gate(r"\.[a-z]{2}")

    def load(self) -> None:
        """Read the list of suffixes, which takes a third of a second."""
        _suffixes()("load.example")

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: Any = None,  # noqa: ARG002  # Presidio passes it by name
    ) -> list[Result]:
        """Give a result for each host that names a person."""
        if not self._gate(text):
            return []
        found = (
            (host.start(), host.end(), _host_entity(text, host)) for host in _HOST.finditer(text)
        )
        return [
            Result(entity, begin, end, 0.95) for begin, end, entity in found if entity in entities
        ]


def _host_entity(text: str, match: re.Match[str]) -> str | None:
    host = match.group().lower()
    if host.startswith("www."):
        return None  # a link
    if host.endswith(HANDLE_DOMAINS):
        return "HANDLE"
    entity = entity_of_host(host)
    if entity is not None or is_public_site(host):
        return entity
    called_own = is_own(text, match.start()) and host.rpartition(".")[2].isalpha()
    return "WEBSITE" if called_own or _is_site(text, match) else None


def _is_site(text: str, match: re.Match[str]) -> bool:
    """Say whether a host that nobody knows is a site: a name under a public suffix, and no file.

    Whoever writes a host without a path, and not one that everybody knows, mostly means a site of
    their own or of somebody near them.
    """
    if text[match.start() - 1 : match.start()] == "`" or match.group() != match.group().lower():
        return False
    parts = _suffixes()(match.group())
    suffix = parts.suffix or (parts.domain if parts.domain in _RESERVED else "")
    name = parts.domain if parts.suffix else parts.subdomain.rpartition(".")[2]
    return len(name) >= _SHORTEST and bool(suffix) and suffix not in _FILES


@cache
def _suffixes() -> tldextract.TLDExtract:
    """Give the list of public suffixes that the package brings: the network is not asked."""
    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())


def url_recognizers() -> list[EntityRecognizer]:
    """Give the recognizers of links and of hosts that name a person."""
    return [LinkRecognizer(), HostRecognizer()]
