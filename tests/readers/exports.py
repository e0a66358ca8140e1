"""Small exports of invented people: Mastodon archives of each kind, and repositories."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from libipld import encode_dag_cbor

from tests import mst

FIXTURES = Path(__file__).parents[2] / "../shared/fixtures"
needs_fixtures = pytest.mark.skipif(not FIXTURES.exists(), reason="the fixtures are not here")

HOST = "https://mastodon.example"
ALICE = f"{HOST}/users/alice"
BOB = "https://other.example/users/bob"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
DID = "did:plc:alicealicealicealiceali2"

Json = dict[str, Any]


def actor(**more: object) -> Json:
    """Alice's actor document, as Mastodon writes it."""
    return {
        "@context": ["https://www.w3.org/ns/activitystreams"],
        "id": ALICE,
        "type": "Person",
        "followers": f"{ALICE}/followers",
        "preferredUsername": "alice",
        "name": "Alice :verified:",
        "summary": "<p>Gardens.</p>",
        "url": f"{HOST}/@alice",
        "outbox": "outbox.json",
        **more,
    }


def note(number: int = 1, **more: object) -> Json:
    """Alice's public post of this number, as Mastodon writes it."""
    uri = f"{ALICE}/statuses/{number}"
    return {
        "id": uri,
        "type": "Note",
        "summary": None,
        "inReplyTo": None,
        "published": "2025-03-01T10:00:00Z",
        "url": f"{HOST}/@alice/{number}",
        "attributedTo": ALICE,
        "to": [PUBLIC],
        "cc": [f"{ALICE}/followers"],
        "sensitive": False,
        "content": f"<p>Post {number}</p>",
        "contentMap": {"en": f"<p>Post {number}</p>"},
        "attachment": [],
        "tag": [],
        **more,
    }


def create(obj: object, **more: object) -> Json:
    """The activity that made an object."""
    uri = obj["id"] if isinstance(obj, dict) and "id" in obj else f"{ALICE}/statuses/0"
    return {
        "id": f"{uri}/activity",
        "type": "Create",
        "actor": ALICE,
        "published": "2025-03-01T10:00:00Z",
        "to": [PUBLIC],
        "cc": [f"{ALICE}/followers"],
        "object": obj,
        **more,
    }


def outbox(items: Sequence[object]) -> bytes:
    """An outbox.json."""
    document = {"id": "outbox.json", "type": "OrderedCollection", "totalItems": len(items)}
    return json.dumps({**document, "orderedItems": list(items)}).encode()


def members(items: Sequence[object], **more: object) -> dict[str, bytes]:
    """What a Mastodon archive holds, by name, an avatar included."""
    return {
        "outbox.json": outbox(items),
        "likes.json": b"{}",
        "actor.json": json.dumps(actor(**more)).encode(),
        "avatar.png": b"\x89PNG",
    }


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip archive of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar archive of these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def unpacked(folder: Path, files: Mapping[str, bytes]) -> Path:
    """A folder of these files."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def saved(folder: Path, name: str, content: bytes) -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(content)
    return path


def post_record(text: str = "Hello", **more: object) -> Json:
    """A post record."""
    return {
        "$type": "app.bsky.feed.post",
        "text": text,
        "createdAt": "2025-03-01T10:00:00.000Z",
        **more,
    }


def repo(records: Mapping[str, object]) -> bytes:
    """Alice's repository as a CAR file."""
    blocks = {path: bytes(encode_dag_cbor(record)) for path, record in records.items()}
    return b"".join(mst.car(DID, "3kaaaaaaaaa22", blocks))
