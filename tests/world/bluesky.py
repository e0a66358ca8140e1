"""Writes AT Protocol repositories of Bluesky accounts: posts, profile, likes, reposts, declarations.

Records follow Bluesky's lexicons; mentions, links and hashtags are facets with offsets in UTF-8 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from libipld import encode_cid, encode_dag_cbor

from tests.mst import car, cid, tid
from tests.world.asides import SHOWN
from tests.world.draft import Draft, Talk
from tests.world.people import Person
from tests.world.spool import Spool

__all__ = ["spool_talk", "write_repo"]

EXPORTED = datetime(2026, 5, 1, 12, tzinfo=UTC)
POST = "app.bsky.feed.post"


def spool_talk(talk: Talk, spool: Spool) -> None:
    """Keep what a talk adds to the repositories of those who took part."""
    names: dict[str, str] = {}
    for post in talk.posts:
        block = encode_dag_cbor(_repost(post, names) if post.boost_of else _post(post, names))
        names[post.uri] = encode_cid(cid(block))
        spool.add(post.author.number, "record", f"{post.collection}/{post.rkey}", block.hex())
    for like in talk.likes:
        rkey = tid(round(like.at.timestamp() * 1_000_000), like.person.number)
        record = {
            "$type": "app.bsky.feed.like",
            "subject": _reference(like.post.uri, names),
            "createdAt": _time(like.at),
        }
        spool.add(
            like.person.number,
            "record",
            f"app.bsky.feed.like/{rkey}",
            encode_dag_cbor(record).hex(),
        )


def write_repo(person: Person, spool: Spool, folder: Path) -> Path:
    """Write one person's repository; the file's name says whose it is."""
    records = {
        path: bytes.fromhex(block) for path, block in spool.read(person.number, "record")
    } | {path: encode_dag_cbor(record) for path, record in _declarations(person)}
    path = folder / f"{person.username}-{person.host.replace('.', '-')}.car"
    rev = tid(round(EXPORTED.timestamp() * 1_000_000), person.number)
    with path.open("wb") as file:
        file.writelines(car(person.uri, rev, records))
    return path


def _declarations(person: Person) -> Iterator[tuple[str, dict[str, Any]]]:
    """The profile, and what the person says about training on their posts."""
    profile: dict[str, Any] = {
        "$type": "app.bsky.actor.profile",
        "displayName": person.display_name,
        "description": person.bio,
        "createdAt": _time(person.joined),
    }
    if person.is_bot:
        profile["labels"] = {
            "$type": "com.atproto.label.defs#selfLabels",
            "values": [{"val": "bot"}],
        }
    yield "app.bsky.actor.profile/self", profile
    if person.role in {"plain", "deny"}:
        at = _time(EXPORTED)
        yield (
            "community.lexicon.preference.ai/self",
            {
                "$type": "community.lexicon.preference.ai",
                "updatedAt": at,
                "scope": {"$type": "community.lexicon.preference.ai#globalScope"},
                "preferences": {"training": {"allow": person.role == "plain", "updatedAt": at}},
            },
        )


def _post(post: Draft, names: dict[str, str]) -> dict[str, Any]:
    text, facets = _text(post)
    record: dict[str, Any] = {
        "$type": POST,
        "text": text,
        "createdAt": _time(post.created_at),
        "langs": [post.language],
    }
    if facets:
        record["facets"] = facets
    parent = post.parent.uri if post.parent else post.outside
    if parent is not None:
        root = post.root.uri if post.parent and not post.root.outside else None
        root = root or post.root.outside or parent
        record["reply"] = {"root": _reference(root, names), "parent": _reference(parent, names)}
    if post.quote_of is not None:
        record["embed"] = {
            "$type": "app.bsky.embed.record",
            "record": _reference(post.quote_of.uri, names),
        }
    return record


def _repost(post: Draft, names: dict[str, str]) -> dict[str, Any]:
    assert post.boost_of is not None
    return {
        "$type": "app.bsky.feed.repost",
        "subject": _reference(post.boost_of.uri, names),
        "createdAt": _time(post.created_at),
    }


def _reference(uri: str, names: dict[str, str]) -> dict[str, str]:
    """A strong reference; of a record that nobody here has, to a CID that is as good as any."""
    return {"uri": uri, "cid": names.get(uri) or encode_cid(cid(uri.encode()))}


def _text(post: Draft) -> tuple[str, list[dict[str, Any]]]:
    """The text with its block of hashtags, and the facets into its UTF-8 bytes."""
    text = ""
    facets: list[dict[str, Any]] = []

    def add(shown: str, feature: dict[str, str] | None = None) -> None:
        nonlocal text
        begin = len(text.encode())
        text += shown
        if feature is not None:
            index = {"byteStart": begin, "byteEnd": len(text.encode())}
            facets.append({"index": index, "features": [feature]})

    for number, block in enumerate(post.blocks):
        add("\n\n" if number else "")
        for place, line in enumerate(block.lines):
            add("\n" if place else "")
            for run in line:
                feature: dict[str, str] | None = None
                if run.person is not None:
                    feature = {"$type": _facet("mention"), "did": run.person.uri}
                elif run.kind == "link":
                    url = f"https://{run.text.removeprefix('https://')}"
                    feature = {"$type": _facet("link"), "uri": url}
                add(_shown(run.text) if run.kind == "link" else run.text, feature)
    for number, tag in enumerate(post.tags):
        add(" " if number else "\n\n")
        add(f"#{tag}", {"$type": _facet("tag"), "tag": tag})
    return text, facets


def _shown(url: str) -> str:
    """A link as the app shortens it; the facet has it in full."""
    shown = url.removeprefix("https://")
    return shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 3]}..."


def _facet(name: str) -> str:
    return f"app.bsky.richtext.facet#{name}"


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
