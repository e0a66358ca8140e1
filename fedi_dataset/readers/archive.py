"""Opens what people hand over: zip and tar archives and unpacked folders, without trusting any.

Nothing is ever unpacked to disk. Only members whose names the caller asks for are looked at, at the
top or under one folder that wraps the whole archive; all else, media and keys included, is passed
over. A wanted member that is a link, lies outside, occurs twice or is too large makes the archive
unsafe. An archive is checked to its end, checksums included, before any of it is given out.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

from fedi_dataset.errors import UnreadableExport
from fedi_dataset.files import sha256_of
from fedi_dataset.readers.members import (
    DAMAGE,
    LIMITS,
    Limits,
    Selection,
    cut_off,
    damaged,
    stream_of,
    unsafe,
)
from fedi_dataset.readers.tarball import is_gzip, open_tar

__all__ = ["Archive", "is_archive", "open_archive"]


Members = Mapping[str, Callable[[], BinaryIO]]
"""How to open each wanted member that was found."""


@dataclass(frozen=True, slots=True)
class Archive:
    """An opened archive: which of the wanted members it holds, and how to read them."""

    path: Path
    kind: Literal["zip archive", "tar archive", "folder"]
    export_id: str
    """Of a file: lower-case hex SHA-256 of its bytes. Of a folder: the same over one line
    ``name NUL sha256 LF`` for each wanted member, sorted by name."""
    members: Members = field(repr=False)

    def open(self, name: str) -> BinaryIO:
        """Open one of ``members`` for streaming; close it when done.

        Reading raises UnreadableExport where the archive is damaged.
        """
        return self.members[name]()


def is_archive(head: bytes) -> bool:
    """Tell from the first 512 bytes of a file whether it is a zip, gzip or tar file."""
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06") or is_gzip(head) or head[257:262] == b"ustar"


def open_archive(path: Path, wanted: frozenset[str], limits: Limits = LIMITS) -> Archive:
    """Open a zip, tar, tar.gz or folder and find the wanted members (paths with ``/``).

    Raises UnreadableExport (truncated, bad_container, unsafe_member), and OSError if the file
    itself cannot be read.
    """
    if path.is_dir():
        members, digest = _open_folder(path, wanted, limits)
        return Archive(path, "folder", digest, members)
    with path.open("rb") as file:
        zipped = file.read(2) == b"PK"
    members = (_open_zip if zipped else open_tar)(path, wanted, limits)
    return Archive(path, "zip archive" if zipped else "tar archive", sha256_of(path), members)


# --- zip ------------------------------------------------------------------------------------------


def _open_zip(path: Path, wanted: frozenset[str], limits: Limits) -> Members:
    if not zipfile.is_zipfile(path):  # its directory stands at the end
        raise cut_off(path)
    selection: Selection[zipfile.ZipInfo] = Selection(path, wanted)
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.filename.endswith("/"):  # a folder; is_dir fails on an empty name
                    linked = stat.S_ISLNK(info.external_attr >> 16)
                    selection.offer(info.filename, None if linked else info)
    except DAMAGE:
        raise damaged(path) from None
    found = selection.result()
    for name, info in found.items():
        _check_zip_member(path, name, info, limits)
    for info in found.values():
        with closing(_read_zip(path, info)) as stream:  # to the end, where the checksum is compared
            while stream.read(1 << 20):
                pass
    return {name: partial(_read_zip, path, info) for name, info in found.items()}


def _check_zip_member(path: Path, name: str, info: zipfile.ZipInfo, limits: Limits) -> None:
    packed = min(info.compress_size, path.stat().st_size)
    if info.flag_bits & 0x1:
        raise UnreadableExport("bad_container", f"{path}: {name} is encrypted. Unlock the archive")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableExport(
            "bad_container", f"{path}: {name} is packed in an unusual way. Pack it as plain zip"
        )
    if info.file_size > limits.member_bytes:
        raise unsafe(path, f"{name} holds more than {limits.member_bytes} bytes")
    if info.file_size > max(limits.ratio_from, limits.ratio * packed):
        raise unsafe(path, f"{name} unpacks to more than {limits.ratio} times its size")


def _read_zip(path: Path, info: zipfile.ZipInfo) -> BinaryIO:
    with ExitStack() as opened:
        try:
            archive = opened.enter_context(zipfile.ZipFile(path))
            source = opened.enter_context(archive.open(info))
        except DAMAGE:
            raise damaged(path) from None
        return stream_of(path, source, info.file_size, opened.pop_all())


# --- folder ---------------------------------------------------------------------------------------


def _open_folder(path: Path, wanted: frozenset[str], limits: Limits) -> tuple[Members, str]:
    found = _plain_files(path, path, wanted)
    inner = [
        one for one in path.iterdir() if one.name != "__MACOSX" and not one.name.startswith(".")
    ]
    if not found and len(inner) == 1 and inner[0].is_dir() and not inner[0].is_symlink():
        found = _plain_files(path, inner[0], wanted)
    for name, file in found.items():
        if file.stat().st_size > limits.member_bytes:
            raise unsafe(path, f"{name} holds more than {limits.member_bytes} bytes")
    digest = hashlib.sha256()
    for name, file in sorted(found.items()):
        digest.update(f"{name}\0{sha256_of(file)}\n".encode())
    members = {name: partial(_read_file, path, file) for name, file in found.items()}
    return members, digest.hexdigest()


def _plain_files(path: Path, base: Path, wanted: frozenset[str]) -> dict[str, Path]:
    found = {}
    for name in sorted(wanted):
        file = base / name
        if not os.path.lexists(file):
            continue
        if not stat.S_ISREG(file.lstat().st_mode) or not file.resolve().is_relative_to(
            base.resolve()
        ):
            raise unsafe(path, f"{name} is not a plain file")
        found[name] = file
    return found


def _read_file(path: Path, file: Path) -> BinaryIO:
    with ExitStack() as opened:
        source = opened.enter_context(file.open("rb"))
        return stream_of(path, source, file.stat().st_size, opened.pop_all())
