"""The generated fediverses: true to their formats, to themselves, and to the byte."""

from __future__ import annotations

import hashlib
import html
import json
import re
import tarfile
import tracemalloc
import zipfile
import zlib
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from string import Template
from typing import Any, get_args

import msgspec
import pytest
from libipld import decode_car, encode_cid

from fedi_dataset.config import SPLITS, BuildConfig
from fedi_dataset.conversations.rows import split_of
from fedi_dataset.privacy.keys import key
from fedi_dataset.reasons import GATE
from scripts.make_demo import FOLDER, SECRET, demo_world, main
from tests.test_mst import walk
from tests.world import PLANS, Entity, Person, Role, TruthPost, World
from tests.world.grammar import WORDS

HOST = r"(?<![\w.])(?:[a-z0-9-]+\.)+[a-z]{2,}(?![\w@])"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
FIRST, LAST = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    """The smallest world that shows everything, and the parts that only a larger one has."""
    return World(seed=3, people=18, conversations=200)


@pytest.fixture(scope="module")
def posts(world: World) -> list[TruthPost]:
    """Its truth."""
    return list(world.posts())


@pytest.fixture(scope="module")
def written(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[Person, Path]:
    """Its exports, by whose they are."""
    exports = world.write(tmp_path_factory.mktemp("world")).exports
    return dict(zip(world.people, exports, strict=True))


def members(path: Path) -> dict[str, bytes]:
    """Everything in an archive, in its order."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(path) as packed:
        files = {one.name: packed.extractfile(one) for one in packed.getmembers()}
        return {name: file.read() for name, file in files.items() if file is not None}


def items(path: Path) -> list[dict[str, Any]]:
    """The activities of an archive."""
    found: list[dict[str, Any]] = json.loads(members(path)["outbox.json"])["orderedItems"]
    return found


def records(path: Path) -> dict[str, dict[str, Any]]:
    """The records of a repository by path."""
    header, blocks = decode_car(path.read_bytes())
    return {name: blocks[of] for name, of in walk(blocks, blocks[header["roots"][0]]["data"])}


# --- determinism -------------------------------------------------------------------------------------


def test_the_seed_alone_decides(world: World, posts: list[TruthPost]) -> None:
    """The same arguments give the same posts and people; another seed gives others."""
    again = World(seed=3, people=18, conversations=200)
    assert list(again.posts()) == posts
    assert again.people == world.people
    assert next(World(seed=4, people=18, conversations=200).posts()) != posts[0]


def test_a_talk_does_not_depend_on_those_before_it(world: World) -> None:
    """Talks can be taken in any number: reading a few changes nothing in those that follow."""
    half_read = world.talks()
    for _ in range(5):
        next(half_read)
    fresh = list(World(seed=3, people=18, conversations=200).talks())
    assert list(half_read) == fresh[5:]


def test_the_samples_in_the_package_are_what_the_script_writes(tmp_path: Path) -> None:
    """The shipped folder holds exactly the files that scripts/make_demo.py makes, and not too much."""
    main(tmp_path)
    made = {path.relative_to(tmp_path): path for path in tmp_path.rglob("*") if path.is_file()}
    shipped = {path.relative_to(FOLDER): path for path in FOLDER.rglob("*") if path.is_file()}
    assert sorted(made) == sorted(shipped)
    assert sum(path.stat().st_size for path in shipped.values()) < 400_000
    for name, path in made.items():
        if name.suffix in {".zip", ".gz"}:
            assert members(path) == members(shipped[name])
        else:
            assert path.read_bytes() == shipped[name].read_bytes()


@pytest.mark.skipif("ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng packs differently")
def test_the_samples_are_equal_to_the_byte(tmp_path: Path) -> None:
    """Containers carry no clock, user or order of their own."""
    main(tmp_path)
    for path in (tmp_path / "exports").iterdir():
        assert path.read_bytes() == (FOLDER / "exports" / path.name).read_bytes(), path.name


# --- what is in it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_smallest_world_has_every_case(seed: int) -> None:
    """Twelve people and the default number of talks show every part, case and identifier."""
    world = World(seed)
    posts = list(world.posts())
    roles = {post.author.role for post in posts if post.kind == "post"}
    assert roles == {*get_args(Role)} - {"dated", "weak"}
    assert {post.reason for post in posts} == {
        None,
        "not_a_post",
        "not_public",
        "no_consent",
        "consent_withdrawn",
        "consent_expired",
        "under_age",
        "signal_denied",
        "license_refused",
    }
    assert {post.visibility for post in posts} == {"public", "unlisted", "followers", "direct"}
    assert {post.language for post in posts} == set(WORDS)
    assert {post.author.platform for post in posts} == {"mastodon", "bluesky"}
    admitted = [post for post in posts if post.reason is None]
    assert {one.entity for post in admitted for one in post.private} == {*get_args(Entity)}
    for found in ("warning", "options", "tags", "mentions", "quoted", "quote_of", "alt_texts"):
        assert any(getattr(post, found) for post in admitted), found
    assert any(post.edited_at for post in admitted)
    uris = {post.uri for post in posts}
    assert any(post.reply_to and post.reply_to not in uris for post in admitted)
    quoted = {post.uri: post.author for post in posts}
    assert {quoted[post.quote_of] == post.author for post in admitted if post.quote_of} == {
        True,
        False,
    }


def test_a_larger_world_has_what_only_some_consents_have(posts: list[TruthPost]) -> None:
    """Consent from a date, and evidence that is too weak for a repo, come with more people."""
    assert {"outside_dates", "weak_evidence"} < {post.reason for post in posts}
    assert {post.reason for post in posts} - {None} < set(GATE)


def test_somebody_without_consent_stands_in_the_middle(posts: list[TruthPost]) -> None:
    """The first talk has a refused answer between two admitted posts of one thread."""
    first = [post for post in posts if post.talk == 0]
    assert PLANS[0].role == "none"
    assert [post.reason for post in first[:3]] == [None, "no_consent", None]
    assert [post.reply_to for post in first[1:3]] == [first[0].uri, first[1].uri]


def test_two_people_in_turns_are_the_commonest_shape() -> None:
    """Of later talks, more are plain exchanges of two than everything else with several people."""
    world = World(seed=5, people=30, conversations=400)
    shapes: Counter[str] = Counter()
    for talk in world.talks():
        if talk.number < len(PLANS):
            continue
        authors = [post.author for post in talk.posts]
        turns = all(one is other for one, other in zip(authors, authors[2:], strict=False))
        chain = all(post.parent is before for before, post in pairwise(talk.posts))
        shapes["exchange" if len(set(authors)) == 2 and turns and chain else "other"] += 1
    assert shapes["exchange"] > 0.4 * shapes.total()
    deepest = max(_depth(talk.posts[-1]) for talk in world.talks())
    widest = max(
        Counter(post.parent.uri for post in talk.posts if post.parent).most_common(1)[0][1]
        for talk in world.talks()
        if len(talk.posts) > 4
    )
    assert deepest >= 8
    assert widest >= 5


def _depth(post: Any) -> int:
    depth = 0
    while post.parent is not None:
        post, depth = post.parent, depth + 1
    return depth


def test_people_have_much_to_say() -> None:
    """Hundreds of different sentences come out in each language, none with an unfilled slot."""
    sentences: defaultdict[str, set[str]] = defaultdict(set)
    for post in World(seed=8, people=40, conversations=1200).posts():
        sentences[post.language].update(re.split(r"(?<=[.!?])\s+", post.text))
    assert all(len(found) > 400 for found in sentences.values())
    assert not any("$" in sentence for found in sentences.values() for sentence in found)


def test_the_languages_are_parallel() -> None:
    """Every language has the scenes, steps, alternatives and slots of the others, in their order."""

    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {name: shape(one) for name, one in value.items()}
        if isinstance(value, list):
            return [shape(one) for one in value]
        return sorted(Template(str(value)).get_identifiers())

    plain: dict[str, Any] = {of: msgspec.to_builtins(words) for of, words in WORDS.items()}
    for words in plain.values():
        for scene in words["scenes"].values():
            del scene["tags"]
    english = shape(json.loads(json.dumps(plain["en"])))
    for words in plain.values():
        assert shape(json.loads(json.dumps(words))) == english


# --- the truth ---------------------------------------------------------------------------------------


def test_the_truth_agrees_with_itself(world: World, posts: list[TruthPost]) -> None:
    """Planted strings and mentions stand where the truth says, and answers come after what they answer."""
    by_uri = {post.uri: post for post in posts}
    people = {person.uri: person for person in world.people}
    assert len(by_uri) == len(posts)
    for post in posts:
        assert FIRST < post.created_at < LAST
        assert all(one.text in post.text for one in post.private)
        for mention in post.mentions:
            shown = post.text[mention.begin : mention.end]
            assert shown == people[mention.account].mention
            assert mention.begin > 0
            assert ("HANDLE", shown) in post.private
        if post.reply_to in by_uri:
            assert by_uri[post.reply_to].created_at < post.created_at
        if post.edited_at is not None:
            assert post.edited_at > post.created_at
        assert (post.kind == "boost") == (post.text == "")
        assert post.author.platform == "mastodon" or len(post.text) <= 300


def test_everybody_is_invented(world: World, posts: list[TruthPost]) -> None:
    """Hosts are reserved ones, accounts are well-formed and unique, and people's names are apart."""
    uris = [person.uri for person in world.people]
    assert len(set(uris)) == len({person.handle for person in world.people}) == len(uris)
    for uri in uris:
        assert re.fullmatch(r"https://[a-z]+\.(example|test)/\S+|did:plc:[a-z2-7]{24}", uri)
    for post in posts:
        for host in re.findall(HOST, post.text):
            assert host.endswith((".example", ".test", ".txt")), host
    thirds = {one.text for post in posts for one in post.private if one.entity == "PERSON"}
    names = {person.first_name for person in world.people}
    assert names & thirds
    assert not {name.split()[0] for name in thirds if " " in name} & names


def test_names_are_no_words_of_the_language(posts: list[TruthPost]) -> None:
    """A planted string occurs only where it was planted, so that finding it later means a leak."""
    planted = {one.text for post in posts for one in post.private if one.entity == "PERSON"}
    for post in posts:
        own = {one.text for one in post.private}
        assert not [text for text in planted - own if text in post.text]


# --- scale -------------------------------------------------------------------------------------------


def test_large_worlds_take_little_memory() -> None:
    """Talks are made one at a time: memory does not grow with their number."""
    world = World(seed=1, people=200, conversations=1000)
    tracemalloc.start()
    try:
        count = sum(1 for _ in world.posts())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count > 4000
    assert peak < 2_000_000


def test_fewer_than_twelve_people_are_no_world() -> None:
    """Twelve people are needed for all parts."""
    with pytest.raises(ValueError, match="at least 12 people, got 11"):
        World(seed=1, people=11)


@pytest.mark.parametrize("platform", ["mastodon", "bluesky"])
def test_a_world_may_have_one_platform(platform: Any, tmp_path: Path) -> None:
    """With one platform nobody is on the other, and all of it can be written."""
    world = World(seed=2, conversations=50, platforms=(platform,))
    assert {post.author.platform for post in world.posts()} == {platform}
    assert len(world.write(tmp_path / "world").exports) == 12


def test_sizes_say_how_long_exchanges_are() -> None:
    """Exchanges without a special case have the numbers of posts that were asked for."""

    def lengths(size: int) -> Counter[int]:
        world = World(seed=2, people=20, conversations=200, sizes={size: 1})
        return Counter(len(talk.posts) for talk in world.talks())

    assert lengths(2)[2] > 40
    assert lengths(7)[7] > 40
    assert lengths(7)[2] < lengths(2)[2] / 2


# --- Mastodon ----------------------------------------------------------------------------------------


def test_archives_are_as_mastodon_writes_them(written: dict[Person, Path]) -> None:
    """Both containers have the four members, the outbox first, and an outbox that counts its items."""
    archives = {one: path for one, path in written.items() if one.platform == "mastodon"}
    assert {path.suffix for path in archives.values()} == {".zip", ".gz"}
    for person, path in archives.items():
        found = members(path)
        assert list(found) == ["outbox.json", "likes.json", "bookmarks.json", "actor.json"]
        outbox, actor = json.loads(found["outbox.json"]), json.loads(found["actor.json"])
        assert outbox["type"] == "OrderedCollection"
        assert outbox["totalItems"] == len(outbox["orderedItems"])
        ids = [int(re.findall(r"/statuses/(\d+)", one["id"])[0]) for one in outbox["orderedItems"]]
        assert ids == sorted(ids)
        assert (actor["id"], actor["name"]) == (person.uri, person.display_name)
        assert actor["type"] == ("Service" if person.role == "bot" else "Person")
        assert ("NoAI" in actor["summary"]) == (person.role == "no_ai")
        assert all(isinstance(uri, str) for uri in json.loads(found["likes.json"])["orderedItems"])


def test_activities_say_what_is_true(written: dict[Person, Path], posts: list[TruthPost]) -> None:
    """Ids, parents, dates, audiences, tags, polls, warnings and quotes are those of the truth."""
    truth = {post.uri: post for post in posts if post.author.platform == "mastodon"}
    seen = set()
    for person, path in written.items():
        for item in items(path) if person.platform == "mastodon" else ():
            if item["type"] == "Announce":
                assert truth[item["id"]].kind == "boost"
                assert item["object"] in truth
                seen.add(item["id"])
                continue
            note = item["object"]
            post = truth[note["id"]]
            seen.add(note["id"])
            assert item["id"] == f"{note['id']}/activity"
            assert item["actor"] == note["attributedTo"] == person.uri == post.author.uri
            assert note["inReplyTo"] == post.reply_to
            assert note["published"] == post.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
            assert ("updated" in note) == (post.edited_at is not None)
            assert note["summary"] == post.warning
            assert [one["name"] for one in note.get("oneOf", [])] == list(post.options)
            assert (note["type"] == "Question") == bool(post.options)
            assert note.get("quote") == post.quote_of
            assert ("RE: <a" in note["content"]) == (post.quote_of is not None)
            assert note["contentMap"] == {post.language: note["content"]}
            assert [one["name"] for one in note["attachment"]] == list(post.alt_texts)
            assert _audience(note, person) == post.visibility
            mentioned = [one["href"] for one in note["tag"] if one["type"] == "Mention"]
            assert set(mentioned) == {*post.addressed, *(one.account for one in post.mentions)}
            assert note["content"].count('class="u-url mention"') == len(post.addressed) + len(
                post.mentions
            )
            assert ("context" in note) == (path.suffix == ".zip")
            assert all(
                f"<blockquote><p>{words}" in html.unescape(note["content"]) for words in post.quoted
            )
    assert seen == set(truth)


def _audience(note: dict[str, Any], person: Person) -> str:
    followers = f"{person.uri}/followers"
    if PUBLIC in note["to"]:
        return "public"
    if PUBLIC in note["cc"]:
        return "unlisted"
    return "followers" if followers in note["to"] else "direct"


def test_html_has_the_shapes_of_mastodon(written: dict[Person, Path]) -> None:
    """Mentions, hashtags, shortened links, lists and code have Mastodon's own markup."""
    content = "\n".join(
        item["object"]["content"]
        for person, path in written.items()
        if person.platform == "mastodon"
        for item in items(path)
        if item["type"] == "Create"
    )
    for pattern in (
        r'<p><span class="h-card" translate="no"><a href="https://\S+/@\w+" class="u-url mention">'
        r"@<span>\w+</span></a></span> \S",
        r'<p><a href="https://\S+/tags/\w+" class="mention hashtag" rel="tag">#<span>\w+</span></a>',
        r'<span class="invisible">https://</span><span class="ellipsis">[^<]{30}</span>'
        r'<span class="invisible">[^<]+</span></a>',
        r"<ul><li>[^<]+</li><li>",
        r"<pre><code>[^<]+</code></pre>",
        r"<br>",
        r"<br />",
        r"&#39;",
    ):
        assert re.search(pattern, content), pattern


# --- Bluesky -----------------------------------------------------------------------------------------


def test_repositories_say_what_is_true(written: dict[Person, Path], posts: list[TruthPost]) -> None:
    """Posts, reposts and their references are those of the truth, under their own paths."""
    truth = {post.uri: post for post in posts if post.author.platform == "bluesky"}
    seen = set()
    for person, path in written.items():
        for name, record in records(path).items() if person.platform == "bluesky" else ():
            uri = f"at://{person.uri}/{name}"
            assert record["$type"] == name.split("/")[0]
            if record["$type"] == "app.bsky.feed.repost":
                assert (truth[uri].kind, record["subject"]["uri"] in truth) == ("boost", True)
            elif record["$type"] == "app.bsky.feed.post":
                post = truth[uri]
                assert record.get("reply", {}).get("parent", {}).get("uri") == post.reply_to
                assert record.get("embed", {}).get("record", {}).get("uri") == post.quote_of
                assert record["langs"] == [post.language]
                assert record["createdAt"].endswith(f"{post.created_at.microsecond // 1000:03}Z")
                assert _mentions(record) == [one.account for one in post.mentions]
            else:
                continue
            seen.add(uri)
    assert seen == set(truth)


def _mentions(record: dict[str, Any]) -> list[str]:
    """Accounts in facets, each of which covers what it says it covers."""
    raw = record["text"].encode()
    accounts = []
    for facet in record.get("facets", []):
        shown = raw[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode()
        (feature,) = facet["features"]
        match feature["$type"].split("#")[1]:
            case "mention":
                assert shown.startswith("@")
                accounts.append(feature["did"])
            case "link":
                assert feature["uri"].startswith(f"https://{shown.removesuffix('...')}")
            case "tag":
                assert shown == f"#{feature['tag']}"
    return accounts


def test_references_name_the_records_they_mean(written: dict[Person, Path]) -> None:
    """A strong reference holds the CID that the record really has in its author's repository."""
    names: dict[str, str] = {}
    references = []
    for person, path in written.items():
        if person.platform != "bluesky":
            continue
        header, blocks = decode_car(path.read_bytes())
        for name, of in walk(blocks, blocks[header["roots"][0]]["data"]):
            names[f"at://{person.uri}/{name}"] = encode_cid(of)
            record = blocks[of]
            references += [record["subject"]] if "subject" in record else []
            references += record.get("reply", {}).values()
    known = [one for one in references if one["uri"] in names]
    assert known
    assert all(one["cid"] == names[one["uri"]] for one in known)


def test_repositories_declare_what_their_owners_want(written: dict[Person, Path]) -> None:
    """One owner's record denies training, others' allow it, and everybody has a profile."""
    allowed = {}
    for person, path in written.items():
        if person.platform == "bluesky":
            found = records(path)
            assert found["app.bsky.actor.profile/self"]["displayName"] == person.display_name
            said = found.get("community.lexicon.preference.ai/self")
            allowed[person.role] = said and said["preferences"]["training"]["allow"]
    assert (allowed["deny"], allowed["plain"], allowed["withdrawn"]) == (False, True, None)


# --- the ledger --------------------------------------------------------------------------------------


def test_the_ledger_is_a_chain_of_what_people_agreed_to(world: World) -> None:
    """Each line hashes the one before; events come after all posts, before June 2026, in order."""
    lines = world.ledger_lines()
    events = [json.loads(line) for line in lines]
    hashes = [hashlib.sha256(line.encode()).hexdigest() for line in lines]
    assert [event["prev"] for event in events] == ["0" * 64, *hashes[:-1]]
    times = [datetime.fromisoformat(event["at"]) for event in events]
    assert times == sorted(times)
    assert LAST < times[0] < times[-1] < datetime(2026, 6, 1, tzinfo=UTC)
    assert len({event["id"] for event in events}) == len(events)
    by_role = {
        person.role: [event for event in events if person.uri in event["accounts"]]
        for person in world.people
    }
    assert by_role["none"] == []
    assert [event["event"] for event in by_role["withdrawn"]] == ["given", "withdrawn"]
    assert by_role["under_age"][0]["age_at_least"] == 15
    assert by_role["context"][0]["use"] == "context"
    assert by_role["noncommercial"][0]["license"] == "CC-BY-NC-4.0"
    expires = datetime.fromisoformat(by_role["expired"][0]["expires"])
    assert times[0] < expires < times[0] + timedelta(days=29)
    assert by_role["deny"][0]["evidence"]["method"] == "account-field"
    assert by_role["weak"][0]["evidence"] == {"method": "self-asserted"}


def test_a_further_withdrawal_only_appends(world: World) -> None:
    """The ledger with a withdrawal more is the same ledger and one line."""
    account = world.people[0].uri
    lines = world.ledger_lines(withdrawn=[account])
    assert lines[:-1] == world.ledger_lines()
    last = json.loads(lines[-1])
    assert (last["event"], last["accounts"], last["posts"]) == ("withdrawn", [account], None)


# --- the demo ----------------------------------------------------------------------------------------


def test_the_demo_has_something_in_every_split() -> None:
    """Under the demo's secret each split gets conversations of two admitted people, with room to spare."""
    posts = {post.uri: post for post in demo_world().posts()}
    authors: defaultdict[str, set[str]] = defaultdict(set)
    for post in posts.values():
        root = post
        while root.reply_to in posts:
            root = posts[root.reply_to]
        if post.reason is None:
            authors[root.uri].add(post.author.uri)
    secret = bytes.fromhex(SECRET)
    assert len(secret) == 32
    splits = Counter(
        split_of(secret, key(secret, "post", root), BuildConfig())
        for root, who in authors.items()
        if len(who) > 1
    )
    assert all(splits[split] >= 3 for split in SPLITS)
    assert 300 <= len(posts) <= 500
