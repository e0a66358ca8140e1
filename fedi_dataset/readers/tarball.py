"""Finds members in a tar or tar.gz file, and reads them where they lie."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, cast

from fedi_dataset.readers.members import (
    DAMAGE,
    Limits,
    Selection,
    cut_off,
    damaged,
    stream_of,
    unsafe,
)

__all__ = ["is_gzip", "open_tar"]

_PIECE: Final = 1 << 20
"""Bytes that are read at a time."""
_LARGEST_HEADER: Final = 1 << 20
"""Bytes of a header (long names, extended attributes) that are read into memory."""


def is_gzip(head: bytes) -> bool:
    """Tell a gzip file from its first two bytes."""
    return head[:2] == b"\x1f\x8b"


class _TarBytes:
    """What tarfile reads through: forward only, small reads, and no more than the limits allow.

    ``short`` tells whether the last read met the end; ``last`` is what it gave.
    """

    def __init__(self, path: Path, stream: BinaryIO, limits: Limits) -> None:
        self._path, self._stream, self._limits = path, stream, limits
        self._most = min(
            limits.total_bytes, max(limits.ratio_from, limits.ratio * path.stat().st_size)
        )
        self._position = 0
        self.last = b""
        self.short = False

    def read(self, size: int) -> bytes:
        if size > _LARGEST_HEADER:
            raise unsafe(self._path, f"it has a header of more than {_LARGEST_HEADER} bytes")
        self.last = self._stream.read(size)
        self.short = len(self.last) < size
        self._position += len(self.last)
        if self._position > self._most:
            raise unsafe(self._path, f"it unpacks to more than {self._most} bytes")
        return self.last

    def seek(self, position: int) -> None:
        if position < self._position:  # sizes below zero send tarfile round in circles
            raise damaged(self._path)
        while self._position < position:
            if not self.read(min(_PIECE, position - self._position)):
                return

    def tell(self) -> int:
        return self._position


def open_tar(
    path: Path, wanted: frozenset[str], limits: Limits
) -> dict[str, Callable[[], BinaryIO]]:
    """Find the wanted members, reading the file to its end; raises as archive.open_archive does."""
    selection: Selection[tuple[int, int]] = Selection(path, wanted)
    with closing(_unpacked(path)) as stream:
        scanned = _TarBytes(path, stream, limits)
        try:
            _scan(scanned, selection)
            # tarfile takes any header that it cannot read for the end
            if scanned.short or scanned.last.strip(b"\0"):
                raise tarfile.ReadError
            while scanned.read(_PIECE):  # to the end, where gzip keeps its checksum
                pass
        except EOFError:
            raise cut_off(path) from None
        except DAMAGE:
            raise (cut_off if scanned.short else damaged)(path) from None
    found = selection.result()
    for name, (_, size) in found.items():
        if size > limits.member_bytes:
            raise unsafe(path, f"{name} holds more than {limits.member_bytes} bytes")
    return {name: partial(_read_tar, path, *where) for name, where in found.items()}


def _scan(scanned: _TarBytes, selection: Selection[tuple[int, int]]) -> None:
    archive = tarfile.TarFile(fileobj=scanned, mode="r")  # type: ignore[arg-type]  # reads only
    while (member := archive.next()) is not None:
        # tarfile would keep every name of a large archive
        archive.members.clear()  # type: ignore[attr-defined]  # missing in the stubs
        if not member.isdir():
            plain = member.isreg() and not member.issparse()
            selection.offer(member.name, (member.offset_data, member.size) if plain else None)


def _unpacked(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = is_gzip(file.read(2))
    return cast("BinaryIO", gzip.open(path, "rb")) if packed else path.open("rb")


def _read_tar(path: Path, begin: int, size: int) -> BinaryIO:
    with ExitStack() as opened:
        source = opened.enter_context(closing(_unpacked(path)))
        source.seek(begin)
        return stream_of(path, source, size, opened.pop_all())
