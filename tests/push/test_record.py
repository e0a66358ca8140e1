"""The record of what went to the Hub."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from fedi_dataset.errors import UsageError
from fedi_dataset.hub.record import Pushed, not_gone, note, note_gone, outdated, pushed

AT = datetime(2026, 7, 1, tzinfo=UTC)
FIRST = Pushed(
    endpoint="https://hub.example",
    target="lab/talks",
    build="b" * 32,
    at=AT,
    removed=0,
    objects={"dialogues/train-b.parquet": "c" * 64},
)
SENT = msgspec.structs.replace(FIRST, commit="1" * 40)


def test_what_was_begun_becomes_what_was_sent(tmp_path: Path) -> None:
    """One push has one line, at first without its commit."""
    note(tmp_path, FIRST)
    assert pushed(tmp_path) == [FIRST]
    note(tmp_path, SENT)
    note(tmp_path, SENT)
    assert pushed(tmp_path) == [SENT]


def test_another_commit_of_the_same_build_is_another_line(tmp_path: Path) -> None:
    """After a squash the same build stands at another commit, and the former one is still to be asked for."""
    squashed = msgspec.structs.replace(SENT, commit="2" * 40)
    note(tmp_path, SENT)
    note(tmp_path, squashed)
    assert pushed(tmp_path) == [SENT, squashed]


def test_only_what_was_sent_before_the_removal_is_outdated(tmp_path: Path) -> None:
    """A revision holds the rows that the list took back after it, until it is verified to be gone."""
    later = msgspec.structs.replace(SENT, build="d" * 32, removed=3, commit="3" * 40)
    for one in (SENT, later):
        note(tmp_path, one)
    assert outdated(tmp_path, 3) == (f"lab/talks at revision {'1' * 40}",)
    assert outdated(tmp_path, 4) == not_gone(tmp_path)
    note_gone(tmp_path, [SENT], AT)
    assert outdated(tmp_path, 3) == ()
    assert not_gone(tmp_path) == (f"lab/talks at revision {'3' * 40}",)


def test_the_record_is_private(tmp_path: Path) -> None:
    """Nobody but its owner reads it."""
    note(tmp_path, SENT)
    assert (tmp_path / "hub.jsonl").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"{}\n", b"\xff\n", b"nothing\n"])
def test_a_damaged_record_is_not_passed_over(tmp_path: Path, content: bytes) -> None:
    """What is unknown to be on the Hub could not be purged there: the error says what to do."""
    (tmp_path / "hub.jsonl").write_bytes(content)
    with pytest.raises(UsageError, match=r"hub\.jsonl is damaged"):
        pushed(tmp_path)
