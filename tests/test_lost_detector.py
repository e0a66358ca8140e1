"""A detector that is lost while a build runs: its workers cannot load it any more, and nothing may pass it by."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fedi_dataset import pipeline
from fedi_dataset.config import BuildConfig
from fedi_dataset.recorded import Tools, tools_of
from fedi_dataset.workspace import Workspace, default_workspace
from tests.commands import Ran, content_of, run
from tests.talk import Talk, write_talk

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    """Two people who talk; read only."""
    return write_talk(tmp_path_factory.mktemp("talk"))


@pytest.fixture
def model(classifier: Path, tmp_path: Path) -> Path:
    """A copy of the classifier, to be taken away."""
    shutil.copytree(classifier, tmp_path / "models" / "classifier")
    return tmp_path / "models" / "classifier"


def lose(model: Path) -> None:
    """Take the folder away."""
    shutil.rmtree(model)


def change(model: Path) -> None:
    """Put another model in its place."""
    config = json.loads((model / "config.json").read_text("utf-8"))
    (model / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 0.1}), "utf-8")


def build_talk(talk: Talk, model: Path, release: Path, *options: object) -> Ran:
    """Build with the model, on the command line, in two processes."""
    return run(
        *("build", *talk.exports, "--consent", talk.ledger, "--out", release, "--workers", 2),
        *("--as-of", "2026-07-01T00:00:00Z", "--detector", f"transformers:{model}"),
        *("--detector-language", "pl", "--patterns-only-language", "en", *options),
    )


def losing(monkeypatch: pytest.MonkeyPatch, model: Path, how: object) -> None:
    """Have the model lost as soon as the build has loaded it, before any worker does."""

    def then_lost(config: BuildConfig) -> Tools:
        tools = tools_of(config)
        assert callable(how)
        how(model)
        return tools

    monkeypatch.setattr(pipeline, "tools_of", then_lost)


@pytest.mark.parametrize(
    ("how", "why"), [(lose, "not a token classifier"), (change, "it is not the one")]
)
def test_a_build_stops_whose_workers_cannot_load_the_detector(
    talk: Talk, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: object, why: str
) -> None:
    """It ends with one clear error, writes no release and keeps no cell; with the model back it goes through."""
    spare = shutil.copytree(model, tmp_path / "spare")
    release = tmp_path / "release"
    with monkeypatch.context() as patched:
        losing(patched, model, how)
        ran = build_talk(talk, model, release)
    assert ran.code == 1
    assert "a worker could not load the build's detector" in ran.error
    assert why in ran.error
    assert not any(word in ran.err for word in ("Gdynia", "harbour"))
    assert not release.exists()
    assert Workspace(default_workspace(release)).finished_cells() == frozenset()
    shutil.rmtree(model, ignore_errors=True)
    shutil.copytree(spare, model)
    assert build_talk(talk, model, release).code == 0


def test_a_release_stays_as_it_was(
    talk: Talk, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build over a release that cannot load its detector leaves every byte of it."""
    release = tmp_path / "release"
    assert build_talk(talk, model, release).code == 0
    before = content_of(release)
    losing(monkeypatch, model, lose)
    assert build_talk(talk, model, release, "--fresh", "--also-mask", "places").code == 1
    assert content_of(release) == before
