"""A release is at every moment the former one or the next one, whole."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.release.store import recover, staging

OLD = {
    "README.md": b"old card",
    "a/one": b"one",
    "a/two": b"two",
    "b/three": b"three",
    "manifest.json": b"old",
}
CHANGED = {"README.md": b"new card", "a/one": b"ONE", "c/four": b"four", "manifest.json": b"new"}
SUPERSEDED = ("a/two", "b/three")
NEW = {"README.md": b"new card", "a/one": b"ONE", "c/four": b"four", "manifest.json": b"new"}

STEPS = ("replace", "unlink", "mkdir", "rmdir", "fsync", "open")
"""What changes a file system, of all that store.py calls."""


class Crash(BaseException):
    """The machine stops."""


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, and empty folders too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b"folder"
        for path in folder.rglob("*")
        if path.is_file() or not any(path.iterdir())
    }


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def change(release: Path) -> None:
    """Bring a release from OLD to NEW."""
    with staging(release) as stage:
        write(stage.path, CHANGED)
        stage.commit(CHANGED, SUPERSEDED)


@contextmanager
def failing(step: int, error: Callable[[], BaseException], *, forever: bool) -> Iterator[list[int]]:
    """Let the file system fail at its ``step``-th change, once or from then on; yields the count."""
    count = [0]
    with pytest.MonkeyPatch.context() as patch:

        def patched(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                if real is os.open and not args[1] & os.O_CREAT and not Path(args[0]).exists():
                    return real(*args, **kwargs)  # only a look
                count[0] += 1
                if count[0] == step or (forever and count[0] > step):
                    raise error()
                return real(*args, **kwargs)

            return call

        for name in STEPS:
            patch.setattr(os, name, patched(getattr(os, name)))
        yield count


def crash_at(step: int, work: Callable[[Path], object], release: Path) -> int:
    """Run ``work`` on a machine that stops at its ``step``-th change; give how many it got to."""
    with failing(step, Crash, forever=True) as count, suppress(Crash):
        work(release)
    return count[0]


def every_crash(
    work: Callable[[Path], object], before: Callable[[], Path]
) -> Iterator[tuple[int, Path]]:
    """Crash ``work`` at each of its changes, each time on a fresh release, until it gets through."""
    for step in range(1, 200):
        release = before()
        if crash_at(step, work, release) < step:
            return
        yield step, release
    raise AssertionError("the work does not end")


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here cuts the power, so that nothing needs to wait for a disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """Give a new release in its former state each time."""
    numbers = iter(range(10_000))

    def make() -> Path:
        release = tmp_path / str(next(numbers)) / "release"
        write(release, OLD)
        return release

    return make


def test_a_commit_moves_deletes_and_leaves_nothing_staged(fresh: Callable[[], Path]) -> None:
    """After a commit the release holds exactly the new files, no empty folder and no staging."""
    release = fresh()
    change(release)
    assert content_of(release) == NEW
    assert recover(release) is None


def test_what_is_not_committed_is_thrown_away(fresh: Callable[[], Path]) -> None:
    """An error before the commit, or no commit at all, leaves the former release and no staging."""
    release = fresh()

    def fail() -> None:
        with staging(release) as stage:
            write(stage.path, CHANGED)
            raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        fail()
    assert content_of(release) == OLD
    with staging(release) as stage:
        write(stage.path, CHANGED)
    assert content_of(release) == OLD


def test_a_folder_that_nothing_came_of_is_not_left_behind(tmp_path: Path) -> None:
    """A release that did not come about leaves no empty folder."""
    with pytest.raises(ValueError, match="ours"), staging(tmp_path / "release"):
        raise ValueError("ours")
    assert list(tmp_path.iterdir()) == []


def test_a_crash_anywhere_leaves_the_old_or_the_new_release(fresh: Callable[[], Path]) -> None:
    """Whatever change the machine stops at, recovery gives exactly the old or the new release."""
    seen = set()
    for step, release in every_crash(change, fresh):
        state = recover(release)
        content = content_of(release)
        assert content in (OLD, NEW), step
        if state is not None:  # None: it had not begun, or had nothing left but to be told
            assert content == (NEW if state == "new" else OLD) or state == "former", step
        assert recover(release) is None
        seen.add((state, content == NEW))
    assert {("former", False), ("new", True)} <= seen


def test_a_crash_while_recovering_is_recovered_from(fresh: Callable[[], Path]) -> None:
    """A recovery that is itself interrupted at any change is finished by the next one."""
    total = sum(1 for _ in every_crash(change, fresh))
    states = set()
    for step in range(1, total + 1, 3):

        def half_way(step: int = step) -> Path:
            release = fresh()
            crash_at(step, change, release)
            return release

        crashed = half_way()
        recover(crashed)
        for _, release in every_crash(recover, half_way):
            recover(release)
            assert content_of(release) == content_of(crashed)
            states.add(content_of(release) == NEW)
    assert states == {True, False}


def test_an_error_anywhere_leaves_the_old_or_the_new_release(fresh: Callable[[], Path]) -> None:
    """Whatever change fails, with the program living on, nothing is lost and the next command goes on."""
    results = set()
    for step in range(1, 200):
        release = fresh()
        with (
            failing(step, lambda: OSError(5, "I/O error", "disk"), forever=False) as count,
            suppress(OSError, FediDatasetError),
        ):
            change(release)
        if count[0] < step:
            break
        recover(release)
        assert content_of(release) in (OLD, NEW), step
        results.add(content_of(release) == NEW)
        change(release)
        assert content_of(release) == NEW
    assert results == {True, False}


def test_a_move_that_fails_says_so(fresh: Callable[[], Path]) -> None:
    """An error within the move is told as one, and the next command finishes it."""
    release = fresh()
    (release / "c").write_bytes(b"in the way")
    with pytest.raises(FediDatasetError, match="the next command finishes it"):
        change(release)
    (release / "c").unlink()
    assert recover(release) == "new"
    assert content_of(release) == NEW


def test_the_staging_of_a_running_command_is_left_alone(fresh: Callable[[], Path]) -> None:
    """While another process holds the staging folder, a second command is refused and touches nothing."""
    release = fresh()
    script = (
        "import sys, pathlib\n"
        "from fedi_dataset.release.store import staging\n"
        "with staging(pathlib.Path(sys.argv[1])) as stage:\n"
        "    (stage.path / 'half').write_text('half')\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(release)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        began = time.monotonic()
        with pytest.raises(UsageError, match="another command is working on"):
            recover(release)
        with pytest.raises(UsageError, match="another command is working on"), staging(release):
            pass
        assert time.monotonic() - began < 5
        assert (release / ".staging" / "half").read_text() == "half"
        other.kill()
        other.wait()
    assert recover(release) == "former"
    assert content_of(release) == OLD


def test_a_damaged_stride_is_told(tmp_path: Path) -> None:
    """What cannot be finished is not guessed at: a sentence says what to do, and nothing changes."""
    release = tmp_path / "release"
    write(release, OLD)
    write(release / ".staging", {"stride.json": b'{"move": ["a/o'})
    before = content_of(release)
    with pytest.raises(FediDatasetError, match=r"stride\.json is damaged.*build it again"):
        recover(release)
    left = content_of(release)
    assert {path: left[path] for path in before} == before
