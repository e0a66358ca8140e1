"""load_dataset("fedi_dataset", ...) in one process: what it gives, what it refuses, when it notices a change."""

from __future__ import annotations

import os
import pathlib
import shutil
from collections.abc import Callable
from pathlib import Path

import datasets
import pytest

import fedi_dataset.builder_inputs
import fedi_dataset.builder_release
from fedi_dataset.builder_inputs import Inputs
from fedi_dataset.config import BuildConfig
from fedi_dataset.errors import FediDatasetError, LedgerRolledBack, UsageError
from fedi_dataset.pipeline import BuildReport
from fedi_dataset.schema import RELEASE_TABLES
from tests.loading.conftest import Given, Rows, load_rows, release_of
from tests.loading.test_release import stored
from tests.world import World

Load = Callable[..., Rows]


def caches(cache: Path) -> set[str]:
    """The folders in which datasets keeps rows of this builder."""
    return {str(path.parent) for path in cache.glob("fedi_dataset/**/dataset_info.json")}


def withdraw(given: Given, talks: World, *numbers: int) -> None:
    """Append withdrawals to the ledger, and set its time of change back."""
    times = given.ledger.stat()
    lines = talks.ledger_lines([talks.people[number].uri for number in numbers])
    given.ledger.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    os.utime(given.ledger, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_the_rows_are_those_of_a_release(warm: Path, written: Given, released: BuildReport) -> None:
    """Under the same secret every config gives, streamed or not, exactly what the release holds."""
    for name, schema in RELEASE_TABLES.items():
        assert load_rows(written, name) == stored(released.release, name)
        assert load_rows(written, name, streaming=True) == stored(released.release, name)
        builder = datasets.load_dataset_builder("fedi_dataset", name, **written.arguments())
        assert builder.info.features == datasets.Features.from_arrow_schema(schema)
    assert load_rows(written, None) == stored(released.release, "dialogues")


def test_one_split(warm: Path, written: Given, released: BuildReport) -> None:
    """Splits can be named, sliced and added as anywhere, and splits and configs asked for."""
    rows = stored(released.release, "dialogues")
    sliced = datasets.load_dataset(
        "fedi_dataset", "dialogues", split="train[:2]+test", **written.arguments()
    )
    assert list(sliced) == rows["train"][:2] + rows["test"]
    names = datasets.get_dataset_split_names("fedi_dataset", "dialogues", **written.arguments())
    assert names == list(rows)
    exports = str(written.exports)
    configs = datasets.get_dataset_config_names("fedi_dataset", data_dir=exports)
    assert configs == list(RELEASE_TABLES)


def test_a_withdrawal_is_seen(load: Load, given: Given, small_talks: World, tmp_path: Path) -> None:
    """A longer ledger at the same path with the same time of change gives the rows that are left."""
    former = load(given)
    withdraw(given, small_talks, 0)
    left = stored(release_of(given, tmp_path / "out").release, "dialogues")
    assert left != former
    assert load(given) == left
    assert load(given, streaming=True) == left


def test_superseded_caches_are_deleted(
    load: Load, given: Given, small_talks: World, cache: Path
) -> None:
    """After a withdrawal no cache of the former rows is left, of any config, nor what was mapped from it."""
    load(given, "dialogues")
    load(given, "conversations")
    found = datasets.load_dataset("fedi_dataset", "posts", **given.arguments())
    mapped = found.map(lambda row: {"length": len(row["text"])})["train"].cache_files
    former = caches(cache)
    assert len(former) == 3
    assert all(str(Path(one["filename"]).parent) in former for one in mapped)
    withdraw(given, small_talks, 0)
    load(given, "dialogues")
    now = caches(cache)
    assert len(now) == 1
    assert not now & former
    assert not any(Path(path).exists() for path in former)
    assert {path.parent for path in cache.glob("fedi_dataset/**/*.arrow")} == {
        Path(path) for path in now
    }


def test_caches_go_even_if_the_build_fails(
    load: Load, given: Given, small_talks: World, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a withdrawal was seen, the former rows are gone, whatever becomes of the new ones."""
    load(given)
    withdraw(given, small_talks, 0)

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(fedi_dataset.builder_release, "build", fail)
    with pytest.raises(OSError, match="no space left"):
        load(given)
    assert caches(cache) == set()


def test_other_caches_stay(
    load: Load, written: Given, given: Given, small_talks: World, cache: Path, tmp_path: Path
) -> None:
    """A withdrawal from one ledger leaves the caches of another pair, and other people's folders, alone."""
    shutil.copy(tmp_path / "ledger.jsonl", tmp_path / "exports" / "ledger.jsonl")
    other = Given(shutil.copytree(written.exports, tmp_path / "fewer"), written.ledger)
    sorted(other.exports.iterdir())[0].unlink()
    load(other)
    theirs = caches(cache)
    inside = Given(given.exports, given.exports / "ledger.jsonl")
    load(inside)
    assert len(caches(cache)) == 2
    withdraw(inside, small_talks, 0)
    load(inside)
    assert len(caches(cache)) == 2
    assert theirs < caches(cache)


def test_a_rolled_back_ledger_is_refused(
    load: Load, given: Given, small_talks: World, tmp_path: Path
) -> None:
    """A ledger that lacks lines which were seen is refused, though nothing may have been built with them."""
    older = given.ledger.read_bytes()
    load(given)
    withdraw(given, small_talks, 0)
    datasets.load_dataset_builder("fedi_dataset", "dialogues", **given.arguments())
    given.ledger.write_bytes(older)
    with pytest.raises(LedgerRolledBack):
        load(given)


def test_a_changed_export_is_seen(
    load: Load, given: Given, released: BuildReport, tmp_path: Path
) -> None:
    """An export with other content at the same path, of the same time, gives other rows."""
    assert load(given) == stored(released.release, "dialogues")
    changed, other = sorted(given.exports.iterdir())[:2]
    times = changed.stat()
    shutil.copy(other, changed)
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))
    left = stored(release_of(given, tmp_path / "out").release, "dialogues")
    assert left != stored(released.release, "dialogues")
    assert load(given) == left


def test_the_same_content_is_cached_once(
    load: Load, given: Given, released: BuildReport, cache: Path, tmp_path: Path
) -> None:
    """What was touched or moved is found in the cache, and a moved one streams the same rows."""
    rows = load(given)
    first = caches(cache)
    for path in [given.ledger, *given.exports.iterdir()]:
        os.utime(path, (1, 1))
    assert load(given) == rows
    moved = Given(tmp_path / "test" / "dev", tmp_path / "test" / "consents.jsonl")
    (tmp_path / "test").mkdir()
    given.exports.rename(moved.exports)
    given.ledger.rename(moved.ledger)
    assert load(moved) == rows
    assert caches(cache) == first
    assert load(moved, streaming=True) == rows


def test_caches_found_after_a_move_are_deleted(
    load: Load, given: Given, small_talks: World, cache: Path, tmp_path: Path
) -> None:
    """A cache that was made elsewhere and found again is superseded like one's own."""
    load(given)
    former = caches(cache)
    moved = Given(given.exports.rename(tmp_path / "moved"), given.ledger)
    load(moved)
    assert caches(cache) == former
    withdraw(moved, small_talks, 0)
    load(moved)
    assert len(caches(cache)) == 1
    assert not caches(cache) & former


def test_an_expiry_that_passes_is_seen(load: Load, given: Given, tmp_path: Path) -> None:
    """Before and after the day on which somebody's consent ends, the rows differ, though no file does."""
    before = load(given, as_of="2026-05-15T00:00:00Z")
    after = load(given, as_of="2026-05-21T00:00:00Z")
    assert before != after
    assert load(given, as_of="2026-05-16") == before


def test_a_changed_config_is_seen(load: Load, given: Given, cache: Path, tmp_path: Path) -> None:
    """A config file with other content gives other rows; those of both configs stay cached."""
    config = tmp_path / "config.yaml"
    config.write_text("languages: [en]\n")
    english = load(given, config_file=str(config))
    config.write_text("languages: [de]\n")
    german = load(given, config_file=config)
    assert {row["language"] for rows in english.values() for row in rows} == {"en"}
    assert {row["language"] for rows in german.values() for row in rows} == {"de"}
    assert len(caches(cache)) == 2


def test_names_of_exports_mean_nothing(
    load: Load, given: Given, released: BuildReport, tmp_path: Path
) -> None:
    """Words for splits in the names of exports neither split nor drop them, nor do times of change."""
    words = ("test", "train", "dev", "validation", "eval", "valid", "testing", "training")
    folder = tmp_path / "test" / "dev"
    folder.mkdir(parents=True)
    for number, path in enumerate(sorted(given.exports.iterdir())):
        suffix = "".join(path.suffixes[-2:])
        name = f"{words[number]}{suffix}" if number < len(words) else f"{number}-test{suffix}"
        path.rename(folder / name)
        os.utime(folder / name, (number, number))
    assert load(Given(folder, given.ledger)) == stored(released.release, "dialogues")


def test_unpacked_exports_in_folders(
    load: Load, given: Given, released: BuildReport, tmp_path: Path
) -> None:
    """Unpacked archives in folders with such names are read, each as one export."""
    everybody = sorted(given.exports.iterdir())
    for path in everybody:
        name = "dev" if path == everybody[0] else f"test-{path.name}"
        shutil.unpack_archive(path, tmp_path / "unpacked" / name)
    found = load(Given(tmp_path / "unpacked", given.ledger))
    assert found == stored(released.release, "dialogues")


@pytest.mark.parametrize("streaming", [False, True])
def test_what_is_missing_is_named(
    streaming: bool, warm: Path, written: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without exports, without a ledger or with a time that is none, an error says which and what to do."""
    (tmp_path / "somewhere").mkdir()
    (tmp_path / "somewhere" / "file.txt").touch()
    monkeypatch.chdir(tmp_path / "somewhere")

    def fails(**arguments: object) -> pytest.ExceptionInfo[UsageError]:
        with pytest.raises(UsageError) as error:
            datasets.load_dataset("fedi_dataset", "dialogues", streaming=streaming, **arguments)
        return error

    exports, ledger = str(written.exports), str(written.ledger)
    assert "needs data_dir, the folder of exports" in str(fails(consent=ledger).value)
    assert "needs consent, the path of the consent ledger" in str(fails(data_dir=exports).value)
    assert "no consent ledger at gone" in str(fails(data_dir=exports, consent="gone").value)
    wrong = fails(data_dir=exports, consent=ledger, as_of="tomorrow")
    assert "as_of is not a time: 'tomorrow'" in str(wrong.value)


def test_unknown_arguments_are_refused(warm: Path, written: Given) -> None:
    """datasets itself refuses a config and an argument that there is not."""
    with pytest.raises(ValueError, match=r"'messages' not found.*dialogues.*conversations.*posts"):
        datasets.load_dataset("fedi_dataset", "messages", **written.arguments())
    with pytest.raises(ValueError, match="doesn't have a 'bogus' key"):
        datasets.load_dataset("fedi_dataset", "posts", **written.arguments(bogus=1))


@pytest.mark.parametrize("streaming", [False, True])
def test_a_config_without_rows(
    streaming: bool, load: Load, given: Given, tmp_path: Path, cache: Path
) -> None:
    """Asking for a table in which nothing is says which have rows, and leaves nothing behind."""
    config = tmp_path / "config.yaml"
    config.write_text("minimum_words: 1000\n")
    with pytest.raises(UsageError, match="no rows in 'posts'; configs with rows: conversations"):
        load(given, "posts", config_file=config, streaming=streaming)
    assert caches(cache) == set()


def test_an_export_that_cannot_be_read_is_told(load: Load, given: Given) -> None:
    """A damaged export is left out with a warning that names it."""
    (given.exports / "zoe.zip").write_bytes(b"PK\x03\x04 and then nothing of a zip")
    with pytest.warns(UserWarning, match=r"left out, because it cannot be read: .*zoe\.zip"):
        assert load(given)


def test_a_builder_stands_for_what_it_read(cache: Path, given: Given, small_talks: World) -> None:
    """A builder that was made before a withdrawal builds nothing into the cache of the former rows."""
    builder = datasets.load_dataset_builder("fedi_dataset", "dialogues", **given.arguments())
    withdraw(given, small_talks, 0)
    with pytest.raises(UsageError, match="changed while they were loaded"):
        builder.download_and_prepare()
    assert caches(cache) == set()


@pytest.mark.parametrize("leavers", [[0], list(range(12))])
def test_a_stream_ends_when_its_rows_are_superseded(
    leavers: list[int], load: Load, given: Given, small_talks: World
) -> None:
    """What was opened for streaming before a withdrawal refuses to go on, be its shard another or none now."""
    stream = datasets.load_dataset(
        "fedi_dataset", "dialogues", split="train", streaming=True, **given.arguments()
    )
    assert list(stream)
    withdraw(given, small_talks, *leavers)
    if len(leavers) == 1:
        assert load(given)
    else:
        with pytest.raises(UsageError, match="configs with rows: none"):
            load(given)
    with pytest.raises(FediDatasetError, match="it was built anew"):
        list(stream)


def test_a_cache_of_somebody_else_is_told(
    load: Load, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another user owns the folder for private text, an error says what to set."""

    def refuse(*args: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(pathlib.Path, "chmod", refuse)
    with pytest.raises(UsageError, match="set HF_DATASETS_CACHE to a folder of your own"):
        load(given)


def test_streaming_touches_no_helper(load: Load, given: Given, small_talks: World) -> None:
    """datasets patches file access in the builder's own module for streaming; all else works as before."""
    rows = load(given, streaming=True)
    for helper in (fedi_dataset.builder_inputs, fedi_dataset.builder_release):
        assert vars(helper)["Path"] is pathlib.Path
        assert "open" not in vars(helper)
    withdraw(given, small_talks, 1)
    assert load(given) != rows
    assert load(given, "posts", streaming=True)


@pytest.mark.parametrize("num_proc", [1, 2])
def test_processes_share_the_shards(
    num_proc: int, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two shards two processes write two files, and the rows are those of one process."""
    monkeypatch.setattr(Inputs, "config", lambda _: BuildConfig(shard_bytes=1))
    world = World(7, platforms=("mastodon",), conversations=24).write(tmp_path)
    given = Given(tmp_path / "exports", world.ledger)
    found = datasets.load_dataset(
        "fedi_dataset", "dialogues", split="train", num_proc=num_proc, **given.arguments()
    )
    stream = datasets.load_dataset(
        "fedi_dataset", "dialogues", split="train", streaming=True, **given.arguments()
    )
    assert stream.num_shards == 2
    assert len(found.cache_files) == num_proc
    assert list(found) == list(stream)
    assert [list(stream.shard(2, index)) for index in (0, 1)] == [
        list(found)[: -len(list(stream.shard(2, 1)))],
        list(found)[len(list(stream.shard(2, 0))) :],
    ]
