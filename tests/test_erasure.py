"""Withdrawal is erasure: what is gone, what stays, and that it equals having never been there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fedi_dataset import cells, pipeline
from fedi_dataset.consent.ledger import Ledger, Withdrawn, append
from fedi_dataset.consent.redaction import redact
from fedi_dataset.demo import DEMO_TOKENIZER
from fedi_dataset.errors import UsageError
from fedi_dataset.pipeline import build
from fedi_dataset.release.audit import audit
from fedi_dataset.release.erasure import Plan, Withdrawal, withdraw
from fedi_dataset.release.lookup import lookup
from fedi_dataset.samples import samples
from fedi_dataset.tokens.tokenize import tokenize
from fedi_dataset.workspace import Workspace, default_workspace
from tests.conftest import AS_OF, ReleaseCopy
from tests.consent.events import given
from tests.readers.exports import ALICE, HOST, create, members, note, saved, zipped
from tests.test_pipeline import digest, longest_phrase, rows_of
from tests.world import Person, TruthPost, World

NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
EVENT = "urn:uuid:00000000-0000-4000-8000-000000000001"

OTHER_EVENT = "urn:uuid:00000000-0000-4000-8000-000000000002"
THIRD_EVENT = "urn:uuid:00000000-0000-4000-8000-000000000003"


@pytest.fixture
def person(small_world: World) -> Person:
    """Somebody who talks a lot, and whom others name."""
    return small_world.people[0]


def erase(copy: ReleaseCopy, *people: Person, **options: Any) -> Withdrawal:
    """Withdraw people from a copy of the shared release."""
    accounts = [person.uri for person in people]
    return withdraw(copy.release, accounts, now=NOW, event_id=EVENT, **options)


def data_of(release: Path) -> dict[str, str]:
    """Give what must equal a fresh build: everything but what remembers the past."""
    files = digest(release)
    files.pop("removed_keys.jsonl", None)
    manifest = json.loads((release / "manifest.json").read_text("utf-8"))
    manifest["files"].pop("removed_keys.jsonl", None)
    files["manifest.json"] = json.dumps(manifest, sort_keys=True)
    return files


def strings_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """Give every file of a folder as text, with every cell of its tables decoded."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        yield path, path.name
        yield path, path.read_bytes().decode("utf-8", "replace")
        if path.suffix == ".parquet":
            yield path, repr(pq.read_table(path).to_pylist())
        if path.suffix == ".arrow":
            with pa.memory_map(str(path)) as source:
                yield path, repr(pa.ipc.open_file(source).read_all().to_pylist())


def said_by(truths: list[TruthPost], person: Person) -> set[str]:
    """Give sentences that only this person said."""
    others = "\n".join(truth.text for truth in truths if truth.author != person)
    mine = {longest_phrase(truth) for truth in truths if truth.author == person}
    return {phrase for phrase in mine if len(phrase.split()) >= 4 and phrase not in others}


def test_nothing_of_the_person_is_left_in_the_release(
    release_copy: ReleaseCopy, person: Person, small_world: World
) -> None:
    """No sentence of theirs, and the audit finds every promise kept."""
    truths = list(small_world.posts())
    mine = said_by(truths, person)
    before = repr([rows_of(release_copy.release, table) for table in ("conversations", "posts")])
    assert [phrase for phrase in mine if phrase in before]
    erase(release_copy, person)
    after = repr(
        [rows_of(release_copy.release, table) for table in ("dialogues", "conversations", "posts")]
    )
    assert [phrase for phrase in mine if phrase in after] == []
    assert audit(release_copy.release, now=NOW).ok


def test_nothing_that_names_the_person_is_left_in_the_workspace(
    release_copy: ReleaseCopy, person: Person, small_world: World
) -> None:
    """No account, handle, name, address or sentence of theirs, other people's own words apart."""
    mine = said_by(list(small_world.posts()), person)
    erase(release_copy, person)
    for part in release_copy.work.glob("parts/*/posts.parquet"):
        table = pq.read_table(part)
        assert person.uri not in repr(table.drop_columns(["text"]).to_pylist())
        texts = "\n".join(table["text"].to_pylist())
        assert [phrase for phrase in mine if phrase in texts] == []
        pq.write_table(table.drop_columns(["text"]), part)
    needles = {
        person.uri,
        person.handle,
        person.handle.lstrip("@"),
        person.profile,
        person.display_name,
        f"{person.username}-{person.host.replace('.', '-')}",
        *mine,
    }
    found = {
        (path.name, needle)
        for path, text in strings_below(release_copy.work)
        for needle in needles
        if needle in text
    }
    assert found == set()


def test_it_equals_a_fresh_build_under_the_new_ledger(
    release_copy: ReleaseCopy, person: Person, tmp_path: Path
) -> None:
    """Byte for byte, with everything worked on again, whether the person's export is there or gone."""
    erase(release_copy, person)
    expected = data_of(release_copy.release)
    for name, exports in (
        ("present", release_copy.exports),
        ("gone", release_copy.exports[1:]),
    ):
        out = tmp_path / name / "release"
        shutil.copytree(release_copy.work, default_workspace(out))
        build(exports, consent=release_copy.ledger, out=out, as_of=AS_OF, fresh=True)
        assert data_of(out) == expected


def test_nobody_elses_row_changes_key_or_split(release_copy: ReleaseCopy, person: Person) -> None:
    """Rows of conversations without the person are the same in the same file, to the last field."""
    before = {
        row["conversation_key"]: (path.name, row)
        for path in sorted(release_copy.release.glob("conversations/*.parquet"))
        for row in pq.read_table(path).to_pylist()
    }
    held = lookup(release_copy.release, person.uri, now=NOW)
    touched = {one.key for one in held.rows if one.table == "conversations"}
    assert touched
    assert touched < before.keys()
    erase(release_copy, person)
    after = {
        row["conversation_key"]: (path.name, row)
        for path in sorted(release_copy.release.glob("conversations/*.parquet"))
        for row in pq.read_table(path).to_pylist()
    }
    assert {name: after[name] for name in before.keys() - touched} == {
        name: before[name] for name in before.keys() - touched
    }


def test_no_withdrawal_unmasks_anybody(
    release_copy: ReleaseCopy, person: Person, small_world: World
) -> None:
    """Names that were masked stay masked in other people's words: the person's own and everybody's."""
    erase(release_copy, person)
    released = repr(
        [rows_of(release_copy.release, table) for table in ("dialogues", "conversations")]
    )
    for one in small_world.people:
        assert one.display_name not in released
        assert one.handle.lstrip("@") not in released


def test_the_plan_and_the_certificate_say_what_was_done(
    release_copy: ReleaseCopy, person: Person
) -> None:
    """The plan is shown before; the certificate names digests, rows and what is out of reach."""
    before = digest(release_copy.release)
    shown: list[Plan] = []

    def show(plan: Plan) -> None:
        assert digest(release_copy.release) == before
        shown.append(plan)

    done = erase(release_copy, person, show=show)
    after = digest(release_copy.release)
    assert shown == [done.certificate.plan]
    assert 0 < shown[0].cells <= shown[0].cells_in_all
    for path, (old, new) in done.certificate.changed_files.items():
        assert (before.get(path), after.get(path)) == (old, new)
    data = {path for path in done.certificate.changed_files if path.endswith(".parquet")}
    assert data <= {*shown[0].files, *after}
    assert sum(done.certificate.removed_rows.values()) == len(
        (release_copy.release / "removed_keys.jsonl").read_text("utf-8").splitlines()
    )
    kept = list((release_copy.work / "certificates").glob("*.json"))
    assert len(kept) == 1
    assert any("models that were trained" in line.lower() for line in done.certificate.out_of_reach)
    assert person.uri not in kept[0].read_text("utf-8")


def test_several_people_leave_in_one_step(release_copy: ReleaseCopy, small_world: World) -> None:
    """One event, one rebuild, and all of them are gone."""
    leaving = [small_world.people[0], small_world.people[8]]
    erase(release_copy, *leaving)
    for one in leaving:
        held = lookup(release_copy.release, one.uri, now=NOW)
        assert held.rows == ()
        assert held.texts == 0
        assert set(held.verdicts) <= {"consent_withdrawn", "not_public", "not_a_post", "not_own"}


def test_a_later_import_and_an_old_as_of_bring_nobody_back(
    release_copy: ReleaseCopy, person: Person
) -> None:
    """The export may come again, and the clock may be set back: the withdrawal refuses."""
    erase(release_copy, person)
    expected = data_of(release_copy.release)
    report = build(
        release_copy.exports, consent=release_copy.ledger, out=release_copy.release, as_of=AS_OF
    )
    assert not report.written
    build(
        release_copy.exports,
        consent=release_copy.ledger,
        out=release_copy.release,
        as_of=datetime(2026, 6, 2, tzinfo=UTC),
    )
    assert lookup(release_copy.release, person.uri, now=NOW).rows == ()
    assert digest(release_copy.release).keys() - {"removed_keys.jsonl"} == expected.keys()


def test_other_peoples_missing_export_files_do_not_stand_in_the_way(
    release_copy: ReleaseCopy, person: Person, tmp_path: Path
) -> None:
    """What was read of them stands for them; a steward need not keep archives."""
    workspace = Workspace(release_copy.work)
    state = workspace.state()
    away = tuple(
        msgspec.structs.replace(record, path=str(tmp_path / "away" / Path(record.path).name))
        for record in state.exports
    )
    workspace.record(msgspec.structs.replace(state, exports=away))
    done = erase(release_copy, person)
    assert done.certificate.removed_rows["dialogues"] > 0
    assert audit(release_copy.release, now=NOW).ok


def with_own_exports(copy: ReleaseCopy, folder: Path) -> ReleaseCopy:
    """Give a release copies of its exports, free to be deleted, and forget where the shared ones lie."""
    folder.mkdir()
    copies = tuple(Path(shutil.copy(path, folder)) for path in copy.exports)
    workspace = Workspace(copy.work)
    state = workspace.state()
    unplaced = tuple(
        msgspec.structs.replace(record, places=(), path="nowhere" if record.path else "")
        for record in state.exports
    )
    workspace.record(msgspec.structs.replace(state, exports=unplaced))
    build(copies, consent=copy.ledger, out=copy.release, as_of=AS_OF)
    return copy._replace(exports=copies)


def test_export_files_are_listed_and_deleted_only_when_asked(
    release_copy: ReleaseCopy, person: Person, tmp_path: Path
) -> None:
    """The first withdrawal lists the person's files, the second deletes what is still there, and nobody else's."""
    mine = with_own_exports(release_copy, tmp_path / "mine")
    theirs = mine.exports[0]
    again = shutil.copy(theirs, tmp_path / "renamed.zip")
    build([*mine.exports, again], consent=mine.ledger, out=mine.release, as_of=AS_OF)
    first = erase(mine, person)
    assert {*first.kept_exports} == {str(theirs), str(again)}
    assert (first.deleted_exports, first.certificate.kept_exports) == ((), 2)
    assert theirs.name not in (mine.work / "state.json").read_text("utf-8")
    before = set((tmp_path / "mine").iterdir())
    second = withdraw(
        mine.release, [person.uri], now=NOW, event_id=OTHER_EVENT, delete_exports=True
    )
    assert {*second.deleted_exports} == {str(theirs), str(again)}
    assert second.kept_exports == ()
    assert before - set((tmp_path / "mine").iterdir()) == {theirs}
    assert not Path(again).exists()


def test_a_file_that_took_the_place_of_an_export_is_not_deleted(
    release_copy: ReleaseCopy, person: Person, tmp_path: Path
) -> None:
    """Somebody else's export under the same name stays, and so does what is no export at all."""
    mine = with_own_exports(release_copy, tmp_path / "mine")
    shutil.copy(mine.exports[1], mine.exports[0])
    done = erase(mine, person, delete_exports=True)
    assert (done.deleted_exports, done.kept_exports) == ((), ())
    assert mine.exports[0].read_bytes() == mine.exports[1].read_bytes()


def test_an_export_that_was_handed_in_again_is_found_by_the_next_withdrawal(
    release_copy: ReleaseCopy, person: Person, tmp_path: Path
) -> None:
    """A steward who imports it under another name after the withdrawal has it refused, and can have it deleted."""
    mine = with_own_exports(release_copy, tmp_path / "mine")
    erase(mine, person, delete_exports=True)
    expected = data_of(mine.release)
    late = Path(shutil.copy(release_copy.exports[0], tmp_path / "late.zip"))
    build([*mine.exports[1:], late], consent=mine.ledger, out=mine.release, as_of=AS_OF)
    assert data_of(mine.release) == expected
    assert "late.zip" not in (mine.work / "state.json").read_text("utf-8")
    done = withdraw(mine.release, [person.uri], now=NOW, event_id=OTHER_EVENT, delete_exports=True)
    assert done.deleted_exports == (str(late),)
    assert not late.exists()


def test_redacting_the_ledger_afterwards_changes_nothing(
    release_copy: ReleaseCopy, person: Person, small_world: World
) -> None:
    """The ledger forgets who withdrew; the workspace goes on refusing, and the next withdrawal works."""
    erase(release_copy, person)
    expected = data_of(release_copy.release)
    redact(release_copy.ledger, [person.uri], OTHER_EVENT, NOW)
    report = build(
        release_copy.exports, consent=release_copy.ledger, out=release_copy.release, as_of=AS_OF
    )
    assert not report.written
    assert data_of(release_copy.release) == expected
    assert person.uri not in (release_copy.work / "state.json").read_text("utf-8")
    other = small_world.people[8]
    done = withdraw(release_copy.release, [other.uri], now=NOW, event_id=THIRD_EVENT)
    assert done.report.written
    assert lookup(release_copy.release, other.uri, now=NOW).rows == ()
    assert audit(release_copy.release, now=NOW).ok


def test_tokens_are_made_again_or_taken_out(release_copy: ReleaseCopy, person: Person) -> None:
    """Token rows are those of the dialogues that are left; without the tokenizer there are none."""
    with samples() as shipped:
        tokenize(
            release_copy.release,
            DEMO_TOKENIZER,
            chat_template=shipped.chat_template,
            tick=pipeline.no_tick,
        )
    before = {row["dialogue_key"] for row in rows_of(release_copy.release, "tokens")}
    erase(release_copy, person)
    left = {row["dialogue_key"] for row in rows_of(release_copy.release, "dialogues")}
    assert {row["dialogue_key"] for row in rows_of(release_copy.release, "tokens")} == left
    assert left < before
    assert audit(release_copy.release, now=NOW).ok


def test_tokens_whose_tokenizer_is_gone_do_not_stay(
    release_copy: ReleaseCopy, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stale token shards would go on training on withdrawn words."""
    with samples() as shipped:
        tokenize(
            release_copy.release,
            DEMO_TOKENIZER,
            chat_template=shipped.chat_template,
            tick=pipeline.no_tick,
        )

    def gone(*_: object, **__: object) -> None:
        raise UsageError("no such tokenizer")

    monkeypatch.setattr("fedi_dataset.tokens.tokenize.load_tokenizer", gone)
    done = erase(release_copy, person)
    assert not (release_copy.release / "tokens").exists()
    assert any("tokens config was taken out" in note for note in done.report.manifest.notes)
    assert audit(release_copy.release, now=NOW).ok


def test_an_unknown_account_withdraws_nobody(release_copy: ReleaseCopy) -> None:
    """A mistyped account is an error, and the ledger stays as it was."""
    before = release_copy.ledger.read_bytes()
    with pytest.raises(UsageError, match="neither the ledger nor an export knows"):
        withdraw(
            release_copy.release,
            ["https://harbor.example/users/nobody"],
            now=NOW,
            event_id=EVENT,
        )
    assert release_copy.ledger.read_bytes() == before


def test_a_withdrawal_while_a_build_runs_is_taken_in(
    release_copy: ReleaseCopy, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build looks at the ledger again before it publishes, and begins anew."""
    work_on_cells = cells.work_on_cells
    calls: list[int] = []

    def meanwhile(*arguments: Any) -> Any:
        if not calls:
            event = Withdrawn(id=EVENT, at=NOW, accounts=(person.uri,))
            append(release_copy.ledger, event)
        calls.append(1)
        return work_on_cells(*arguments)

    monkeypatch.setattr(pipeline, "work_on_cells", meanwhile)
    build(release_copy.exports, consent=release_copy.ledger, out=release_copy.release, as_of=AS_OF)
    assert len(calls) == 2
    assert lookup(release_copy.release, person.uri, now=NOW).rows == ()
    assert audit(release_copy.release, now=NOW).ok


def test_lookup_tells_what_is_held_before_and_after(
    release_copy: ReleaseCopy, person: Person, small_world: World
) -> None:
    """Events, rows and where they are, what was dropped and why; nothing without ledger and secret."""
    held = lookup(release_copy.release, person.uri, now=NOW)
    assert held.consenting
    assert person.uri in held.accounts
    assert {one.table for one in held.rows} >= {"dialogues", "conversations"}
    truths = [truth for truth in small_world.posts() if truth.author == person]
    assert held.texts == sum(truth.reason is None for truth in truths)
    assert sum(held.verdicts.values()) == len(truths)

    erase(release_copy, person)
    held = lookup(release_copy.release, person.uri, now=NOW)
    assert not held.consenting
    assert held.rows == ()
    assert held.texts == 0
    assert held.hidden_forms > 0
    assert [event["event"] for event in held.events][-1] == "withdrawn"
    assert len(Ledger.load(release_copy.ledger).events) > 0

    shutil.rmtree(release_copy.work)
    with pytest.raises(UsageError, match="no workspace"):
        lookup(release_copy.release, person.uri, now=NOW, consent=release_copy.ledger)


def test_a_withdrawal_by_a_page_reaches_exports_that_do_not_name_it(tmp_path: Path) -> None:
    """The ledger and one archive have the actor alone, another archive has its page: both are erased."""
    words = (
        "The ferry was late again because of the fog.",
        "The museum closes at five on Tuesdays.",
    )
    exports = [
        saved(
            tmp_path,
            f"{number}.zip",
            zipped(members([create(note(number, content=f"<p>{text}</p>"))], url=page)),
        )
        for number, (text, page) in enumerate(zip(words, (None, f"{HOST}/@alice"), strict=True))
    ]
    ledger = tmp_path / "ledger.jsonl"
    append(ledger, given(accounts=(ALICE,)))
    out = tmp_path / "release"
    assert len(rows_of(build(exports, consent=ledger, out=out, as_of=AS_OF).release, "posts")) == 2
    done = withdraw(out, [f"{HOST}/@alice"], now=NOW, event_id=EVENT)
    assert rows_of(out, "posts") == []
    assert {*done.kept_exports} == {str(path) for path in exports}
    assert lookup(out, ALICE, now=NOW).texts == 0
