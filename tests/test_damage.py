"""What lies in a workspace or a release may be damaged or lost: it is made anew, or left out, and never guessed at."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from fedi_dataset.config import BuildConfig
from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.part import RETIRED
from fedi_dataset.pipeline import build
from fedi_dataset.release.audit import audit
from fedi_dataset.release.erasure import Withdrawal, withdraw
from fedi_dataset.release.lookup import lookup
from fedi_dataset.release.removed import removed_lines
from fedi_dataset.suppression import Suppressed
from fedi_dataset.workspace import Workspace
from tests.commands import content_of, run
from tests.conftest import AS_OF, ReleaseCopy
from tests.test_erasure import EVENT, NOW, OTHER_EVENT, data_of, with_own_exports
from tests.test_pipeline import rows_of
from tests.world import Person, World

Damage = Callable[[Path], object]


def gone(file: Path) -> None:
    """Take a file away."""
    file.unlink()


def cut(file: Path) -> None:
    """Let a file end in its middle."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flipped(file: Path) -> None:
    """Change a byte in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def zeroed(file: Path) -> None:
    """Let zeros stand for the end of a file."""
    file.write_bytes(file.read_bytes()[:-200] + bytes(200))


DAMAGES = (gone, cut, flipped)


@pytest.fixture
def person(small_world: World) -> Person:
    """Somebody who talks a lot."""
    return small_world.people[0]


def build_again(copy: ReleaseCopy, **options: Any) -> Any:
    """Build over the copied release."""
    return build(copy.exports, consent=copy.ledger, out=copy.release, as_of=AS_OF, **options)


def erase(copy: ReleaseCopy, person: Person) -> Withdrawal:
    """Withdraw somebody from a copy of the shared release."""
    return withdraw(copy.release, [person.uri], now=NOW, event_id=EVENT)


def part_of(copy: ReleaseCopy, number: int) -> Path:
    """The folder of an export's part."""
    path = str(copy.exports[number])
    (name,) = (one.part for one in Workspace(copy.work).state().exports if one.path == path)
    return copy.work / "parts" / name


def without_exports(copy: ReleaseCopy) -> None:
    """Let the workspace find no export file any more."""
    workspace = Workspace(copy.work)
    state = workspace.state()
    away = tuple(
        msgspec.structs.replace(one, path="/nowhere/export.zip" if one.path else "", places=())
        for one in state.exports
    )
    workspace.record(msgspec.structs.replace(state, exports=away))


# --- the workspace --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("part.json", flipped),
        ("part.json", cut),
        ("posts.parquet", flipped),
        ("verdicts.parquet", cut),
        ("links.parquet", gone),
        ("mentioned.parquet", flipped),
    ],
)
def test_a_damaged_part_is_read_again(release_copy: ReleaseCopy, name: str, damage: Damage) -> None:
    """A build whose exports are there makes it anew, and the release stays what it was."""
    before = content_of(release_copy.release)
    damage(part_of(release_copy, 1) / name)
    report = build_again(release_copy)
    assert (report.written, report.cells_run, report.shortfalls) == (False, 0, ())
    assert content_of(release_copy.release) == before
    assert audit(release_copy.release, now=NOW).ok


@pytest.mark.parametrize("name", ["part.json", "verdicts.parquet"])
def test_a_withdrawal_goes_through_though_another_part_is_damaged(
    release_copy: ReleaseCopy, person: Person, small_world: World, name: str
) -> None:
    """If its export is gone, its author's words are left out, nobody is unmasked, and the certificate says so."""
    other = small_world.people[1]
    without_exports(release_copy)
    flipped(part_of_account(release_copy, other) / name)
    done = erase(release_copy, person)
    (shortfall,) = done.certificate.shortfalls
    assert name in shortfall
    assert "its rows are left out" in shortfall
    for one in (person, other):
        assert lookup(release_copy.release, one.uri, now=NOW).rows == ()
    released = repr([rows_of(release_copy.release, one) for one in ("dialogues", "conversations")])
    assert all(one.display_name not in released for one in small_world.people)
    assert audit(release_copy.release, now=NOW).ok
    again = withdraw(release_copy.release, [other.uri], now=NOW, event_id=OTHER_EVENT)
    assert again.certificate.shortfalls == ()


def part_of_account(copy: ReleaseCopy, person: Person) -> Path:
    """The folder of somebody's part."""
    from fedi_dataset.privacy.keys import key_hex

    workspace = Workspace(copy.work)
    account = key_hex(workspace.secret(), "account", person.uri)
    (name,) = (one.part for one in workspace.state().exports if account in one.account_keys)
    return copy.work / "parts" / name


@pytest.mark.parametrize(
    ("name", "there"),
    [("identities.parquet", True), ("part.json", False), ("links.parquet", False)],
)
def test_the_damaged_part_of_who_withdraws_stands_in_nobodys_way(
    release_copy: ReleaseCopy, person: Person, small_world: World, name: str, there: bool
) -> None:
    """With the export at hand nothing is unmasked; without it the certificate says what may be."""
    part = part_of_account(release_copy, person)
    if not there:
        without_exports(release_copy)
    flipped(part / name)
    done = erase(release_copy, person)
    (shortfall,) = done.certificate.shortfalls
    assert "of somebody who withdrew" in shortfall
    assert person.username not in shortfall
    assert lookup(release_copy.release, person.uri, now=NOW).rows == ()
    if there:
        words = [rows_of(release_copy.release, one) for one in ("dialogues", "conversations")]
        assert person.display_name not in repr(words)
    retired = [one.name for one in (release_copy.work / "parts").glob(f"*{RETIRED}")]
    assert f"{part.name[:32]}{RETIRED}" in retired
    flipped(release_copy.work / "parts" / f"{part.name[:32]}{RETIRED}" / name)
    assert build_again(release_copy).shortfalls
    assert lookup(release_copy.release, person.uri, now=NOW).rows == ()


def test_a_damaged_cell_is_worked_on_again(release_copy: ReleaseCopy, person: Person) -> None:
    """Whatever is wrong with it, in a build and in a withdrawal."""
    before = content_of(release_copy.release)
    damage_cells(release_copy)
    report = build_again(release_copy)
    assert (report.written, report.cells_reused) == (False, 0)
    assert content_of(release_copy.release) == before
    expected = erased_elsewhere(release_copy, person)
    damage_cells(release_copy)
    assert erase(release_copy, person).certificate.shortfalls == ()
    assert data_of(release_copy.release) == expected


def damage_cells(copy: ReleaseCopy) -> None:
    """Damage every finished cell, in turn in each way."""
    for number, cell in enumerate(sorted((copy.work / "cells").iterdir())):
        DAMAGES[number % len(DAMAGES)](cell)


def erased_elsewhere(copy: ReleaseCopy, person: Person) -> dict[str, str]:
    """What a copy of a copy is, once somebody is erased from it."""
    twin = twin_of(copy, "twin")
    erase(twin, person)
    return data_of(twin.release)


def twin_of(copy: ReleaseCopy, name: str) -> ReleaseCopy:
    """A copy of a copy, with a ledger of its own."""
    folder = copy.release.parent / name
    folder.mkdir()
    ledger = Path(shutil.copy(copy.ledger, folder))
    shutil.copytree(copy.release, folder / "release")
    shutil.copytree(copy.work, folder / "release.work")
    workspace = Workspace(folder / "release.work")
    state = workspace.state()
    assert state.ledger is not None
    moved = msgspec.structs.replace(state.ledger, path=str(ledger))
    workspace.record(msgspec.structs.replace(state, ledger=moved))
    return ReleaseCopy(folder / "release", folder / "release.work", ledger, copy.exports)


def test_who_was_hidden_must_not_come_out(
    release_copy: ReleaseCopy, person: Person, small_world: World
) -> None:
    """Without these tables nothing is built and nobody withdrawn: the ledger stays as it was."""
    erase(release_copy, person)
    before = content_of(release_copy.release), release_copy.ledger.read_bytes()
    other = small_world.people[1].uri
    for name in ("suppressed.parquet", "mentioned.parquet"):
        file = release_copy.work / name
        whole = file.read_bytes()
        for damage in (gone, cut, zeroed):
            damage(file)
            told = rf"{name} is (damaged|missing).*consent withdraw LEDGER ACCOUNT"
            with pytest.raises(UsageError, match=told):
                build_again(release_copy)
            with pytest.raises(UsageError, match=told):
                withdraw(release_copy.release, [other], now=NOW, event_id=OTHER_EVENT)
            file.write_bytes(whole)
    assert (content_of(release_copy.release), release_copy.ledger.read_bytes()) == before


def test_no_changed_byte_of_what_is_hidden_passes(tmp_path: Path) -> None:
    """Whichever byte of the table is another: it says so, or it still holds the same rows."""
    hidden = Suppressed(tmp_path, bytes(32))
    account = {
        "form_key": b"f" * 16,
        "account_key": b"a" * 16,
        "kind": "name",
        "form": "Ada Lovelace",
    }
    hidden.remember_mentions([{"post_key": b"p" * 16, **account}])
    whole = hidden.mentioned.read_bytes()
    rows = pq.read_table(hidden.mentioned).to_pylist()
    assert "Ada" not in repr(rows)
    found = 0
    for place in range(0, len(whole), 7):
        hidden.mentioned.write_bytes(
            whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]
        )
        try:
            hidden.remember_mentions([])
        except UsageError:
            found += 1
        else:
            assert pq.read_table(hidden.mentioned).to_pylist() == rows
    assert found > len(whole) / 7 / 4


@pytest.mark.parametrize("command", ["audit", "lookup"])
def test_whoever_only_looks_is_told_what_is_damaged(
    release_copy: ReleaseCopy, person: Person, command: str
) -> None:
    """A sentence that names the file and what to do, instead of what a library says of it."""
    flipped(part_of(release_copy, 1) / "identities.parquet")
    flipped(part_of(release_copy, 1) / "verdicts.parquet")
    accounts = [person.uri] if command == "lookup" else []
    ran = run(command, release_copy.release, *accounts)
    assert ran.code == 2
    assert "is damaged, or missing; run the build" in ran.error


def test_what_took_the_place_of_an_export_stands_in_nobodys_way(
    release_copy: ReleaseCopy, person: Person, tmp_path: Path
) -> None:
    """A text, a folder, an archive of another kind: what was read of the export stands for it."""
    mine = with_own_exports(release_copy, tmp_path / "mine")
    expected = erased_elsewhere(mine, person)
    mine.exports[1].write_text("a shopping list")
    mine.exports[2].unlink()
    mine.exports[2].mkdir()
    shutil.copy(mine.exports[3], mine.exports[4])
    done = erase(mine, person)
    assert done.certificate.shortfalls == ()
    assert data_of(mine.release) == expected


# --- the release ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "damage"), [("dialogues", flipped), ("conversations", cut), ("conversations", gone)]
)
def test_rows_of_a_damaged_shard_are_listed_by_its_cells(
    release_copy: ReleaseCopy, person: Person, table: str, damage: Damage
) -> None:
    """A withdrawal whose former data files are damaged lists just what it would have listed."""
    twin = twin_of(release_copy, "twin")
    for shard in (release_copy.release / table).iterdir():
        damage(shard)
    done, expected = erase(release_copy, person), erase(twin, person)
    assert done.certificate.removed_rows == expected.certificate.removed_rows
    assert removed_lines(release_copy.release) == removed_lines(twin.release)
    assert data_of(release_copy.release) == data_of(twin.release)
    assert done.certificate.shortfalls == ()


def test_rows_that_nothing_tells_any_more_are_said_to_be_unknown(
    release_copy: ReleaseCopy, person: Person
) -> None:
    """With shards and cells damaged a withdrawal still goes through; the certificate names the files."""
    expected = erased_elsewhere(release_copy, person)
    for folder in (release_copy.release / "dialogues", release_copy.work / "cells"):
        for file in folder.iterdir():
            cut(file)
    done = erase(release_copy, person)
    files = {path for path in done.certificate.changed_files if path.startswith("dialogues/train")}
    assert files
    for path in files:
        assert any(
            path in told and "drop the whole file" in told for told in done.report.shortfalls
        )
    assert done.certificate.shortfalls == done.report.shortfalls
    assert data_of(release_copy.release) == expected
    assert audit(release_copy.release, now=NOW).ok


@pytest.mark.parametrize("damage", [gone, flipped])
def test_a_damaged_list_of_removed_keys_keeps_what_can_be_read(
    release_copy: ReleaseCopy, person: Person, small_world: World, damage: Damage
) -> None:
    """The next revision has every line that is whole, and says that some are lost."""
    erase(release_copy, person)
    file = release_copy.release / "removed_keys.jsonl"
    before = removed_lines(release_copy.release)
    damage(file)
    left = removed_lines(release_copy.release)
    assert set(left) < set(before)
    done = withdraw(
        release_copy.release, [small_world.people[1].uri], now=NOW, event_id=OTHER_EVENT
    )
    assert [one for one in done.certificate.shortfalls if "removed_keys.jsonl was damaged" in one]
    after = removed_lines(release_copy.release)
    assert after[: len(left)] == left
    assert len(after) > len(left)
    assert audit(release_copy.release, now=NOW).ok


# --- what a build was told ------------------------------------------------------------------------

TERMS = (
    b"- {host: unrelated.example, forbids: true, rule: no training, since: null, minimum_age: null,"
    b" source: https://unrelated.example/terms, checked_on: 2026-06-01}\n"
)


@pytest.fixture
def under_terms(release_copy: ReleaseCopy) -> ReleaseCopy:
    """A release that was built with a steward's file of terms beside the ledger."""
    file = release_copy.ledger.with_name("terms.yaml")
    file.write_bytes(TERMS)
    build_again(release_copy, config=BuildConfig(terms_files=(str(file),)))
    return release_copy


def edited(file: Path) -> None:
    """Say something else in a file of terms."""
    file.write_bytes(TERMS.replace(b"unrelated.example, ", b"harbor.example, "))


@pytest.mark.parametrize("damage", [gone, edited])
def test_a_withdrawal_goes_by_the_terms_that_the_release_was_built_with(
    under_terms: ReleaseCopy, person: Person, damage: Damage
) -> None:
    """Whatever became of the steward's file since: the workspace has it as it was."""
    expected = erased_elsewhere(under_terms, person)
    damage(under_terms.ledger.with_name("terms.yaml"))
    done = erase(under_terms, person)
    assert done.certificate.shortfalls == ()
    assert data_of(under_terms.release) == expected


def test_terms_that_are_lost_may_forbid_any_server(
    under_terms: ReleaseCopy, person: Person
) -> None:
    """Without the file and its copy a withdrawal goes through, and only what no server can forbid stays."""
    shutil.rmtree(under_terms.work / "terms")
    gone(under_terms.ledger.with_name("terms.yaml"))
    done = erase(under_terms, person)
    (shortfall,) = done.certificate.shortfalls
    assert "instance terms" in shortfall
    assert "are lost" in shortfall
    platforms = {row["platform"] for row in rows_of(under_terms.release, "conversations")}
    assert "mastodon" not in platforms
    assert done.report.law["items"].dropped["instance_terms"] > 0
    assert audit(under_terms.release, now=NOW).ok


def test_a_withdrawal_needs_no_detector_for_what_was_read_before(
    release_copy: ReleaseCopy, person: Person, small_world: World, tmp_path: Path
) -> None:
    """The detector's folder is gone: texts that it knows are scrubbed by what it found, new ones are refused."""
    from fedi_dataset.privacy.rampart import find_files

    folder = tmp_path / "detector"
    shutil.copytree(find_files("rampart"), folder)
    config = BuildConfig(detector=str(folder))
    build_again(release_copy, config=config)
    expected = erased_elsewhere(release_copy, person)
    shutil.rmtree(folder)
    done = erase(release_copy, person)
    (shortfall,) = done.certificate.shortfalls
    assert "cannot be loaded" in shortfall
    kept = {row["conversation_key"] for row in rows_of(release_copy.release, "conversations")}
    assert len(kept) > 3
    words = [rows_of(release_copy.release, one) for one in ("dialogues", "conversations", "posts")]
    assert all(one.display_name not in repr(words) for one in small_world.people)
    with pytest.raises(UsageError):
        build_again(release_copy, config=config)
    shutil.copytree(find_files("rampart"), folder)
    build_again(release_copy, config=config)
    assert data_of(release_copy.release) == expected


# --- what stands in the way is said before the event ----------------------------------------------


def shortened(copy: ReleaseCopy) -> None:
    """Take the last line of the ledger away."""
    lines = copy.ledger.read_bytes().splitlines(keepends=True)
    copy.ledger.write_bytes(b"".join(lines[:-1]))


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (shortened, "lines are gone from its end"),
        (lambda copy: cut(copy.ledger), "cut off"),
        (lambda copy: cut(copy.release / "manifest.json"), "is not a manifest that can be read"),
        (lambda copy: gone(copy.release / "manifest.json"), "not a release"),
        (lambda copy: cut(copy.work / "state.json"), "state.json is damaged"),
        (lambda copy: (copy.work / "secret").write_bytes(bytes(32)), "another secret"),
        (lambda copy: gone(copy.work / "secret"), "no workspace at"),
    ],
)
def test_what_stands_in_the_way_of_an_erasure_is_told_before_the_event(
    release_copy: ReleaseCopy, person: Person, break_it: Callable[[ReleaseCopy], object], told: str
) -> None:
    """Nobody is withdrawn in the ledger by a command that cannot go on: it says why, and changes nothing."""
    break_it(release_copy)
    before = release_copy.ledger.read_bytes(), content_of(release_copy.release)
    with pytest.raises(FediDatasetError, match=told):
        erase(release_copy, person)
    assert (release_copy.ledger.read_bytes(), content_of(release_copy.release)) == before
    ran = run("withdraw", release_copy.release, person.uri)
    assert (ran.code in (1, 2), told in ran.error) == (True, True)
