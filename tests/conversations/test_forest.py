"""The relational plane against a plain telling of the same worlds: cycles, doubled ids and all."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedi_dataset.conversations.forest import Forest, cell_bits, make_forest
from fedi_dataset.engines import Engine
from fedi_dataset.engines.local import LocalEngine
from fedi_dataset.pipeline import build
from fedi_dataset.reasons import SINGLE
from fedi_dataset.schema import IDENTITIES, MENTIONED
from tests.conftest import AS_OF
from tests.consent import events
from tests.conversations.forest_oracle import Grown, Item, World, grow, key, number, read_world
from tests.conversations.forest_tables import Population, read_tables, write_population
from tests.readers.exports import ALICE, HOST, create, members, note, saved, zipped

folders = itertools.count()


def forest_of(
    folder: Path, world: World, order: list[int] | None = None
) -> tuple[Forest, list[dict[str, Any]]]:
    """Make a world's forest; give it and all rows of its cells."""
    into = folder / str(next(folders))
    into.mkdir()
    with LocalEngine(into) as engine:
        read_world(engine, world, into, order or range(len(world.items)))
        forest = make_forest(engine)
        engine.commit("cell_rows", into / "rows.parquet")
    return forest, pq.read_table(into / "rows.parquet").to_pylist()


def told(forest: Forest, rows: list[dict[str, Any]]) -> Grown:
    """Say of a forest what the plain telling says. No post may be there twice."""
    posts = [row for row in rows if row["rank"] == 1]
    places = {
        number(row["post_key"]): (
            int(row["text"]),
            number(row["anchor"]),
            number(row["parent_key"]),
            row["gap"],
        )
        for row in posts
    }
    assert len(places) == len(posts)
    counts = {name: getattr(forest, name) for name in Grown.__dataclass_fields__ if name != "posts"}
    return Grown(**counts, posts=places)  # type: ignore[arg-type]  # its keys are numbers here


def hung(folder: Path, world: World) -> dict[int | None, tuple[int | None, int | None, str | None]]:
    """Give of every post kept its anchor, its parent and its gap."""
    forest, rows = forest_of(folder, world)
    return {post: place[1:] for post, place in told(forest, rows).posts.items()}


def test_anchors_follow_links_of_refused_posts_and_of_posts_never_seen(tmp_path: Path) -> None:
    """1 <- 2 (refused) <- 3, and 9 (never seen) <- 4, 5: two conversations, and the gaps are told apart."""
    items = [
        Item(1),
        Item(2, 1, reason="no_consent"),
        Item(3, 2),
        Item(4, 9),
        Item(5, 9),
        Item(6, 7),
        Item(7, 1, reason="deleted"),
    ]
    assert hung(tmp_path, World(items)) == {
        1: (1, None, None),
        3: (1, None, "refused"),
        4: (9, None, "not_exported"),
        5: (9, None, "not_exported"),
        6: (1, None, "deleted"),
    }


def test_a_reply_to_another_name_of_a_post_finds_it(tmp_path: Path) -> None:
    """An alias leads to its post; one that two posts claim, or that is somebody else's post, does not."""
    items = [Item(1), Item(2, 101), Item(3, 2), Item(4, account=1), Item(5, 102)]
    aliases = [(101, 1), (2, 4), (102, 1), (102, 3)]
    world = World(items, aliases)
    forest, rows = forest_of(tmp_path, world)
    assert {post: place[2] for post, place in told(forest, rows).posts.items()} == {
        1: None,
        2: 1,
        3: 2,
        4: None,
        5: None,
    }
    assert (forest.by_alias, forest.merged) == (1, 0)


def test_copies_under_two_names_are_one_post_if_one_account_wrote_both(tmp_path: Path) -> None:
    """An archive's post 5 and the capture of its page, 3, become 3, and replies to either are in one thread."""
    items = [
        Item(5, 1),
        Item(3, 1, own=False, edited=9, export="capture"),
        Item(6, 5, account=1),
        Item(7, 3, account=2),
        Item(1, account=1),
    ]
    world = World(items, [(3, 5)])
    forest, rows = forest_of(tmp_path, world)
    grown = told(forest, rows)
    assert grown.posts == {
        3: (0, 1, 1, None),
        6: (2, 1, 3, None),
        7: (3, 1, 3, None),
        1: (4, 1, None, None),
    }
    assert (forest.merged, forest.unique, forest.seen) == (1, 4, 4)


def test_a_long_row_of_names_is_one_post(tmp_path: Path) -> None:
    """However the names are ordered along it, the smallest one stands for all."""
    names = random.Random(3).sample(range(300), 300)
    world = World([Item(name) for name in names], list(itertools.pairwise(names)))
    forest, rows = forest_of(tmp_path, world)
    assert [number(row["post_key"]) for row in rows if row["rank"] == 1] == [0]
    assert (forest.merged, forest.unique) == (299, 1)


def test_of_a_doubled_id_the_authors_archive_is_kept_then_the_latest_edit(tmp_path: Path) -> None:
    """Copies neither double the subtree below nor vanish from the count."""
    items = [
        Item(1, own=False, edited=30, export="capture"),
        Item(1, edited=10),
        Item(1, edited=20),
        Item(2, 1),
        Item(2, 1, own=False, edited=5, export="capture"),
    ]
    forest, rows = forest_of(tmp_path, World(items))
    assert told(forest, rows).posts == {1: (2, 1, None, None), 2: (3, 1, 1, None)}
    assert forest.unique == 2


def test_an_id_that_names_two_parents_hangs_below_one(tmp_path: Path) -> None:
    """The author's own word goes before a capture's; among equals the smaller id."""
    capture = {"own": False, "export": "capture"}
    items = [
        Item(1),
        Item(2),
        Item(3, 2),
        Item(3, 1, **capture),  # type: ignore[arg-type]
        Item(4, 2, **capture),  # type: ignore[arg-type]
        Item(4, 1, **capture),  # type: ignore[arg-type]
        Item(5),
        Item(5, 1, **capture),  # type: ignore[arg-type]
    ]
    forest, rows = forest_of(tmp_path, World(items))
    parents = {post: place[2] for post, place in told(forest, rows).posts.items()}
    assert parents == {1: None, 2: None, 3: 2, 4: 1, 5: None}
    assert forest.disputed == 2


def test_a_self_reply_and_a_cycle_lose_no_row(tmp_path: Path) -> None:
    """Their links are cut, at the smallest id of a cycle, and the posts stay, as gaps."""
    items = [Item(1, 1), Item(2, 4), Item(3, 2), Item(4, 3), Item(5, 4), Item(6, 1), Item(7, 5)]
    forest, rows = forest_of(tmp_path, World(items))
    assert (forest.self_replies, forest.cycles, forest.anchors) == (1, 1, 2)
    assert {post: place[1:] for post, place in told(forest, rows).posts.items()} == {
        1: (1, None, "cut"),
        2: (2, None, "cut"),
        3: (2, 2, None),
        4: (2, 3, None),
        5: (2, 4, None),
        6: (1, 1, None),
        7: (2, 5, None),
    }


@pytest.mark.parametrize(
    ("anchors", "bits"),
    [(0, 0), (1, 0), (16, 0), (17, 1), (1_000, 6), (65_536, 12), (4_096_000, 12), (9_000_000, 14)],
)
def test_cells_hold_16_to_1000_conversations(anchors: int, bits: int) -> None:
    """The number of cells follows from what was seen alone."""
    assert cell_bits(anchors) == bits
    assert anchors / 2**bits <= 1000


REASONS = [
    *[(None, None)] * 5,
    ("no_consent", None),
    ("not_own", None),
    ("deleted", None),
    ("not_public", None),
    ("license_refused", None),
    ("consent_withdrawn", None),
    ("consent_withdrawn", SINGLE),
]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A small world in which anything points at anything."""
    posts = st.integers(1, draw(st.integers(2, 14)))
    items = draw(
        st.lists(
            st.builds(
                item_of,
                why=st.sampled_from(REASONS),
                post=posts,
                parent=st.none() | posts | st.integers(15, 18),
                account=st.integers(0, 3),
                own=st.booleans(),
                edited=st.integers(0, 3),
                export=st.sampled_from("ab"),
            ),
            min_size=1,
            max_size=20,
        )
    )
    told_posts = st.sampled_from([item.post for item in items])
    names = st.integers(1, 18)
    several = st.lists(st.tuples(names, told_posts), max_size=6)
    return World(items, draw(several), draw(several))


def item_of(why: tuple[str | None, str | None], **about: Any) -> Item:
    """Give an item with the reason why it is refused."""
    return Item(reason=why[0], detail=why[1], **about)


def moved(world: World, by: int) -> World:
    """Give the same world under other ids."""
    items = [
        replace(item, post=item.post + by, parent=None if item.parent is None else item.parent + by)
        for item in world.items
    ]
    aliases, claims = (
        [(alias + by, post + by) for alias, post in names]
        for names in (world.aliases, world.claims)
    )
    return World(items, aliases, claims, world.persons)


PERSONS: tuple[dict[int, int], ...] = (
    {},
    {0: 50, 1: 50},
    {0: 50, 1: 51, 2: 50, 3: 51},
    {0: 50, 1: 50, 2: 50, 3: 50},
)
"""Whose the accounts can be."""


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(worlds(), min_size=20, max_size=40),
    st.sampled_from(PERSONS),
    st.randoms(use_true_random=False),
)
def test_any_world_grows_as_it_is_told_plainly(
    tmp_path: Path, many: list[World], persons: dict[int, int], order: random.Random
) -> None:
    """Whatever points at whatever, in whatever order it comes: the same posts, places and counts."""
    world = World([], persons=persons)
    for place, one in enumerate(many):
        world += moved(one, 100 * place)
    positions = list(range(len(world.items)))
    order.shuffle(positions)
    assert told(*forest_of(tmp_path, world, positions)) == grow(world)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(worlds(), min_size=20, max_size=40),
    st.sampled_from(PERSONS),
    st.lists(st.integers(0, 3), min_size=1, unique=True),
)
def test_no_withdrawal_moves_anybody(
    tmp_path: Path, many: list[World], persons: dict[int, int], leaving: list[int]
) -> None:
    """Whoever leaves, with all accounts or with some: every post that stays keeps its conversation and its cell."""
    world = World([], persons=persons)
    for place, one in enumerate(many):
        world += moved(one, 100 * place)
    before_consent = ("not_own", "deleted", "not_public")
    items = [
        replace(item, reason="consent_withdrawn", detail=None)
        if item.account in leaving and item.reason not in before_consent
        else item
        for item in world.items
    ]
    before, rows_before = forest_of(tmp_path, world)
    after, rows_after = forest_of(tmp_path, replace(world, items=items))
    for name in ("seen", "anchors", "bits", "merged", "by_alias", "disputed", "cycles"):
        assert getattr(after, name) == getattr(before, name), name
    places = [
        {row["post_key"]: (row["anchor"], row["cell"]) for row in rows if row["rank"] == 1}
        for rows in (rows_before, rows_after)
    ]
    stays = places[0].keys() & places[1].keys()
    assert {post: places[1][post] for post in stays} == {post: places[0][post] for post in stays}
    # what only an account that left denied to its person's other accounts may stand there now
    people = {world.person(account) for account in leaving}
    news = [row for row in rows_after if row["rank"] == 1 and row["post_key"] not in stays]
    assert {world.person(number(row["account_key"]) or 0) for row in news} <= people
    # what stands of them under an id that somebody else uses too is the other's
    authors = {number(row["account_key"]) for row in rows_after if row["rank"] == 1}
    assert authors.isdisjoint(leaving)


def test_copies_under_several_accounts_are_one_post_if_one_person_has_both(tmp_path: Path) -> None:
    """By its id or by its page, in circles too; never two people's, and the claim of a page draws no answers."""
    items = [
        Item(7),  # with the page 107
        Item(8, account=1),  # says that it is a copy of 107
        Item(9, account=1),  # of 7
        Item(10, 7, account=2),
        Item(11, 8, account=2),
        Item(12, 107, account=2),
        Item(13, account=3),  # somebody else's, says the same of 107 and of 7
        Item(14, 109, account=2),  # 109 is nobody's page, though 13 claims it
    ]
    world = World(
        items, [(107, 7)], [(107, 8), (7, 9), (9, 8), (107, 13), (7, 13), (109, 13)], {0: 50, 1: 50}
    )
    forest, rows = forest_of(tmp_path, world)
    grown = told(forest, rows)
    assert {post: place[1:] for post, place in grown.posts.items()} == {
        7: (7, None, None),
        10: (7, 7, None),
        11: (7, 7, None),
        12: (7, 7, None),
        13: (13, None, None),
        14: (109, None, "not_exported"),
    }
    assert grown.posts[7][0] == 0  # the original, which claims nothing
    assert (forest.merged, forest.disputed, forest.by_alias) == (2, 1, 1)


@pytest.mark.parametrize(
    ("reason", "detail", "stands"),
    [
        (None, None, 0),
        ("license_refused", None, 1),
        ("not_public", None, 1),
        ("no_consent", None, 1),
        ("consent_withdrawn", None, 1),
        ("instance_terms", None, 1),
        ("consent_withdrawn", SINGLE, None),
        ("excluded_by_author", None, None),
        ("signal_denied", None, None),
        ("deleted", None, None),
    ],
)
def test_a_copy_stands_for_one_that_is_refused_unless_the_author_denies_the_post(
    tmp_path: Path, reason: str | None, detail: str | None, stands: int | None
) -> None:
    """What hangs on an account, a server or a license refuses that copy; what is said of the post refuses all."""
    items = [Item(1, reason=reason, detail=detail), Item(2, account=1), Item(3, 1, account=2)]
    for persons in ({0: 50, 1: 50}, {}):
        forest, rows = forest_of(tmp_path, World(items, (), [(1, 2)], persons))
        grown = told(forest, rows)
        kept = {post: place[0] for post, place in grown.posts.items() if post != 3}
        if persons:
            assert kept == ({} if stands is None else {1: stands})
            assert grown.posts[3][1] == 1
        else:
            assert kept == ({2: 1} if reason else {1: 0, 2: 1})


def test_what_others_say_of_a_post_keeps_no_copies_apart(tmp_path: Path) -> None:
    """Somebody's export holds a post of Ada's under a third name: her own exports say whose it is."""
    items = [Item(1), Item(2, account=1), Item(1, account=7, reason="not_own", own=False)]
    forest, _ = forest_of(tmp_path, World(items, (), [(1, 2)], {0: 50, 1: 50}))
    assert (forest.merged, forest.disputed, forest.unique) == (1, 0, 1)


def test_of_copies_that_answer_different_posts_the_one_that_was_seen_counts(tmp_path: Path) -> None:
    """A bridged answer names the bridged copy of what it answers, which may be in no export."""
    items = [Item(5, account=2), Item(6, 5), Item(7, 1, account=1), Item(8, 2)]
    forest, rows = forest_of(tmp_path, World(items, (), [(6, 7), (8, 7)], {0: 50, 1: 50}))
    assert told(forest, rows).posts[6][1:] == (5, 5, None)
    assert (forest.merged, forest.disputed) == (2, 1)


def test_the_order_of_rows_is_irrelevant(tmp_path: Path) -> None:
    """The same files in other orders give the same rows, names of people included."""
    population = Population.grow(3_000, 7)
    write_population(population, tmp_path / "tables", seed=8, parts=5)
    results = []
    for backwards in (False, True):
        with LocalEngine(tmp_path) as engine:
            read_tables(engine, tmp_path / "tables", backwards=backwards)
            forest = make_forest(engine)
            engine.commit("cell_rows", tmp_path / "rows.parquet")
        rows = pq.read_table(tmp_path / "rows.parquet").to_pylist()
        results.append((forest, sorted(map(repr, rows))))
    assert results[0] == results[1]
    assert results[0][0].cycles > 0


def test_every_row_is_in_the_cell_of_its_anchor(tmp_path: Path) -> None:
    """A cell is the first bits of the anchor, for posts and for people."""
    write_population(Population.grow(3_000, 7), tmp_path / "tables", seed=8, parts=2)
    with LocalEngine(tmp_path) as engine:
        read_tables(engine, tmp_path / "tables")
        forest = make_forest(engine)
        engine.commit("cell_rows", tmp_path / "rows.parquet")
    rows = pq.read_table(tmp_path / "rows.parquet", columns=["cell", "anchor", "rank"]).to_pylist()
    assert {row["rank"] for row in rows} == {0, 1}
    assert forest.bits == 6
    assert all(row["cell"] == row["anchor"][0] >> 2 for row in rows)
    assert forest.cells == len({row["cell"] for row in rows})


class Counting:
    """An engine that notes how many rows every query gave."""

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine
        self.rows: list[tuple[str, int]] = []

    def sql(self, name: str, query: str) -> int:
        """Run it."""
        rows = self.engine.sql(name, query)
        self.rows.append((name, rows))
        return rows


def test_a_chain_costs_rounds_over_its_own_rows(tmp_path: Path) -> None:
    """100,000 posts deep beside short threads: 17 rounds, and from the third on only the chain is looked at."""
    deep, others = 100_000, 20_000
    population = Population.alike([deep, *[3] * others])
    write_population(population, tmp_path / "tables", seed=1, parts=2)
    with LocalEngine(tmp_path) as engine:
        read_tables(engine, tmp_path / "tables")
        counting = Counting(engine)
        forest = make_forest(cast(Engine, counting))
        engine.commit("placed", tmp_path / "placed.parquet")
    assert (forest.seen, forest.anchors, forest.cycles) == (deep + 3 * others, others + 1, 0)
    anchors = pq.read_table(tmp_path / "placed.parquet", columns=["anchor"])["anchor"]
    assert max(row["counts"].as_py() for row in anchors.value_counts()) == deep
    rungs = [rows for name, rows in counting.rows if name == "rungs"]
    assert len(rungs) == 17
    assert max(rungs[2:]) <= deep


@pytest.mark.parametrize(
    "replies", [50_000, pytest.param(1_000_000, marks=pytest.mark.slow)], ids=["50k", "1m"]
)
def test_a_post_may_have_any_number_of_replies(tmp_path: Path, replies: int) -> None:
    """They are one conversation in one cell."""
    write_population(Population.star(replies), tmp_path / "tables", seed=1, parts=2)
    with LocalEngine(tmp_path) as engine:
        read_tables(engine, tmp_path / "tables")
        forest = make_forest(engine)
        engine.commit("placed", tmp_path / "placed.parquet")
    assert (forest.unique, forest.anchors, forest.cells) == (replies + 1, 1, 1)
    placed = pq.read_table(tmp_path / "placed.parquet", columns=["anchor", "gap"])
    assert len(placed["anchor"].unique()) == 1
    assert placed["gap"].unique().to_pylist() == [0]


def test_who_is_mentioned_is_a_person_of_the_conversation(tmp_path: Path) -> None:
    """By the forms of their own exports everywhere, and by a mention's form in its own conversation only."""
    world = World([Item(1), Item(2, 1, account=1), Item(3)])
    mentions = [
        (1, 7, "handle", "@g"),
        (2, 1, "handle", "@b"),
        (2, 1, "url", "u"),
        (3, 9, None, None),
    ]
    identities = [(0, "name", "A"), (0, "handle", "@a"), (1, "handle", "@b"), (9, "name", "N")]
    assert people_of(tmp_path, world, mentions, identities) == {
        1: [(0, "handle @a"), (0, "name A"), (1, "handle @b"), (1, "url u"), (7, "handle @g")],
        3: [(0, "handle @a"), (0, "name A"), (9, "name N")],
    }


def people_of(
    folder: Path,
    world: World,
    mentions: list[tuple[int, int, str | None, str | None]],
    identities: list[tuple[int, str, str]],
) -> dict[int | None, list[tuple[int | None, str]]]:
    """Make a forest with mentions (post, account, kind, form) and identities (account, kind, form)."""
    forms = {one: place for place, one in enumerate({*(one[1:] for one in mentions), *identities})}

    def row(account: int, kind: str | None, form: str | None) -> dict[str, object]:
        return {
            "account_key": key(account),
            "kind": kind,
            "form": form,
            "form_key": key(forms[account, kind, form]),
        }

    tables = {
        "mentioned": (MENTIONED, [{"post_key": key(one[0]), **row(*one[1:])} for one in mentions]),
        "identities": (IDENTITIES, [row(*one) for one in [*identities, *identities]]),
    }
    with LocalEngine(folder) as engine:
        read_world(engine, world, folder, range(len(world.items)))
        for name, (schema, rows) in tables.items():
            pq.write_table(pa.Table.from_pylist(rows, schema), folder / f"{name}.parquet")
            engine.read(name, [folder / f"{name}.parquet"])
        make_forest(engine)
        engine.commit("cell_rows", folder / "rows.parquet")
    people: dict[int | None, list[tuple[int | None, str]]] = {}
    for one in pq.read_table(folder / "rows.parquet").to_pylist():
        if one["rank"] == 0:
            named = people.setdefault(number(one["anchor"]), [])
            named += [(number(one["account_key"]), form) for form in one["forms"]]
    return {anchor: sorted(named, key=repr) for anchor, named in people.items()}


def test_a_build_counts_what_it_met_in_threads(tmp_path: Path) -> None:
    """Every oddity of an archive's ids, links and dates is resolved, and has its count in the build's report."""

    def status(number: int) -> str:
        return f"{ALICE}/statuses/{number}"

    words = "<p>The heron came back to the pond behind the mill this morning.</p>"
    page, other_page = f"{HOST}/@alice/1", f"{HOST}/@alice/80"
    notes = [
        note(1),
        note(2, inReplyTo=page, published="2025-02-01T10:00:00Z"),  # by its page; before it
        note(3, inReplyTo=status(3)),  # to itself
        note(4, inReplyTo=status(5)),
        note(5, inReplyTo=status(4)),  # a cycle
        note(6, inReplyTo=status(1)),
        note(6, inReplyTo=status(2)),  # the same id below two posts
        note(7, url=other_page),
        note(8, id=other_page, url=None),  # the same post under its page
    ]
    archive = saved(
        tmp_path, "alice.zip", zipped(members([create({**one, "content": words}) for one in notes]))
    )
    ledger = saved(tmp_path, "ledger.jsonl", b"".join(events.lines_of([events.given()])))
    report = build([archive], consent=ledger, out=tmp_path / "release", as_of=AS_OF)
    assert report.threads == {
        "merged": 1,
        "by_alias": 1,
        "disputed": 1,
        "self_replies": 1,
        "cycles": 1,
        "backdated": 1,
    }
    posts = report.law["posts"]
    assert (posts.rows_in, posts.kept, posts.dropped) == (9, 7, {"duplicate": 2})
