"""What datasets itself does with folders, files, versions and workers, and what comes of it here."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import datasets
import pytest

import fedi_dataset
from fedi_dataset.errors import UnknownFormat, UsageError
from fedi_dataset.pipeline import BuildReport
from fedi_dataset.registration import register_builder
from fedi_dataset.version import __version__, code_digest
from tests.loading.conftest import CHECKOUT, Given, Processes, Rows, fill, load_rows
from tests.loading.test_builder import caches
from tests.loading.test_release import stored

Load = Callable[..., Rows]


@pytest.mark.parametrize("streaming", [False, True])
def test_an_empty_folder_to_stand_in(
    streaming: bool, warm: Path, written: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """datasets would look into the working directory; where nothing is, too, it is told what is missing."""
    (tmp_path / "nothing").mkdir()
    monkeypatch.chdir(tmp_path / "nothing")
    with pytest.raises(UsageError, match="needs data_dir, the folder of exports"):
        datasets.load_dataset("fedi_dataset", consent=str(written.ledger), streaming=streaming)
    assert load_rows(written, streaming=streaming)


@pytest.mark.parametrize("folder", [True, False])
def test_data_files_are_refused(folder: bool, warm: Path, written: Given) -> None:
    """Files named one by one, which datasets would sort into splits, are not silently passed over."""
    files = [str(path) for path in sorted(written.exports.iterdir())]
    more = {"data_dir": str(written.exports)} if folder else {}
    with pytest.raises(UsageError, match="takes no data_files"):
        datasets.load_dataset("fedi_dataset", data_files=files, consent=str(written.ledger), **more)


def test_other_builders_list_their_files(warm: Path, tmp_path: Path) -> None:
    """For every other name datasets goes on as without this package, however often the builder is registered."""
    register_builder()
    register_builder()
    (tmp_path / "test.jsonl").write_text('{"a": 1}\n')
    found = datasets.load_dataset("json", data_dir=str(tmp_path))
    assert {split: list(rows) for split, rows in found.items()} == {"test": [{"a": 1}]}
    with pytest.raises(datasets.data_files.EmptyDatasetError):
        datasets.load_dataset("json", data_dir=str(warm.parent / "nowhere"))


def test_a_folder_without_exports(warm: Path, written: Given, tmp_path: Path) -> None:
    """An empty folder as data_dir, or none there, fails with its name."""
    (tmp_path / "nothing").mkdir()
    for name in ("nothing", "nowhere"):
        with pytest.raises((UsageError, FileNotFoundError), match=name):
            datasets.load_dataset(
                "fedi_dataset", data_dir=str(tmp_path / name), consent=str(written.ledger)
            )


@pytest.mark.parametrize("folder", ["__exports__", ".exports", "a/__test__/.dev", "[ab]*"])
def test_folders_that_datasets_skips(
    folder: str, warm: Path, written: Given, released: BuildReport, tmp_path: Path
) -> None:
    """Hidden folders, folders between underscores and ones that look like patterns are read as any other."""
    exports = tmp_path / folder
    shutil.copytree(written.exports, exports)
    given = Given(exports, written.ledger)
    assert load_rows(given) == stored(released.release, "dialogues")
    assert load_rows(given, streaming=True) == stored(released.release, "dialogues")


def test_exports_that_datasets_would_not_see(
    warm: Path, written: Given, released: BuildReport, tmp_path: Path
) -> None:
    """Unpacked in folders between underscores, which datasets' patterns pass over, all exports are read."""
    for number, path in enumerate(sorted(written.exports.iterdir())):
        shutil.unpack_archive(path, tmp_path / "exports" / f"__{number}__")
    found = load_rows(Given(tmp_path / "exports", written.ledger))
    assert found == stored(released.release, "dialogues")


@pytest.mark.parametrize("name", ["instruction.md", "task.toml", "run.eval"])
def test_files_that_datasets_prefers(name: str, warm: Path, written: Given, tmp_path: Path) -> None:
    """A stray file, which datasets would take in place of all others, is told as what it is: no export."""
    shutil.copytree(written.exports, tmp_path / "exports")
    (tmp_path / "exports" / name).write_text("words\n")
    with pytest.raises(UnknownFormat, match=f"{name} is no archive, and no reader knows it"):
        load_rows(Given(tmp_path / "exports", written.ledger))


def test_download_again(load: Load, given: Given, cache: Path) -> None:
    """force_redownload, which trips over former counts where a cache is named by less, gives the same rows."""
    rows = load(given)
    first = caches(cache)
    assert load(given, download_mode="force_redownload") == rows
    assert caches(cache) == first


def test_a_file_that_the_config_names(load: Load, given: Given, tmp_path: Path) -> None:
    """Terms of servers in a file that the config's file names: the same paths and times, other rows."""
    terms, config = tmp_path / "terms.yaml", tmp_path / "config.yaml"
    config.write_text(f"terms_files: [{terms}]\n")

    def refuse(host: str) -> None:
        terms.write_text(
            f"- {{host: {host}, forbids: true, rule: refused, since: 2020-01-01, minimum_age: null, "
            f"source: 'https://{host}/terms', checked_on: 2026-06-01}}\n"
        )
        os.utime(terms, (1, 1))

    refuse("nobody.example")
    before = load(given, config_file=str(config))
    refuse("harbor.example")
    assert load(given, config_file=str(config)) != before
    refuse("nobody.example")
    assert load(given, config_file=str(config)) == before


def test_the_code_is_in_the_key(warm: Path, written: Given) -> None:
    """The folder of a cache is named by a digest of all of this package's code."""
    builder = datasets.load_dataset_builder("fedi_dataset", "dialogues", **written.arguments())
    assert builder.hash == code_digest()
    assert Path(builder.cache_dir).name == code_digest()


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["version.py", "text/quality.py"])
def test_another_version_has_another_cache(
    changed: str, written: Given, tmp_path: Path, processes: Processes
) -> None:
    """After an upgrade, or a change anywhere in the code, rows are made anew and the former cache is gone."""
    package = tmp_path / "installed" / "fedi_dataset"
    shutil.copytree(Path(fedi_dataset.__file__).parent, package)
    shutil.copy(CHECKOUT / "dataset_card.md", package.parent)
    processes.packages = package.parent
    cache = fill(tmp_path / "cache")
    call = {"args": ["fedi_dataset", "posts"], **written.arguments()}
    job = {"import": ["fedi_dataset"], "calls": [call]}
    first = processes.run(cache, job)["results"]
    before = caches(cache)
    again = processes.run(cache, job)["results"]
    assert (again, caches(cache), len(before)) == (first, before, 1)
    code = (package / changed).read_text("utf-8")
    upgraded = code.replace(f'"{__version__}"', '"99.0.0"') if changed == "version.py" else code
    (package / changed).write_text(f"{upgraded}\n# changed\n", "utf-8")
    assert processes.run(cache, job)["results"] == first
    assert len(caches(cache)) == 1
    assert caches(cache).isdisjoint(before)


@pytest.mark.slow
@pytest.mark.parametrize("start", ["spawn", "fork", "forkserver"])
def test_workers_share_a_stream(start: str, warm: Path, written: Given) -> None:
    """However a DataLoader's two workers are started, together they give each row of a stream once."""
    data = pytest.importorskip("torch.utils.data", reason="torch comes with the extra train")
    stream = datasets.load_dataset(
        "fedi_dataset", "dialogues", split="train", streaming=True, **written.arguments()
    )
    loader = data.DataLoader(stream, batch_size=None, num_workers=2, multiprocessing_context=start)
    assert sorted(row["dialogue_key"] for row in loader) == sorted(
        row["dialogue_key"] for row in stream
    )


def test_the_message_names_what_to_do(warm: Path, written: Given) -> None:
    """What is said where data_dir is missing holds a call that works."""
    with pytest.raises(UsageError) as error:
        datasets.load_dataset("fedi_dataset")
    shown = re.search(r'load_dataset\("fedi_dataset", "dialogues".*\)', str(error.value))
    assert shown is not None
    call = shown[0].replace("exports/", str(written.exports))
    call = call.replace("ledger.jsonl", str(written.ledger))
    assert eval(call, {"load_dataset": datasets.load_dataset})[
        "train"
    ].num_rows  # as one would paste it
