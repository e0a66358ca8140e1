"""A small world, a release of it, and caches of datasets that nobody else uses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import pytest

from fedi_dataset.config import BuildConfig
from fedi_dataset.errors import MissingExtra
from fedi_dataset.pipeline import BuildReport, build
from tests.world import World

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
"""After everything that the world's ledger says."""
SECRET = bytes([10]) * 32
"""Under which this world has conversations in every split."""
CHECKOUT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("config.yaml")
"""A config under which every table of a release has rows."""

Rows = dict[str, list[dict[str, Any]]]
Job = dict[str, Any]


class Given(NamedTuple):
    """What somebody builds from, free to be changed."""

    exports: Path
    ledger: Path

    def arguments(self, **more: object) -> dict[str, Any]:
        """The arguments of load_dataset that name it."""
        about = {"data_dir": str(self.exports), "consent": str(self.ledger)}
        return {**about, "config_file": str(CONFIG), "as_of": AS_OF.isoformat(), **more}


@pytest.fixture(scope="session")
def small_talks() -> World:
    """The truth about the world that is loaded here."""
    return World(7, platforms=("mastodon",), conversations=15)


@pytest.fixture(scope="session")
def written(small_talks: World, tmp_path_factory: pytest.TempPathFactory) -> Given:
    """That world's exports and ledger; read only."""
    folder = tmp_path_factory.mktemp("small")
    return Given(folder / "exports", small_talks.write(folder).ledger)


@pytest.fixture
def given(written: Given, tmp_path: Path) -> Given:
    """A copy of them."""
    shutil.copytree(written.exports, tmp_path / "exports")
    shutil.copy(written.ledger, tmp_path / "ledger.jsonl")
    return Given(tmp_path / "exports", tmp_path / "ledger.jsonl")


def release_of(given: Given, out: Path, as_of: datetime = AS_OF) -> BuildReport:
    """Build a release with the secret of these tests. Skips without the privacy extra."""
    config = BuildConfig.from_yaml(CONFIG)
    try:
        return build(
            [given.exports],
            consent=given.ledger,
            out=out,
            config=config,
            as_of=as_of,
            secret=SECRET,
        )
    except MissingExtra as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def released(written: Given, tmp_path_factory: pytest.TempPathFactory) -> BuildReport:
    """A release of the world; read only."""
    return release_of(written, tmp_path_factory.mktemp("released") / "release")


def fill(cache: Path) -> Path:
    """Begin a datasets cache in which the builder finds the secret of these tests."""
    work = cache / "fedi_dataset-work"
    work.mkdir(parents=True, mode=0o700)
    (work / "secret").write_bytes(SECRET)
    return cache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The datasets cache of this process for one test; there is no network."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    return fill(tmp_path / "cache")


@pytest.fixture(scope="session")
def shared_cache(released: BuildReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A datasets cache that tests share which look at rows alone."""
    return fill(tmp_path_factory.mktemp("shared") / "cache")


@pytest.fixture
def warm(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That cache as the one of this process for one test."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", shared_cache)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    return shared_cache


class Processes:
    """Runs probe.py in fresh processes with an environment of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.packages = CHECKOUT
        """Where they find fedi_dataset."""

    def run(self, cache: Path, job: Job, *flags: str) -> dict[str, Any]:
        """Do one job and give what it printed."""
        return self.run_all(cache, [job], *flags)[0]

    def run_all(self, cache: Path, jobs: list[Job], *flags: str) -> list[dict[str, Any]]:
        """Do jobs at the same time."""
        with ThreadPoolExecutor(len(jobs)) as pool:
            return list(pool.map(lambda job: self._run(cache, job, flags), jobs))

    def _run(self, cache: Path, job: Job, flags: tuple[str, ...]) -> dict[str, Any]:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.packages),
            "HOME": str(self._folder),
            "HF_HOME": str(self._folder / "hf"),
            "HF_DATASETS_CACHE": str(cache),
            "HF_HUB_OFFLINE": "1",
        }
        probe = str(Path(__file__).with_name("probe.py"))
        done = subprocess.run(
            [sys.executable, *flags, probe, json.dumps(job)],
            env=environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    """Fresh processes whose home is a temporary folder."""
    home = tmp_path / "home"
    home.mkdir()
    return Processes(home)


def rows_of(found: Any) -> Rows:
    """Read all rows of what load_dataset gives without a split, streaming or not."""
    return {str(split): list(dataset) for split, dataset in found.items()}


def load_rows(given: Given, name: str | None = "dialogues", **more: object) -> Rows:
    """Load with the builder and read all rows."""
    return rows_of(datasets.load_dataset("fedi_dataset", name, **given.arguments(**more)))


@pytest.fixture
def load(cache: Path) -> Callable[..., Rows]:
    """Load with the builder, in this process, into a cache of its own."""
    return load_rows
