"""Reading the archive of a Mastodon account."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fedi_dataset.errors import FediDatasetError, UnknownFormat, UnreadableExport
from fedi_dataset.posts import Account, Mention, Post, PostKind, Quarantined, Signal, Visibility
from fedi_dataset.readers import outbox as outbox_module
from fedi_dataset.readers.detect import open_export
from tests.readers.exports import (
    ALICE,
    BOB,
    FIXTURES,
    HOST,
    PUBLIC,
    create,
    members,
    needs_fixtures,
    note,
    outbox,
    saved,
    tarred,
    unpacked,
    zipped,
)


def read(tmp_path: Path, items: Sequence[object]) -> list[Post | Quarantined]:
    """What an archive with these items yields."""
    return list(open_export(saved(tmp_path, "archive.zip", zipped(members(items)))).posts())


def read_note(tmp_path: Path, **more: object) -> Post:
    """The post that Alice's note with these properties becomes."""
    (post,) = read(tmp_path, [create(note(1, **more))])
    assert isinstance(post, Post)
    return post


def owner(tmp_path: Path, **more: object) -> Account:
    """The owner of an archive whose actor document has these properties."""
    return open_export(saved(tmp_path, "archive.zip", zipped(members([], **more)))).owner


def test_zip_tar_and_folder_give_the_same(tmp_path: Path) -> None:
    """An archive reads the same as zip, tar.gz and folder, wrapped in a folder or not."""
    files = members([create(note(1)), create(note(2))])
    wrapped = {f"archive-20250301/{name}": content for name, content in files.items()}
    exports = [
        open_export(saved(tmp_path, "a.zip", zipped(files))),
        open_export(saved(tmp_path, "b.zip", zipped(wrapped))),
        open_export(saved(tmp_path, "c.tar.gz", tarred(files))),
        open_export(saved(tmp_path, "d.tar", tarred(wrapped, "w"))),
        open_export(unpacked(tmp_path / "e", files)),
        open_export(unpacked(tmp_path / "f", wrapped)),
    ]
    first = list(exports[0].posts())
    assert len(first) == 2
    assert all(list(export.posts()) == first for export in exports)
    assert all(list(export.posts()) == first for export in exports)
    assert {(one.format, one.platform, one.acquisition) for one in exports} == {
        ("mastodon-archive", "mastodon", "own-export")
    }
    assert exports[4].export_id == exports[5].export_id


def test_a_post_is_read_whole(tmp_path: Path) -> None:
    """Every property of a post that the gate or the text needs is read from the object."""
    post = read_note(
        tmp_path,
        inReplyTo=f"{BOB}/statuses/7",
        conversation="tag:other.example,2025:objectId=9:objectType=Conversation",
        atomUri=f"{ALICE}/statuses/1",
        updated="2025-03-02T11:00:00Z",
        tag=[
            {"type": "Mention", "href": BOB, "name": "@bob@other.example"},
            {"type": "Hashtag", "href": f"{HOST}/tags/garden", "name": "#Garden"},
        ],
    )
    assert post == Post(
        position=0,
        uri=f"{ALICE}/statuses/1",
        account=ALICE,
        kind=PostKind.POST,
        visibility=Visibility.PUBLIC,
        created_at=datetime(2025, 3, 1, 10, tzinfo=UTC),
        reply_to=f"{BOB}/statuses/7",
        root_hint="tag:other.example,2025:objectId=9:objectType=Conversation",
        aliases=(f"{HOST}/@alice/1",),
        edited_at=datetime(2025, 3, 2, 11, tzinfo=UTC),
        tags=("garden",),
        body=post.body,
    )
    assert post.body().content == "<p>Post 1</p>"
    assert post.body().languages == ("en",)
    assert post.body().mentions == (Mention(BOB, "@bob@other.example"),)


def test_kinds_are_told_apart(tmp_path: Path) -> None:
    """Posts, boosts, votes, chats, deletions and other activities are told apart."""
    vote = note(2, name="Yes", inReplyTo=f"{BOB}/polls/1", content=None, contentMap=None)
    items = [
        create(note(1, type="Question", oneOf=[{"type": "Note", "name": "Yes"}])),
        create(vote, to=[BOB]),
        {"id": f"{ALICE}/statuses/3/activity", "type": "Announce", "actor": ALICE,
         "published": "2025-03-01T10:00:00Z", "to": [PUBLIC], "object": f"{BOB}/statuses/1"},
        create(note(4, type="ChatMessage")),
        {"id": f"{ALICE}#likes/1", "type": "Like", "actor": ALICE, "object": f"{BOB}/statuses/1"},
        create({"id": f"{ALICE}/statuses/6", "type": "Tombstone", "content": "gone"}),
        {"id": f"{ALICE}/statuses/7#delete", "type": "Delete", "actor": ALICE, "to": [PUBLIC],
         "object": {"id": f"{ALICE}/statuses/7", "type": "Tombstone"}},
    ]  # fmt: skip
    posts = [post for post in read(tmp_path, items) if isinstance(post, Post)]
    assert [(post.position, post.kind, post.deleted, post.visibility) for post in posts] == [
        (0, PostKind.POST, False, Visibility.PUBLIC),
        (1, PostKind.VOTE, False, Visibility.PUBLIC),
        (2, PostKind.BOOST, False, Visibility.PUBLIC),
        (3, PostKind.OTHER, False, Visibility.DIRECT),
        (4, PostKind.OTHER, False, Visibility.UNKNOWN),
        (5, PostKind.POST, True, Visibility.PUBLIC),
        (6, PostKind.OTHER, True, Visibility.UNKNOWN),
    ]
    assert [post.uri for post in posts][5:] == [f"{ALICE}/statuses/6", f"{ALICE}/statuses/7"]
    assert [post.body().content for post in posts[2:3] + posts[5:]] == ["", "", ""]


@pytest.mark.parametrize(
    ("audience", "visibility"),
    [
        ({"to": [f"{ALICE}/followers"], "cc": [PUBLIC]}, Visibility.UNLISTED),
        ({"to": [f"{ALICE}/followers"], "cc": []}, Visibility.FOLLOWERS),
        ({"to": [BOB], "cc": []}, Visibility.DIRECT),
        ({"to": [f"{HOST}/#Public"], "cc": []}, Visibility.LOCAL_ONLY),
        ({"to": [], "cc": []}, Visibility.UNKNOWN),
    ],
)
def test_less_than_public_is_seen(
    tmp_path: Path, audience: dict[str, Any], visibility: Visibility
) -> None:
    """The object's audience decides, though the activity says Public."""
    assert read_note(tmp_path, **audience).visibility is visibility


def test_other_people_s_items_are_not_the_owner_s(tmp_path: Path) -> None:
    """If anybody but the owner is named as author, the item is that one's."""
    items = [
        create(note(1, attributedTo=BOB)),
        create(note(2), actor=BOB),
        create(note(3, attributedTo=[ALICE, {"type": "Person", "id": BOB}])),
    ]
    posts = read(tmp_path, items)
    assert [post.account for post in posts if isinstance(post, Post)] == [BOB] * 3


def test_a_parent_is_only_its_id(tmp_path: Path) -> None:
    """An inlined parent, which is somebody else's post, leaves its id and nothing else."""
    parent = {"type": "Note", "id": f"{BOB}/statuses/7", "content": "Bob's secret words"}
    post = read_note(tmp_path, inReplyTo=[parent])
    assert post.reply_to == f"{BOB}/statuses/7"
    assert "secret" not in repr(post) + repr(post.body())


@needs_fixtures
def test_the_pasture_s_parents(tmp_path: Path) -> None:
    """Each form of inReplyTo gives its first id; a parent without one is no root but a bad item."""
    path = FIXTURES / "activitypub-pasture/in_reply_to.json"
    examples = json.loads(path.read_text("utf-8"))["examples"]
    items = [create(note(1, inReplyTo=one["inReplyTo"])) for one in examples]
    first = "http://pasture-one-actor/assets/note1.jsonap"
    assert [
        post.reply_to if isinstance(post, Post) else post.code for post in read(tmp_path, items)
    ] == [first, "http://invalid.example/", first, first, first, "bad_item", first]


def test_aliases_lie_on_the_post_s_own_server(tmp_path: Path) -> None:
    """Other ids of a post are taken from its own server only; broken ones are left out."""
    urls = [{"type": "Link", "href": f"{HOST}/@alice/1"}, f"{BOB}/statuses/9", "http://[broken"]
    post = read_note(tmp_path, url=urls, atomUri=f"{HOST}/users/alice/updates/1")
    assert post.aliases == (f"{HOST}/users/alice/updates/1", f"{HOST}/@alice/1")


def test_dates_are_never_made_up(tmp_path: Path) -> None:
    """A post without a usable date has none."""
    assert read_note(tmp_path, published="yesterday").created_at is None


@pytest.mark.parametrize(
    "item",
    [
        "words",
        None,
        create(note(1) | {"id": None}),
        create(f"{ALICE}/statuses/1"),
        create(note(1, content=["words"])),
        create(note(1, contentMap="words")),
        create(note(1, attributedTo=None), actor=None),
        create(note(1, attributedTo="http://[broken"), actor=None),
        create(note(1) | {"id": "https://forged.example/1"}),
        create(note(1) | {"id": "tag:mastodon.example,2016:objectId=1"}),
        create(note(1, inReplyTo={"type": "Note"})),
        {"type": "Announce", "actor": ALICE, "object": f"{BOB}/statuses/1"},
        {"type": "Delete", "actor": ALICE},
    ],
)
def test_a_broken_item_is_set_aside(tmp_path: Path, item: object) -> None:
    """An item that lacks what it must have is quarantined where it stands, and reading goes on."""
    items = read(tmp_path, [create(note(1)), item, create(note(2))])
    assert items[1] == Quarantined(1, "bad_item")
    assert [post.uri for post in items if isinstance(post, Post)] == [
        f"{ALICE}/statuses/1",
        f"{ALICE}/statuses/2",
    ]


@pytest.mark.parametrize(
    ("tail", "code"),
    [
        (b', {"id": "https://mastodon.ex', "truncated"),
        (b", {]", "bad_json"),
        (b', {"content": "\xff"}]}', "bad_json"),
        (b', "\\ud83d\\ude00 \\ude00"]}', "bad_json"),
        (b", " + b"9" * 5000 + b"]}", "bad_json"),
        (b", " + b"[" * 200_000, "bad_json"),
        (b", " + b"[" * 99 + b"]" * 99 + b"]}", "bad_json"),
        (b', "' + b"x" * (17 << 20) + b'"]}', "bad_json"),
        (b"]} trailing", "bad_json"),
    ],
    ids=["cut", "bracket", "bytes", "surrogate", "number", "deep", "level", "endless", "trailing"],
)
def test_json_that_breaks_is_set_aside_after_what_was_fine(
    tmp_path: Path, tail: bytes, code: str
) -> None:
    """What stands before a break is read, then the break is quarantined; memory stays bounded."""
    whole = outbox([create(note(1)), create(note(2))])
    files = members([]) | {"outbox.json": whole.removesuffix(b"]}") + tail}
    items = list(open_export(unpacked(tmp_path, files)).posts())
    assert [item.position for item in items] == [0, 1, 2]
    assert items[2] == Quarantined(2, code)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"outbox.json": b"{}"}, "empty_export"),
        ({"outbox.json": b'{"orderedItems": {"item": {}}}'}, "empty_export"),
        ({"outbox.json": b""}, "truncated"),
        ({"outbox.json": b'{"type": "Ordered'}, "truncated"),
        ({"outbox.json": b"<html>"}, "bad_json"),
        ({"outbox.json": b"[" * 200_000}, "bad_json"),
        ({"actor.json": b"[]"}, "bad_json"),
        ({"actor.json": b'{"id": '}, "bad_json"),
        ({"actor.json": b"[" * 200_000}, "bad_json"),
        ({"actor.json": b'{"type": "Person"}'}, "bad_item"),
        ({"actor.json": b'{"id": "acct:alice@mastodon.example"}'}, "bad_item"),
    ],
)
def test_an_archive_without_owner_or_list_is_refused(
    tmp_path: Path, files: dict[str, bytes], code: str
) -> None:
    """No posts list, or no actor who owns it, refuses the whole export."""
    with pytest.raises(UnreadableExport) as refusal:
        open_export(unpacked(tmp_path, members([create(note(1))]) | files))
    assert refusal.value.code == code


def test_only_one_item_is_bounded_not_the_outbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outbox many times larger than the largest item is read to its end."""
    monkeypatch.setattr(outbox_module, "_LARGEST_ITEM", 200_000)
    items = [create(note(number, content="x" * 1000)) for number in range(400)]
    assert len(read(tmp_path, items)) == 400


def test_errors_hold_no_words(tmp_path: Path) -> None:
    """No message of an error, nor of the errors behind it, quotes what the export says."""
    for name in ("outbox.json", "actor.json"):
        files = members([]) | {name: b'{"content": "secret words" oops'}
        with pytest.raises(FediDatasetError) as refusal:
            open_export(unpacked(tmp_path, files))
        error: BaseException | None = refusal.value
        while error is not None:
            assert "secret" not in str(error)
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_the_owner_is_who_the_actor_document_says(tmp_path: Path) -> None:
    """Handles, names without emoji, and profile URLs come from the actor document."""
    assert owner(tmp_path) == Account(
        uri=ALICE,
        aliases=(f"{HOST}/@alice",),
        handles=("@alice@mastodon.example",),
        names=("Alice",),
        urls=(f"{HOST}/@alice",),
    )


def test_a_handle_is_not_derived_from_the_id(tmp_path: Path) -> None:
    """Numeric ids and a handle's own domain are no obstacle; foreign profile URLs are no alias."""
    person = owner(
        tmp_path,
        id=f"{HOST}/ap/users/42",
        webfinger="alice@example.test",
        url=[f"{HOST}/@alice", {"type": "Link", "href": "https://elsewhere.example/@alice"}],
    )
    assert person.handles == ("@alice@example.test", "@alice@mastodon.example")
    assert person.aliases == (f"{HOST}/@alice",)
    assert person.urls == (f"{HOST}/@alice", "https://elsewhere.example/@alice")


def test_bots_and_refusals_are_seen(tmp_path: Path) -> None:
    """A Service is a bot, and what the actor document refuses is among the owner's signals."""
    assert owner(tmp_path, type=["Service"]).is_bot
    assert not owner(tmp_path).is_bot
    assert owner(tmp_path, memorial=True).signals == (Signal("actor:memorial"),)
    bio = '<p>Hi</p><p><a href="x">#<span>NoAI</span></a></p>'
    assert owner(tmp_path, summary=bio).signals == (Signal("bio:#noai"),)


@pytest.mark.parametrize(
    "more",
    [
        {"capabilities": {"acceptsChatMessages": True}},
        {"@context": ["https://x.example/schemas/litepub-0.1.jsonld"]},
    ],
)
def test_a_pleroma_backup_is_not_taken_for_mastodon(tmp_path: Path, more: dict[str, Any]) -> None:
    """A backup of Pleroma or Akkoma is named, and refused until there is a reader for it."""
    path = saved(tmp_path, "backup.zip", zipped(members([], **more)))
    with pytest.raises(UnknownFormat, match="Pleroma or Akkoma"):
        open_export(path)


# --- whose a post is ------------------------------------------------------------------------------


def codes(items: Sequence[Post | Quarantined]) -> list[str]:
    """Ids of what was read, and codes of what was not."""
    return [item.uri if isinstance(item, Post) else item.code for item in items]


@pytest.mark.parametrize(
    "forged",
    [
        f"{HOST}/users/bob/statuses/5",
        f"{HOST}/users/alicebob/statuses/5",
        f"{HOST}/ap/users/42/statuses/5",
        f"{HOST}/@bob/5",
        f"{HOST}/@bob/statuses/5",
        f"{HOST}/notes/5",
        f"{HOST}/5",
        ALICE,
        f"{ALICE}/statuses",
        f"{ALICE}/statuses/5/more",
        f"{ALICE}/@bob/5",
        "https://other.example/users/alice/statuses/5",
        "https://mastodon.example:8443/users/alice/statuses/5",
    ],
)
def test_nobody_claims_a_post_that_is_not_below_their_account(tmp_path: Path, forged: str) -> None:
    """An archive that says it wrote what lies below somebody else's actor or page is not believed."""
    items = [create(note(1) | {"id": forged}), create(note(2))]
    assert codes(read(tmp_path, items)) == ["bad_item", f"{ALICE}/statuses/2"]
    delete = {"id": f"{forged}#delete", "type": "Delete", "actor": ALICE, "object": forged}
    if forged != ALICE:
        assert codes(read(tmp_path, [delete])) == ["bad_item"]


@pytest.mark.parametrize(
    ("owner_uri", "page", "posts"),
    [
        (f"{HOST}/users/alice", f"{HOST}/@alice", ["users/alice/statuses/1", "@alice/1"]),
        (f"{HOST}/users/alice", f"{HOST}/@alice", ["@alice/statuses/01H", "users/alice/updates/9"]),
        (f"{HOST}/users/Alice", f"{HOST}/@alice", ["users/Alice/statuses/1", "@alice/1"]),
        (f"{HOST}/ap/users/42", f"{HOST}/@alice", ["ap/users/42/statuses/7"]),
        (f"{HOST}/users/alice", None, ["users/alice/statuses/1"]),
        ("https://Mastodon.Example/users/alice", f"{HOST}/@alice", ["users/alice/statuses/1"]),
        (f"{HOST}/alice", f"{HOST}/@alice", ["alice/statuses/1"]),
    ],
)
def test_what_lies_below_the_account_is_the_owner_s(
    tmp_path: Path, owner_uri: str, page: str | None, posts: list[str]
) -> None:
    """Each way in which servers write ids is read, whatever the case of the host."""
    items = [
        create(note(1, attributedTo=owner_uri) | {"id": f"{HOST}/{one}"}, actor=owner_uri)
        for one in posts
    ]
    files = members(items, id=owner_uri, url=page)
    found = list(open_export(saved(tmp_path, "archive.zip", zipped(files))).posts())
    assert codes(found) == [f"{HOST}/{one}" for one in posts]
    assert {post.account for post in found if isinstance(post, Post)} == {owner_uri}


@pytest.mark.parametrize(
    "root", [f"{HOST}/", f"{HOST}/users", f"{HOST}/ap/users", f"{ALICE}/statuses"]
)
def test_an_account_that_would_own_other_accounts_owns_none_of_their_posts(
    tmp_path: Path, root: str
) -> None:
    """An actor whose id is the beginning of everybody's gains nothing by it."""
    theirs = [f"{ALICE}/statuses/1", f"{HOST}/ap/users/42/statuses/1", f"{HOST}/@alice/1"]
    items = [create(note(1, attributedTo=root) | {"id": one}, actor=root) for one in theirs]
    files = members(items, id=root, url=f"{HOST}/@alice")
    found = list(open_export(saved(tmp_path, "archive.zip", zipped(files))).posts())
    assert codes(found) == ["bad_item"] * 3


def test_nobody_claims_another_one_s_page(tmp_path: Path) -> None:
    """A page of another name is no spelling of the account, and a post's page lies below the owner's."""
    mallory = f"{HOST}/users/mallory"
    assert owner(tmp_path, id=mallory, url=[f"{HOST}/@alice", f"{HOST}/@Mallory"]).aliases == (
        f"{HOST}/@Mallory",
    )
    assert owner(tmp_path, id=f"{HOST}/ap/users/7", url=f"{HOST}/@bob").aliases == ()
    urls = [f"{HOST}/@bob/1", f"{HOST}/users/bob/statuses/1", f"{HOST}/@alice/1"]
    assert read_note(tmp_path, url=urls).aliases == (f"{HOST}/@alice/1",)


def test_a_numeric_account_s_posts_have_no_page_for_an_id(tmp_path: Path) -> None:
    """Its actor does not say whose page it is, so that a page is another name of its posts at most."""
    numeric = f"{HOST}/ap/users/42"
    items = [
        create(note(1, attributedTo=numeric) | {"id": f"{numeric}/statuses/1"}, actor=numeric),
        create(note(2, attributedTo=numeric) | {"id": f"{HOST}/@alice/2"}, actor=numeric),
    ]
    files = members(items, id=numeric)
    first, second = open_export(saved(tmp_path, "archive.zip", zipped(files))).posts()
    assert isinstance(first, Post)
    assert first.aliases == (f"{HOST}/@alice/1",)
    assert second == Quarantined(1, "bad_item")
