"""Every place in a repository's posts where words stand: those that must come out, and those that must not.

``{}`` is the sentence; see :mod:`tests.world.canaries.plants` for what else is filled in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.world.canaries.model import TRAINED, Plant
from tests.world.canaries.plants import EXCLUDED_TAG, OTHER_LANGUAGE, READ, THEIRS, WIDE

__all__ = ["on_bluesky"]

OWN: Final = "That sounds right to me, and it is what we did as well."
"""What the author says beside it."""

Fields = Mapping[str, Any]


def on_bluesky() -> Iterator[Plant]:
    """Give every kind of place in a repo."""
    yield Plant(
        "visibility",
        "a post labeled for logged-in readers",
        {"text": "{}", "labels": {"values": [{"val": "!no-unauthenticated"}]}},
    )
    yield Plant("dates", "no date, in a repo", {"text": "{}", "createdAt": "yesterday"})
    yield Plant(
        "left out by the author", "a hashtag, in a repo", {"text": "{}", "tags": [EXCLUDED_TAG]}
    )
    yield Plant("signals of posts", "#NoAI, in a repo", {"text": "{}", "tags": ["NoAI"]})
    yield Plant("signals of posts", "#NoAI at the end, in a repo", {"text": "{}\n\n#NoAI"})
    yield Plant("licenses", "NC-SA in the last line, in a repo", {"text": "{}\n\nCC BY-NC-SA 4.0"})
    yield Plant(
        "deleted and former", "a record without what it must have", {"text": None, "title": "{}"}
    )
    for kind, text in {
        "lines that begin with >, in a repo": "> {}",
        "RT, in a repo": "RT @kim.elsewhere.example: {}",
    }.items():
        yield Plant(THEIRS, kind, {"text": f"{OWN}\n{text}"}, own=False, raw=True)
    for kind, fields in _EMBEDDED.items():
        yield Plant(THEIRS, kind, {"text": OWN, **fields}, own=False)
    image = {"image": {"$type": "blob", "mimeType": "image/jpeg", "size": 1}, "alt": "{}"}
    embeds: dict[str, Fields] = {
        "alt text of an image, in a repo": {"$type": "app.bsky.embed.images", "images": [image]},
        "alt text of a gallery": {"$type": "app.bsky.embed.gallery", "items": [image]},
        "alt text of a video": {"$type": "app.bsky.embed.video", "alt": "{}"},
        "alt text beside a quote": {
            "$type": "app.bsky.embed.recordWithMedia",
            "record": {"record": {"uri": "{stranger}", "cid": "bafyno"}},
            "media": {"$type": "app.bsky.embed.images", "images": [image]},
        },
    }
    for kind, embed in embeds.items():
        yield Plant("alt texts", kind, {"text": OWN, "embed": embed}, WIDE)
    link = {
        "index": {"byteStart": 0, "byteEnd": 3},
        "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://notes.example/en"}],
    }
    forms: dict[str, Fields] = {
        "reply, in a repo": {"text": "{}"},
        "comment on a quoted post, in a repo": {
            "text": "{}",
            "embed": {
                "$type": "app.bsky.embed.record",
                "record": {"uri": "{stranger}", "cid": "bafyno"},
            },
        },
        "with a link, in a repo": {"text": "{}", "facets": [link]},
    }
    for kind, fields in forms.items():
        yield Plant("own words", kind, fields, TRAINED)
    yield Plant(
        "read, not trained",
        "labeled by its author",
        {"text": "{}", "labels": {"values": [{"val": "graphic-media"}]}},
        READ,
    )
    yield Plant(
        "own words",
        "another language, in a repo",
        {"text": "{}", "langs": ["de"]},
        OTHER_LANGUAGE,
        language="de",
    )


_VIEW: Final[Fields] = {
    "uri": "{stranger}",
    "cid": "bafyno",
    "value": {"$type": "app.bsky.feed.post", "text": "{}"},
    "record": {"text": "{}"},
    "text": "{}",
    "author": {"displayName": "{}", "description": "{}"},
}
_EXTERNAL: Final[Fields] = {"uri": "https://notes.example/en", "title": "{}", "description": "{}"}
_EMBEDDED: Final[dict[str, Fields]] = {
    "the quoted post, inlined, in a repo": {
        "embed": {"$type": "app.bsky.embed.record", "record": _VIEW}
    },
    "the quoted post as a view": {
        "embed": {"$type": "app.bsky.embed.record#view", "record": _VIEW}
    },
    "the quoted post beside media": {
        "embed": {
            "$type": "app.bsky.embed.recordWithMedia",
            "record": {"record": _VIEW},
            "media": {"external": _EXTERNAL},
        }
    },
    "link card, in a repo": {"embed": {"$type": "app.bsky.embed.external", "external": _EXTERNAL}},
    "captions of a video": {
        "embed": {"$type": "app.bsky.embed.video", "captions": [{"lang": "en", "text": "{}"}]}
    },
    "the parent, inlined, in a repo": {"reply": {"parent": _VIEW, "root": _VIEW}},
    "the original of a bridged post": {"bridgyOriginalText": "<p>{}</p>", "fullText": "{}"},
    "software that made it, in a repo": {"via": "{}"},
}
