"""The workspace is private, held by one command at a time, and says so when it is damaged."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from fedi_dataset.errors import UsageError
from fedi_dataset.part import Part, Writers, seal
from fedi_dataset.release.law import Step
from fedi_dataset.schema import CELL_OUTPUT
from fedi_dataset.workspace import (
    ExportRecord,
    LedgerRecord,
    State,
    Workspace,
    default_workspace,
    fingerprint,
)
from tests.conftest import ReleaseCopy

HOLDER = (
    "import sys, pathlib\n"
    "from fedi_dataset.workspace import Workspace\n"
    "with Workspace(pathlib.Path(sys.argv[1])).locked():\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


@contextmanager
def held_by_another(work: Path) -> Iterator[None]:
    """Let another process hold a workspace."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(work)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        yield
        other.kill()
        other.wait()


def mode(path: Path) -> int:
    """The permissions of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A new workspace, not yet opened."""
    return Workspace(tmp_path / "release.work")


def cell(number: int) -> pa.RecordBatch:
    """What the work on a cell could give back."""
    row = {
        "cell": number,
        "digest": f"d{number}",
        "table": "report",
        "split": "",
        "rows": 0,
        "payload": b"{}",
    }
    return pa.RecordBatch.from_pylist([row], CELL_OUTPUT)


def test_the_workspace_lies_beside_the_release() -> None:
    """When none is named, it is the release's name with .work."""
    assert default_workspace(Path("a/release")) == Path("a/release.work")
    assert default_workspace(Path("a/v1.2")) == Path("a/v1.2.work")


def test_nobody_else_can_read_a_workspace(release_copy: ReleaseCopy) -> None:
    """After a build every folder is its owner's alone, and so are secret, state, cells and parts."""
    umask = os.umask(0o022)
    os.umask(umask)
    assert mode(release_copy.work) == 0o700
    folders = {path: mode(path) for path in release_copy.work.rglob("*") if path.is_dir()}
    assert {path.name for path in folders if path.parent == release_copy.work} >= {"parts", "cells"}
    assert set(folders.values()) == {0o700}
    for name in ("secret", "state.json"):
        assert mode(release_copy.work / name) == 0o600
    cells = list((release_copy.work / "cells").iterdir())
    assert cells
    assert {mode(path) for path in cells} == {0o600}
    assert not (release_copy.work / "scratch").exists()


def test_a_folder_that_was_open_is_closed(workspace: Workspace) -> None:
    """A workspace that others could read is made private when it is opened."""
    workspace.path.mkdir(mode=0o755)
    workspace.path.chmod(0o755)
    with workspace.locked():
        assert mode(workspace.path) == 0o700
        assert mode(workspace.scratch) == 0o700


def test_scratch_does_not_outlive_a_command(workspace: Workspace) -> None:
    """What a crash left in scratch is gone when the next command begins, and its own when it ends."""
    (workspace.path / "scratch" / "old").mkdir(parents=True)
    with workspace.locked():
        assert list(workspace.scratch.iterdir()) == []
        (workspace.scratch / "new").write_text("x")
    assert not workspace.scratch.exists()


def test_what_a_killed_command_left_half_written_is_deleted(workspace: Workspace) -> None:
    """Words and names may stand in it, and no withdrawal would find them; what is whole stays."""
    halves = (
        "state.json.tmp",
        "suppressed.parquet.tmp",
        "persons.parquet.tmp",
        "cells/d0.arrow.tmp",
        "parts/one/identities.parquet.tmp",
        "parts/two.tmp/posts.parquet",
    )
    wholes = (
        "secret",
        "suppressed.parquet",
        "persons.parquet",
        "cells/d1.arrow",
        "parts/one/identities.parquet",
    )
    for name in (*halves, *wholes):
        file = workspace.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    with workspace.locked():
        left = {
            path.relative_to(workspace.path).as_posix()
            for path in workspace.path.rglob("*")
            if path.is_file() and path.name != "lock"
        }
    assert left == set(wholes)


def test_a_second_command_is_refused_at_once(workspace: Workspace) -> None:
    """While another process holds the workspace, a command is told so instead of waiting, and touches nothing."""
    with held_by_another(workspace.path):
        (workspace.scratch / "half").write_text("half")
        began = time.monotonic()
        told = pytest.raises(UsageError, match=r"another command is working on .*release\.work")
        with told, workspace.locked():
            pass
        assert time.monotonic() - began < 2
        assert (workspace.scratch / "half").read_text() == "half"
    with workspace.locked():
        pass


def test_a_file_in_its_place_is_refused(workspace: Workspace) -> None:
    """A workspace is a folder."""
    workspace.path.write_text("mine")
    with (
        pytest.raises(UsageError, match="is a file; the workspace must be a folder"),
        workspace.locked(),
    ):
        pass
    assert workspace.path.read_text() == "mine"


def test_the_secret_is_made_once(workspace: Workspace) -> None:
    """A new workspace gets a random secret of 32 bytes and keeps it, whatever is given later."""
    assert not workspace.exists
    with pytest.raises(UsageError, match="no workspace at"):
        workspace.secret()
    with workspace.locked():
        secret = workspace.secret_or_new()
        assert len(secret) == 32
        assert workspace.secret_or_new(b"\x01" * 32) == secret == workspace.secret()
    assert workspace.exists
    other = Workspace(workspace.path.with_name("other"))
    with other.locked():
        assert other.secret_or_new(b"\x01" * 32) == b"\x01" * 32
    assert fingerprint(secret) != fingerprint(b"\x01" * 32)
    assert secret.hex() not in fingerprint(secret)


def test_a_short_secret_is_refused(workspace: Workspace) -> None:
    """A secret that lost bytes keys nothing."""
    with workspace.locked():
        (workspace.path / "secret").write_bytes(b"\x01" * 31)
        with pytest.raises(UsageError, match="is not a secret of 32 bytes"):
            workspace.secret()


def test_the_state_is_kept(workspace: Workspace) -> None:
    """What is recorded is read back; before that it is empty."""
    state = State(
        exports=(ExportRecord("ab", "/exports/ada.zip", "mastodon-archive"),),
        ledger=LedgerRecord("/ledger.jsonl", 3, "cd" * 32),
        config={"languages": ["en"]},
        law={"items": Step(3, 2, {"bot": 1}, {"bot": 1})},
        parts=("one", "two"),
        verdicts="ef",
    )
    assert workspace.state() == State()
    with workspace.locked():
        workspace.record(state)
        assert workspace.state() == state
        with pytest.raises(UsageError, match=r"part\.json is damaged, or missing; run the build"):
            workspace.table("links")
        for name in state.parts:
            part = workspace.parts / name
            part.mkdir()
            with Writers(part) as write:
                write("links", {"post_key": b"p" * 16, "reply_to_key": None, "own": True})
            seal(part, Part(name, "ab", {}, ()))
        assert [str(path.relative_to(workspace.path)) for path in workspace.table("links")] == [
            "parts/one/links.parquet",
            "parts/two/links.parquet",
        ]
        (workspace.parts / "two" / "links.parquet").write_bytes(b"PAR1")
        with pytest.raises(UsageError, match=r"two/links\.parquet is damaged"):
            workspace.table("links")
        assert len(workspace.table("posts")) == 2


@pytest.mark.parametrize("content", [b"", b"{", b'{"exports": 3}', b'{"verdicts": "\xff"}', b"[]"])
def test_a_damaged_state_is_told(workspace: Workspace, content: bytes) -> None:
    """A state that cannot be read is an error of one sentence that says what to do, not an empty state."""
    workspace.path.mkdir()
    (workspace.path / "state.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"state\.json is damaged .*Restore it") as told:
        workspace.state()
    assert "\n" not in str(told.value)


def test_a_finished_cell_is_kept_and_forgotten(workspace: Workspace) -> None:
    """A cell is read back as it was kept; all but those named are forgotten."""
    with workspace.locked():
        assert workspace.finished_cells() == frozenset()
        for number in range(3):
            workspace.keep_cell(f"d{number}", cell(number))
        assert workspace.finished_cells() == {"d0", "d1", "d2"}
        assert workspace.cell("d1").equals(cell(1))
        assert workspace.cell("d1").schema == CELL_OUTPUT
        workspace.keep_cell("d1", cell(7))
        assert workspace.cell("d1").equals(cell(7))
        assert workspace.forget_cells(frozenset({"d1", "unknown"})) == 2
        assert workspace.finished_cells() == {"d1"}
        assert workspace.forget_cells(frozenset()) == 1
        assert list((workspace.path / "cells").iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"ARROW1 but not for long",
        lambda content: b"",
        lambda content: content[:-30],
        lambda content: content.replace(b"{}", b"[]"),
        lambda content: content.replace(b"report", b"repork"),
    ],
)
def test_a_damaged_cell_is_dropped(workspace: Workspace, damage: Callable[[bytes], bytes]) -> None:
    """A cell's file that does not hold what was kept is told when it is read, and deleted before a build."""
    with workspace.locked():
        for number in range(2):
            workspace.keep_cell(f"d{number}", cell(number))
        file = workspace.path / "cells" / "d0.arrow"
        before = file.read_bytes()
        assert workspace.drop_damaged_cells() == 0
        file.write_bytes(damage(before))
        assert file.read_bytes() != before
        if not damage(before).endswith(b"ARROW1"):
            with pytest.raises(UsageError, match=r"d0\.arrow is damaged; build again"):
                workspace.cell("d0")
        assert workspace.drop_damaged_cells() == 1
        assert workspace.finished_cells() == {"d1"}


def test_parts_that_are_no_longer_named_are_forgotten(workspace: Workspace) -> None:
    """Only the parts of this build stay, not what a crash left half-written either."""
    with workspace.locked():
        for name in ("a", "a.tmp", "b", "c.tmp"):
            (workspace.parts / name).mkdir()
            (workspace.parts / name / "posts.parquet").write_text("x")
        workspace.forget_parts(frozenset({"b"}))
        assert [path.name for path in workspace.parts.iterdir()] == ["b"]
