"""Naming the format of an export from what is in it."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from fedi_dataset.errors import UnknownFormat, UnreadableExport, UsageError
from fedi_dataset.readers.detect import FORMATS, open_export
from tests.readers.exports import (
    create,
    members,
    note,
    post_record,
    repo,
    saved,
    tarred,
    unpacked,
    zipped,
)


def test_the_name_of_a_file_says_nothing(tmp_path: Path) -> None:
    """Formats are told by content: a suffix that lies changes nothing."""
    archive = open_export(saved(tmp_path, "x.car", zipped(members([create(note())]))))
    repository = open_export(
        saved(tmp_path, "x.zip", repo({"app.bsky.feed.post/3ka": post_record()}))
    )
    assert (archive.format, repository.format) == FORMATS
    assert (archive.platform, repository.platform) == ("mastodon", "bluesky")
    assert archive.acquisition == repository.acquisition == "own-export"
    content = (tmp_path / "x.zip").read_bytes()
    assert repository.export_id == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"data/manifest.js": b""}, "an archive from X"),
        ({"peertube/videos.json": b"{}", "activity-pub/outbox.json": b"{}"}, "PeerTube"),
        ({"comments.csv": b"id,permalink,date"}, "Reddit"),
        ({"outbox.json": b"{}"}, "without actor.json"),
        ({"notes.txt": b""}, "without actor.json and outbox.json"),
    ],
)
def test_what_has_no_reader_is_named(tmp_path: Path, files: dict[str, bytes], what: str) -> None:
    """An archive that no reader knows is refused, with what it looks like and what is accepted."""
    for path in (saved(tmp_path, "x", zipped(files)), unpacked(tmp_path / "folder", files)):
        with pytest.raises(UnknownFormat, match=what) as refusal:
            open_export(path)
        assert "Accepted are" in str(refusal.value)


@pytest.mark.parametrize("content", [b"[{}]", b"hello", b"\x0a\xa1gversion\x02", b"\0" * 600])
def test_other_files_are_unknown(tmp_path: Path, content: bytes) -> None:
    """A file that is neither an archive nor a repository is of no known format."""
    with pytest.raises(UnknownFormat):
        open_export(saved(tmp_path, "outbox.json", content))


def test_an_empty_file_is_an_empty_export(tmp_path: Path) -> None:
    """A file of no bytes is refused as empty, not as unknown."""
    with pytest.raises(UnreadableExport) as refusal:
        open_export(saved(tmp_path, "x.zip", b""))
    assert refusal.value.code == "empty_export"


def test_gzip_without_tar_is_damaged(tmp_path: Path) -> None:
    """A gzip file that holds no tar archive is refused as damaged."""
    with pytest.raises(UnreadableExport) as refusal:
        open_export(saved(tmp_path, "x.gz", gzip.compress(b"{" * 2000)))
    assert refusal.value.code == "bad_container"


def test_what_is_not_there_is_a_mistake_in_use(tmp_path: Path) -> None:
    """A path that does not exist, or is a pipe, is wrong usage, and no pipe is waited for."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("nowhere.zip", "pipe"):
        with pytest.raises(UsageError, match=name):
            open_export(tmp_path / name)


def test_an_archive_of_an_old_kind_is_found_behind_its_media(tmp_path: Path) -> None:
    """In old archives the media come first, and the outbox is found all the same."""
    files = {"media_attachments/files/1/original/a.png": b"png" * 9000} | members([create(note())])
    export = open_export(saved(tmp_path, "x.tar.gz", tarred(files)))
    assert len(list(export.posts())) == 1
