"""The workspace: the private folder beside a release. Secrets, admitted raw text, finished cells.

RELEASE.work/           mode 0700, never pushed
  lock                  one build at a time
  secret                32 random bytes, from which every key of the release comes
  state.json            exports by digest, the ledger's path and head, the config, exact counts
  parts/EXPORT-DIGEST/  a read export: posts, verdicts, links, ... as Parquet (schema.py), and its counts
  cells/DIGEST.arrow    finished cells: what the work on one cell gave back
  suppressed.parquet    who withdrew, hidden; mentioned.parquet: whom their posts mentioned
  persons.parquet       which accounts are one person's, keyed
  terms/SHA256.yaml     the steward's files of terms, as the last build read them
  scratch/              the engine's; empty between builds
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyarrow as pa
from filelock import FileLock, Timeout

from fedi_dataset.errors import UsageError
from fedi_dataset.files import sync_folder, write_synced
from fedi_dataset.part import DamagedPart, sound_table
from fedi_dataset.privacy.keys import key_hex
from fedi_dataset.release.law import Step

__all__ = [
    "ExportRecord",
    "LedgerRecord",
    "State",
    "Workspace",
    "default_workspace",
    "delete_folder",
    "fingerprint",
]

SECRET_BYTES = 32

CONTENT = b"sha256"
"""Key under which a cell's file has the digest of what it holds."""


class ExportRecord(msgspec.Struct, frozen=True):
    """An export that a build took in: found again by its digest, looked for at its path."""

    export_id: str
    path: str
    """Empty once its owner withdrew."""
    format: str
    account_keys: tuple[str, ...] = ()
    """Of the owner's account, then of its other spellings, in hex."""
    part: str = ""
    """Name of its part; empty if it could not be read."""
    places: tuple[str, ...] = ()
    """Every path at which it was met, sealed (places.py): to be found once its owner withdrew, and by their name."""


class LedgerRecord(msgspec.Struct, frozen=True):
    """The ledger that a build used: where it lies, and its head then."""

    path: str
    lines: int
    sha256: str


class State(msgspec.Struct, frozen=True):
    """What the workspace remembers of the last build, so that later commands need only the release."""

    exports: tuple[ExportRecord, ...] = ()
    ledger: LedgerRecord | None = None
    config: dict[str, object] = {}
    law: dict[str, Step] = {}
    """The conservation law, exact."""
    parts: tuple[str, ...] = ()
    """Names of the parts that the release is made of, in the order of exports."""
    cells: dict[str, int] = {}
    """Digest of each cell that the release is made of → its number."""
    shards: dict[str, str] = {}
    """Path of a data file of the release → digest of that file and the cells that it is made of."""
    verdicts: str = ""
    """Digest of all verdicts, to see whether anything changed."""
    tokenizer: str = ""
    """Where the tokenizer of the release's tokens lies (tokens/origin.py); empty without tokens, or if unknown."""


def default_workspace(release: Path) -> Path:
    """Give the workspace that belongs to a release when none is named: ``RELEASE.work`` beside it.

    Raises UsageError for a root folder, which has nothing beside it.
    """
    named = release if release.name not in ("", "..") else release.resolve()
    if not named.name:
        raise UsageError(f"{release} cannot be a release: there is no place beside it")
    return named.with_name(named.name + ".work")


class Workspace:
    """An opened workspace; hold it with :meth:`locked` while writing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Whether there is a workspace with a secret at this path."""
        return self._secret_file.is_file()

    @property
    def parts(self) -> Path:
        """Folder of the parts: what each export came to (ingest.py)."""
        return self.path / "parts"

    def table(self, name: str) -> list[Path]:
        """Parquet files of one of the workspace's tables (schema.py), as of the last build.

        Raises UsageError if one is not what it was: it was damaged, or a command broke off.
        """
        try:
            return [sound_table(self.parts / part, name) for part in self.state().parts]
        except DamagedPart as error:
            raise UsageError(
                f"{error}; run the build, or the withdrawal, again: it reads it anew"
            ) from error

    @property
    def scratch(self) -> Path:
        """Folder for what does not outlive a build."""
        return self.path / "scratch"

    @contextmanager
    def locked(self, *, wait: bool = False) -> Iterator[None]:
        """Create the folders with their modes and hold the lock; a second command is told so, or waits."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except FileExistsError as error:
            raise UsageError(f"{self.path} is a file; the workspace must be a folder") from error
        self.path.chmod(0o700)
        lock = FileLock(self.path / "lock", timeout=-1 if wait else 0)
        try:
            lock.acquire()
        except Timeout as error:
            raise UsageError(
                f"another command is working on {self.path}; wait until it is done and try again"
            ) from error
        try:
            shutil.rmtree(self.scratch, ignore_errors=True)
            for folder in (self.parts, self.scratch, self._cells):
                folder.mkdir(exist_ok=True, mode=0o700)
            self._sweep()
            yield
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)
            lock.release()

    def _sweep(self) -> None:
        """Delete what a killed command left half-written: nobody would look for words or names in it again."""
        for pattern in ("state.json.tmp", "*.parquet.tmp", "cells/*.tmp", "parts/*/*.tmp"):
            for left in self.path.glob(pattern):
                left.unlink()
        for left in self.parts.glob("*.tmp"):
            delete_folder(left)

    def secret(self) -> bytes:
        """Read the secret."""
        try:
            secret = self._secret_file.read_bytes()
        except FileNotFoundError as error:
            raise UsageError(
                f"no workspace at {self.path}: name the one that this release was built with (--work DIR)"
            ) from error
        if len(secret) != SECRET_BYTES:
            raise UsageError(f"{self._secret_file} is not a secret of {SECRET_BYTES} bytes")
        return secret

    def secret_or_new(self, given: bytes | None = None) -> bytes:
        """Read the secret, or make one (or keep the given one) if this workspace is new."""
        if not self.exists:
            write_synced(self._secret_file, given or secrets.token_bytes(SECRET_BYTES), mode=0o600)
        return self.secret()

    def state(self) -> State:
        """Read what the last build recorded; empty if there was none."""
        try:
            return msgspec.json.decode((self.path / "state.json").read_bytes(), type=State)
        except FileNotFoundError:
            return State()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{self.path / 'state.json'} is damaged ({error}). Restore it from a copy; if there is none, "
                "remove it and build again with every export named"
            ) from error

    def record(self, state: State) -> None:
        """Replace the record, whole or not at all."""
        write_synced(self.path / "state.json", msgspec.json.encode(state), mode=0o600)

    def finished_cells(self) -> frozenset[str]:
        """Digests of all finished cells that are kept here."""
        return frozenset(path.stem for path in self._cells.glob("*.arrow"))

    def keep_cell(self, digest: str, result: pa.RecordBatch) -> None:
        """Keep what the work on a cell gave back, whole or not at all."""
        marked = result.replace_schema_metadata({CONTENT: _content_of(result)})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, marked.schema) as writer:
            writer.write_batch(marked)
        write_synced(self._cell(digest), sink.getvalue().to_pybytes(), mode=0o600)

    def cell(self, digest: str) -> pa.RecordBatch:
        """Read a finished cell back."""
        try:
            with pa.memory_map(str(self._cell(digest))) as source:
                return pa.ipc.open_file(source).get_batch(0)
        except pa.ArrowInvalid as error:
            raise UsageError(
                f"{self._cell(digest)} is damaged; build again: it is made anew"
            ) from error

    def drop_damaged_cells(self) -> int:
        """Delete every finished cell that does not hold what was kept, to be worked on again; say how many."""
        damaged = [digest for digest in self.finished_cells() if not self._is_sound(digest)]
        for digest in damaged:
            self._cell(digest).unlink()
        return len(damaged)

    def _is_sound(self, digest: str) -> bool:
        try:
            kept = self.cell(digest)
            return (kept.schema.metadata or {}).get(CONTENT) == _content_of(kept)
        except (UsageError, pa.ArrowException, UnicodeDecodeError):
            return False

    def keep_terms(self, digest: str, content: bytes) -> None:
        """Keep a steward's file of terms under its SHA-256, so that a later build can read it as it was."""
        folder = self.path / "terms"
        folder.mkdir(exist_ok=True, mode=0o700)
        write_synced(folder / f"{digest}.yaml", content, mode=0o600)

    def terms_file(self, digest: str) -> Path:
        """Say where the file of terms with this SHA-256 is, if it is kept."""
        return self.path / "terms" / f"{digest}.yaml"

    def forget_cells(self, keep: frozenset[str]) -> int:
        """Delete every finished cell but those; return how many were deleted."""
        stale = self.finished_cells() - keep
        for digest in stale:
            self._cell(digest).unlink()
        return len(stale)

    def forget_parts(self, keep: frozenset[str]) -> None:
        """Delete every part but those."""
        for path in sorted(self.parts.iterdir()):
            if path.name not in keep and path.exists():
                delete_folder(path)

    @property
    def _secret_file(self) -> Path:
        return self.path / "secret"

    @property
    def _cells(self) -> Path:
        return self.path / "cells"

    def _cell(self, digest: str) -> Path:
        return self._cells / f"{digest}.arrow"


def _content_of(cell: pa.RecordBatch) -> bytes:
    digest = hashlib.sha256(msgspec.msgpack.encode(cell.drop_columns(["payload"]).to_pylist()))
    for payload in cell["payload"]:
        digest.update(payload.as_buffer())
    return digest.hexdigest().encode()


def delete_folder(path: Path) -> None:
    """Delete a folder that must not stay by half under its name: what a crash leaves of it ends in ``.tmp``."""
    doomed = path.with_name(f"{path.name.removesuffix('.tmp')}.tmp")
    if path != doomed:
        shutil.rmtree(doomed, ignore_errors=True)
        path.rename(doomed)
        sync_folder(path.parent)
    shutil.rmtree(doomed)


def fingerprint(secret: bytes) -> str:
    """Say which secret it is without giving it away: a key of nothing, in hex."""
    return key_hex(secret, "fingerprint")
