"""CAR files and the trees in them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from libipld import encode_cid, encode_dag_cbor

from fedi_dataset.errors import UnreadableExport
from fedi_dataset.readers.car import decode_block, is_car, key_height, open_car, walk
from tests import mst
from tests.readers.exports import FIXTURES, needs_fixtures, post_record, repo, saved

BLUESKY = FIXTURES / "bluesky"


def keys_of(path: Path) -> list[str]:
    """The keys of the tree that a CAR's root names."""
    car = open_car(path)
    with car.reading() as read:
        return [key for key, _ in walk(path, read, car.root)]


def tree_file(folder: Path, root: object, *more: object) -> Path:
    """A CAR with these blocks, the first of them its root."""
    blocks = [bytes(encode_dag_cbor(block)) for block in (root, *more)]
    header = bytes(encode_dag_cbor({"version": 1, "roots": [mst.cid(blocks[0])]}))
    content = bytes([len(header)]) + header
    for block in blocks:
        section = mst.cid(block) + block
        content += bytes([len(section) & 0x7F | 0x80, len(section) >> 7]) + section
    return saved(folder, "tree.car", content)


def refusal_of(path: Path) -> str:
    """The code with which a walk through a CAR's tree ends."""
    with pytest.raises(UnreadableExport) as refusal:
        keys_of(path)
    return refusal.value.code


RECORD = mst.cid(b"record")


def entry(key: bytes, shared: int = 0, child: bytes | None = None) -> dict[str, object]:
    """One entry of a tree node."""
    return {"p": shared, "k": key, "v": RECORD, "t": child}


def key_of_height(wanted: int, after: bytes = b"") -> bytes:
    """The first key of this height above another."""
    candidates = (b"c/%06d" % number for number in range(1_000_000))
    return next(key for key in candidates if key > after and key_height(key) == wanted)


@needs_fixtures
def test_heights_are_the_protocol_s() -> None:
    """Keys have the heights that AT Protocol's interop vectors give."""
    vectors = json.loads((BLUESKY / "interop/mst/key_heights.json").read_text())
    assert [key_height(one["key"].encode()) for one in vectors] == [
        one["height"] for one in vectors
    ]


@needs_fixtures
@pytest.mark.parametrize("name", ["000", "001", "003", "015", "031", "063", "090", "127"])
def test_the_test_suite_s_trees(name: str) -> None:
    """Each exhaustive tree of the MST test suite holds the keys whose bits its number sets."""
    every = ["k/00", "k/02", "k/04", "k/39", "k/40", "k/48", "k/49"]
    held = [key for bit, key in enumerate(every) if int(name) >> bit & 1]
    assert keys_of(BLUESKY / f"mst-test-suite/cars/exhaustive/exhaustive_{name}.car") == held


@needs_fixtures
@pytest.mark.parametrize(
    "name", ["deny_training", "allow_training_deep_mst", "orphan_blocks_shuffled", "empty"]
)
def test_another_writer_s_repositories(name: str) -> None:
    """The walk gives the paths and CIDs that an independent writer put into the tree."""
    car = open_car(BLUESKY / f"synthetic/repo_{name}.car")
    expected = json.loads((BLUESKY / f"synthetic/repo_{name}.expected.json").read_text())
    with car.reading() as read:
        commit = decode_block(read(car.root))
        found = [(key, encode_cid(cid)) for key, cid in walk(car.path, read, commit["data"])]
    assert encode_cid(car.root) == expected["commit_cid"]
    assert found == [(one["path"], one["cid"]) for one in expected["records"]]


def test_a_car_is_known_by_its_header() -> None:
    """A CAR is known by its first bytes, and what merely holds such bytes is none."""
    whole = repo({})
    assert is_car(whole[:10])
    assert not is_car(b"x" + whole)
    assert not is_car(b"")
    assert not is_car(b"\xff" * 20)


def test_blocks_must_hash_to_their_names(tmp_path: Path) -> None:
    """A block with one bit flipped is refused when it is looked up."""
    whole = bytearray(repo({"app.bsky.feed.post/3k": post_record("Hello there")}))
    whole[whole.index(b"Hello there")] ^= 1
    car = open_car(saved(tmp_path, "x.car", bytes(whole)))
    with car.reading() as read:
        ((_, cid),) = walk(car.path, read, decode_block(read(car.root))["data"])
        with pytest.raises(UnreadableExport, match="does not hash") as refusal:
            read(cid)
    assert refusal.value.code == "bad_block"


def test_a_missing_block_is_fatal(tmp_path: Path) -> None:
    """A node that refers to a block which the file lacks ends the walk."""
    high = key_of_height(1)
    root = {"l": mst.cid(b"gone"), "e": [entry(high)]}
    assert refusal_of(tree_file(tmp_path, root)) == "bad_block"


@pytest.mark.parametrize(
    "root",
    [
        "no node",
        {"l": None},
        {"l": None, "e": [3]},
        {"l": None, "e": [entry(b"c/1") | {"v": None}]},
        {"l": None, "e": [entry(b"c/1") | {"p": True}]},
        {"l": None, "e": [entry(b"c/1") | {"p": -1}]},
        {"l": None, "e": [entry(b"c/1", shared=1)]},
        {"l": None, "e": [entry(b"no-slash")]},
        {"l": None, "e": [entry(b"c/..")]},
        {"l": None, "e": [entry(b"c/\xff")]},
        {"l": None, "e": [entry(b"c/" + b"x" * 1200)]},
        {"l": None, "e": [entry(key_of_height(0)), entry(key_of_height(0))]},
        {"l": None, "e": [entry(key_of_height(0)), entry(key_of_height(1, key_of_height(0)))]},
        {"l": mst.cid(b"x"), "e": []},
        {"l": mst.cid(b"x"), "e": [entry(key_of_height(0))]},
        {"l": None, "e": [entry(key_of_height(1)) | {"t": 3}]},
    ],
)
def test_malformed_nodes_are_refused(tmp_path: Path, root: object) -> None:
    """A node that breaks a rule of the tree is refused."""
    block = bytes(encode_dag_cbor(root))
    header = bytes(encode_dag_cbor({"version": 1, "roots": [mst.cid(block)]}))
    length = 36 + len(block)
    varint = bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14])
    path = saved(tmp_path, "x.car", bytes([len(header)]) + header + varint + mst.cid(block) + block)
    assert refusal_of(path) == "bad_tree"


def test_a_giant_node_is_refused(tmp_path: Path) -> None:
    """A node of more than 10,000 entries is refused, though its keys are in order."""
    keys = [key for number in range(15_000) if not key_height(key := b"c/%05d" % number)]
    block = bytes(encode_dag_cbor({"l": None, "e": [entry(key) for key in keys]}))
    assert len(keys) > 10_000
    with pytest.raises(UnreadableExport, match="no tree node"):
        list(walk(tmp_path, lambda _: block, b""))


def test_children_lie_one_level_below(tmp_path: Path) -> None:
    """A child whose keys are of a wrong level, or that is empty, is refused, and no path is endless."""
    low, high = key_of_height(0), key_of_height(2)
    child: dict[str, object] = {"l": None, "e": [entry(low)]}
    empty: dict[str, object] = {"l": None, "e": []}
    for below in (child, empty):
        left = mst.cid(bytes(encode_dag_cbor(below)))
        path = tree_file(tmp_path, {"l": left, "e": [entry(high)]}, below)
        assert refusal_of(path) == "bad_tree"


def test_keys_ascend_across_nodes(tmp_path: Path) -> None:
    """The same keys in a left and in a right child are out of order."""
    high = key_of_height(1)
    child = {"l": None, "e": [entry(key_of_height(0))]}
    cid = mst.cid(bytes(encode_dag_cbor(child)))
    path = tree_file(tmp_path, {"l": cid, "e": [entry(high, child=cid)]}, child)
    assert refusal_of(path) == "bad_tree"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\x0a\xa1gversion\x02", "bad_container"),
        (b"\x13\xa2eroots\x81\x41xgversion\x02", "bad_container"),
        (b"\x3a\xa2eroots", "truncated"),
        (b"\x11\xa2eroots\x80gversion\x01", "bad_container"),
        (b"\x12\xa2eroots\x81\x00gversion\x01", "bad_container"),
        (b"\xff" * 12, "truncated"),
    ],
)
def test_headers_that_name_no_root_are_refused(tmp_path: Path, content: bytes, code: str) -> None:
    """A header of another version, without a root, or cut off is refused."""
    with pytest.raises(UnreadableExport) as refusal:
        open_car(saved(tmp_path, "x.car", content))
    assert refusal.value.code == code


def test_an_empty_section_is_refused(tmp_path: Path) -> None:
    """A section of no bytes is not CAR."""
    with pytest.raises(UnreadableExport) as refusal:
        open_car(saved(tmp_path, "x.car", repo({}) + b"\0"))
    assert refusal.value.code == "bad_container"


def test_blocks_of_other_kinds_are_passed_over(tmp_path: Path) -> None:
    """Raw blocks and unknown hashes, which no tree refers to, do no harm."""
    raw = b"\x01\x55\x12\x20" + hashlib.sha256(b"image").digest() + b"image"
    odd = b"\x01\x71\x00\x01x"
    extra = b"".join(bytes([len(one)]) + one for one in (raw, odd))
    whole = repo({"c.d.e/1": {"a": 1}})
    car = open_car(saved(tmp_path, "x.car", whole + extra))
    assert len(car.blocks) == len(open_car(saved(tmp_path, "y.car", whole)).blocks) == 3
