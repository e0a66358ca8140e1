"""Changing a release: everything is staged and synced first, then moved in one stride, the manifest last.

A crash or an error before the stride leaves the former release; one within it leaves a list of what to
move, and the next command that opens the release finishes the move. Nothing else writes into a release.
The staging folder holds a lock, so that nobody takes a running command's for a crashed one's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.files import sha256_of, sync_folder, write_synced
from fedi_dataset.release.manifest import MANIFEST, FileRecord

__all__ = ["Staging", "is_interrupted", "recover", "staging"]

STAGING = ".staging"
STRIDE = "stride.json"
LOCK = "lock"


class _Stride(msgspec.Struct, frozen=True):
    """What is to be moved from the staging folder, in order, and what to delete afterwards."""

    move: tuple[str, ...]
    delete: tuple[str, ...]


class Staging:
    """A folder inside the release in which its next state is put together."""

    def __init__(self, release: Path) -> None:
        self._release = release
        self.path = release / STAGING

    def find(self, path: str) -> Path:
        """Give a file of the next state where it lies now: staged, or unchanged in the release."""
        staged = self.path / path
        return staged if staged.exists() else self._release / path

    def is_lost(self, path: str, record: FileRecord) -> bool:
        """Whether the release lacks a file that its manifest records, or holds another one."""
        kept = self._release / path
        return not kept.is_file() or sha256_of(kept) != record.sha256

    def replaces(self, path: str) -> bool:
        """Whether a file is staged that the release does not hold just so."""
        staged, kept = self.path / path, self._release / path
        return staged.exists() and not (kept.is_file() and sha256_of(kept) == sha256_of(staged))

    def record(self, path: str, **about: object) -> FileRecord:
        """Describe a staged file."""
        staged = self.path / path
        return msgspec.convert(
            {"sha256": sha256_of(staged), "bytes": staged.stat().st_size, **about}, FileRecord
        )

    def commit(self, changed: Iterable[str], superseded: Iterable[str]) -> None:
        """Sync what is staged, then move ``changed`` into the release, the manifest last, and delete.

        Raises FediDatasetError if the move itself fails: then recover() finishes it.
        """
        move = [path for path in sorted(changed) if path != MANIFEST] + [MANIFEST]
        for path in move:
            _sync(self.path / path)
        for folder in {(self.path / path).parent for path in move}:
            sync_folder(folder)
        stride = _Stride(tuple(move), tuple(sorted(superseded)))
        write_synced(self.path / STRIDE, msgspec.json.encode(stride))
        try:
            _move(self._release, stride)
        except OSError as error:
            raise FediDatasetError(
                f"{self._release} is complete but could not all be moved into place "
                f"({error.strerror}: {error.filename}); put that right, and the next command finishes it"
            ) from error


@contextmanager
def staging(release: Path) -> Iterator[Staging]:
    """Open a staging folder; whatever is left uncommitted, by error or by choice, is thrown away.

    A commit that failed half-way stays, for recover() to finish. The release's folder is created if need
    be, and removed again if nothing came of it.
    """
    recover(release)
    created = not release.exists()
    release.mkdir(parents=True, exist_ok=True)
    stage = Staging(release)
    stage.path.mkdir()
    lock = FileLock(stage.path / LOCK, timeout=0)
    lock.acquire()
    try:
        yield stage
    finally:
        if not (stage.path / STRIDE).exists():
            shutil.rmtree(stage.path)
        lock.release()
        if created and not any(release.iterdir()):
            release.rmdir()


def is_interrupted(release: Path) -> bool:
    """Whether a command is at work on the release, or was cut short: then it may lack its manifest yet."""
    return (release / STAGING).is_dir()


def recover(release: Path) -> str | None:
    """Bring a release that a crash left half-way into a clean state, and say which; None if it is clean.

    With a stride on record the new state is finished (``new``); without one the former stands (``former``).
    Raises UsageError while another command is at work on the release.
    """
    stage = release / STAGING
    if not stage.is_dir():
        return None
    lock = FileLock(stage / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise UsageError(
            f"another command is working on {release}; wait until it is done and try again"
        ) from error
    try:
        state = _finish(release)
        shutil.rmtree(stage)
    finally:
        lock.release()
    return state


def _finish(release: Path) -> str:
    try:
        stride = msgspec.json.decode((release / STAGING / STRIDE).read_bytes(), type=_Stride)
    except FileNotFoundError:
        return "former"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FediDatasetError(
            f"{release / STAGING / STRIDE} is damaged, so that an interrupted command cannot be finished. Move the "
            "whole release away, and build it again from its workspace"
        ) from error
    _move(release, stride)
    return "new"


def _move(release: Path, stride: _Stride) -> None:
    """Carry out a stride, or what is left of one, and strike it off."""
    stage = release / STAGING
    for path in stride.move:
        if (stage / path).exists():
            target = release / path
            target.parent.mkdir(parents=True, exist_ok=True)
            (stage / path).replace(target)
            sync_folder(target.parent)
    for path in stride.delete:
        (release / path).unlink(missing_ok=True)
    for folder in sorted({(release / path).parent for path in stride.delete} - {release}):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    sync_folder(release)
    (stage / STRIDE).unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
