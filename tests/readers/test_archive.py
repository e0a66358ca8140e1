"""Opening archives of every kind, and refusing what is not safe."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fedi_dataset.errors import UnreadableExport
from fedi_dataset.readers.archive import is_archive, open_archive
from fedi_dataset.readers.members import Limits
from tests.readers.exports import saved, tarred, unpacked, zipped

WANTED = frozenset({"a.json", "sub/b.json"})
SMALL = Limits(member_bytes=1000, total_bytes=50_000, ratio=10, ratio_from=12_000)

Pack = Callable[[Mapping[str, bytes]], bytes]


def plain_tar(files: Mapping[str, bytes]) -> bytes:
    """A tar archive that is not compressed."""
    return tarred(files, "w")


def code_of(path: Path, limits: Limits = SMALL) -> str:
    """The code by which an archive is refused."""
    with pytest.raises(UnreadableExport) as refusal:
        open_archive(path, WANTED, limits)
    return refusal.value.code


@pytest.mark.parametrize("pack", [zipped, tarred, plain_tar])
@pytest.mark.parametrize("top", ["", "archive-1/", "./"])
def test_wanted_members_are_found_and_read(tmp_path: Path, pack: Pack, top: str) -> None:
    """Wanted members are found at the top or in one wrapping folder, and others are not offered."""
    files = {f"{top}m.png": b"png", f"{top}a.json": b"A" * 700, f"{top}sub/b.json": b""}
    path = saved(tmp_path, "x", pack(files))
    archive = open_archive(path, WANTED)
    assert sorted(archive.members) == ["a.json", "sub/b.json"]
    for name, content in (("a.json", b"A" * 700), ("sub/b.json", b""), ("a.json", b"A" * 700)):
        with archive.open(name) as stream:
            assert stream.read() == content
    assert archive.export_id == hashlib.sha256(path.read_bytes()).hexdigest()
    assert is_archive(path.read_bytes()[:512])


@pytest.mark.parametrize("top", ["", "archive-1/"])
def test_a_folder_is_read_like_an_archive(tmp_path: Path, top: str) -> None:
    """A folder gives the same members, and its digest covers their names and content alone."""
    unpacked(tmp_path, {f"{top}a.json": b"A", f"{top}other.json": b"x", ".hidden": b""})
    archive = open_archive(tmp_path, WANTED)
    with archive.open("a.json") as stream:
        assert stream.read() == b"A"
    line = f"a.json\0{hashlib.sha256(b'A').hexdigest()}\n"
    assert list(archive.members) == ["a.json"]
    assert archive.export_id == hashlib.sha256(line.encode()).hexdigest()


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_folder_beside_others_wraps_nothing(tmp_path: Path, pack: Pack) -> None:
    """A folder is the wrapping one only if everything lies in it, what macOS adds left aside."""
    beside = saved(tmp_path, "1", pack({"x/a.json": b"A", "y/c.json": b""}))
    mac = saved(tmp_path, "2", pack({"x/a.json": b"A", "__MACOSX/x/._a.json": b"", "x/._a": b""}))
    assert list(open_archive(beside, WANTED).members) == []
    assert list(open_archive(mac, WANTED).members) == ["a.json"]


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["/a.json", "../a.json", "x/../../a.json"])
def test_wanted_names_that_lie_outside_are_refused(tmp_path: Path, pack: Pack, name: str) -> None:
    """An absolute or climbing path to a wanted name makes the archive unsafe; others are ignored."""
    assert code_of(saved(tmp_path, "bad", pack({name: b"A"}))) == "unsafe_member"
    fine = open_archive(saved(tmp_path, "ok", pack({"a.json": b"A", "../etc/x": b""})), WANTED)
    assert list(fine.members) == ["a.json"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    """A link or device with a wanted name makes a tar archive unsafe."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo("a.json")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    assert code_of(saved(tmp_path, "x.tar", packed.getvalue())) == "unsafe_member"


def test_links_in_a_zip_and_a_folder_are_refused(tmp_path: Path) -> None:
    """A symbolic link with a wanted name makes a zip archive or a folder unsafe."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        info = zipfile.ZipInfo("a.json")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    assert code_of(saved(tmp_path, "x.zip", packed.getvalue())) == "unsafe_member"
    folder = unpacked(tmp_path / "folder", {"real.json": b"A"})
    (folder / "a.json").symlink_to(folder / "real.json")
    assert code_of(folder) == "unsafe_member"


def test_a_folder_that_leads_outside_is_refused(tmp_path: Path) -> None:
    """A linked folder on the way to a wanted member makes a folder unsafe."""
    unpacked(tmp_path / "elsewhere", {"b.json": b"B"})
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/sub").symlink_to(tmp_path / "elsewhere")
    assert code_of(tmp_path / "folder") == "unsafe_member"


def test_a_member_without_a_name_is_passed_over(tmp_path: Path) -> None:
    """A zip member whose name is empty, or begins with NUL, does no harm."""
    packed = zipped({"xx": b"", "a.json": b"A"}).replace(b"xx", b"\0x")
    assert list(open_archive(saved(tmp_path, "x.zip", packed), WANTED).members) == ["a.json"]


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    """Two members of one wanted name make an archive unsafe: nobody knows which is meant."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.json", "A")
        archive.writestr("./a.json", "B")
    assert code_of(saved(tmp_path, "x.zip", packed.getvalue())) == "unsafe_member"


@pytest.mark.parametrize("pack", [zipped, tarred, plain_tar])
def test_large_members_and_bombs_are_refused(tmp_path: Path, pack: Pack) -> None:
    """A member above the limit, or an archive that unpacks to many times its size, is unsafe."""
    large = saved(tmp_path, "large", pack({"a.json": bytes(range(256)) * 5}))
    bomb = saved(tmp_path, "bomb", pack({"a.json": b"0" * 100_000}))
    assert code_of(large) == "unsafe_member"
    assert code_of(bomb, Limits(ratio=10, ratio_from=12_000, total_bytes=90_000)) == "unsafe_member"


def test_a_tar_s_giant_header_is_not_read(tmp_path: Path) -> None:
    """A tar header that claims 8 GB is refused before anything of it is read."""
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    path = saved(tmp_path, "x.tar", header.tobuf(tarfile.GNU_FORMAT) + b"\0" * 1024)
    assert code_of(path) == "unsafe_member"


def test_a_tar_s_negative_size_is_refused(tmp_path: Path) -> None:
    """A tar member of a size below zero, which would be read for ever, is refused."""
    header = tarfile.TarInfo("x")
    header.size = -1024
    path = saved(tmp_path, "x.tar", header.tobuf(tarfile.GNU_FORMAT) + b"\0" * 1024)
    assert code_of(path) == "bad_container"


def test_an_unusual_packing_is_refused(tmp_path: Path) -> None:
    """A zip member that is neither stored nor deflated is refused, and the message says so."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.json", "A")
    with pytest.raises(UnreadableExport, match="unusual") as refusal:
        open_archive(saved(tmp_path, "x.zip", packed.getvalue()), WANTED)
    assert refusal.value.code == "bad_container"


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    """A member that is marked as encrypted is refused, and the message says so."""
    packed = bytearray(zipped({"a.json": b"A"}))
    at = packed.index(b"PK\x01\x02") + 8
    packed[at : at + 2] = struct.pack("<H", 1)
    with pytest.raises(UnreadableExport, match="encrypted") as refusal:
        open_archive(saved(tmp_path, "x.zip", bytes(packed)), WANTED)
    assert refusal.value.code == "bad_container"


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_flipped_bit_in_a_member_is_found_on_opening(tmp_path: Path, pack: Pack) -> None:
    """Checksums are compared before anything is given out."""
    content = bytes(range(256)) * 3
    packed = bytearray(pack({"a.json": content}))
    packed[len(packed) // 3] ^= 1
    assert code_of(saved(tmp_path, "x", bytes(packed))) in ("bad_container", "truncated")


@pytest.mark.parametrize("pack", [zipped, tarred, plain_tar])
def test_every_truncation_is_refused(tmp_path: Path, pack: Pack) -> None:
    """An archive cut off anywhere is refused, or still has all that it had."""
    whole = pack({"m.png": b"png" * 100, "a.json": b"A" * 300, "sub/b.json": b"B" * 50})
    codes = set()
    for length in range(2, len(whole), 37):
        path = saved(tmp_path, "cut", whole[:length])
        try:
            archive = open_archive(path, WANTED)
        except UnreadableExport as error:
            codes.add(error.code)
        else:
            assert sorted(archive.members) == ["a.json", "sub/b.json"]
    assert codes == {"truncated"}
