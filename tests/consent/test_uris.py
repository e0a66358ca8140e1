"""URIs of accounts and posts: what is one, and what is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedi_dataset.consent.ledger import Exclude, Ledger, append
from fedi_dataset.consent.uris import check_post, spelling
from fedi_dataset.errors import UsageError
from tests.consent.events import given, withdrawn

DID = "did:plc:carolcarolcarolcarolcaro"


@pytest.mark.parametrize(
    "post",
    [
        "https://mastodon.example/users/alice/statuses/1",
        "https://MASTODON.example/@alice/1/",
        "http://blog.example?c=148",
        f"at://{DID}/app.bsky.feed.post/3k2yihcrp6f2c",
        f"https://bsky.app/profile/{DID}/post/3k2yihcrp6f2c",
        "tag:mastodon.example,2017-04-05:objectId=7:objectType=Status",
    ],
)
def test_what_platforms_call_a_post_is_recorded(post: str, tmp_path: Path) -> None:
    """Ids of posts as exports have them stand in the ledger as they were written."""
    append(tmp_path / "ledger.jsonl", given(exclude=Exclude(posts=(post,))))
    append(tmp_path / "ledger.jsonl", withdrawn(posts=(post,)))
    events = Ledger.load(tmp_path / "ledger.jsonl").events
    assert events[0].exclude.posts == events[1].posts == (post,)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "post",
    [
        "1",
        "@alice/1",
        "mastodon.example/@alice/1",
        "https://mastodon.example",
        "https://mastodon.example/a b",
        "at://alice.bsky.test/app.bsky.feed.post/3k2yihcrp6f2c",
        f"at://{DID}",
        f"at://{DID}/app.bsky.feed.post",
        "https://bsky.app/profile/alice.bsky.test/post/3k2yihcrp6f2c",
        "",
    ],
)
def test_what_is_no_id_of_a_post_is_refused(post: str, tmp_path: Path) -> None:
    """A number, a handle or a host would match nothing: nothing is recorded, and the error says why."""
    with pytest.raises(UsageError, match="no post's id"):
        check_post(post)
    for event in (withdrawn(posts=(post,)), given(exclude=Exclude(posts=(post,)))):
        with pytest.raises(UsageError):
            append(tmp_path / "ledger.jsonl", event)
    assert not (tmp_path / "ledger.jsonl").exists()


def test_a_page_on_bluesky_is_the_post_that_it_shows() -> None:
    """What people copy from their browser is compared as the record's own URI."""
    page = f"https://bsky.app/profile/{DID}/post/3k2yihcrp6f2c"
    assert spelling(page) == spelling(f"{page}/") == f"at://{DID}/app.bsky.feed.post/3k2yihcrp6f2c"
    assert spelling(f"at://{DID}/app.bsky.feed.post/3k") == f"at://{DID}/app.bsky.feed.post/3k"
    assert spelling(f"https://bsky.app/profile/{DID}") == DID
