"""The scan finds identifiers whole, in any case and among any punctuation, and nothing that is none."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fedi_dataset.release.scan import Needles, strings_of

NEEDLES = Needles(
    handles=frozenset({"ada@harbor.example", "bo.skyline.example"}),
    dids=frozenset({"did:plc:ada234"}),
    urls=frozenset(
        {"https://harbor.example/users/ada", "https://harbor.example/@ada", "https://ada.example"}
    ),
    emails=frozenset({"ada.l@post.example"}),
)
HANDLE, DID, URL, EMAIL = "a handle", "a DID", "an account's URL", "an e-mail address"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("ask @ada@harbor.example.", {HANDLE}),
        ("ask (ADA@Harbor.Example)", {HANDLE}),
        ("acct:ada@harbor.example", {HANDLE}),
        ("ask @bo.skyline.example, who", {HANDLE}),
        ("https://bsky.app/profile/bo.skyline.example/post/3k", {HANDLE}),
        ("at://did:plc:ada234/app.bsky.feed.post/3k", {DID}),
        ("it was did:plc:ada234: yes", {DID}),
        ("https://bsky.app/profile/did:plc:ada234.", {DID}),
        ("<https://harbor.example/users/ada>", {URL}),
        ("[her](https://harbor.example/@ada/113)", {URL}),
        ("see https://harbor.example/@ada?page=2#top", {URL}),
        ("see HTTPS://HARBOR.EXAMPLE/@Ada/", {URL}),
        ("see https://ada.example/.", {URL}),
        ("write to ada.l@post.example.", {EMAIL}),
        ("mailto:Ada.L@post.example?subject=x", {EMAIL}),
        ("https://harbor.example/@adam", set()),
        ("https://harbor.example/about", set()),
        ("https://ada.example/recipes", set()),
        ("ask @adam@harbor.example or bo.skyline.example.org", set()),
        ("did:plc:ada2345", set()),
        ("ada went to the harbor", set()),
        ("", set()),
    ],
)
def test_identifiers_are_found_whole(text: str, kinds: set[str]) -> None:
    """What is somebody's is found however it is wrapped; what only begins like it is not."""
    assert set(NEEDLES.found_in(text)) == kinds


def test_every_string_of_a_shard_is_given(tmp_path: Path) -> None:
    """Strings at any depth of a table are given, whatever the row group, and numbers are not."""
    rows = [
        {"key": "a", "turns": [{"text": "b", "tags": ["c", "d"]}], "more": {"x": "e"}, "n": 1},
        {"key": "f", "turns": [{"text": None, "tags": None}, {"text": "g", "tags": []}], "n": 2},
        {"key": "h", "turns": None, "more": {"x": "i"}, "n": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet", row_group_size=1)
    assert sorted(strings_of(tmp_path / "t.parquet")) == list("abcdefghi")


def test_every_other_file_is_one_text(tmp_path: Path) -> None:
    """Whatever is no table is read as text, bytes that are none included."""
    (tmp_path / "card.md").write_bytes(b"# caf\xc3\xa9 \xff")
    assert list(strings_of(tmp_path / "card.md")) == ["# café �"]
