"""Hosts that name a person by themselves: handles that are domains, and sites of somebody's own."""

from __future__ import annotations

import re
from typing import Any, Final

from presidio_analyzer import EntityRecognizer, LocalRecognizer
from presidio_analyzer import RecognizerResult as Result

from fedi_dataset.privacy.patterns.handles import HOST
from fedi_dataset.privacy.patterns.rules import gate
from fedi_dataset.privacy.patterns.sites import HANDLE_DOMAINS, is_public_site
from fedi_dataset.privacy.patterns.urls import LinkRecognizer, entity_of_host, is_own

__all__ = ["url_recognizers"]

# A host that stands by itself, without a path; @ before it makes it a handle or an address.
_HOST: Final = re.compile(rf"(?<![\w.@/-]){HOST}(?![\w/@-]|\.\w)", re.IGNORECASE)


class HostRecognizer(LocalRecognizer):  # type: ignore[misc]  # Presidio is untyped
    """Finds hosts that name a person: handles that are domains, and sites of somebody's own."""

    def __init__(self) -> None:
        super().__init__(supported_entities=["HANDLE", "PROFILE_URL", "WEBSITE"], name="Hosts")
        self._gate = gate(r"\.[a-z]{2}")

    def load(self) -> None:
        """Nothing to load."""

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
    if entity is None and is_own(text, match.start()) and host.rpartition(".")[2].isalpha():
        return None if is_public_site(host) else "WEBSITE"
    return entity


def url_recognizers() -> list[EntityRecognizer]:
    """Give the recognizers of links and of hosts that name a person."""
    return [LinkRecognizer(), HostRecognizer()]
