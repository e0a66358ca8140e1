"""What archives of every kind need: limits, finding members, and reading them to the byte."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Final, Generic, TypeVar

from fedi_dataset.errors import UnreadableExport

__all__ = ["DAMAGE", "LIMITS", "Limits", "Selection", "cut_off", "damaged", "stream_of", "unsafe"]

DAMAGE: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    OverflowError,
    ValueError,
)
"""What the libraries raise over bytes that are not what they claim to be."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may hold."""

    member_bytes: int = 4 << 30
    """Of one member that is read, unpacked."""
    total_bytes: int = 64 << 30
    """Of a tar archive, unpacked: it cannot be read without unpacking what comes before."""
    ratio: int = 200
    """Unpacked bytes for each packed byte; real outboxes reach about 30."""
    ratio_from: int = 16 << 20
    """Unpacked bytes below which the ratio does not matter."""


LIMITS: Final = Limits()


def unsafe(path: Path, why: str) -> UnreadableExport:
    """Make the error for an archive that is not safe to open."""
    return UnreadableExport(
        "unsafe_member", f"{path}: {why}; it is not opened. Ask for a fresh export"
    )


def damaged(path: Path) -> UnreadableExport:
    """Make the error for bytes that are not what they claim to be."""
    return UnreadableExport("bad_container", f"{path} is damaged. Download it once more")


def cut_off(path: Path) -> UnreadableExport:
    """Make the error for an archive that ends too early."""
    return UnreadableExport("truncated", f"{path} breaks off in the middle. Download it once more")


class Selection(Generic[T]):
    """Finds the wanted members, at the top or under one folder that wraps everything."""

    def __init__(self, path: Path, wanted: frozenset[str]) -> None:
        self._path = path
        self._wanted = wanted
        self._last_parts = {name.rpartition("/")[2] for name in wanted}
        self._tops: set[str] = set()
        self._plain: dict[str, T] = {}
        self._wrapped: dict[str, T] = {}

    def offer(self, name: str, where: T | None) -> None:
        """Take one member; ``where`` is None for a link or a device."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if not parts or parts[0] == "__MACOSX" or parts[-1].startswith("._"):
            return  # what macOS adds when it packs
        if where is None or name.startswith("/") or ".." in parts:
            if parts[-1] in self._last_parts:
                raise unsafe(self._path, f"a member named {parts[-1]} is a link or lies outside")
            return
        if len(self._tops) < 2:
            self._tops.add(parts[0])
        self._put(self._plain, "/".join(parts), where)
        self._put(self._wrapped, "/".join(parts[1:]), where)

    def _put(self, found: dict[str, T], name: str, where: T) -> None:
        if name not in self._wanted:
            return
        if name in found:
            raise unsafe(self._path, f"{name} occurs twice")
        found[name] = where

    def result(self) -> dict[str, T]:
        """Give what was found, by wanted name."""
        return self._plain or (self._wrapped if len(self._tops) == 1 else {})


class _Member(io.RawIOBase):
    """The bytes of one member: no more than its size, and an UnreadableExport if they end early."""

    def __init__(self, path: Path, source: IO[bytes], size: int, owned: ExitStack) -> None:
        super().__init__()
        self._path, self._source, self._left, self._owned = path, source, size, owned

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # all that is passed
        wanted = min(len(buffer), self._left)
        if not wanted:
            return 0
        try:
            data = self._source.read(wanted)
        except EOFError:
            raise cut_off(self._path) from None
        except DAMAGE:
            raise damaged(self._path) from None
        if not data:
            raise cut_off(self._path)
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._owned.close()
        super().close()


def stream_of(path: Path, source: IO[bytes], size: int, owned: ExitStack) -> BinaryIO:
    """Give the next ``size`` bytes of ``source`` as a stream, which closes what it owns."""
    return io.BufferedReader(_Member(path, source, size, owned), 1 << 16)
