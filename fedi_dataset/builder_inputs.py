"""What load_dataset was given to build from, and a digest of it that names the cache.

datasets would name it by paths and times of change, and so serve rows that a ledger has taken back since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import datasets

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.ledger import Given, Head, Ledger
from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.exports import digest_of, expand
from fedi_dataset.release.manifest import versions
from fedi_dataset.version import code_digest
from fedi_dataset.workspace import State, Workspace, default_workspace

__all__ = ["Inputs", "workspaces"]


def workspaces() -> Path:
    """Folder of all releases that the builder made on this machine: ``fedi_dataset-work`` in the datasets cache."""
    return Path(datasets.config.HF_DATASETS_CACHE).expanduser() / "fedi_dataset-work"


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where the exports, the ledger and the config lie, and which time it is taken to be."""

    exports: Path
    """A folder of exports, or a folder that is one."""
    ledger: Path
    config_file: Path | None
    as_of: datetime

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
    def state(self) -> State:
        """What the last build of them recorded."""
        return Workspace(default_workspace(self.release)).state()

    def digest(self) -> str:
        """Digest of all that decides the rows: contents of the exports, ledger, config, code, libraries.

        An expiry that passes changes the rows though no file changed; so which of the ledger's dates have
        come is in it, too. Raises LedgerRolledBack if a former load saw more of the ledger: rows of
        a shorter one may still be in a cache, and must not be found there.
        """
        used = self.state.ledger  # read first: a ledger only grows
        ledger = Ledger.load(self.ledger)
        if used is not None:
            ledger.check_extends(Head(used.lines, used.sha256))
        exports = {digest_of(path) for path in expand([self.exports], beside=self.ledger)}
        return self._content(self._generation(exports, ledger.head.sha256, ledger))

    def built(self) -> tuple[str, str]:
        """The digest, and that of the generation, of what the last build really read.

        All configs of one generation may be used side by side; another one supersedes them all.
        """
        state = self.state
        if state.ledger is None:
            raise FediDatasetError(f"nothing was built in {self.folder}")
        exports = {record.export_id for record in state.exports}
        generation = self._generation(exports, state.ledger.sha256, Ledger.load(self.ledger))
        return self._content(generation), generation

    def config(self) -> BuildConfig:
        """Read the config file; the defaults if there is none."""
        return BuildConfig.from_yaml(self.config_file) if self.config_file else BuildConfig()

    def _generation(self, exports: Set[str], head: str, ledger: Ledger) -> str:
        events = ledger.events
        dates = [one.expires for one in events if isinstance(one, Given) and one.expires]
        come = sum(date <= self.as_of for date in [*dates, *(one.at for one in events)])
        libraries = [f"{name} {version}" for name, version in versions().items()]
        return _digest([*sorted(exports), head, str(come), code_digest(), *libraries])

    def _content(self, generation: str) -> str:
        return _digest([generation, self.config().digest])


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
