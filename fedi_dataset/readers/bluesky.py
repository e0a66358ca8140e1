"""The records of Bluesky's lexicons: a post's words, what annotates them, and what they refer to.

Sources: the ``app.bsky`` and ``com.atproto`` lexicons, and AT Protocol's specifications of DIDs,
NSIDs and at-uris. A record comes from anybody's software: what is of the wrong type counts as
absent, and where that would make a reply a root or a labelled post an unlabelled one, it is not let
pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final, Literal

from fedi_dataset.posts import Body, Facet, Mention, Post, PostKind, Visibility
from fedi_dataset.readers.values import hashtags, host_of, no_words, parse_time, text_of

__all__ = ["POST", "PROFILE", "REPOST", "BadRecord", "is_did", "item_of", "labels_of", "record_uri"]

POST: Final = "app.bsky.feed.post"
REPOST: Final = "app.bsky.feed.repost"
PROFILE: Final = "app.bsky.actor.profile"

_LOGGED_IN_ONLY: Final = "!no-unauthenticated"
_UNREADABLE_LABEL: Final = "?"

_DID: Final = r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]"
_LABEL: Final = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_HANDLE: Final = rf"(?:{_LABEL}\.)+[a-zA-Z](?:[a-zA-Z0-9-]{{0,61}}[a-zA-Z0-9])?"
_NSID: Final = (
    rf"[a-zA-Z](?:[a-zA-Z0-9-]{{0,61}}[a-zA-Z0-9])?(?:\.{_LABEL})+\.[a-zA-Z][a-zA-Z0-9]{{0,62}}"
)
_URI: Final = re.compile(
    rf"at://(?:{_DID}|{_HANDLE})/({_NSID})/(?!\.{{1,2}}\Z)[a-zA-Z0-9._:~-]{{1,512}}"
)
_LONGEST_URI: Final = 8192
_LONGEST_DID: Final = 2048
_FACETS: Final[dict[str, tuple[Literal["mention", "link", "tag"], str]]] = {
    "app.bsky.richtext.facet#mention": ("mention", "did"),
    "app.bsky.richtext.facet#link": ("link", "uri"),
    "app.bsky.richtext.facet#tag": ("tag", "tag"),
}

Json = Mapping[str, Any]


class BadRecord(Exception):
    """A record lacks what its lexicon requires. It says no more: a record is somebody's words."""


def is_did(value: object) -> bool:
    """Tell a DID in the syntax that AT Protocol takes."""
    return (
        isinstance(value, str)
        and len(value) <= _LONGEST_DID
        and re.fullmatch(_DID, value) is not None
    )


def record_uri(value: object, collection: str | None = None) -> str | None:
    """Give an at-uri as it stands if it names a record (of ``collection``, if given).

    A collection has dots, so the uris of permissioned data (``at://DID/space/…``) are none.
    """
    if not isinstance(value, str) or len(value) > _LONGEST_URI:
        return None
    found = _URI.fullmatch(value)
    return value if found is not None and collection in (None, found[1]) else None


def item_of(position: int, did: str, key: str, record: object) -> Post:
    """Read a post or repost record, found under ``key`` (collection/rkey) in a repo.

    Raises BadRecord. A post labelled for logged-in readers only is not public.
    """
    collection = key.partition("/")[0]
    if not isinstance(record, dict) or record.get("$type") != collection:
        raise BadRecord
    written = collection == POST
    if written and not isinstance(record.get("text"), str):
        raise BadRecord
    parent, root = _reply(record) if written else (None, None)
    original = record.get("bridgyOriginalUrl")
    hidden = _LOGGED_IN_ONLY in labels_of(record)
    return Post(
        position=position,
        uri=f"at://{did}/{key}",
        account=did,
        kind=PostKind.POST if written else PostKind.BOOST,
        visibility=Visibility.UNKNOWN if hidden else Visibility.PUBLIC,
        created_at=parse_time(record.get("createdAt")),
        reply_to=parent,
        root_hint=root,
        aliases=(original,) if isinstance(original, str) and host_of(original) else (),
        tags=_tags(record),
        body=partial(_body, record) if written else no_words,
    )


def labels_of(record: object) -> frozenset[str]:
    """Give the values of a record's self-labels; one that cannot be read counts as ``?``."""
    labels = _get(record, "labels")
    if labels is None:
        return frozenset()
    values = _get(labels, "values")
    if not isinstance(values, list):
        return frozenset({_UNREADABLE_LABEL})
    return frozenset(str(_get(value, "val") or _UNREADABLE_LABEL) for value in values)


def _reply(record: Json) -> tuple[str, str | None] | tuple[None, None]:
    """Give parent and root. A reply whose parent cannot be read must not become a root."""
    if record.get("reply") is None:
        return None, None
    parent = record_uri(_get(record, "reply", "parent", "uri"))
    if parent is None:
        raise BadRecord
    return parent, record_uri(_get(record, "reply", "root", "uri"))


def _body(record: Json) -> Body:
    text = record["text"]
    features = list(_features(record))
    embed = record.get("embed")
    quoted = _get(embed, "record", "uri") or _get(embed, "record", "record", "uri")
    return Body(
        content=text,
        content_type="text/plain",
        languages=tuple(tag for tag in _list(record.get("langs")) if isinstance(tag, str)),
        sensitive=bool(labels_of(record)),
        mentions=tuple(
            dict.fromkeys(
                Mention(one["did"])
                for one in features
                if one.get("$type") == "app.bsky.richtext.facet#mention" and is_did(one.get("did"))
            )
        ),
        facets=tuple(_facets(text, record)),
        quote_of=record_uri(quoted, POST),
        alt_texts=tuple(_alt_texts(embed)),
    )


def _facets(text: str, record: Json) -> Iterator[Facet]:
    """Give the facets that hold, in text order: well-typed, on code points, none over another.

    Of two that overlap the one that begins first holds, of several features the first: so the
    official app shows them.
    """
    raw = text.encode()
    end = 0
    for facet in sorted(filter(None, map(_facet, _list(record.get("facets")))), key=_begin):
        if end <= facet.byte_start < facet.byte_end <= len(raw) and not any(
            offset < len(raw) and raw[offset] & 0xC0 == 0x80  # inside a code point
            for offset in (facet.byte_start, facet.byte_end)
        ):
            end = facet.byte_end
            yield facet


def _begin(facet: Facet) -> int:
    return facet.byte_start


def _facet(value: object) -> Facet | None:
    begin, end = _get(value, "index", "byteStart"), _get(value, "index", "byteEnd")
    if type(begin) is not int or type(end) is not int:
        return None
    for feature in _list(_get(value, "features")):
        kind, name = _FACETS.get(str(_get(feature, "$type")), (None, ""))
        target = _get(feature, name)
        if kind is not None and isinstance(target, str):
            return Facet(begin, end, kind, target)
    return None


def _features(record: Json) -> Iterator[Json]:
    for facet in _list(record.get("facets")):
        yield from (one for one in _list(_get(facet, "features")) if isinstance(one, dict))


def _tags(record: Json) -> tuple[str, ...]:
    linked = (one.get("tag") for one in _features(record))
    return hashtags([*linked, *_list(record.get("tags"))])


def _alt_texts(embed: object) -> Iterator[str]:
    media = _get(embed, "media") or embed
    described = [*_list(_get(media, "images")), *_list(_get(media, "items")), media]
    for one in described:
        text = text_of(_get(one, "alt"))
        if text is not None:
            yield text


def _get(value: object, *names: str) -> Any:
    """Follow names into nested maps; None where one is missing or not a map."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
