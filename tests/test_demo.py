"""The demo may be tried on: what one does to its release reaches the copies beside it, and nothing that ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fedi_dataset import samples
from fedi_dataset.release.audit import audit
from tests.commands import content_of, run

pytestmark = pytest.mark.slow

SHIPPED = Path(samples.__file__).parent / "data" / "demo"
OTTILIE = "https://harbor.example/users/ottilie"


def test_a_withdrawal_from_the_demo_changes_nothing_that_ships(tmp_path: Path) -> None:
    """Ledger and export are the copies' own; the next demo is what the first was, and the withdrawn stays so."""
    shipped = content_of(SHIPPED)
    out = tmp_path / "one"
    first = run("demo", "--out", out, "--json")
    assert (first.code, first.data["audit"]) == (0, True)
    beside = tmp_path / "one.samples"
    assert content_of(beside / "exports") == content_of(SHIPPED / "exports")
    assert (beside / "ledger.jsonl").read_bytes() == (SHIPPED / "ledger.jsonl").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "one.samples", "one.work"]

    ran = run("withdraw", out, OTTILIE, "--delete-exports", "--json")
    assert ran.code == 0, ran.err
    assert ran.data["deleted_exports"] == [str(beside / "exports" / "ottilie-harbor-example.zip")]
    last = json.loads((beside / "ledger.jsonl").read_text("utf-8").splitlines()[-1])
    assert (last["event"], last["accounts"]) == ("withdrawn", [OTTILIE])
    assert content_of(SHIPPED) == shipped

    again = run("demo", "--out", out, "--json")
    assert (again.code, again.data["audit"]) == (0, True)
    assert again.data["build"] != first.data["build"]
    assert audit(out).ok
    other = run("demo", "--out", tmp_path / "two", "--json")
    assert other.data["build"] == first.data["build"]
    assert content_of(SHIPPED) == shipped


def test_a_copy_that_broke_off_is_made_again(tmp_path: Path) -> None:
    """Half of the samples is never taken for all of them."""
    left = tmp_path / "demo.samples.tmp"
    (left / "exports").mkdir(parents=True)
    (left / "exports" / "half.zip").write_bytes(b"PK")
    assert run("demo", "--out", tmp_path / "demo", "--json").code == 0
    assert content_of(tmp_path / "demo.samples" / "exports") == content_of(SHIPPED / "exports")
    assert not left.exists()
