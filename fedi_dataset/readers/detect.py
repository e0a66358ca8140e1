"""Names the format of an export from what is in it, and opens it with the reader that knows it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fedi_dataset.errors import UnknownFormat, UnreadableExport, UsageError
from fedi_dataset.posts import Export
from fedi_dataset.readers.archive import Archive, is_archive, open_archive
from fedi_dataset.readers.atproto import open_atproto
from fedi_dataset.readers.car import is_car
from fedi_dataset.readers.mastodon import ACTOR, OUTBOX, open_mastodon

__all__ = ["FORMATS", "open_export"]

FORMATS: Final = ("mastodon-archive", "atproto-repo")
"""Every format that has a reader."""

_ACCEPTED: Final = (
    "Accepted are the archive of a Mastodon account (zip, tar.gz or its unpacked folder) "
    "and an AT Protocol repository (.car)"
)
_OTHERS: Final = {
    "data/manifest.js": "an archive from X",
    "peertube/videos.json": "an export from PeerTube",
    "comments.csv": "an export from Reddit",
    "your_instagram_activity/threads/threads_and_replies.json": "an export from Threads",
    "activitypub/outbox.json": "a FEP-6fcd container",
}
"""Members by which exports without a reader are known."""
_WANTED: Final = frozenset({ACTOR, OUTBOX, *_OTHERS})
_HEAD: Final = 512
"""Bytes by which a file's kind is told."""


def open_export(path: Path) -> Export:
    """Open an export file or folder.

    Raises UnknownFormat if no reader knows it, UnreadableExport (with a quarantine code) if it is
    damaged, unsafe or empty, UsageError if there is no such file or it may not be read.
    """
    try:
        return _open(path)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


def _open(path: Path) -> Export:
    if path.is_dir():
        return _from_archive(open_archive(path, _WANTED))
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is neither a file nor a folder")
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise UnreadableExport("empty_export", f"{path} is empty. Download it once more")
    if is_car(head):
        return open_atproto(path)
    if is_archive(head):
        return _from_archive(open_archive(path, _WANTED))
    kind = "JSON" if head.lstrip()[:1] in (b"{", b"[") else "no archive"
    raise UnknownFormat(f"{path} is {kind}, and no reader knows it. {_ACCEPTED}")


def _from_archive(archive: Archive) -> Export:
    names = archive.members.keys()
    for name, what in _OTHERS.items():
        if name in names:
            raise UnknownFormat(
                f"{archive.path} looks like {what}, and there is no reader for it yet. {_ACCEPTED}"
            )
    missing = [name for name in (ACTOR, OUTBOX) if name not in names]
    if missing:
        raise UnknownFormat(
            f"{archive.path} is a {archive.kind} without {' and '.join(missing)}. {_ACCEPTED}"
        )
    return open_mastodon(archive)
