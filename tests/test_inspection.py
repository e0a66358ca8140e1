"""inspect: what it counts is what a build would count, one export beside the other."""

from __future__ import annotations

from pathlib import Path

from tests.commands import run
from tests.consent.events import given, lines_of
from tests.readers.exports import create, members, note, saved, zipped

WORDS = "<p>The garden behind the old mill is open every evening.</p>"


def test_what_one_export_of_an_account_denies_all_of_them_deny(tmp_path: Path) -> None:
    """A bio that says no in one archive counts for the other, as in a build; alone, that one is admitted."""
    folder = tmp_path / "in"
    folder.mkdir()
    plain = saved(folder, "a.zip", zipped(members([create(note(1, content=WORDS))])))
    denying = zipped(members([create(note(2, content=WORDS))], summary="<p>#NoAI</p>"))
    saved(folder, "b.zip", denying)
    saved(folder, "broken.zip", denying[:-30])
    ledger = saved(tmp_path, "ledger.jsonl", b"".join(lines_of([given()])))
    ran = run("inspect", folder, "--consent", ledger, "--json")
    assert [one.get("verdicts") for one in ran.data["exports"]] == [
        {"signal_denied": 1},
        {"signal_denied": 1},
        None,
    ]
    assert ran.data["exports"][2]["unreadable"] == "truncated"
    ran = run("inspect", plain, "--consent", ledger, "--json")
    assert [one["verdicts"] for one in ran.data["exports"]] == [{"admitted": 1}]


def test_without_a_ledger_nothing_is_judged(tmp_path: Path) -> None:
    """Without a ledger items are counted, and no verdict is given."""
    export = saved(tmp_path, "a.zip", zipped(members([create(note(1)), create(note(2))])))
    (found,) = run("inspect", export, "--json").data["exports"]
    assert found["items"] == {"post": 2}
    assert found["visibilities"] == {"public": 2}
    assert "verdicts" not in found
