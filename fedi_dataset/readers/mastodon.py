"""Reads the archive of a Mastodon account: ``actor.json`` and ``outbox.json``, nothing else in it.

The outbox holds whatever the account wrote, private posts and direct messages included, and boosts.
It is streamed, so that its size does not matter. An item that lacks what it must have is
quarantined and reading goes on; JSON that is broken is quarantined where it breaks. Written by
Mastodon's ``backup_service.rb``; GoToSocial users get the same shape from the tool slurp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import msgspec

from fedi_dataset.consent.signals import actor_signals, object_signals
from fedi_dataset.errors import UnknownFormat, UnreadableExport
from fedi_dataset.posts import (
    Account,
    Acquisition,
    Post,
    PostKind,
    Quarantined,
    Visibility,
)
from fedi_dataset.readers.activitypub import (
    as_list,
    authors_of,
    body_of,
    ids_of,
    is_vote,
    tags_of,
    types_of,
    uri_of,
    visibility_of,
)
from fedi_dataset.readers.archive import Archive
from fedi_dataset.readers.grounds import Grounds, is_page_of
from fedi_dataset.readers.outbox import has_items, items
from fedi_dataset.readers.values import host_of, no_words, parse_time, text_of

__all__ = ["ACTOR", "OUTBOX", "MastodonArchive", "open_mastodon"]

ACTOR: Final = "actor.json"
OUTBOX: Final = "outbox.json"

_LARGEST_ACTOR: Final = 4 << 20
"""Bytes of an actor document."""
_POSTS: Final = frozenset(
    {"Note", "Article", "Page", "Question", "Video", "Audio", "Image", "Event", "Document"}
)
_AUTOMATED: Final = frozenset({"Service", "Application"})
_EMOJI: Final = re.compile(r"(?<![A-Za-z0-9:]):[A-Za-z0-9_]{2,}:(?![A-Za-z0-9:])")
"""Mastodon's own pattern of a custom emoji's shortcode."""

Json = Mapping[str, Any]


class _BadItem(Exception):
    """An item lacks what its format requires. It says no more: items are people's words."""


@dataclass(slots=True)
class MastodonArchive:
    """One person's archive; an Export as posts.py describes it."""

    export_id: str
    owner: Account
    followers: str | None
    """The owner's followers collection, needed to tell followers-only from direct."""
    grounds: Grounds
    """Where the owner's posts lie."""
    _archive: Archive = field(repr=False)
    format: str = field(default="mastodon-archive", init=False)
    platform: str = field(default="mastodon", init=False)
    acquisition: Acquisition = field(default="own-export", init=False)

    def posts(self) -> Iterator[Post | Quarantined]:
        """Everything in the outbox, in its order (oldest first, as Mastodon writes it)."""
        position = 0
        try:
            with closing(self._archive.open(OUTBOX)) as stream:
                for item in items(self._archive.path, stream):
                    yield self._post_or_not(position, item)
                    position += 1
        except UnreadableExport as error:
            yield Quarantined(position, error.code)

    def _post_or_not(self, position: int, item: object) -> Post | Quarantined:
        try:
            return self._post(position, item)
        except _BadItem:
            return Quarantined(position, "bad_item")

    def _post(self, position: int, item: object) -> Post:
        if not isinstance(item, Mapping):
            raise _BadItem
        types = types_of(item)
        if "Create" in types:
            return self._created(position, item, item.get("object"))
        if "Delete" in types:
            uri = next(iter(ids_of(item.get("object"))), None)
            if uri != self.owner.uri:  # who deletes the account deletes no single post
                self._check_own(self._author(item, None, uri), uri)
            return self._wordless(position, item, PostKind.OTHER, uri, deleted=True)
        kind = PostKind.BOOST if "Announce" in types else PostKind.OTHER
        return self._wordless(position, item, kind, uri_of(item))

    def _created(self, position: int, activity: Json, obj: object) -> Post:
        if not isinstance(obj, Mapping) or not _has_texts(obj):
            raise _BadItem
        uri = uri_of(obj)
        account = self._author(activity, obj, uri)
        kind = _kind(obj)
        if kind is PostKind.POST:
            self._check_own(account, uri)
        deleted = "Tombstone" in types_of(obj)
        created = parse_time(_either(obj, activity, "published"))
        updated = parse_time(obj.get("updated"))
        return Post(
            position=position,
            uri=str(uri),
            account=account,
            kind=kind,
            visibility=visibility_of(activity, obj, self.followers),
            created_at=created,
            reply_to=_parent(obj),
            root_hint=next(iter(ids_of([obj.get("conversation"), obj.get("context")])), None),
            aliases=self._aliases(obj, uri),
            edited_at=updated if updated != created else None,
            deleted=deleted,
            tags=tags_of(obj),
            signals=object_signals(obj),
            body=no_words if deleted else partial(body_of, obj),
        )

    def _wordless(
        self, position: int, activity: Json, kind: PostKind, uri: str | None, deleted: bool = False
    ) -> Post:
        return Post(
            position=position,
            uri=str(uri),
            account=self._author(activity, None, uri),
            kind=kind,
            visibility=Visibility.UNKNOWN
            if deleted  # deletions are addressed to everybody, whatever they delete
            else visibility_of(activity, None, self.followers),
            created_at=parse_time(activity.get("published")),
            deleted=deleted,
            body=no_words,
        )

    def _author(self, activity: Json, obj: object, uri: str | None) -> str:
        """Give who wrote it: somebody else if anybody else is named, so that it is not the owner's."""
        authors = authors_of(activity, obj)
        others = [one for one in authors if one != self.owner.uri]
        author = others[0] if others else self.owner.uri
        if not authors or host_of(author) is None or host_of(uri) is None:
            raise _BadItem
        if not others and host_of(uri) != host_of(author):
            raise _BadItem
        return author

    def _aliases(self, obj: Json, uri: str | None) -> tuple[str, ...]:
        """Give the post's other ids, on the owner's ground: nobody claims what lies on another's."""
        stated = ids_of([obj.get("atomUri"), *as_list(obj.get("url"))])
        return tuple(
            dict.fromkeys(one for one in stated if one != uri and self.grounds.hold_page(one))
        )

    def _check_own(self, author: str, uri: str | None) -> None:
        """Refuse a post of the owner's that does not lie on their ground: its id is somebody else's, or forged."""
        if author == self.owner.uri and not self.grounds.hold(uri):
            raise _BadItem


def open_mastodon(archive: Archive) -> MastodonArchive:
    """Open an archive that has actor.json and outbox.json: reads the first, and the second's head.

    Raises UnreadableExport for documents that are no actor and no outbox, UnknownFormat for a
    backup of Pleroma or Akkoma, which looks alike and differs in what it means.
    """
    actor = _actor(archive)
    owner = _owner(archive, actor)
    with closing(archive.open(OUTBOX)) as stream:
        if not has_items(archive.path, stream):
            raise UnreadableExport(
                "empty_export", f"{archive.path}: its outbox holds no list of posts"
            )
    followers = next(iter(ids_of(actor.get("followers"))), None)
    grounds = Grounds.of(owner)
    return MastodonArchive(archive.export_id, owner, followers, grounds, archive)


# --- actor.json -----------------------------------------------------------------------------------


def _actor(archive: Archive) -> Json:
    with closing(archive.open(ACTOR)) as stream:
        raw = stream.read(_LARGEST_ACTOR + 1)
    try:
        actor = msgspec.json.decode(raw) if len(raw) <= _LARGEST_ACTOR else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        actor = None
    if not isinstance(actor, dict):
        raise UnreadableExport("bad_json", f"{archive.path}: its {ACTOR} is not a JSON object")
    contexts = (one for one in as_list(actor.get("@context")) if isinstance(one, str))
    if "capabilities" in actor or any("litepub" in one for one in contexts):
        raise UnknownFormat(
            f"{archive.path} looks like a backup from Pleroma or Akkoma, and there is no reader "
            "for it yet. Accepted are archives of Mastodon accounts and AT Protocol repositories"
        )
    return actor


def _owner(archive: Archive, actor: Json) -> Account:
    uri = actor.get("id")
    host = host_of(uri if isinstance(uri, str) else None)
    if not isinstance(uri, str) or host is None:
        raise UnreadableExport("bad_item", f"{archive.path}: its {ACTOR} does not say whose it is")
    urls = tuple(url for url in ids_of(actor.get("url")) if host_of(url) is not None)
    name = text_of(actor.get("preferredUsername"))
    return Account(
        uri=uri,
        aliases=tuple(
            dict.fromkeys(url for url in urls if is_page_of(url, uri, name) and url != uri)
        ),
        handles=_handles(actor, host),
        names=tuple(name for name in [_without_emoji(actor.get("name"))] if name),
        urls=urls,
        is_bot=bool(_AUTOMATED & types_of(actor)),
        signals=actor_signals(actor),
    )


def _handles(actor: Json, host: str) -> tuple[str, ...]:
    name, finger = text_of(actor.get("preferredUsername")), text_of(actor.get("webfinger"))
    handles = []
    if finger is not None:
        handles.append(f"@{finger.removeprefix('acct:').removeprefix('@')}")
    if name is not None:
        handles.append(f"@{name}@{host}")
    return tuple(dict.fromkeys(handles))


def _without_emoji(name: object) -> str:
    return " ".join(_EMOJI.sub(" ", name).split()) if isinstance(name, str) else ""


def _kind(obj: Json) -> PostKind:
    types = types_of(obj)
    if is_vote(obj):
        return PostKind.VOTE
    return PostKind.POST if types & _POSTS or "Tombstone" in types else PostKind.OTHER


def _parent(obj: Json) -> str | None:
    """Give the id of what is answered. A parent without an id must not turn a reply into a root."""
    stated = obj.get("inReplyTo")
    parents = ids_of(stated)
    if stated and not parents:
        raise _BadItem
    return parents[0] if parents else None


def _either(obj: Json, activity: Json, name: str) -> object:
    return obj.get(name) if obj.get(name) is not None else activity.get(name)


def _has_texts(obj: Json) -> bool:
    return isinstance(obj.get("content"), str | None) and isinstance(
        obj.get("contentMap"), Mapping | None
    )
