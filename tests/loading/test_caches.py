"""Superseded caches are deleted, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from fedi_dataset.builder_caches import Past, note_load, past
from fedi_dataset.consent.ledger import Head
from fedi_dataset.errors import UsageError

FIRST, SECOND = Head(1, "1" * 64), Head(2, "2" * 64)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Where loads are put on record."""
    return tmp_path / "loads.json"


def cached(path: Path) -> Path:
    """Write what datasets would."""
    path.mkdir(parents=True)
    (path / "rows.arrow").write_bytes(b"rows")
    return path


def test_what_is_superseded_goes(record: Path, tmp_path: Path) -> None:
    """Caches of another generation go, with what a killed process left; those of this one stay."""
    one, two, three = (cached(tmp_path / "cache" / name / "0.0.0" / "hash") for name in "abc")
    cached(one.with_name("hash.incomplete"))
    stranger = cached(tmp_path / "cache" / "d" / "0.0.0" / "hash")
    note_load(record, FIRST, "old", one)
    note_load(record, FIRST, "old", two)
    assert one.is_dir()
    note_load(record, SECOND, "new", three)
    assert sorted((tmp_path / "cache").rglob("*.arrow")) == [
        three / "rows.arrow",
        stranger / "rows.arrow",
    ]
    assert past(record).head == SECOND
    assert [one.path for one in past(record).caches] == [str(three)]


def test_what_is_being_written_stays_until_it_is_done(record: Path, tmp_path: Path) -> None:
    """A cache that a process is writing is left alone, and deleted the next time."""
    old, new = (cached(tmp_path / name / "0.0.0" / "hash") for name in "ab")
    note_load(record, FIRST, "old", old)
    with FileLock(f"{old}_builder.lock"):
        note_load(record, SECOND, "new", new)
        assert old.is_dir()
    note_load(record, SECOND, "new", new)
    assert not old.exists()
    assert new.is_dir()


def test_a_link_is_not_followed(record: Path, tmp_path: Path) -> None:
    """A link that somebody put in the place of a cache keeps what it leads to."""
    elsewhere = cached(tmp_path / "elsewhere")
    old = tmp_path / "a" / "0.0.0" / "hash"
    note_load(record, FIRST, "old", old)
    old.parent.mkdir(parents=True)
    old.symlink_to(elsewhere)
    note_load(record, SECOND, "new", tmp_path / "b")
    assert (elsewhere / "rows.arrow").is_file()


def test_a_load_that_was_overtaken_deletes_nothing(record: Path, tmp_path: Path) -> None:
    """Who read a shorter ledger than somebody else since does not delete the newer rows."""
    new = cached(tmp_path / "new" / "0.0.0" / "hash")
    note_load(record, SECOND, "new", new)
    note_load(record, FIRST, "old", tmp_path / "old" / "0.0.0" / "hash")
    assert new.is_dir()
    assert past(record).head == SECOND


def test_a_damaged_record_is_told(record: Path, tmp_path: Path) -> None:
    """Without the record superseded rows could not be found, so loading stops and says what to do."""
    assert past(record) == Past()
    record.write_text("{")
    with pytest.raises(UsageError, match="superseded caches cannot be found"):
        note_load(record, FIRST, "new", tmp_path / "cache")
