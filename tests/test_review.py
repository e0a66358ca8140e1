"""What a review of consent and erasure found: each was broken once, and holds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest

from fedi_dataset.builder_inputs import Inputs, Reading
from fedi_dataset.consent.ledger import append
from fedi_dataset.errors import UsageError
from fedi_dataset.exports import choose_exports, expand, recorded_exports
from fedi_dataset.pipeline import build
from fedi_dataset.release import erasure
from fedi_dataset.workspace import ExportRecord, Workspace, default_workspace
from tests.commands import content_of, run
from tests.conftest import AS_OF, ReleaseCopy
from tests.consent.events import ALICE, BOB, CAROL, given, ledger_of, renewed
from tests.readers.exports import create, members, note, saved, zipped
from tests.test_erasure import EVENT, NOW, OTHER_EVENT, with_own_exports
from tests.world import Person, World

DAY = 24 * 60 * 60 * 1000
"""Milliseconds of a day, as Misskey counts."""


@pytest.fixture
def person(small_world: World) -> Person:
    """Somebody who talks a lot."""
    return small_world.people[0]


@pytest.fixture
def loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of exports and a ledger beside it, in which Alice consents, loaded into a cache of its own."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "exports").mkdir()
    append(tmp_path / "ledger.jsonl", given())
    return tmp_path


def reading(folder: Path, day: str, config_file: Path | None = None) -> Reading:
    """What load_dataset reads on a day."""
    exports, ledger = folder / "exports", folder / "ledger.jsonl"
    return Inputs.named(exports, ledger, config_file, f"{day}T12:00:00Z").read()


# --- who withdrew, and is not excused any more ----------------------------------------------------


def test_who_withdrew_and_came_back_is_not_looked_for_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export without a path is not opened, whether the current folder is an export or none."""
    monkeypatch.chdir(tmp_path)
    retired = ExportRecord("ab" * 32, "", "mastodon-archive", ("cd" * 16,), "ab-withdrawn")
    other = saved(tmp_path, "alice.zip", zipped(members([create(note(1))])))
    for opened in (
        recorded_exports([retired], excused=frozenset()),
        choose_exports([other], [retired], add=True, prune=False),
    ):
        assert opened.kept == [retired]
        assert [one.path for one in opened.records] in ([], [str(other.resolve())])


def test_an_export_that_is_handed_in_again_takes_the_place_of_what_was_left_of_it(
    tmp_path: Path,
) -> None:
    """It is read, and its retired part is not kept beside it."""
    path = saved(tmp_path, "alice.zip", zipped(members([create(note(1))])))
    export_id = choose_exports([path], [], add=False, prune=False).exports[0].export_id
    retired = ExportRecord(export_id, "", "mastodon-archive", ("cd" * 16,), "ab-withdrawn")
    opened = choose_exports([path], [retired], add=False, prune=False)
    assert (opened.kept, [one.export_id for one in opened.exports]) == ([], [export_id])


def test_the_ledgers_key_is_no_export(tmp_path: Path) -> None:
    """Redaction puts a key beside the ledger, and the folder can still be named as a whole."""
    path = saved(tmp_path, "alice.zip", zipped(members([create(note(1))])))
    ledger = saved(tmp_path, "ledger.jsonl", b"")
    saved(tmp_path, "ledger.jsonl.key", bytes(32))
    assert expand([tmp_path], beside=ledger) == [path]


# --- erasure that was interrupted, or done by somebody else ---------------------------------------


def test_exports_that_a_broken_withdrawal_left_are_deleted_by_the_next(
    release_copy: ReleaseCopy, person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A withdrawal that breaks off in the build has not forgotten the files that it was asked to delete."""
    mine = with_own_exports(release_copy, tmp_path / "mine")

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erasure, "build", killed)
        with pytest.raises(KeyboardInterrupt):
            erasure.withdraw(
                mine.release, [person.uri], now=NOW, event_id=EVENT, delete_exports=True
            )
    assert mine.exports[0].exists()
    build(mine.exports, consent=mine.ledger, out=mine.release, as_of=AS_OF)
    erasure.withdraw(mine.release, [person.uri], now=NOW, event_id=OTHER_EVENT, delete_exports=True)
    assert not mine.exports[0].exists()


def test_no_half_deleted_part_stays_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is killed while a part is deleted leaves none that a later build would take for whole."""
    workspace = Workspace(tmp_path / "work")
    with workspace.locked():
        part = workspace.parts / "ab-cd"
        part.mkdir()
        (part / "part.json").write_bytes(b"{}")
        (part / "posts.parquet").write_bytes(b"")

        def killed(path: Path, **_: bool) -> None:
            if Path(path).exists():
                (Path(path) / "posts.parquet").unlink()
                raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(shutil, "rmtree", killed)
            with pytest.raises(KeyboardInterrupt):
                workspace.forget_parts(frozenset())
        assert not part.exists()
        workspace.forget_parts(frozenset())
        assert list(workspace.parts.iterdir()) == []


@pytest.mark.parametrize(
    "damage", [None, lambda content: content[:-3], lambda content: content[:-1] + b"?"]
)
def test_a_data_file_that_was_lost_or_damaged_is_written_again(
    release_copy: ReleaseCopy, damage: Callable[[bytes], bytes] | None
) -> None:
    """A missing, cut or changed file is noticed by any build; then all is as it was."""
    before = content_of(release_copy.release)
    shard = next((release_copy.release / "dialogues").iterdir())
    if damage is None:
        shard.unlink()
    else:
        shard.write_bytes(damage(shard.read_bytes()))
    about: dict[str, Any] = {
        "consent": release_copy.ledger,
        "out": release_copy.release,
        "as_of": AS_OF,
    }
    assert build(release_copy.exports, **about).written
    assert content_of(release_copy.release) == before
    assert not build(release_copy.exports, **about).written


# --- people with several accounts -----------------------------------------------------------------


def test_accounts_of_one_person_stay_one_person() -> None:
    """Whichever event decides for each, so that nobody answers themselves in a dialogue."""
    ledger = ledger_of(
        given(accounts=(ALICE, BOB)), given(accounts=(CAROL,)), renewed(accounts=(BOB,))
    )
    alice, bob, carol = (ledger.standing([one], NOW) for one in (ALICE, BOB, CAROL))
    assert alice.deciding != bob.deciding
    assert alice.subject == bob.subject != carol.subject


# --- what load_dataset takes from a cache ---------------------------------------------------------


def test_terms_that_begin_to_hold_are_another_dataset(loads: Path) -> None:
    """No file changed, but a server's terms forbid it from this day on."""
    saved(loads / "exports", "alice.zip", zipped(members([create(note(1))])))
    config = saved(loads, "config.yaml", b"terms_files: [terms.yaml]\n")
    saved(
        loads,
        "terms.yaml",
        b"- {host: mastodon.example, forbids: true, rule: no training, since: 2026-08-01, minimum_age: null,"
        b" source: https://mastodon.example/terms, checked_on: 2026-07-01}\n",
    )
    before, same, after = (
        reading(loads, day, config) for day in ("2026-07-01", "2026-07-31", "2026-08-01")
    )
    assert before == same
    assert after.content != before.content
    assert after.generation != before.generation


def test_posts_that_grow_too_old_are_another_dataset(loads: Path) -> None:
    """Whoever hides what is older than a span is asked again every day; nobody else is."""
    path = saved(loads / "exports", "alice.zip", zipped(members([create(note(1))])))
    assert reading(loads, "2026-07-01") == reading(loads, "2026-07-02")
    hides = members([create(note(1))], _misskey_makeNotesHiddenBefore=-500 * DAY)
    path.write_bytes(zipped(hides))
    first, second = reading(loads, "2026-07-01"), reading(loads, "2026-07-02")
    assert first.content != second.content
    assert first.generation != second.generation


# --- manners --------------------------------------------------------------------------------------


def test_a_release_may_be_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workspace lies beside it; a root folder has nothing beside it."""
    (tmp_path / "release").mkdir()
    monkeypatch.chdir(tmp_path / "release")
    assert default_workspace(Path()) == tmp_path / "release.work"
    assert default_workspace(Path("..")) == tmp_path.with_name(tmp_path.name + ".work")
    with pytest.raises(UsageError):
        default_workspace(Path("/"))


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_utc_cannot_hold_is_wrong_usage(tmp_path: Path, time: str) -> None:
    """One sentence and exit code 2."""
    path = saved(tmp_path, "alice.zip", b"")
    ran = run("build", path, "--consent", path, "--out", tmp_path / "release", "--as-of", time)
    assert ran.code == 2
    assert "lies outside the years 1 to 9999" in ran.error
