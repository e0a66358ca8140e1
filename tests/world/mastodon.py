"""Writes archives of Mastodon accounts, as Mastodon's backup_service.rb and its serializers do.

Members: outbox.json, likes.json, bookmarks.json, actor.json; no media. Servers before 4.2 gave .tar.gz, with less
in every post; later ones give .zip. The same content gives the same bytes: times, owners and modes of members
are fixed.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tests.world.draft import Talk
from tests.world.mastodon_documents import ACTIVITYSTREAMS, CONTEXT, activity, actor
from tests.world.people import Person
from tests.world.spool import Spool

__all__ = ["spool_talk", "write_archive", "write_zip"]

EXPORTED = datetime(2026, 5, 1, 12, tzinfo=UTC)


# --- spooling ----------------------------------------------------------------------------------------


def spool_talk(talk: Talk, spool: Spool) -> None:
    """Keep what a talk adds to the archives of those who took part."""
    for post in talk.posts:
        order = f"{post.status:020}"
        spool.add(post.author.number, "outbox", order, _json(activity(post)))
    for like in talk.likes:
        order = f"{int(like.at.timestamp() * 1000):020}"
        spool.add(like.person.number, "likes", order, like.post.uri)


def write_archive(person: Person, spool: Spool, folder: Path) -> Path:
    """Write one person's archive; its name says whose it is."""
    outbox = [payload for _, payload in spool.read(person.number, "outbox")]
    likes = [_json(uri) for _, uri in spool.read(person.number, "likes")]
    bookmarks = likes[::7]
    members = {
        "outbox.json": (
            f'{{"@context":{_json(CONTEXT)},"id":"outbox.json","type":"OrderedCollection",'
            f'"totalItems":{len(outbox)},"orderedItems":[{",".join(outbox)}]}}'
        ),
        "likes.json": _uris("likes.json", likes, person.old_software),
        "bookmarks.json": _uris("bookmarks.json", bookmarks, person.old_software),
        "actor.json": _json(actor(person)),
    }
    stem = f"{person.username}-{person.host.replace('.', '-')}"
    if person.old_software:
        path = folder / f"{stem}.tar.gz"
        _write_tar(path, members)
    else:
        path = folder / f"{stem}.zip"
        write_zip(path, members)
    return path


def _uris(name: str, uris: list[str], counted: bool) -> str:
    total = f',"totalItems":{len(uris)}' if counted else ""
    return (
        f'{{"@context":"{ACTIVITYSTREAMS}","id":"{name}","type":"OrderedCollection"{total},'
        f'"orderedItems":[{",".join(uris)}]}}'
    )


def write_zip(path: Path, members: Mapping[str, str]) -> None:
    """Write members (name to text) as a zip, the same bytes each time."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            info = zipfile.ZipInfo(name, EXPORTED.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, wherever this runs
            info.external_attr = 0o100644 << 16
            archive.writestr(info, text.encode(), compresslevel=9)


def _write_tar(path: Path, members: Mapping[str, str]) -> None:
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, text in members.items():
            data = text.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = int(EXPORTED.timestamp())
            archive.addfile(info, io.BytesIO(data))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
