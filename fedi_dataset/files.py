"""Files that are there whole or not at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

__all__ = ["sha256_of", "sync_folder", "write_synced"]


def write_synced(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write beside ``path``, sync, and rename there, so that a crash leaves the old file or the new."""
    scratch = path.with_name(path.name + ".tmp")
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make renames in a folder last through a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Lower-case hex SHA-256 of a file's bytes, in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
