"""Nothing that must stay out comes out, in any kind of place, and all that must come out does."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fedi_dataset import reasons
from fedi_dataset.release.audit import audit
from fedi_dataset.release.erasure import withdraw
from fedi_dataset.workspace import Workspace
from scripts.canaries import PAGE, README, marked, with_table
from tests.commands import run
from tests.world.canaries import AS_OF, Build, Canaries, Canary, CanaryWorld, Outcome
from tests.world.canaries.outcome import Seen, strings_in
from tests.world.canaries.table import by_group, by_kind, rendered

pytestmark = pytest.mark.slow

WORLD = CanaryWorld()
NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
EVENT = "urn:uuid:00000000-0000-4000-8000-0000000000ca"


def names(canary: Canary) -> str:
    """Name a test by what it is about."""
    return f"{canary.group}: {canary.kind}"


@pytest.mark.parametrize("canary", WORLD.canaries, ids=names)
def test_what_becomes_of_it(canary: Canary, canaries: Canaries) -> None:
    """In each build, over every byte, cell and token id: nowhere, read, trained, or alone, as it must be."""
    found = {build: outcome.fate(canary) for build, outcome in canaries.outcomes.items()}
    assert found == dict(canary.fates)


@pytest.mark.parametrize(
    "canary",
    [one for one in WORLD.canaries if "never" in one.fates.values() and not one.raw],
    ids=names,
)
def test_what_stays_out_is_not_in_the_workspace_either(canary: Canary, canaries: Canaries) -> None:
    """Of what is not admitted no word is kept: in no table, no finished cell, no count, no file's name."""
    assert [
        build
        for build, outcome in canaries.outcomes.items()
        if canary.fates[build] == "never" and outcome.workspace.any_piece(canary)
    ] == []


@pytest.mark.parametrize("build", ["gated", "wide", "english"])
def test_no_words_are_printed(build: Build, canaries: Canaries) -> None:
    """Whatever is done with them, no command and no log says a word of anybody's, admitted or not."""
    outcome = canaries.outcomes[build]
    written = canaries.written
    told = [
        run("inspect", *written.exports, "--consent", written.ledger),
        run("inspect", *written.exports, "--consent", written.ledger, "--json"),
        run("audit", outcome.release),
        run("audit", outcome.release, "--json"),
        run("lookup", outcome.release, canaries.world.accounts["BEN"].uri),
    ]
    printed = Seen([*(one.out + one.err for one in told), canaries.logged])
    assert [
        canary.kind
        for canary in canaries.world.canaries
        if printed.any_piece(canary) or outcome.printed.any_piece(canary)
    ] == []


def test_every_reason_of_the_gate_is_met(canaries: Canaries) -> None:
    """The builds meet each reason for which the gate refuses, and every other kind of loss that words can have."""
    met = {
        reason
        for outcome in canaries.outcomes.values()
        for step in Workspace(outcome.work).state().law.values()
        for reason in step.dropped
    }
    assert met >= reasons.GATE.keys()
    assert met >= {"duplicate", "reply_without_context", "no_detector_for_language"}
    assert met >= {"bad_item", "truncated", "context_only", "bot", "sensitive", "other_language"}


def test_every_promise_is_kept(canaries: Canaries) -> None:
    """The audit of each build finds nothing."""
    for outcome in canaries.outcomes.values():
        assert audit(outcome.release, now=AS_OF).ok


def test_a_piece_tells_the_whole() -> None:
    """No two sentences share a telling piece, and each piece stands in its sentence."""
    pieces = [piece for canary in WORLD.canaries for piece in canary.pieces]
    assert len(pieces) == len(set(pieces)) == 2 * len(WORLD.canaries)
    for canary in WORLD.canaries:
        assert all(piece in canary.text.casefold() for piece in canary.pieces)
    kinds = [canary.kind for canary in WORLD.canaries]
    assert len(kinds) == len(set(kinds))


def test_looking_finds_what_is_there(tmp_path: Path) -> None:
    """A sentence is found in a file's name, its text, a nested cell, and a table inside a finished cell."""
    canary, *_ = WORLD.canaries
    inner = BytesIO()
    pq.write_table(pa.table({"turns": [[{"text": canary.text}]]}), inner, compression="zstd")
    cell = pa.table({"payload": pa.array([inner.getvalue()], pa.large_binary())})
    with pa.ipc.new_file(tmp_path / "cell.arrow", cell.schema) as writer:
        writer.write_table(cell)
    (tmp_path / "inner.parquet").write_bytes(inner.getvalue())
    (tmp_path / "wide.txt").write_bytes(canary.text.encode("utf-16-le"))
    (tmp_path / "line.json").write_text(canary.text.replace(" ", "\n").upper(), "utf-8")
    for name in ("cell.arrow", "inner.parquet", "wide.txt", "line.json"):
        alone = tmp_path / f"only-{name}"
        alone.mkdir()
        shutil.move(tmp_path / name, alone / name)
        assert Seen(strings_in(alone)).whole(canary), name
    named = tmp_path / "named"
    named.mkdir()
    (named / canary.text).touch()
    assert Seen(strings_in(named)).any_piece(canary)


@pytest.fixture(scope="module")
def without_ben(canaries: Canaries, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The gated build after BEN has withdrawn."""
    before = canaries.outcomes["gated"]
    folder = tmp_path_factory.mktemp("withdrawn")
    release, work, ledger = folder / "release", folder / "release.work", folder / "ledger.jsonl"
    shutil.copytree(before.release, release)
    shutil.copytree(before.work, work)
    shutil.copy(canaries.written.ledger, ledger)
    workspace = Workspace(work)
    state = workspace.state()
    assert state.ledger is not None
    moved = msgspec.structs.replace(state.ledger, path=str(ledger))
    workspace.record(msgspec.structs.replace(state, ledger=moved))
    withdraw(release, [canaries.world.accounts["BEN"].uri], now=NOW, event_id=EVENT)
    return Outcome.of(release, work, [], canaries.tokenizer)


def test_whoever_withdraws_is_gone_with_all_their_words(
    canaries: Canaries, without_ben: Outcome
) -> None:
    """Every sentence of both of BEN's accounts leaves release, tokens and workspace.

    Apart from one: what ADA quoted of him stands, marked as others' words, in the raw text of her own post.
    """
    gone = {canaries.world.accounts[name].uri for name in ("BEN", "BEN2")}
    mine = [one for one in canaries.world.canaries if one.account in gone]
    came_out = [one for one in mine if one.fates["gated"] != "never"]
    assert len(came_out) > 20
    assert {one.account for one in came_out} == gone
    assert [one.kind for one in mine if without_ben.fate(one) != "never"] == []
    left = [one.kind for one in mine if without_ben.workspace.any_piece(one)]
    assert left == ["quoted by somebody who answers it"]


def test_a_withdrawal_lets_nothing_out_and_changes_nothing_elsewhere(
    canaries: Canaries, without_ben: Outcome
) -> None:
    """What must stay out still does; where BEN never spoke, all is as it was; nobody's words come out twice."""
    elsewhere = {
        person.uri for person in canaries.world.accounts.values() if person.platform == "bluesky"
    }
    for canary in canaries.world.canaries:
        before, after = canary.fates["gated"], without_ben.fate(canary)
        if before == "never" or canary.account in elsewhere:
            assert after == before, canary.kind
        assert after in ("never", "context", "trained", "alone"), canary.kind


def test_the_documents_show_what_was_counted(canaries: Canaries) -> None:
    """Both tables are those of these builds; `python -m scripts.canaries --write` writes them."""
    world, outcomes = canaries.world, canaries.outcomes
    groups = by_group(world.canaries, outcomes)
    assert marked(README.read_text("utf-8")) == rendered(groups, "text")
    assert marked(PAGE.read_text("utf-8")) == rendered(by_kind(world.canaries, outcomes), "kind")
    whole = list(groups.values())[-1]
    assert (whole.leaked, whole.arrived) == (0, whole.expected)
    assert whole.forbidden + whole.expected == 3 * len(world.canaries)


def test_a_table_takes_the_place_of_the_former_one() -> None:
    """Only what stands between the marks changes, and a document without marks is refused."""
    page = with_table(PAGE.read_text("utf-8"), "| one |")
    assert marked(page) == "| one |"
    assert page.partition("<!--")[0] == PAGE.read_text("utf-8").partition("<!--")[0]
    with pytest.raises(ValueError, match="lacks the lines"):
        with_table("# No marks\n", "| one |")
