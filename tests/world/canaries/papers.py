"""Everybody's export while it is being written: outboxes, repositories, and what lies beside the posts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from libipld import encode_cid, encode_dag_cbor

from tests.mst import car, cid, section, tid
from tests.world.canaries.model import Plant
from tests.world.canaries.words import Language
from tests.world.mastodon import write_zip
from tests.world.mastodon_documents import CONTEXT, PUBLIC, actor
from tests.world.people import Person

__all__ = ["BEGIN", "POST", "Papers", "as_collection", "copied", "stranger", "time_text"]

BEGIN = datetime(2025, 2, 1, tzinfo=UTC)
POST = "app.bsky.feed.post"
NO_CID = encode_cid(cid(b"nothing"))


@dataclass(slots=True)
class _Paper:
    """One person's export."""

    person: Person
    items: list[dict[str, Any]] = field(default_factory=list)
    """Of an outbox."""
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of a repo, by path."""
    orphans: list[dict[str, Any]] = field(default_factory=list)
    """Records that lie in a repo's file, and that nothing refers to."""
    about: dict[str, Any] = field(default_factory=dict)
    """What differs in actor.json, or in the profile record."""
    members: dict[str, str] = field(default_factory=dict)
    """More members of an archive."""
    breaks_off: bool = False
    """Its outbox ends in the middle of an item."""


class Papers:
    """The exports of a world, by account."""

    def __init__(self) -> None:
        self._papers: dict[str, _Paper] = {}
        self._tick = count()

    def __getitem__(self, person: Person) -> _Paper:
        return self._papers.setdefault(person.uri, _Paper(person))

    def say(
        self,
        person: Person,
        text: str,
        parent: str | None = None,
        *,
        plant: Plant | None = None,
        language: Language = "en",
    ) -> str:
        """Add a post to a person's export; give its id."""
        number = next(self._tick)
        at = BEGIN + timedelta(minutes=10 * number)
        mastodon = person.platform == "mastodon"
        rkey = tid(round(at.timestamp() * 1_000_000), person.number)
        uri = (
            f"{person.uri}/statuses/{114 * 10**15 + number}"
            if mastodon
            else f"at://{person.uri}/{POST}/{rkey}"
        )

        def filled(value: Any) -> Any:
            return _filled(value, text, person, uri, stranger(person, number))

        if mastodon:
            fields = plant or Plant("", "", {"content": "<p>{}</p>"})
            self[person].items.append(filled(_activity(person, uri, parent, at, language, fields)))
        else:
            record: dict[str, Any] = {
                "$type": POST,
                "text": "{}",
                "createdAt": time_text(at),
                "langs": [language],
            }
            if parent is not None:
                record["reply"] = {
                    name: {"uri": parent, "cid": NO_CID} for name in ("root", "parent")
                }
            record |= plant.fields if plant else {}
            kept = {name: value for name, value in record.items() if value is not None}
            self[person].records[f"{POST}/{rkey}"] = filled(kept)
        return uri

    def write(self, folder: Path) -> list[Path]:
        """Write every export into ``folder``; archives and repos in the order in which people came."""
        return [
            _write_archive(paper, folder)
            if paper.person.platform == "mastodon"
            else _write_repo(paper, folder)
            for paper in self._papers.values()
        ]


def copied(item: dict[str, Any], html: str, updated: str) -> dict[str, Any]:
    """Give an item of an outbox once more, with another wording."""
    again: dict[str, Any] = json.loads(json.dumps(item))
    again["object"] |= {"content": html, "contentMap": {"en": html}, "updated": updated}
    return again


def stranger(person: Person, number: int) -> str:
    """Give the id of a post that nobody here has, on a person's platform; another one for each number."""
    if person.platform == "mastodon":
        return f"https://elsewhere.example/users/kim/statuses/{113 * 10**15 + number}"
    return f"at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/{POST}/{tid(1_700_000_000_000_000 + number, 7)}"


def _write_archive(paper: _Paper, folder: Path) -> Path:
    person = paper.person
    outbox = as_collection("outbox.json", paper.items)
    if paper.breaks_off:
        outbox = outbox[: outbox.index('"contentMap"')]
    about = {**actor(person), **paper.about}
    path = folder / f"{person.username}-{person.host.replace('.', '-')}-{person.number}.zip"
    members = {"outbox.json": outbox, "actor.json": json.dumps(about)}
    write_zip(path, {**members, **paper.members})
    return path


def _write_repo(paper: _Paper, folder: Path) -> Path:
    person = paper.person
    profile = {
        "$type": "app.bsky.actor.profile",
        "displayName": person.display_name,
        "description": person.bio,
        **paper.about,
    }
    records = {**paper.records, "app.bsky.actor.profile/self": profile}
    blocks = {name: encode_dag_cbor(record) for name, record in records.items()}
    path = folder / f"{person.username}-{person.number}.car"
    with path.open("wb") as file:
        file.writelines(car(person.uri, tid(1_760_000_000_000_000, 1), blocks))
        file.writelines(section(encode_dag_cbor(one)) for one in paper.orphans)
    return path


def _activity(
    person: Person, uri: str, parent: str | None, at: datetime, language: str, plant: Plant
) -> dict[str, Any]:
    """An item of an outbox, as Mastodon writes it, with a plant's properties in place of the usual ones."""
    words = plant.fields.get("content", "<p>Quite so, and here is why I think so.</p>")
    audience = {"to": [PUBLIC], "cc": ["{followers}"]}
    note = {
        "id": uri,
        "type": "Note",
        "summary": None,
        "inReplyTo": parent,
        "published": time_text(at),
        "attributedTo": person.uri,
        **audience,
        "sensitive": False,
        "content": words,
        "contentMap": {language: words} if words is not None else None,
        "attachment": [],
        "tag": [],
        **plant.fields,
    }
    activity = {
        "id": f"{uri}/activity",
        "type": "Create",
        "actor": person.uri,
        "published": time_text(at),
        **audience,
        "object": {name: value for name, value in note.items() if value is not None},
        **plant.activity,
    }
    return {name: value for name, value in activity.items() if value is not None}


def _filled(value: Any, text: str, person: Person, uri: str, other: str) -> Any:
    if isinstance(value, str):
        for slot, filling in (
            ("{followers}", f"{person.uri}/followers"),
            ("{me}", person.uri),
            ("{it}", uri),
            ("{stranger}", other),
            ("{}", text),
        ):
            value = value.replace(slot, filling)
        return value
    if isinstance(value, Mapping):
        return {name: _filled(one, text, person, uri, other) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, text, person, uri, other) for one in value]
    return value


def as_collection(name: str, items: Iterable[Mapping[str, Any]]) -> str:
    """Write a collection of an archive."""
    listed = {
        "@context": CONTEXT,
        "id": name,
        "type": "OrderedCollection",
        "orderedItems": list(items),
    }
    return json.dumps(listed, ensure_ascii=False)


def time_text(at: datetime) -> str:
    """Write a time as both platforms do, to the second."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
