"""ActivityPub as servers really write it: one value or many, ids or objects, and who may read it.

The rules are those of Mastodon's ``status_parser`` and ``tag_manager``, and where these are silent,
those of GoToSocial's ``extract.go``. Ids are compared exactly as they stand. No document is
fetched. Functions here take any JSON: what is of the wrong type counts as absent, and where that
could make a post more public or more free than it is, as a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from fedi_dataset.posts import Body, Mention, Visibility
from fedi_dataset.readers.values import hashtags, text_of

__all__ = [
    "PRIVATE_TYPES",
    "as_list",
    "authors_of",
    "body_of",
    "id_of",
    "ids_of",
    "is_vote",
    "tags_of",
    "types_of",
    "uri_of",
    "visibility_of",
]

Json = Mapping[str, Any]

PUBLIC: Final = frozenset({"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"})
"""The three spellings of everybody, case-sensitive. ``https://HOST/#Public`` is not one of them."""
PRIVATE_TYPES: Final = frozenset({"ChatMessage", "EncryptedMessage"})
"""Objects that are private whatever their audience says (Pleroma, Mbin, Lemmy before 1.0)."""

_MEDIA: Final = frozenset({"Document", "Image", "Video", "Audio"})
_WARNED: Final = frozenset({"Note", "Question"})
"""Where ``summary`` is a content warning; on an Article or a Page it is an excerpt."""
_QUOTES: Final = ("quote", "_misskey_quote", "quoteUrl", "quoteUri")
_QUOTE_RELATION: Final = "https://misskey-hub.net/ns#_misskey_quote"
_LICENSES: Final = (
    "license",
    "licence",
    "rights",
    "licenseExpression",
    "schema:license",
    "sc:license",
    "dcterms:license",
)
"""Properties that state a license: Epicyon's and PeerTube's, and those of the draft FEP-6757."""
UNREADABLE_LICENSE: Final = "LicenseRef-unreadable"
"""Stands for a license that is stated in a form we do not read: no build takes it."""


# --- values ---------------------------------------------------------------------------------------


def as_list(value: object) -> list[object]:
    """Give what a property holds as a list: JSON-LD writes one value bare, and none as null."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def id_of(value: object) -> str | None:
    """Give the id of what a property refers to: the string itself, or an object's id or href."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, Mapping):
        for name in ("id", "href"):
            if isinstance(value.get(name), str) and value[name]:
                return str(value[name])
    return None


def ids_of(value: object) -> list[str]:
    """Give the ids in a property, in order; what has none is left out."""
    return [one for one in map(id_of, as_list(value)) if one is not None]


def types_of(value: object) -> frozenset[str]:
    """Give the types of an object, the ``as:`` of an uncompacted one taken off."""
    if not isinstance(value, Mapping):
        return frozenset()
    names = as_list(value.get("type"))
    return frozenset(name.removeprefix("as:") for name in names if isinstance(name, str))


def uri_of(value: Json) -> str | None:
    """Give an object's id, out of its ``bear:`` capability if it is wrapped in one."""
    uri = value.get("id")
    if not isinstance(uri, str):
        return None
    if _is_bear(uri):
        return next(iter(parse_qs(uri.partition("?")[2]).get("u", [])), None)
    return uri or None


def _is_bear(uri: object) -> bool:
    return isinstance(uri, str) and uri.lower().startswith("bear:")


# --- who wrote it, who may read it ----------------------------------------------------------------


def authors_of(activity: Json, obj: object) -> list[str]:
    """Give everybody named as author, each once: the object's attributedTo, the activity's actor.

    PeerTube attributes a video to a person and to their channel, a Group: the channel is left out.
    """
    attributed = as_list(obj.get("attributedTo")) if isinstance(obj, Mapping) else []
    people = [one for one in attributed if "Group" not in types_of(one)] or attributed
    return list(dict.fromkeys([*ids_of(people), *ids_of(activity.get("actor"))]))


def visibility_of(activity: Json, obj: object, followers: str | None) -> Visibility:
    """Tell who could read an object, from its own audience or else the wrapping activity's.

    ``followers`` is the author's followers collection as the actor document names it. Whatever
    marks an object as less than public (a ``bear:`` id, litepub's ``directMessage`` and
    ``listMessage``, a local-only audience, a private type) wins over Public among the addressees.
    """
    documents = [one for one in (obj, activity) if isinstance(one, Mapping)]
    if any(_is_bear(one.get("id")) for one in documents):
        return Visibility.UNKNOWN
    if any(_is_limited(one) for one in documents):
        return Visibility.DIRECT
    to, cc = (_audience(documents, name) for name in ("to", "cc"))
    if any(one.endswith("/#Public") for one in (*to, *cc)):
        return Visibility.LOCAL_ONLY
    if PUBLIC.intersection(to):
        return Visibility.PUBLIC
    if PUBLIC.intersection(cc):
        return Visibility.UNLISTED
    if not to and not cc:
        return Visibility.UNKNOWN
    return Visibility.FOLLOWERS if followers in to else Visibility.DIRECT


def _audience(documents: list[Json], name: str) -> list[str]:
    """Read the first document that has the property at all: an empty list is an answer."""
    return ids_of(next((one[name] for one in documents if one.get(name) is not None), None))


def _is_limited(document: Json) -> bool:
    return bool(
        document.get("directMessage")
        or document.get("listMessage") is not None
        or PRIVATE_TYPES & types_of(document)
    )


def is_vote(obj: Json) -> bool:
    """Tell a poll vote, which is a Note with a name and a parent and no content, from a post."""
    return bool(
        "Note" in types_of(obj)
        and obj.get("name")
        and obj.get("inReplyTo")
        and obj.get("content") is None
        and obj.get("contentMap") is None
    )


# --- what it says ---------------------------------------------------------------------------------


def tags_of(obj: Json) -> tuple[str, ...]:
    """Give an object's hashtags, casefolded, without #."""
    return hashtags(tag.get("name") for tag in _objects(obj, "tag", {"Hashtag"}))


def body_of(obj: Json) -> Body:
    """Read the words of an object and what annotates them."""
    content, languages = _content(obj)
    media = list(_objects(obj, "attachment", _MEDIA))
    types = types_of(obj)
    mentions = (
        Mention(account, text_of(tag.get("name")))
        for tag in _objects(obj, "tag", {"Mention"})
        if (account := id_of({"href": tag.get("href")})) is not None
    )
    return Body(
        content=content,
        content_type="text/html" if _is_html(obj.get("mediaType")) else "text/plain",
        title=None if types & _WARNED else text_of(obj.get("name")),
        summary=text_of(obj.get("summary")) if types & _WARNED else None,
        poll_options=tuple(
            name
            for option in (*as_list(obj.get("oneOf")), *as_list(obj.get("anyOf")))
            if isinstance(option, Mapping) and (name := text_of(option.get("name"))) is not None
        ),
        languages=languages,
        sensitive=bool(obj.get("sensitive")) or any(bool(one.get("sensitive")) for one in media),
        mentions=tuple(dict.fromkeys(mentions)),
        quote_of=_quote(obj),
        alt_texts=tuple(
            text
            for one in media
            if (text := text_of(one.get("name")) or text_of(one.get("summary"))) is not None
        ),
        license=_license(obj),
    )


def _content(obj: Json) -> tuple[str, tuple[str, ...]]:
    """Give content and its declared language.

    The language is the one key of contentMap whose value is the content, else its only key. Several
    keys and no single match leave it unknown (GoToSocial's rule); the map's order means nothing.
    """
    content, spelled = obj.get("content"), obj.get("contentMap")
    texts = dict(spelled) if isinstance(spelled, Mapping) else {}
    if content is None and len(texts) == 1:
        content = next(iter(texts.values()))
    matching = [tag for tag, text in texts.items() if text == content]
    tags = matching if len(matching) == 1 else list(texts) if len(texts) == 1 else []
    return content if isinstance(content, str) else "", tuple(tag for tag in tags if tag != "und")


def _is_html(media_type: object) -> bool:
    return media_type is None or str(media_type).startswith("text/html")


def _quote(obj: Json) -> str | None:
    """Give the id of the quoted post, in Mastodon's order of properties, then FEP-e232's tag."""
    for name in _QUOTES:
        if (quoted := id_of(obj.get(name))) is not None:
            return quoted
    for link in _objects(obj, "tag", {"Link"}):
        if _QUOTE_RELATION in as_list(link.get("rel")):
            return id_of(link)
    return None


def _license(obj: Json) -> str | None:
    """Give the license that an object states; several are joined, so that each of them counts.

    What an attachment states is about that attachment, but for a PropertyValue, which is about the
    post (Epicyon).
    """
    stated = [one for name in _LICENSES for one in as_list(obj.get(name))]
    for field in _objects(obj, "attachment", {"PropertyValue"}):
        if str(field.get("name")).strip().casefold() in _LICENSES:
            stated += as_list(field.get("value"))
    found = sorted({id_of(one) or UNREADABLE_LICENSE for one in stated if one not in ("", {})})
    if len(found) > 1:
        found = [f"({one})" if " OR " in one else one for one in found]
    return " AND ".join(found) or None


def _objects(obj: Json, name: str, types: frozenset[str] | set[str]) -> Iterator[Json]:
    return (
        one for one in as_list(obj.get(name)) if isinstance(one, Mapping) and types_of(one) & types
    )
