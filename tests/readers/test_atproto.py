"""Reading an AT Protocol repository."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from libipld import encode_dag_cbor

from fedi_dataset.errors import UnreadableExport
from fedi_dataset.posts import (
    Account,
    Body,
    Facet,
    Mention,
    Post,
    PostKind,
    Quarantined,
    Signal,
    Visibility,
)
from fedi_dataset.readers.bluesky import is_did, record_uri
from fedi_dataset.readers.detect import open_export
from tests import mst
from tests.readers.exports import DID, FIXTURES, needs_fixtures, post_record, repo, saved
from tests.readers.test_values import vectors

BLUESKY = FIXTURES / "bluesky"
PARENT = "at://did:plc:bobbobbobbobbobbobbobbo2/app.bsky.feed.post/3kaaaaaaaaa22"
LABELS = "com.atproto.label.defs#selfLabels"


def read(tmp_path: Path, records: dict[str, object]) -> list[Post | Quarantined]:
    """What a repository with these records yields."""
    return list(open_export(saved(tmp_path, "repo.car", repo(records))).posts())


def read_post(tmp_path: Path, text: str = "Hello", **more: object) -> Post:
    """The post that a record with these properties becomes."""
    (post,) = read(tmp_path, {"app.bsky.feed.post/3kb": post_record(text, **more)})
    assert isinstance(post, Post)
    return post


def owner(tmp_path: Path, **records: object) -> Account:
    """The owner of a repository; names of records have ``_`` for the dots of a collection."""
    paths = {f"{name.replace('_', '.')}/self": record for name, record in records.items()}
    return open_export(saved(tmp_path, "repo.car", repo(paths))).owner


def embedded(tmp_path: Path, kind: str, **fields: object) -> Body:
    """The body of a post with this embed."""
    return read_post(tmp_path, embed={"$type": f"app.bsky.embed.{kind}", **fields}).body()


def facet(begin: object, end: object, *features: object) -> dict[str, object]:
    """A facet."""
    return {"index": {"byteStart": begin, "byteEnd": end}, "features": list(features)}


def link(uri: str) -> dict[str, str]:
    """A feature that links."""
    return {"$type": "app.bsky.richtext.facet#link", "uri": uri}


@needs_fixtures
@pytest.mark.parametrize("name", ["deny_training", "orphan_blocks_shuffled"])
def test_another_writer_s_posts(name: str) -> None:
    """Posts of an independent writer's repository are read, whatever the order of its blocks."""
    export = open_export(BLUESKY / f"synthetic/repo_{name}.car")
    expected = json.loads((BLUESKY / f"synthetic/repo_{name}.expected.json").read_text())
    live = {
        f"at://{expected['did']}/{one['path']}": one["value"]
        for one in expected["records"]
        if one["path"].startswith("app.bsky.feed.post/")
    }
    posts = [item for item in export.posts() if isinstance(item, Post)]
    texts = {post.uri: post.body().content for post in posts if post.kind is PostKind.POST}
    assert texts == {uri: value["text"] for uri, value in live.items()}
    assert [post.position for post in posts] == list(range(len(live) + 1))
    assert posts[-1].kind is PostKind.BOOST
    assert export.owner.uri == expected["did"]
    assert "record:community.lexicon.preference.ai" in {one.name for one in export.owner.signals}


@needs_fixtures
def test_what_is_deleted_or_reworded_does_not_surface() -> None:
    """Blocks that the tree does not reach, a deleted post and an old wording, are not read."""
    both = [
        list(open_export(BLUESKY / f"synthetic/repo_{name}.car").posts())
        for name in ("deny_training", "orphan_blocks_shuffled")
    ]
    assert both[0] == both[1]
    assert [post.body() for post in both[0] if isinstance(post, Post)] == [
        post.body() for post in both[1] if isinstance(post, Post)
    ]


@needs_fixtures
def test_deep_and_empty_repositories() -> None:
    """A tree of several levels gives all its posts, an empty one none."""
    path = BLUESKY / "synthetic/repo_allow_training_deep_mst"
    records = json.loads(path.with_suffix(".expected.json").read_text())["records"]
    items = [one for one in records if one["value"]["$type"].startswith("app.bsky.feed.")]
    posts = [one for one in items if one["value"]["$type"] == "app.bsky.feed.post"]
    read_posts = [
        item
        for item in open_export(path.with_suffix(".car")).posts()
        if isinstance(item, Post) and item.kind is PostKind.POST
    ]
    assert len(read_posts) == len(posts) > 600
    assert list(open_export(BLUESKY / "synthetic/repo_empty.car").posts()) == []


@needs_fixtures
def test_a_truncated_repository_is_refused() -> None:
    """A repository cut in half is refused before anything of it is read."""
    with pytest.raises(UnreadableExport) as refusal:
        open_export(BLUESKY / "synthetic/repo_truncated.car")
    assert refusal.value.code == "truncated"


@needs_fixtures
def test_the_protocol_s_own_uris() -> None:
    """Of AT Protocol's at-uris, the invalid are refused, and of the valid those that name a record."""
    valid = vectors("aturi_syntax_valid.txt")
    assert [uri for uri in valid if record_uri(uri)] == [
        uri for uri in valid if uri.count("/") == 4
    ]
    assert [uri for uri in vectors("aturi_syntax_invalid.txt") if record_uri(uri)] == []
    assert [did for did in vectors("did_syntax_valid.txt") if not is_did(did)] == []
    assert [did for did in vectors("did_syntax_invalid.txt") if is_did(did)] == []


def test_permissioned_data_is_never_referred_to() -> None:
    """An at-uri of permissioned data, whose path begins with ``space``, names no record here."""
    uri = f"at://{DID}/space/com.example.forum/abc/{DID}/app.bsky.feed.post/3ka"
    assert record_uri(uri) is None
    assert record_uri(f"at://{DID}/space/abc") is None
    assert record_uri(PARENT, "app.bsky.feed.post") == PARENT
    assert record_uri(PARENT, "app.bsky.feed.generator") is None


def test_a_post_is_read_whole(tmp_path: Path) -> None:
    """Every property of a post that the gate or the text needs is read from the record."""
    post = read_post(
        tmp_path,
        "🦋 hi #Garden",
        langs=["en", "de"],
        tags=["Extra"],
        reply={"parent": {"uri": PARENT}, "root": {"uri": PARENT[:-1] + "3"}},
        facets=[facet(8, 15, {"$type": "app.bsky.richtext.facet#tag", "tag": "Garden"})],
        createdAt="2025-03-01T12:00:00+02:00",
    )
    assert post == Post(
        position=0,
        uri=f"at://{DID}/app.bsky.feed.post/3kb",
        account=DID,
        kind=PostKind.POST,
        visibility=Visibility.PUBLIC,
        created_at=datetime(2025, 3, 1, 10, tzinfo=UTC),
        reply_to=PARENT,
        root_hint=PARENT[:-1] + "3",
        tags=("garden", "extra"),
        body=post.body,
    )
    assert post.body() == Body(
        content="🦋 hi #Garden",
        content_type="text/plain",
        languages=("en", "de"),
        facets=(Facet(8, 15, "tag", "Garden"),),
    )


def test_facets_are_kept_where_they_hold(tmp_path: Path) -> None:
    """Facets that are ill-typed, out of range, inside a code point or over another are left out."""
    mention = {"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:bob"}
    body = read_post(
        tmp_path,
        "é @bob abc",
        facets=[
            facet(8, 11, {"$type": "x.y#z"}, link("https://c.example"), mention),
            facet(3, 7, mention),
            facet(6, 9, link("https://over.example")),
            facet(1, 2, link("https://inside.example")),
            facet(11, 12, link("https://beyond.example")),
            facet(8, 8, link("https://empty.example")),
            facet(-1, 2, link("https://before.example")),
            facet(True, 2, link("https://bool.example")),
            facet("3", 7, link("https://text.example")),
            facet(0, 2, {"$type": "app.bsky.richtext.facet#link"}),
            3,
        ],
    ).body()
    assert body.facets == (
        Facet(3, 7, "mention", "did:plc:bob"),
        Facet(8, 11, "link", "https://c.example"),
    )
    assert body.mentions == (Mention("did:plc:bob"),)


def test_embeds_give_quotes_and_descriptions(tmp_path: Path) -> None:
    """Posts are quoted, feeds are not; images, galleries and videos are described; cards are not."""
    images = [{"alt": "A cat"}, {"alt": " "}, {}]
    feed = PARENT.replace("feed.post", "feed.generator")
    assert embedded(tmp_path, "record", record={"uri": PARENT}).quote_of == PARENT
    assert embedded(tmp_path, "record", record={"uri": feed}).quote_of is None
    assert embedded(tmp_path, "images", images=images).alt_texts == ("A cat",)
    assert embedded(tmp_path, "gallery", items=images).alt_texts == ("A cat",)
    assert embedded(tmp_path, "video", alt="Rain").alt_texts == ("Rain",)
    assert embedded(tmp_path, "external", external={"title": "T"}).alt_texts == ()
    media = {"$type": "app.bsky.embed.images", "images": images}
    both = embedded(tmp_path, "recordWithMedia", record={"record": {"uri": PARENT}}, media=media)
    assert (both.quote_of, both.alt_texts) == (PARENT, ("A cat",))


@pytest.mark.parametrize(
    ("labels", "sensitive", "visibility"),
    [
        ({"$type": LABELS, "values": [{"val": "sexual"}]}, True, Visibility.PUBLIC),
        ({"$type": LABELS, "values": []}, False, Visibility.PUBLIC),
        ({"$type": LABELS, "values": [{"val": "!no-unauthenticated"}]}, True, Visibility.UNKNOWN),
        ("sexual", True, Visibility.PUBLIC),
        (None, False, Visibility.PUBLIC),
    ],
)
def test_self_labels_make_a_post_sensitive(
    tmp_path: Path, labels: object, sensitive: bool, visibility: Visibility
) -> None:
    """Any self-label, a broken one too, makes a post sensitive; one for logged-in readers hides it."""
    post = read_post(tmp_path, labels=labels)
    assert (post.body().sensitive, post.visibility) == (sensitive, visibility)


def test_only_posts_and_reposts_are_items(tmp_path: Path) -> None:
    """Likes and follows are no items; positions count the others in key order."""
    when = {"createdAt": "2025-03-01T10:00:00Z"}
    like: dict[str, Any] = {"$type": "app.bsky.feed.like", "subject": {"uri": PARENT}, **when}
    items = read(
        tmp_path,
        {
            "app.bsky.feed.repost/3ka": like | {"$type": "app.bsky.feed.repost"},
            "app.bsky.feed.like/3ka": like,
            "app.bsky.feed.post/3kb": post_record("two"),
            "app.bsky.feed.post/3ka": post_record("one", bridgyOriginalUrl="https://h.example/1"),
        },
    )
    posts = [item for item in items if isinstance(item, Post)]
    assert [(post.position, post.kind, post.body().content) for post in posts] == [
        (0, PostKind.POST, "one"),
        (1, PostKind.POST, "two"),
        (2, PostKind.BOOST, ""),
    ]
    assert posts[0].aliases == ("https://h.example/1",)


@pytest.mark.parametrize(
    "record",
    [
        "words",
        {"text": "no type"},
        post_record() | {"$type": "app.bsky.feed.repost"},
        post_record() | {"text": None},
        post_record(reply={"root": {"uri": PARENT}}),
        post_record(reply={"parent": {"uri": f"at://{DID}/space/a/b"}}),
        post_record(reply="words"),
    ],
)
def test_a_broken_record_is_set_aside(tmp_path: Path, record: object) -> None:
    """A record that lacks what its lexicon requires is quarantined, and reading goes on."""
    items = read(
        tmp_path,
        {"app.bsky.feed.post/3ka": record, "app.bsky.feed.post/3kb": post_record("fine")},
    )
    assert items[0] == Quarantined(0, "bad_item")
    assert isinstance(items[1], Post)


def test_dates_are_never_made_up(tmp_path: Path) -> None:
    """A post without a usable date has none, though its key would tell one."""
    assert read_post(tmp_path, createdAt="2025-03-01").created_at is None


def test_the_owner_is_the_repo_s_did(tmp_path: Path) -> None:
    """Name, bot label and refusals come from the repository itself; a handle is not in it."""
    profile = {"$type": "app.bsky.actor.profile", "displayName": " Alice ", "description": "#NoAI"}
    labels = {"$type": LABELS, "values": [{"val": "bot"}, {"val": "!no-unauthenticated"}]}
    assert owner(tmp_path) == Account(uri=DID)
    assert owner(tmp_path, app_bsky_actor_profile=profile) == Account(
        uri=DID, names=("Alice",), signals=(Signal("bio:#noai"),)
    )
    bot = owner(tmp_path, app_bsky_actor_profile=profile | {"labels": labels})
    assert bot.is_bot
    assert Signal("label:!no-unauthenticated") in bot.signals


@pytest.mark.parametrize("record", ["unreadable", {"bulkDataset": {"allow": False}}])
def test_a_declaration_that_denies_or_cannot_be_read_is_a_signal(
    tmp_path: Path, record: object
) -> None:
    """What an account declares about its data reaches the signals, the unreadable included."""
    path = saved(tmp_path, "x.car", repo({"org.user-intents.declaration/self": record}))
    (signal,) = open_export(path).owner.signals
    assert signal.name == "record:org.user-intents.declaration"


@pytest.mark.parametrize(
    "commit", [{"version": 2}, {"did": "alice"}, {"data": None}, {"data": b"short"}]
)
def test_a_root_that_is_no_commit_is_refused(tmp_path: Path, commit: dict[str, object]) -> None:
    """A repository whose root is not a commit of version 3 with a tree is refused."""
    tree, nodes = mst.tree({})
    fine = {"did": DID, "version": 3, "data": tree, "rev": "3ka", "prev": None, "sig": b""}
    content = b""
    for block in (bytes(encode_dag_cbor(fine | commit)), *nodes.values()):
        section = mst.cid(block) + block
        if not content:
            header = bytes(encode_dag_cbor({"version": 1, "roots": [mst.cid(block)]}))
            content = bytes([len(header)]) + header
        content += bytes([len(section) & 0x7F | 0x80, len(section) >> 7]) + section
    with pytest.raises(UnreadableExport):
        open_export(saved(tmp_path, "x.car", content))


def test_one_flipped_bit_in_any_record_refuses_all(tmp_path: Path) -> None:
    """Every record is verified before the first is given out, likes included."""
    like = {"$type": "app.bsky.feed.like", "subject": {"uri": PARENT}}
    content = bytearray(
        repo({"app.bsky.feed.post/3ka": post_record(), "app.bsky.feed.like/3ka": like})
    )
    content[content.index(PARENT.encode())] ^= 1
    with pytest.raises(UnreadableExport) as refusal:
        open_export(saved(tmp_path, "x.car", bytes(content)))
    assert refusal.value.code == "bad_block"


def test_a_file_that_changes_after_opening_gives_nothing_false(tmp_path: Path) -> None:
    """A record that no longer hashes to its name when it is read is quarantined."""
    content = repo({"app.bsky.feed.post/3ka": post_record("Hello there")})
    export = open_export(saved(tmp_path, "x.car", content))
    saved(tmp_path, "x.car", content.replace(b"Hello there", b"Other words"))
    assert list(export.posts()) == [Quarantined(0, "bad_block")]
