"""Writes AT Protocol repositories: records in, a Merkle search tree, a commit and a CAR v1 file out.

Deterministic: the same records give the same bytes. Sources: the AT Protocol specifications
"Repository" (tree, commit, CAR) and "Data Model" (DAG-CBOR, CIDs), DASL's CAR v1. The signature is 64
bytes derived from the commit; it verifies against no key, because no key of an invented person exists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from libipld import encode_dag_cbor

__all__ = ["car", "cid", "common_prefix", "height", "section", "tid", "tree"]

CID_PREFIX = bytes([0x01, 0x71, 0x12, 0x20])
"""CID version 1, codec DAG-CBOR, hash SHA-256 of 32 bytes."""
TID_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"

Entry = tuple[bytes, bytes]
"""A key (collection/rkey) and the CID of its record."""


def cid(block: bytes) -> bytes:
    """CID of a DAG-CBOR block, binary, 36 bytes."""
    return CID_PREFIX + hashlib.sha256(block).digest()


def tid(microseconds: int, clock: int) -> str:
    """Timestamp identifier: 53 bits of microseconds since 1970, 10 bits of clock, 13 characters."""
    number = (microseconds << 10) | (clock & 0x3FF)
    return "".join(TID_ALPHABET[(number >> shift) & 31] for shift in range(60, -1, -5))


def height(key: bytes) -> int:
    """Layer of a key in the tree: leading zero bits of its SHA-256, counted in pairs."""
    digest = hashlib.sha256(key).digest()
    return (256 - int.from_bytes(digest, "big").bit_length()) // 2 if key else 0


def common_prefix(left: bytes, right: bytes) -> int:
    """Length in bytes of what both keys begin with."""
    length = min(len(left), len(right))
    return next((at for at in range(length) if left[at] != right[at]), length)


def tree(records: Mapping[str, bytes]) -> tuple[bytes, dict[bytes, bytes]]:
    """Merkle search tree over ``records`` (path to CID): CID of its root, and its nodes by CID."""
    entries = sorted((path.encode(), value) for path, value in records.items())
    nodes: dict[bytes, bytes] = {}
    root = _node(entries, max((height(key) for key, _ in entries), default=0), nodes)
    return root, nodes


def _node(entries: Sequence[Entry], layer: int, nodes: dict[bytes, bytes]) -> bytes:
    """Write the node that holds ``entries`` at ``layer``, parents before children; give its CID."""
    here = [at for at, (key, _) in enumerate(entries) if height(key) == layer]
    below: dict[bytes, bytes] = {}

    def subtree(begin: int, end: int) -> bytes | None:
        return _node(entries[begin:end], layer - 1, below) if begin < end else None

    left = subtree(0, here[0] if here else len(entries))
    listed: list[dict[str, object]] = []
    previous = b""
    for at, following in zip(here, [*here, len(entries)][1:], strict=True):
        key, value = entries[at]
        shared = common_prefix(previous, key)
        listed.append({"p": shared, "k": key[shared:], "v": value, "t": subtree(at + 1, following)})
        previous = key
    block: bytes = encode_dag_cbor({"l": left, "e": listed})
    name = cid(block)
    nodes[name] = block
    nodes.update(below)
    return name


def car(did: str, rev: str, records: Mapping[str, bytes]) -> Iterator[bytes]:
    """CAR v1 of a whole repository in pieces: header, commit, tree, records in the order of their paths.

    ``records`` maps path (collection/rkey) to DAG-CBOR.
    """
    root, nodes = tree({path: cid(block) for path, block in records.items()})
    commit: bytes = encode_dag_cbor(
        {
            "did": did,
            "version": 3,
            "data": root,
            "rev": rev,
            "prev": None,
            "sig": hashlib.sha512(did.encode() + rev.encode() + root).digest(),
        }
    )
    header: bytes = encode_dag_cbor({"version": 1, "roots": [cid(commit)]})
    yield _varint(len(header)) + header
    yield section(commit)
    yield from map(section, nodes.values())
    yield from (section(records[path]) for path in sorted(records))


def section(block: bytes) -> bytes:
    """A block as a CAR holds it: length, CID, bytes."""
    name = cid(block)
    return _varint(len(name) + len(block)) + name + block


def _varint(number: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
