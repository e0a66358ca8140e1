"""The list of exports is what was given, each once, and none is lost by mistake."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from fedi_dataset.consent.ledger import append
from fedi_dataset.errors import UnknownFormat, UsageError
from fedi_dataset.exports import OpenedExports, choose_exports, digest_of, expand
from fedi_dataset.workspace import ExportRecord
from tests.consent.events import given
from tests.readers.exports import create, members, note, repo, saved, unpacked, zipped


def archive(number: int) -> bytes:
    """Alice's archive with one post of this number."""
    return zipped(members([create(note(number))]))


def sha256(content: bytes) -> str:
    """What names an export that is a file."""
    return hashlib.sha256(content).hexdigest()


def names(opened: OpenedExports) -> list[str]:
    """The files that were taken in."""
    return [Path(record.path).name for record in opened.records]


def chosen(
    paths: list[Path],
    recorded: list[ExportRecord] | None = None,
    *,
    add: bool = False,
    prune: bool = False,
) -> OpenedExports:
    """The exports of a build."""
    return choose_exports(paths, recorded or [], add=add, prune=prune)


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """Three archives in a folder."""
    folder = tmp_path / "exports"
    folder.mkdir()
    return [saved(folder, f"{name}.zip", archive(n)) for n, name in enumerate("abc")]


def test_exports_come_in_the_order_of_their_digests(three: list[Path]) -> None:
    """However they are named, exports and records come in one order, each named by its bytes."""
    for paths in (three, three[::-1]):
        opened = chosen(paths)
        ids = [sha256(path.read_bytes()) for path in three]
        assert [one.export_id for one in opened.exports] == sorted(ids)
        assert [one.export_id for one in opened.records] == sorted(ids)
        assert {Path(one.path) for one in opened.records} == {path.resolve() for path in three}
        assert {one.format for one in opened.records} == {"mastodon-archive"}
        assert (opened.quarantined, opened.problems) == ([], [])


def test_the_same_bytes_are_one_export(three: list[Path], tmp_path: Path) -> None:
    """A file named twice, or a copy of it, is taken once; so is one that cannot be read."""
    copy = Path(shutil.copy(three[0], tmp_path / "copy.zip"))
    broken = saved(tmp_path, "broken.zip", archive(9)[:-30])
    again = Path(shutil.copy(broken, tmp_path / "again.zip"))
    opened = chosen([three[0], three[0], copy, broken, broken, again])
    assert sorted(names(opened)) == ["a.zip", "broken.zip"]
    assert len(opened.exports) == len(opened.quarantined) == len(opened.problems) == 1


def test_what_cannot_be_read_is_set_aside_and_recorded(three: list[Path], tmp_path: Path) -> None:
    """A damaged export is quarantined with its digest and code, told by its path, and remembered."""
    broken = saved(tmp_path, "broken.zip", archive(9)[:-30])
    opened = chosen([three[0], broken])
    (record,) = opened.quarantined
    digest = sha256(broken.read_bytes())
    assert (record.export_id, record.position, record.code) == (digest, None, "truncated")
    assert len(opened.exports) == 1
    assert ExportRecord(digest, str(broken.resolve()), "unreadable") in opened.records
    assert str(broken) in opened.problems[0]
    assert digest_of(broken) == digest


@pytest.mark.parametrize("content", [b"words", b'{"a": 1}'])
def test_a_file_that_nobody_knows_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file of no known format stops everything: it was named by mistake."""
    with pytest.raises(UnknownFormat, match="no reader knows it"):
        chosen([saved(tmp_path, "notes.txt", content)])


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A missing export is named."""
    with pytest.raises(UsageError, match=r"no export at .*gone\.zip"):
        chosen([tmp_path / "gone.zip"])
    with pytest.raises(UsageError, match=r"no export at .*gone\.zip"):
        expand([tmp_path / "gone.zip"], beside=tmp_path / "ledger.jsonl")


# --- folders ----------------------------------------------------------------------------------------


def test_a_folder_stands_for_what_lies_in_it(three: list[Path], tmp_path: Path) -> None:
    """Files and unpacked archives in a folder are exports; hidden files, the ledger and its lock are not."""
    folder = three[0].parent
    inner = unpacked(folder / "unpacked", members([create(note(7))]))
    car = saved(folder, "repo.car", repo({}))
    (folder / ".DS_Store").write_bytes(b"x")
    ledger = folder / "ledger.jsonl"
    append(ledger, given())
    (folder / "ledger.jsonl.lock").touch()
    assert expand([folder], beside=ledger) == [*three, car, inner]
    assert expand([folder / ".." / "exports"], beside=ledger) == [
        folder / ".." / "exports" / path.name for path in [*three, car, inner]
    ]
    assert len(chosen(expand([folder], beside=ledger)).exports) == 5


def test_an_unpacked_archive_is_itself_an_export(tmp_path: Path) -> None:
    """A folder that is somebody's archive is not looked into."""
    folder = unpacked(tmp_path / "alice", members([create(note(7))]))
    assert expand([folder], beside=tmp_path / "ledger.jsonl") == [folder]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """A folder with nothing in it, or with the ledger alone, was named by mistake."""
    (tmp_path / "empty").mkdir()
    saved(tmp_path / "empty", "ledger.jsonl", b"")
    with pytest.raises(UsageError, match="is empty: no exports in it"):
        expand([tmp_path / "empty"], beside=tmp_path / "empty" / "ledger.jsonl")


# --- what was recorded ------------------------------------------------------------------------------


def test_recorded_exports_are_not_dropped_by_mistake(three: list[Path]) -> None:
    """A list that lacks recorded exports is refused, and the message names each of them."""
    recorded = chosen(three).records
    with pytest.raises(UsageError, match="would drop 2 exports") as told:
        chosen(three[:1], recorded)
    assert told.value.exit_code == 2
    assert [line.split()[0] for line in str(told.value).splitlines()[1:3]] == sorted(
        (str(path.resolve()) for path in three[1:]),
        key=lambda path: sha256(Path(path).read_bytes()),
    )
    assert "--add" in str(told.value)
    assert "--prune" in str(told.value)
    assert chosen(three, recorded).records == recorded


def test_prune_lets_them_go(three: list[Path]) -> None:
    """With prune the list given is the whole list."""
    assert names(chosen(three[:1], chosen(three).records, prune=True)) == ["a.zip"]


def test_add_takes_them_along(three: list[Path], tmp_path: Path) -> None:
    """With add the recorded ones and the new ones are taken, each once, the unreadable ones too."""
    broken = saved(tmp_path, "broken.zip", archive(9)[:-30])
    recorded = chosen([*three[:2], broken]).records
    opened = chosen(three[1:], recorded, add=True)
    assert sorted(names(opened)) == ["a.zip", "b.zip", "broken.zip", "c.zip"]
    assert [one.export_id for one in opened.exports] == sorted(
        one.export_id for one in opened.exports
    )
    assert len(opened.quarantined) == 1


@pytest.mark.parametrize("how", ["gone", "changed", "damaged"])
def test_a_recorded_export_that_is_not_the_same_is_refused(three: list[Path], how: str) -> None:
    """An export that was moved or changed since cannot be taken along; the message names it."""
    recorded = chosen(three).records
    if how == "gone":
        three[2].unlink()
    else:
        three[2].write_bytes(archive(8) if how == "changed" else three[2].read_bytes()[:-30])
    with pytest.raises(UsageError, match=r"no longer where they were, or have changed: .*c\.zip"):
        chosen(three[:1], recorded, add=True)


def test_a_changed_export_is_another_one(three: list[Path]) -> None:
    """A recorded export that changed in its place is refused like one that is missing, until pruned."""
    recorded = chosen(three).records
    before = recorded[[Path(one.path).name for one in recorded].index("c.zip")]
    three[2].write_bytes(archive(8))
    with pytest.raises(UsageError, match="would drop 1 exports") as told:
        chosen(three, recorded)
    assert before.export_id[:12] in str(told.value)
    assert sorted(names(chosen(three, recorded, prune=True))) == ["a.zip", "b.zip", "c.zip"]
