"""Whatever the bytes, a reader refuses or quarantines; it never fails otherwise and invents nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset import reasons
from fedi_dataset.errors import FediDatasetError, UnreadableExport
from fedi_dataset.posts import Body, Post, Quarantined
from fedi_dataset.readers.detect import open_export
from tests.readers.exports import (
    create,
    members,
    note,
    outbox,
    post_record,
    repo,
    saved,
    tarred,
    unpacked,
    zipped,
)

ITEMS = [create(note(number, tag=[{"type": "Hashtag", "name": "#a"}])) for number in range(4)]
RECORDS: dict[str, object] = {
    f"app.bsky.feed.post/3k{letter}": post_record(f"Post {letter}") for letter in "abcdefgh"
}
WHOLE = {
    "zip": zipped(members(ITEMS)),
    "tar.gz": tarred(members(ITEMS)),
    "tar": tarred(members(ITEMS), "w"),
    "car": repo(RECORDS),
    "outbox": outbox(ITEMS),
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "href", "name", "tag", "to", "index", "uri", "values"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def read(path: Path) -> list[tuple[Post, Body] | Quarantined]:
    """Everything that an export yields, bodies included; checks the codes of what it refuses."""
    items: list[Post | Quarantined] = []
    try:
        items = list(open_export(path).posts())
    except UnreadableExport as error:
        codes = [error.code]
    except FediDatasetError:
        codes = []
    else:
        codes = [item.code for item in items if isinstance(item, Quarantined)]
    assert set(codes) <= reasons.QUARANTINE.keys()
    assert [item.position for item in items] == list(range(len(items)))
    return [(item, item.body()) if isinstance(item, Post) else item for item in items]


def read_bytes(kind: str, content: bytes) -> list[tuple[Post, Body] | Quarantined]:
    """What these bytes yield, as a file, or as the outbox of a folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if kind == "outbox":
            return read(unpacked(folder, members([]) | {"outbox.json": content}))
        return read(saved(folder, "export", content))


@pytest.mark.parametrize("kind", WHOLE)
def test_truncation_invents_nothing(kind: str) -> None:
    """An export cut off anywhere yields only what the whole one yields, then says that it ends."""
    whole = read_bytes(kind, WHOLE[kind])
    assert len(whole) in (4, 8)
    for length in range(0, len(WHOLE[kind]), max(1, len(WHOLE[kind]) // 120)):
        posts = [one for one in read_bytes(kind, WHOLE[kind][:length]) if isinstance(one, tuple)]
        assert posts == whole[: len(posts)]


@pytest.mark.parametrize("kind", WHOLE)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_changed_bytes_never_raise_anything_else(kind: str, data: st.DataObject) -> None:
    """Bytes changed anywhere give posts, quarantine or one of our errors, in good time."""
    content = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    read_bytes(kind, bytes(content))


@pytest.mark.parametrize(
    "head",
    [b"", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08\x00", b"\x3a\xa2eroots", b"\x01\xa2eroots"],
)
@given(rest=st.binary(max_size=700))
@settings(max_examples=40, deadline=None)
def test_random_bytes_never_raise_anything_else(head: bytes, rest: bytes) -> None:
    """Random bytes behind the first ones of any format yield nothing."""
    assert read_bytes("file", head + rest) == []


@given(
    changes=st.dictionaries(st.sampled_from(sorted(note())), JSON, max_size=4),
    around=st.dictionaries(
        st.sampled_from(["type", "actor", "object", "id", "to"]), JSON, max_size=2
    ),
    person=st.dictionaries(
        st.sampled_from(["id", "url", "name", "type", "followers", "webfinger", "@context"]),
        JSON,
        max_size=2,
    ),
)
@settings(max_examples=150, deadline=None)
def test_any_activity_is_read_or_set_aside(
    changes: dict[str, Any], around: dict[str, Any], person: dict[str, Any]
) -> None:
    """Whatever types an activity's and an actor's properties have, nothing else is raised."""
    activity = create(note(1) | changes) | around
    with tempfile.TemporaryDirectory() as name:
        read(unpacked(Path(name), members([activity], **person)))


@given(
    changes=st.dictionaries(
        st.sampled_from(["text", "facets", "reply", "embed", "langs", "labels", "tags", "$type"]),
        JSON,
        max_size=4,
    ),
    profile=JSON,
)
@settings(max_examples=150, deadline=None)
def test_any_record_is_read_or_set_aside(changes: dict[str, Any], profile: Any) -> None:
    """Whatever types a record's properties have, nothing else is raised."""
    records = {
        "app.bsky.feed.post/3ka": post_record() | changes,
        "app.bsky.actor.profile/self": {"labels": profile, "displayName": profile},
        "community.lexicon.preference.ai/self": profile,
    }
    read_bytes("file", repo(records))
