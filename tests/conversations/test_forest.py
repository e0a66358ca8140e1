"""The relational plane against a naive reading of the same links, cycles and doubled ids included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedi_dataset.conversations.forest import Forest, cell_bits, make_forest
from fedi_dataset.engines.local import LocalEngine
from fedi_dataset.schema import ALIASES, DETECTIONS, IDENTITIES, LINKS, MENTIONED, POSTS, VERDICTS

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)


def key(number: int) -> bytes:
    """Give a key whose order is the number's."""
    return number.to_bytes(16, "big")


def run(
    folder: Path,
    links: list[tuple[int, int | None]],
    admitted: set[int],
    *,
    reasons: dict[int, str] | None = None,
    aliases: list[tuple[int, int]] = (),  # type: ignore[assignment]
    copies: list[int] = (),  # type: ignore[assignment]
) -> tuple[Forest, list[dict[str, Any]]]:
    """Make a forest of numbered posts; give it and the rows of its posts."""
    rows = [*sorted(admitted), *copies]
    tables = {
        "posts": (
            POSTS,
            [
                {
                    "post_key": key(number),
                    "account_key": key(10_000 + number % 3),
                    "subject_key": key(10_000 + number % 3),
                    "created_at": EPOCH + timedelta(minutes=number),
                    "text": "words",
                    "mentions": [],
                    "quoted": [],
                    "acquisition": "own-export",
                    "export_id": "e",
                    "position": position,
                }
                for position, number in enumerate(rows)
            ],
        ),
        "verdicts": (
            VERDICTS,
            [
                {
                    "post_key": key(number),
                    "account_key": key(10_000 + number % 3),
                    "reason": None
                    if number in admitted
                    else (reasons or {}).get(number, "no_consent"),
                }
                for number in {number for number, _ in links}
            ],
        ),
        "links": (
            LINKS,
            [
                {"post_key": key(a), "reply_to_key": key(b) if b is not None else None}
                for a, b in links
            ],
        ),
        "aliases": (ALIASES, [{"alias_key": key(a), "post_key": key(b)} for a, b in aliases]),
        "mentioned": (MENTIONED, []),
        "identities": (IDENTITIES, []),
        "detections": (DETECTIONS, []),
    }
    with LocalEngine(folder) as engine:
        for name, (schema, content) in tables.items():
            pq.write_table(pa.Table.from_pylist(content, schema), folder / f"{name}.parquet")
            engine.read(name, [folder / f"{name}.parquet"])
        forest = make_forest(engine)
        engine.commit("cell_rows", folder / "rows.parquet")
    made = pq.read_table(folder / "rows.parquet").to_pylist()
    return forest, sorted(
        (row for row in made if row["rank"] == 1), key=lambda row: row["post_key"]
    )


def number(raw: bytes | None) -> int | None:
    """Read a key back."""
    return None if raw is None else int.from_bytes(raw, "big")


def test_anchors_follow_links_of_refused_posts_and_of_posts_never_seen(tmp_path: Path) -> None:
    """1 <- 2 (refused) <- 3, and 9 (never seen) <- 4, 5: two conversations, and the gaps are told apart."""
    _, rows = run(
        tmp_path,
        [(1, None), (2, 1), (3, 2), (4, 9), (5, 9), (6, 7), (7, 1)],
        admitted={1, 3, 4, 5, 6},
        reasons={7: "deleted"},
    )
    told = [
        (number(row["post_key"]), number(row["anchor"]), number(row["parent_key"]), row["gap"])
        for row in rows
    ]
    assert told == [
        (1, 1, None, None),
        (3, 1, None, "refused"),
        (4, 9, None, "not_exported"),
        (5, 9, None, "not_exported"),
        (6, 1, None, "deleted"),
    ]


def test_a_reply_to_another_id_of_a_post_finds_it(tmp_path: Path) -> None:
    """An alias leads to its post, unless something else goes by it."""
    _, rows = run(tmp_path, [(1, None), (2, 101), (3, 2)], {1, 2, 3}, aliases=[(101, 1), (2, 3)])
    assert [number(row["parent_key"]) for row in rows] == [None, 1, 2]


def test_a_doubled_id_is_one_post_and_the_rest_is_counted(tmp_path: Path) -> None:
    """Copies neither double the subtree below nor vanish from the count."""
    forest, rows = run(tmp_path, [(1, None), (1, None), (2, 1)], {1, 2}, copies=[1, 1])
    assert forest.unique == 2
    assert [number(row["post_key"]) for row in rows] == [1, 2]


def test_a_self_reply_and_a_cycle_lose_no_row(tmp_path: Path) -> None:
    """Their links are cut, at the smallest id of a cycle, and the posts stay, as gaps."""
    forest, rows = run(
        tmp_path, [(1, 1), (2, 4), (3, 2), (4, 3), (5, 4), (6, 1)], {1, 2, 3, 4, 5, 6}
    )
    assert (forest.self_replies, forest.cycles) == (1, 1)
    told = [
        (number(row["post_key"]), number(row["anchor"]), number(row["parent_key"]), row["gap"])
        for row in rows
    ]
    assert told == [
        (1, 1, None, "cut"),
        (2, 2, None, "cut"),
        (3, 2, 2, None),
        (4, 2, 3, None),
        (5, 2, 4, None),
        (6, 1, 1, None),
    ]


@pytest.mark.parametrize(
    ("anchors", "bits"),
    [(0, 0), (1, 0), (16, 0), (17, 1), (1_000, 6), (65_536, 12), (4_096_000, 12), (9_000_000, 14)],
)
def test_cells_hold_16_to_1000_conversations(anchors: int, bits: int) -> None:
    """The number of cells follows from what was seen alone."""
    assert cell_bits(anchors) == bits
    assert anchors / 2**bits <= 1000


def naive_anchor(start: int, parents: dict[int, int | None]) -> int:
    """Climb, cutting a cycle at its smallest member."""
    seen: list[int] = []
    here = start
    while True:
        parent = parents.get(here)
        if parent is None or parent == here:
            return here
        if here in seen:
            return min(seen[seen.index(here) :])
        seen.append(here)
        here = parent


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(st.integers(0, 25), st.none() | st.integers(0, 30), min_size=1, max_size=26),
    st.sets(st.integers(0, 25)),
)
def test_any_links_give_the_anchors_of_a_naive_climb(
    tmp_path: Path, parents: dict[int, int | None], chosen: set[int]
) -> None:
    """Whatever points at whatever, each admitted post is there once, under its true top."""
    admitted = chosen & parents.keys()
    _, rows = run(tmp_path, list(parents.items()), admitted)
    assert {number(row["post_key"]): number(row["anchor"]) for row in rows} == {
        post: naive_anchor(post, parents) for post in admitted
    }
    assert len(rows) == len(admitted)
    for row in rows:
        parent = parents[number(row["post_key"])]  # type: ignore[index]
        if row["parent_key"] is not None:
            assert number(row["parent_key"]) == parent
            assert row["gap"] is None
        else:
            assert (row["gap"] is None) == (parent is None)


def test_a_chain_of_ten_thousand_links_is_followed_to_its_top(tmp_path: Path) -> None:
    """Depth costs joins, not stack."""
    links: list[tuple[int, int | None]] = [(0, None), *((n, n - 1) for n in range(1, 10_000))]
    _, rows = run(tmp_path, links, {9_999})
    assert [number(row["anchor"]) for row in rows] == [0]
