"""Columns that strategies need: decided over all of an author's posts, and moved by nobody else's withdrawal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedi_dataset.config import BuildConfig
from fedi_dataset.conversations.columns import attach_columns
from fedi_dataset.conversations.forest import make_forest
from fedi_dataset.engines.local import LocalEngine
from fedi_dataset.schema import (
    ALIASES,
    DETECTIONS,
    IDENTITIES,
    LINKS,
    MENTIONED,
    PERSONS,
    POSTS,
    VERDICTS,
)

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)


def key(number: int) -> bytes:
    """Give a key whose order is the number's."""
    return number.to_bytes(16, "big")


@dataclass(frozen=True)
class Seen:
    """A post that an export holds."""

    number: int
    account: int
    parent: int | None = None
    admitted: bool = True
    use: str = "train"
    quote_of: int | None = None
    headings: tuple[tuple[int, int], ...] = ()


def attached(
    folder: Path,
    posts: Sequence[Seen],
    subjects: Mapping[int, int] | None = None,
    aliases: Sequence[tuple[int, int]] = (),
    **options: Any,
) -> dict[int, dict[str, Any]]:
    """Make the forest of posts and attach the columns; give the rows of posts by number.

    ``subjects``: account → person, where they differ.
    """
    person = subjects or {}
    tables: dict[str, tuple[pa.Schema, list[dict[str, Any]]]] = {
        "posts": (
            POSTS,
            [
                {
                    "post_key": key(one.number),
                    "account_key": key(one.account),
                    "subject_key": key(person.get(one.account, one.account)),
                    "created_at": EPOCH + timedelta(minutes=one.number),
                    "text": f"words {one.number}",
                    "mentions": [],
                    "quoted": [],
                    "headings": [{"begin": a, "end": b} for a, b in one.headings],
                    "reply_to_key": None if one.parent is None else key(one.parent),
                    "quote_of_key": None if one.quote_of is None else key(one.quote_of),
                    "language": "en",
                    "sensitive": False,
                    "is_bot": False,
                    "use": one.use,
                    "acquisition": "own-export",
                    "export_id": f"{one.account}",
                    "position": one.number,
                }
                for one in posts
                if one.admitted
            ],
        ),
        "verdicts": (
            VERDICTS,
            [
                {
                    "post_key": key(one.number),
                    "account_key": key(one.account),
                    "export_id": f"{one.account}",
                    "position": one.number,
                    "reason": None if one.admitted else "consent_withdrawn",
                }
                for one in posts
            ],
        ),
        "links": (
            LINKS,
            [
                {
                    "post_key": key(one.number),
                    "reply_to_key": None if one.parent is None else key(one.parent),
                    "own": True,
                }
                for one in posts
            ],
        ),
        "aliases": (
            ALIASES,
            [{"alias_key": key(a), "post_key": key(b), "own_ground": True} for a, b in aliases],
        ),
        "persons": (
            PERSONS,
            [{"account_key": key(a), "person_key": key(b)} for a, b in person.items()],
        ),
        "mentioned": (MENTIONED, []),
        "identities": (
            IDENTITIES,
            [
                {
                    "form_key": key(9_000_000 + one),
                    "account_key": key(one),
                    "kind": "handle",
                    "form": f"@u{one}",
                }
                for one in sorted({one.account for one in posts})
            ],
        ),
        "detections": (DETECTIONS, []),
    }
    with LocalEngine(folder) as engine:
        for name, (schema, rows) in tables.items():
            pq.write_table(pa.Table.from_pylist(rows, schema), folder / f"{name}.parquet")
            engine.read(name, [folder / f"{name}.parquet"])
        make_forest(engine)
        attach_columns(engine, BuildConfig.from_dict(options))
        engine.commit("cell_rows", folder / "rows.parquet")
    made = pq.read_table(folder / "rows.parquet").to_pylist()
    people = [row for row in made if row["rank"] == 0]
    assert all(row.get("over_limit") is None for row in people)
    found = [row for row in made if row["rank"] == 1]
    assert len(found) == sum(one.admitted for one in posts)
    return {int.from_bytes(row["post_key"], "big"): row for row in found}


def flags(rows: Mapping[int, Mapping[str, Any]], column: str) -> list[int]:
    """The posts for which a column is true."""
    return sorted(number for number, row in rows.items() if row[column])


def test_by_default_nothing_is_attached(tmp_path: Path) -> None:
    """The rows of a default build have the columns of the forest and no others."""
    (row,) = attached(tmp_path, [Seen(1, 100)]).values()
    assert row.keys().isdisjoint(
        {"headings", "quote_of_key", "own_gap", "is_voice", "over_limit", "single_over_limit"}
    )


def test_responses_of_an_author_are_limited_by_key_and_probable_ones_come_first(
    tmp_path: Path,
) -> None:
    """Of B's answers to A those with the smallest keys stay; openers and answers to nobody seen take no place."""
    posts = [
        Seen(1, 100),
        Seen(2, 200),
        Seen(3, 200, parent=999),
        Seen(4, 200, parent=1, use="context"),
        Seen(5, 200, parent=1),
        Seen(6, 200, parent=5),  # goes on with 5's turn
        Seen(7, 200, parent=1),
        Seen(8, 200, parent=1),
    ]
    rows = attached(tmp_path, posts, max_per_author=2)
    assert flags(rows, "over_limit") == [2, 3, 4, 6, 8]
    assert flags(rows, "single_over_limit") == [4, 5, 6, 7, 8]


def test_with_a_placeholder_answers_to_posts_never_seen_are_responses_too(tmp_path: Path) -> None:
    """Then 3 takes one of B's places."""
    posts = [Seen(1, 100), Seen(3, 200, parent=999), Seen(5, 200, parent=1), Seen(7, 200, parent=1)]
    rows = attached(tmp_path, posts, max_per_author=2, gap_policy="placeholder")
    assert flags(rows, "over_limit") == [7]


def test_the_limit_is_of_a_person_not_of_an_account(tmp_path: Path) -> None:
    """Two accounts of one subject share it."""
    posts = [Seen(1, 100), Seen(5, 200, parent=1), Seen(6, 201, parent=1)]
    rows = attached(tmp_path, posts, subjects={201: 200}, max_per_author=1)
    assert flags(rows, "over_limit") == [6]


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.none() | st.integers(0, 30)), max_size=24),
    st.integers(1, 3),
    st.sampled_from(["cut", "placeholder"]),
    st.integers(0, 3),
)
def test_a_withdrawal_moves_nobody_elses_limit(
    tmp_path: Path, drawn: list[tuple[int, int | None]], most: int, policy: str, leaver: int
) -> None:
    """Whatever the forest, when one author is gone the flags of the others' posts are what they were."""
    posts = [
        Seen(n, 100 + author, parent=parent if parent != n else None)
        for n, (author, parent) in enumerate(drawn)
    ]
    gone = [
        Seen(one.number, one.account, one.parent, admitted=one.account != 100 + leaver)
        for one in posts
    ]
    options: dict[str, Any] = {"max_per_author": most, "gap_policy": policy}
    before, after = attached(tmp_path, posts, **options), attached(tmp_path, gone, **options)
    columns = ("over_limit", "single_over_limit")
    for number, row in after.items():
        assert [row[one] for one in columns] == [before[number][one] for one in columns]
    for column in columns:
        kept = [one.account for one in posts if not before[one.number][column]]
        assert all(
            kept.count(account) == min(most, sum(one.account == account for one in posts))
            for account in {one.account for one in posts}
        )


def test_the_voice_is_a_person_with_all_accounts(tmp_path: Path) -> None:
    """One account is named by its key, and posts of the subject's other account are the voice's too."""
    posts = [Seen(1, 100), Seen(2, 200, parent=1), Seen(3, 201, parent=1)]
    rows = attached(tmp_path, posts, subjects={201: 200}, roles=f"author=key:{key(200).hex()}")
    assert flags(rows, "is_voice") == [2, 3]


def test_a_voice_without_posts_is_that_of_the_persons_other_accounts(tmp_path: Path) -> None:
    """None of account 200 is admitted, or none was ever seen: posts of 201, the same person's, are the voice's."""
    posts = [
        Seen(1, 100),
        Seen(2, 200, parent=1, admitted=False),
        Seen(3, 201, parent=1),
        Seen(4, 202, parent=1),
    ]
    for voice in (200, 201, 209):
        roles = f"author=key:{key(voice).hex()}"
        rows = attached(tmp_path, posts, subjects={200: 200, 201: 200, 209: 200}, roles=roles)
        assert flags(rows, "is_voice") == [3]
    rows = attached(tmp_path, posts, roles=f"author=key:{key(209).hex()}")
    assert flags(rows, "is_voice") == []


def test_a_gap_may_be_ones_own(tmp_path: Path) -> None:
    """A missing post that was seen is known to be of the same account; of others nobody knows."""
    posts = [
        Seen(1, 100, admitted=False),
        Seen(2, 100, parent=1),
        Seen(3, 200, parent=1),
        Seen(4, 200, parent=999),
        Seen(5, 100, parent=4),
    ]
    rows = attached(tmp_path, posts, gap_policy="placeholder")
    assert flags(rows, "own_gap") == [2]
    assert [rows[n]["gap"] for n in (2, 3, 4, 5)] == ["refused", "refused", "not_exported", None]


def test_quotes_and_headings_come_with_the_copy_that_is_kept(tmp_path: Path) -> None:
    """A quote by another name of a post finds the post; headings are those of the post as it was read."""
    posts = [
        Seen(1, 100),
        Seen(2, 200, parent=1, quote_of=501, headings=((0, 5),)),
        Seen(3, 200, parent=1, quote_of=1),
    ]
    rows = attached(tmp_path, posts, aliases=[(501, 1)], quotes="context")
    assert [rows[n]["quote_of_key"] for n in (1, 2, 3)] == [None, key(1), key(1)]
    assert rows[2]["headings"] == [{"begin": 0, "end": 5}]
