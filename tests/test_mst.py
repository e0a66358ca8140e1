"""The repository writer against test vectors of others, and against itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libipld import decode_car, decode_multibase, encode_cid, encode_dag_cbor

from tests.mst import car, cid, common_prefix, height, tid, tree

FIXTURES = Path(__file__).parents[1] / "../shared/fixtures/bluesky"
needs_fixtures = pytest.mark.skipif(not FIXTURES.exists(), reason="fixtures are not here")
PATHS = st.text("abc/0123456789", min_size=1, max_size=12)


def walk(blocks: dict[bytes, Any], node: bytes) -> Iterator[tuple[str, bytes]]:
    """Paths and CIDs of a tree, in its order, as the specification tells readers to."""
    if blocks[node]["l"] is not None:
        yield from walk(blocks, blocks[node]["l"])
    key = b""
    for entry in blocks[node]["e"]:
        key = key[: entry["p"]] + entry["k"]
        yield key.decode(), entry["v"]
        if entry["t"] is not None:
            yield from walk(blocks, entry["t"])


@needs_fixtures
def test_heights_and_prefixes_are_those_of_the_interop_vectors() -> None:
    """Layers of keys and common prefixes are what AT Protocol's interop tests say."""
    heights = json.loads((FIXTURES / "interop/mst/key_heights.json").read_text())
    prefixes = json.loads((FIXTURES / "interop/mst/common_prefix.json").read_text())
    assert [height(one["key"].encode()) for one in heights] == [one["height"] for one in heights]
    assert [common_prefix(one["left"].encode(), one["right"].encode()) for one in prefixes] == [
        one["len"] for one in prefixes
    ]


@needs_fixtures
def test_roots_are_those_of_the_firehose_vectors() -> None:
    """The same keys and values give the root that AT Protocol's commit proofs name, before and after."""
    for case in json.loads((FIXTURES / "interop/firehose/commit-proof-fixtures.json").read_text()):
        leaf = decode_multibase(case["leafValue"])[1]
        after = {*case["keys"], *case["adds"]} - set(case["dels"])
        for keys, root in (
            (case["keys"], case["rootBeforeCommit"]),
            (after, case["rootAfterCommit"]),
        ):
            assert encode_cid(tree(dict.fromkeys(keys, leaf))[0]) == root


@needs_fixtures
def test_nodes_are_those_of_the_exhaustive_cars() -> None:
    """Rebuilding each tree of the MST test suite gives its root and exactly its nodes."""
    paths = sorted((FIXTURES / "mst-test-suite/cars/exhaustive").glob("*.car"))
    assert paths
    for path in paths:
        header, blocks = decode_car(path.read_bytes())
        root, nodes = tree(dict(walk(blocks, header["roots"][0])))
        assert root == header["roots"][0]
        assert set(nodes) == set(blocks)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(PATHS, st.integers(0, 9), max_size=40))
def test_a_repository_holds_its_records(values: dict[str, int]) -> None:
    """Whatever goes in comes out by the walk of a reader, in order, and every block hashes to its name."""
    records = {path: encode_dag_cbor({"n": value}) for path, value in values.items()}
    data = b"".join(car("did:plc:" + "a" * 24, "2222222222222", records))
    header, blocks = decode_car(data)
    commit = blocks[header["roots"][0]]
    found = list(walk(blocks, commit["data"]))
    assert found == [(path, cid(records[path])) for path in sorted(records)]
    assert all(cid(encode_dag_cbor(block)) == name for name, block in blocks.items())
    assert (commit["version"], commit["prev"], len(commit["sig"])) == (3, None, 64)


def test_tids_sort_as_their_times() -> None:
    """Identifiers have 13 characters and the order of their times; zero is all twos."""
    assert tid(0, 0) == "2222222222222"
    assert tid(1_700_000_000_000_000, 5) < tid(1_700_000_000_000_001, 0)
