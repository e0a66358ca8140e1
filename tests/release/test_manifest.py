"""The manifest is read as it was written, and what is no release of ours is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.release.law import Step
from fedi_dataset.release.manifest import (
    FORMAT,
    MANIFEST,
    FileRecord,
    LedgerHead,
    Legal,
    Manifest,
    TokensRecord,
    build_id,
    read_manifest,
    versions,
)
from fedi_dataset.release.statistics import Statistics

FILES = {
    "README.md": FileRecord("aa" * 32, 10),
    "dialogues/train-b0.parquet": FileRecord("bb" * 32, 20, 3, "dialogues", "train"),
    "dialogues/train-b1.parquet": FileRecord("cc" * 32, 30, 4, "dialogues", "train"),
    "dialogues/test-b.parquet": FileRecord("dd" * 32, 40, 5, "dialogues", "test"),
}
MADE = Manifest(
    format=FORMAT,
    build="ab" * 16,
    as_of=datetime(2026, 7, 1, tzinfo=UTC),
    valid_until=datetime(2026, 9, 1, tzinfo=UTC),
    versions={"python": "3.11"},
    config={"languages": ["en"], "splits": {"train": 0.9}},
    detector={"name": "rampart"},
    ledger=LedgerHead(3, "ee" * 32),
    secret_fingerprint="ff" * 16,
    cell_bits=1,
    cells=2,
    law={"items": Step(12, 12, {}), "turns": Step(15, 12, {"other": 3})},
    files=FILES,
    default_config="dialogues",
    licenses=("CC-BY-4.0",),
    languages=("de", "en"),
    legal=Legal("CC-BY-4.0", ("https://steward.example",), {"unchecked": 12}, 3),
    notes=("Sätze für Menschen.",),
    tokens=TokensRecord("wheel:x", "11" * 32, "22" * 32, 64, "33" * 16, 2, Statistics()),
)


def written(folder: Path, content: bytes) -> Path:
    """A release's folder with this as its manifest."""
    (folder / MANIFEST).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    "manifest", [MADE, msgspec.structs.replace(MADE, valid_until=None, tokens=None, files={})]
)
def test_a_manifest_is_read_as_it_was_written(tmp_path: Path, manifest: Manifest) -> None:
    """Reading gives back every field, and writing again the same bytes."""
    read = read_manifest(written(tmp_path, manifest.encode()))
    assert read == manifest
    assert read.encode() == manifest.encode()


def test_the_order_of_files_does_not_show(tmp_path: Path) -> None:
    """Two manifests of the same content are the same bytes, in whatever order it was collected."""
    backwards = msgspec.structs.replace(MADE, files=dict(reversed(FILES.items())))
    assert backwards.encode() == MADE.encode()


def test_tables_are_grouped_by_split() -> None:
    """Data files are found by table and split, other files are not among them."""
    tables = MADE.tables()
    assert tables.keys() == {"dialogues"}
    assert tables["dialogues"].keys() == {"train", "test"}
    assert tables["dialogues"]["train"].keys() == {
        "dialogues/train-b0.parquet",
        "dialogues/train-b1.parquet",
    }


def test_a_build_is_named_by_its_data_alone() -> None:
    """The id follows from the data files' paths and content, neither from their order nor from the card."""
    name = build_id(FILES)
    assert len(name) == 32
    assert name == build_id(dict(reversed(FILES.items())))
    assert name == build_id({**FILES, "README.md": FileRecord("00" * 32, 1)})
    moved = {("x" + path if path.startswith("d") else path): one for path, one in FILES.items()}
    assert name != build_id(moved)
    changed = {**FILES, "dialogues/test-b.parquet": FileRecord("00" * 32, 40)}
    assert name != build_id(changed)


def test_no_folder_and_an_empty_one_are_no_release(tmp_path: Path) -> None:
    """Where nothing is yet, a release may come to be."""
    assert read_manifest(tmp_path / "new") is None
    assert read_manifest(tmp_path) is None


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    """A folder that holds other things is not taken for a release."""
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds something that is not a release"):
        read_manifest(tmp_path)


def test_a_file_is_refused(tmp_path: Path) -> None:
    """A file is no folder."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="is a file; name a folder"):
        read_manifest(tmp_path / "file")


@pytest.mark.parametrize("known", [True, False])
def test_another_format_is_refused_by_its_name(tmp_path: Path, known: bool) -> None:
    """A release of another version is told as one, even if its manifest has other fields."""
    fields = json.loads(MADE.encode()) if known else {"what": "unknown"}
    content = json.dumps({**fields, "format": "fedi_dataset-release/2"}).encode()
    with pytest.raises(UsageError, match=r"another version: fedi_dataset-release/2, not .*/1"):
        read_manifest(written(tmp_path, content))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"format": "\xff"}',
        b"{}",
        b'{"format": "fedi_dataset-release/1"}',
        b'{"format": 1}',
        MADE.encode()[:-100],
        MADE.encode().replace(b'"cells": 2', b'"cells": "2"'),
    ],
)
def test_a_damaged_manifest_is_told_as_one(tmp_path: Path, content: bytes) -> None:
    """A manifest that cannot be read is an error of one sentence that names the file."""
    with pytest.raises(FediDatasetError, match=r"manifest\.json is not a manifest") as told:
        read_manifest(written(tmp_path, content))
    assert told.value.exit_code == 1


def test_versions_name_what_shapes_a_release() -> None:
    """Python and the libraries that a release's bytes hang on are named with their versions."""
    assert {"python", "fedi_dataset", "duckdb", "pyarrow"} <= versions().keys()
