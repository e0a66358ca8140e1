"""What load_dataset was given to build from, and a digest of it that names the cache.

datasets would name it by paths and times of change, and so serve rows that a ledger has taken back since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, NamedTuple

import datasets
from filelock import FileLock

from fedi_dataset.builder_caches import note_load, past
from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.admission import day_of
from fedi_dataset.consent.ledger import Given, Head, Ledger
from fedi_dataset.consent.terms import InstanceTerms
from fedi_dataset.errors import FediDatasetError, UnreadableExport, UsageError
from fedi_dataset.exports import digest_of, expand
from fedi_dataset.readers.detect import open_export
from fedi_dataset.release.manifest import versions
from fedi_dataset.version import code_digest
from fedi_dataset.workspace import Workspace, default_workspace, fingerprint

__all__ = ["Inputs", "Reading", "private", "secret", "workspaces"]


def workspaces() -> Path:
    """Folder of all releases that the builder made on this machine: ``fedi_dataset-work`` in the datasets cache."""
    return Path(datasets.config.HF_DATASETS_CACHE).expanduser() / "fedi_dataset-work"


def secret() -> bytes:
    """The secret of all these releases: so rows do not depend on where exports and ledger lie.

    Were it each workspace's own, a moved folder would be split anew, and what was trained on be tested on.
    """
    folder = private(workspaces())
    with FileLock(folder / "secret.lock"):
        return Workspace(folder).secret_or_new()


def private(folder: Path) -> Path:
    """Make a folder that only its owner may look into. Raises UsageError if it is somebody else's."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    except PermissionError as error:
        raise UsageError(
            f"{folder} holds private text and is not yours; set HF_DATASETS_CACHE to a folder of your own"
        ) from error
    return folder


class Reading(NamedTuple):
    """Digests of what was read; the rows are a function of it."""

    content: str
    """Of everything: exports, ledger, config, code, libraries, secret.

    A consent, or a server's terms, that begin or end with time change the rows though no file changed; so how
    many of their dates have come is in it, too. (A withdrawal counts whatever its date.)
    """
    generation: str
    """Of everything but the config: another generation supersedes this one, in all configs."""
    head: Head
    """Of the ledger."""
    day: str
    """The day it is taken to be, if somebody's signal denies posts by their age; else empty."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where the exports, the ledger and the config lie, and which time it is taken to be."""

    exports: Path
    """A folder of exports, or a folder that is one."""
    ledger: Path
    config_file: Path | None
    as_of: datetime

    RECORD: ClassVar = "loads.json"
    """Name of the record of loads, in ``folder``."""

    @classmethod
    def named(
        cls,
        data_dir: str | Path | None,
        consent: str | Path | None,
        config_file: str | Path | None,
        as_of: str | datetime | None,
    ) -> Inputs:
        """Take the arguments of load_dataset; ``~`` is the home folder, no ``as_of`` is now.

        Raises UsageError if a needed one is missing, or the time is none.
        """
        if data_dir is None:
            raise UsageError(
                'load_dataset("fedi_dataset", ...) needs data_dir, the folder of exports: '
                'load_dataset("fedi_dataset", "dialogues", data_dir="exports/", consent="ledger.jsonl")'
            )
        if consent is None:
            raise UsageError(
                'load_dataset("fedi_dataset", ...) needs consent, the path of the consent ledger: '
                "without it nobody's posts are read"
            )
        return cls(
            Path(data_dir).expanduser(),
            Path(consent).expanduser(),
            Path(config_file).expanduser() if config_file is not None else None,
            _time(as_of),
        )

    @property
    def folder(self) -> Path:
        """The private folder of these exports and this ledger, whatever is in them."""
        place = f"{self.exports.resolve()}\n{self.ledger.resolve()}"
        return workspaces() / hashlib.sha256(place.encode()).hexdigest()[:32]

    @property
    def release(self) -> Path:
        """Where their release is built; its workspace lies beside it."""
        return self.folder / "release"

    @property
    def record(self) -> Path:
        """Where loads are put on record (builder_caches.py)."""
        return self.folder / self.RECORD

    def config(self) -> BuildConfig:
        """Read the config file; the defaults if there is none."""
        return BuildConfig.from_yaml(self.config_file) if self.config_file else BuildConfig()

    def read(self) -> Reading:
        """Read all that decides the rows, as it is now.

        Raises LedgerRolledBack if a former load saw more of the ledger: rows that rest on a shorter one may
        still lie in a cache, and must not be found there.
        """
        seen = past(self.record).head  # first: a ledger only grows
        ledger = Ledger.load(self.ledger)
        if seen is not None:
            ledger.check_extends(seen)
        found = [_export(path) for path in expand([self.exports], beside=self.ledger)]
        day = day_of(self.as_of).isoformat() if any(fades for _, fades in found) else ""
        return self._reading({export_id for export_id, _ in found}, ledger, ledger.head, day)

    def note(self, reading: Reading, cache: Path) -> None:
        """Put on record that ``cache`` is for the rows of this reading, and delete what it supersedes."""
        private(self.folder)
        note_load(self.record, reading.head, reading.generation, cache)

    def built(self, day: str) -> Reading:
        """Give what the last build really read; ``day`` as it was read."""
        state = Workspace(default_workspace(self.release)).state()
        if state.ledger is None:
            raise FediDatasetError(f"nothing was built in {self.folder}")
        exports = {record.export_id for record in state.exports}
        head = Head(state.ledger.lines, state.ledger.sha256)
        return self._reading(exports, Ledger.load(self.ledger), head, day)

    def _reading(self, exports: Set[str], ledger: Ledger, head: Head, day: str) -> Reading:
        given = [event for event in ledger.events if isinstance(event, Given)]
        dates = [date for event in given for date in (event.at, event.expires) if date is not None]
        come = sum(date <= self.as_of for date in dates)
        config = self.config()
        terms = InstanceTerms.load(config.terms_files, config.terms_sha256).terms
        days = [term.since for term in terms if term.since is not None]
        hold = sum(since <= day_of(self.as_of) for since in days)
        libraries = [f"{name} {version}" for name, version in versions().items()]
        us = [fingerprint(secret()), code_digest(), *libraries]
        time = [str(come), str(hold), day]
        generation = _digest([*sorted(exports), head.sha256, *time, *us])
        return Reading(_digest([generation, config.digest]), generation, head, day)


def _export(path: Path) -> tuple[str, bool]:
    """Give an export's id, and whether its owner denies posts by how old they are."""
    try:
        export = open_export(path)
    except UnreadableExport:
        return digest_of(path), False
    return export.export_id, any(one.older_than is not None for one in export.owner.signals)


def _time(as_of: str | datetime | None) -> datetime:
    if as_of is None:
        return datetime.now(UTC)
    try:
        moment = as_of if isinstance(as_of, datetime) else datetime.fromisoformat(as_of)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"as_of is not a time: {as_of!r}; write it as 2026-06-01T00:00:00Z"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
