"""Reads an AT Protocol repository (a ``.car`` file): the posts of one Bluesky account.

Only what can be reached from the commit is read, because only that is live. The whole tree and
every record in it are verified by hash before anything is given out. The signature of the commit is
not checked: its key stands in the account's DID document, which is elsewhere. Source: AT Protocol's
repository specification.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fedi_dataset.consent.records import repo_signals
from fedi_dataset.errors import UnreadableExport
from fedi_dataset.files import sha256_of
from fedi_dataset.posts import Account, Acquisition, Post, Quarantined
from fedi_dataset.readers.bluesky import (
    POST,
    PROFILE,
    REPOST,
    BadRecord,
    is_did,
    item_of,
    labels_of,
)
from fedi_dataset.readers.car import Car, ReadBlock, decode_block, open_car, walk
from fedi_dataset.readers.values import text_of

__all__ = ["AtprotoRepo", "open_atproto"]

_WISHES: Final = frozenset(
    {
        PROFILE,
        "app.bsky.actor.contentVisibilityDeclaration",
        "community.lexicon.preference.ai",
        "org.user-intents.declaration",
        "org.user-intents.demo.declaration",
    }
)
"""Collections in which an account says what may be done with its posts."""


@dataclass(slots=True)
class AtprotoRepo:
    """One account's repository; an Export as posts.py describes it."""

    export_id: str
    owner: Account
    _car: Car = field(repr=False)
    _items: tuple[tuple[str, bytes], ...] = field(repr=False)
    """(key, CID) of every post and repost, in key order: by collection, then mostly by time."""
    format: str = field(default="atproto-repo", init=False)
    platform: str = field(default="bluesky", init=False)
    acquisition: Acquisition = field(default="own-export", init=False)

    def posts(self) -> Iterator[Post | Quarantined]:
        """Posts and reposts, in key order. Likes, follows and the like are no items."""
        with self._car.reading() as read:
            for position, (key, cid) in enumerate(self._items):
                try:
                    post = item_of(position, self.owner.uri, key, decode_block(read(cid)))
                except BadRecord:
                    yield Quarantined(position, "bad_item")
                except UnreadableExport as error:  # the file has changed since it was opened
                    yield Quarantined(position, error.code)
                else:
                    yield post


def open_atproto(path: Path) -> AtprotoRepo:
    """Open a repository: verify its tree and every record, read its profile and its wishes.

    Raises UnreadableExport: truncated, bad_container, bad_block (missing, or not what its name
    says), bad_tree, or bad_item if there is no commit of version 3.
    """
    car = open_car(path)
    with car.reading() as read:
        did, tree = _commit(path, read, car.root)
        items: list[tuple[str, bytes]] = []
        wishes: dict[str, object] = {}
        for key, cid in walk(path, read, tree):
            record = read(cid)
            collection = key.partition("/")[0]
            if collection in (POST, REPOST):
                items.append((key, cid))
            elif collection in _WISHES:
                wishes[key] = decode_block(record)
    kept = car.only(cid for _, cid in items)
    return AtprotoRepo(sha256_of(path), _owner(did, wishes), kept, tuple(items))


def _commit(path: Path, read: ReadBlock, cid: bytes) -> tuple[str, bytes]:
    """Give the account's DID and the CID of the tree's root node."""
    commit = decode_block(read(cid))
    if isinstance(commit, dict) and commit.get("version") == 3:
        did, tree = commit.get("did"), commit.get("data")
        if is_did(did) and isinstance(tree, bytes):
            return str(did), tree
    raise UnreadableExport("bad_item", f"{path}: its root is not a commit of version 3")


def _owner(did: str, wishes: Mapping[str, object]) -> Account:
    profile = wishes.get(f"{PROFILE}/self")
    name = text_of(profile.get("displayName")) if isinstance(profile, dict) else None
    return Account(
        uri=did,
        names=(name.strip(),) if name else (),
        is_bot="bot" in labels_of(profile),
        signals=repo_signals(wishes),
    )
