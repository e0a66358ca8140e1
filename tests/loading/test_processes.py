"""Loading in fresh processes: the order of imports, several at once, spawned workers, and what stays on the disk."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fedi_dataset.pipeline import BuildReport
from fedi_dataset.schema import RELEASE_TABLES
from tests.loading.conftest import Given, Job, Processes, fill
from tests.loading.test_release import stored
from tests.world import World

pytestmark = pytest.mark.slow


def job(given: Given, *order: str, spawn: bool = False) -> Job:
    """Import in this order, then load every config, streamed and not; or stream one in spawned workers."""
    return {
        "import": order,
        "calls": [
            {
                "args": ["fedi_dataset", name],
                "streaming": streaming,
                "spawn": spawn,
                **given.arguments(),
            }
            for name in (["dialogues"] if spawn else RELEASE_TABLES)
            for streaming in ([True] if spawn else [False, True])
        ],
    }


def strings(value: Any) -> Iterator[str]:
    """Give every text in a row, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def words_in(path: Path) -> str:
    """Give all text that is in a file: its bytes, and what its tables hold."""
    words = path.read_bytes().decode("utf-8", "replace")
    if path.suffix == ".parquet":
        words += "\n".join(strings(pq.read_table(path).to_pylist()))
    elif path.name.endswith(".arrow") and "cells" in path.parts:
        with pa.ipc.open_file(path) as file:
            for row in file.read_all().to_pylist():
                if row["table"] in RELEASE_TABLES:
                    words += "\n".join(
                        strings(pq.read_table(pa.BufferReader(row["payload"])).to_pylist())
                    )
    elif path.suffix == ".arrow":
        with pa.ipc.open_stream(path) as stream:
            words += "\n".join(strings(stream.read_all().to_pylist()))
    return words


def test_in_fresh_processes(
    written: Given,
    small_talks: World,
    released: BuildReport,
    processes: Processes,
    tmp_path: Path,
) -> None:
    """Two processes that start at once, in either order of imports, give a release's rows, as do
    spawned workers; and raw text stays private."""
    cache = fill(tmp_path / "cache")
    jobs = [job(written, "datasets", "fedi_dataset"), job(written, "fedi_dataset", "datasets")]
    for done in processes.run_all(cache, jobs):
        assert [result["rows"] for result in done["results"]] == [
            stored(released.release, name) for name in RELEASE_TABLES for _ in (False, True)
        ]
    spawned = processes.run(cache, job(written, "fedi_dataset", spawn=True))
    [streamed] = spawned["results"]
    assert streamed["rows"] == stored(released.release, "dialogues")
    assert_private(cache, small_talks)
    left = [path for path in tmp_path.joinpath("home").rglob("*") if path.is_file()]
    assert [str(path) for path in left if "hf/" not in str(path)] == []


def assert_private(cache: Path, talks: World) -> None:
    """Nobody else can look into the workspaces; outside of them there is no raw text, of others none at all."""
    work = cache / "fedi_dataset-work"
    folders = [work, *(path for path in work.iterdir() if path.is_dir())]
    assert len(folders) == 2
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700, 0o700]
    files = {path: words_in(path) for path in cache.rglob("*") if path.is_file()}
    inside = "\n".join(words for path, words in files.items() if path.is_relative_to(work))
    outside = "\n".join(words for path, words in files.items() if not path.is_relative_to(work))
    posts = [post for post in talks.posts() if post.kind == "post"]
    refused = [post.text for post in posts if post.reason is not None]
    planted = [one.text for post in posts for one in post.private if post.reason is None]
    assert len(refused) > 3
    assert len(planted) > 3
    assert [text for text in refused if text in inside + outside] == []
    certain = [text for text in planted if "@" in text or "://" in text]
    assert certain
    assert [
        text for text in certain if text in inside
    ]  # admitted raw text is kept there: the scan can see
    assert [text for text in certain if text in outside] == []
    assert [line for line in outside.splitlines() if "[HANDLE_" in line or "[EMAIL" in line]


def test_without_the_import_the_name_is_unknown(
    written: Given, processes: Processes, tmp_path: Path
) -> None:
    """What a script forgets is told by datasets: without importing the package there is no such builder."""
    with pytest.raises(AssertionError, match="Couldn't reach 'fedi_dataset' on the Hub"):
        processes.run(tmp_path / "cache", job(written, "datasets"))
