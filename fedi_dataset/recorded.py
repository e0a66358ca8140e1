"""What a build was told beside exports and ledger: the terms of servers and the detector, which lie elsewhere.

A withdrawal must go through though they have changed or gone since. So files of terms are kept in the workspace;
and where something is lost, what would rest on it is left out, and a sentence says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.terms import HostTerms, InstanceTerms, Term, host_name
from fedi_dataset.errors import UsageError
from fedi_dataset.privacy.detector import Detector, load_detector
from fedi_dataset.release.manifest import Manifest
from fedi_dataset.workspace import Workspace

__all__ = ["LostDetector", "LostTerms", "Tools", "keep_terms", "tools_of", "tools_recorded"]


@dataclass(frozen=True)
class LostTerms(InstanceTerms):
    """The terms that are known, where a file of them is lost: it may forbid any server, so all are forbidden."""

    def of(self, host: str, on: date) -> HostTerms:
        """Say what is known of a host, and that something unknown forbids it."""
        known = super().of(host, on)
        return HostTerms((*known.forbidding, _lost(host_name(host), on)), known.minimum_age, True)


@dataclass(frozen=True)
class LostDetector:
    """A detector that cannot be loaded any more: what it once found is known, and it finds nothing new."""

    description: dict[str, Any]
    """As the release has it."""

    @property
    def version(self) -> str:
        """The version under which what it found is kept."""
        return str(self.description["version"])

    def describe(self) -> dict[str, Any]:
        """Say what once masked what is kept."""
        return self.description


@dataclass(frozen=True)
class Tools:
    """With what a build judges and scrubs."""

    terms: InstanceTerms
    detector: Detector | LostDetector
    shortfalls: tuple[str, ...] = ()
    """A sentence for each thing that is lost."""


def tools_of(config: BuildConfig) -> Tools:
    """Load what a config names. Raises UsageError for what is not there, or not what it was."""
    terms = InstanceTerms.load(config.terms_files, config.terms_sha256)
    return Tools(terms, load_detector(config.detector, config.policy))


def tools_recorded(config: BuildConfig, workspace: Workspace, old: Manifest | None) -> Tools:
    """Load what a recorded config names, as it was then; where that is lost, fail closed.

    Raises UsageError only if there was no release with a detector before.
    """
    detector, lost = _detector(config, old)
    found = [(digest, _terms_file(workspace, path, digest)) for path, digest in _files(config)]
    there = [(str(place), digest) for digest, place in found if place is not None]
    terms = InstanceTerms.load([place for place, _ in there], [digest for _, digest in there])
    gone = [path for path, digest in _files(config) if (digest, None) in found]
    if gone:
        terms = LostTerms((*terms.terms, _lost("lost", date.min)))
    lost += [
        f"the instance terms {path} are lost, as they were when the release was built: posts of all servers are "
        "left out, but where their authors overrule its terms. Build again with the file as it is now"
        for path in gone
    ]
    return Tools(terms, detector, tuple(lost))


def keep_terms(config: BuildConfig, workspace: Workspace) -> None:
    """Keep a config's files of terms in the workspace, as they were when the config was made."""
    for path, digest in _files(config):
        if _terms_file(workspace, path, digest) == Path(path):
            workspace.keep_terms(digest, Path(path).read_bytes())


def _files(config: BuildConfig) -> Iterator[tuple[str, str]]:
    return zip(config.terms_files, config.terms_sha256, strict=True)


def _terms_file(workspace: Workspace, path: str, digest: str) -> Path | None:
    """Find a file of terms with its former content: in the workspace, or where it lay."""
    for place in (workspace.terms_file(digest), Path(path)):
        if place.is_file() and sha256(place.read_bytes()).hexdigest() == digest:
            return place
    return None


def _detector(
    config: BuildConfig, old: Manifest | None
) -> tuple[Detector | LostDetector, list[str]]:
    try:
        return load_detector(config.detector, config.policy), []
    except UsageError as error:
        if old is None:
            raise
        why = f"the detector {config.detector} cannot be loaded ({error})"
    return LostDetector(old.detector), [
        f"{why}: texts that it has not read before are left out until a build with it"
    ]


def _lost(host: str, on: date) -> Term:
    return Term(
        host=host,
        forbids=True,
        rule="not known any more",
        since=None,
        minimum_age=None,
        source="a file of terms that is lost",
        checked_on=on,
    )
