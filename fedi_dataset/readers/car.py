"""Content-addressed archives: a CAR file's blocks, and the Merkle search tree of a repository.

A CAR may hold its blocks in any order, twice, and beside them blocks that nothing refers to:
deleted posts and old wordings among them. So blocks are never listed, only looked up by the name
that the tree gives, and what is looked up must hash to that name. Formats: CAR v1 (ipld.io), and
"CAR File Serialization" and "MST Structure" in AT Protocol's repository specification.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import libipld

from fedi_dataset.errors import UnreadableExport

__all__ = ["Car", "ReadBlock", "decode_block", "is_car", "key_height", "open_car", "walk"]

ReadBlock = Callable[[bytes], bytes]
"""Gives the verified bytes of the block with a CID."""

_CBOR_CID: Final = b"\x01\x71\x12\x20"
"""How a CID begins that names DAG-CBOR by SHA-256: a tree and its records use no other."""
_CID_BYTES: Final = 36
_HEADER_KEYS: Final = b"\xa2\x65roots"
"""A map of two, the first of them "roots": DAG-CBOR orders keys by length."""
_LARGEST_HEADER: Final = 1 << 16
_LARGEST_BLOCK: Final = 4 << 20
"""Bytes of a block that is read. A record has at most 1 MB."""
_MOST_ENTRIES: Final = 10_000
"""Entries of a tree node; on average there are four."""
_LONGEST_KEY: Final = 1024
_KEY: Final = re.compile(rb"[A-Za-z0-9.-]+/(?!\.{1,2}\Z)[A-Za-z0-9._:~-]{1,512}")


@dataclass(frozen=True, slots=True)
class Car:
    """A CAR file: where its first root is, and where each DAG-CBOR block lies."""

    path: Path
    root: bytes
    """CID of the first root, 36 bytes."""
    blocks: Mapping[bytes, tuple[int, int]] = field(repr=False)
    """CID → offset in the file and length, in bytes."""

    @contextmanager
    def reading(self) -> Iterator[ReadBlock]:
        """Open the file for looking up blocks.

        The function that is given raises UnreadableExport (bad_block) for a block that is missing,
        too large, or does not hash to its CID.
        """
        with self.path.open("rb") as file:

            def read(cid: bytes) -> bytes:
                offset, length = self.blocks.get(cid, (0, -1))
                if not 0 <= length <= _LARGEST_BLOCK:
                    raise self._bad("a block is missing or too large")
                file.seek(offset)
                data = file.read(length)
                if hashlib.sha256(data).digest() != cid[len(_CBOR_CID) :]:
                    raise self._bad("a block does not hash to its name")
                return data

            yield read

    def only(self, cids: Iterable[bytes]) -> Car:
        """Give the same file with an index of these blocks alone."""
        return Car(self.path, self.root, {cid: self.blocks[cid] for cid in cids})

    def _bad(self, why: str) -> UnreadableExport:
        return UnreadableExport("bad_block", f"{self.path}: {why}. Download the repository again")


def is_car(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is a CAR of version 1."""
    start = next((at for at, byte in enumerate(head[:9]) if byte < 0x80), 0) + 1
    return head[start:].startswith(_HEADER_KEYS)


def open_car(path: Path) -> Car:
    """Index the blocks of a CAR file. Nothing is decoded but the header, nothing verified yet.

    Raises UnreadableExport: truncated, or bad_container for a header or a section that is
    malformed.
    """
    with path.open("rb") as file:
        end = path.stat().st_size
        root = _root(path, file, end)
        blocks: dict[bytes, tuple[int, int]] = {}
        while (length := _section(path, file, end)) is not None:
            begin = file.tell()
            cid = file.read(min(length, _CID_BYTES))
            if len(cid) == _CID_BYTES and cid.startswith(_CBOR_CID):
                blocks.setdefault(cid, (begin + _CID_BYTES, length - _CID_BYTES))
            file.seek(begin + length)
    return Car(path, root, blocks)


def _root(path: Path, file: BinaryIO, end: int) -> bytes:
    length = _section(path, file, end)
    header = decode_block(file.read(length)) if length and length <= _LARGEST_HEADER else None
    roots = header.get("roots") if isinstance(header, dict) and header.get("version") == 1 else None
    if not isinstance(roots, list) or not roots or not isinstance(roots[0], bytes):
        raise UnreadableExport(
            "bad_container", f"{path}: not the header of a CAR of version 1 with a root"
        )
    return roots[0]


def _section(path: Path, file: BinaryIO, end: int) -> int | None:
    """Read the length in front of a section (an unsigned varint); None at the end of the file."""
    length = 0
    for shift in range(0, 63, 7):
        byte = file.read(1)
        if not byte:
            if shift == 0:
                return None
            break
        length |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            if length == 0:
                raise UnreadableExport("bad_container", f"{path}: an empty section")
            if file.tell() + length > end:
                break
            return length
    raise UnreadableExport("truncated", f"{path} breaks off in the middle. Download it once more")


def decode_block(data: bytes) -> Any:
    """Decode DAG-CBOR; None for bytes that are none. CIDs come out as bytes, like byte strings."""
    try:
        return libipld.decode_dag_cbor(data)
    except (ValueError, RecursionError):
        return None


class _Child(NamedTuple):
    cid: bytes
    level: int | None
    """None for the root, whose level its first key tells."""


class _Leaf(NamedTuple):
    key: bytes
    cid: bytes


def walk(path: Path, read: ReadBlock, root: bytes) -> Iterator[tuple[str, bytes]]:
    """Give every (key, record CID) below a tree node, in key order. Records are not read.

    Raises UnreadableExport: bad_block, or bad_tree where the tree breaks the rules that make it the
    only tree of its keys: keys ascend, a node holds the keys of one height, and a child lies
    exactly one level below, so that there is no cycle and no more than 128 levels.
    """
    try:
        yield from _walk(read, root)
    except _Malformed as error:
        raise UnreadableExport(
            "bad_tree", f"{path}: its tree is malformed: {error}. Download the repository again"
        ) from None


class _Malformed(Exception):
    """A rule of the tree is broken; the message says which."""


def _walk(read: ReadBlock, root: bytes) -> Iterator[tuple[str, bytes]]:
    last = b""
    way: list[Iterator[_Child | _Leaf]] = [iter([_Child(root, None)])]
    while way:
        step = next(way[-1], None)
        if step is None:
            way.pop()
        elif isinstance(step, _Child):
            way.append(_steps(read(step.cid), step.level))
        elif step.key <= last:
            raise _Malformed("keys out of order")
        else:
            last = step.key
            yield last.decode("ascii"), step.cid


def key_height(key: bytes) -> int:
    """Give a key's level in the tree: leading zero bits of its SHA-256, in pairs."""
    digest = int.from_bytes(hashlib.sha256(key).digest(), "big")
    return (256 - digest.bit_length()) // 2


def _steps(data: bytes, level: int | None) -> Iterator[_Child | _Leaf]:
    """Give what hangs below a node: left child, then each entry and the child to its right."""
    node = decode_block(data)
    entries = node.get("e") if isinstance(node, dict) else None
    if not isinstance(entries, list) or len(entries) > _MOST_ENTRIES:
        raise _Malformed("a block is no tree node")
    leaves = list(_leaves(entries))
    heights = {key_height(leaf.key) for leaf in leaves}
    if level is None:
        level = min(heights, default=0)
    elif not leaves and node.get("l") is None:
        raise _Malformed("an empty node")
    if heights - {level}:
        raise _Malformed("a key at the wrong level")
    children = [node.get("l"), *(entry.get("t") for entry in entries)]
    for index, child in enumerate(children):
        if index:
            yield leaves[index - 1]
        if child is None:
            continue
        if not isinstance(child, bytes) or level == 0:
            raise _Malformed("a child where none can be")
        yield _Child(child, level - 1)


def _leaves(entries: list[Any]) -> Iterator[_Leaf]:
    key = b""
    for entry in entries:
        if not isinstance(entry, dict):
            raise _Malformed("an entry of the wrong type")
        shared, rest, cid = entry.get("p"), entry.get("k"), entry.get("v")
        if type(shared) is not int or not isinstance(rest, bytes) or not isinstance(cid, bytes):
            raise _Malformed("an entry of the wrong type")
        if not 0 <= shared <= len(key) or shared + len(rest) > _LONGEST_KEY:
            raise _Malformed("a key of the wrong length")
        key = key[:shared] + rest
        if not _KEY.fullmatch(key):
            raise _Malformed("a key that is no path")
        yield _Leaf(key, cid)
