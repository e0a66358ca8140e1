"""A release says what its tokenizer is called; its workspace keeps where it lies, for withdrawals and rebuilds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from fedi_dataset.release.audit import audit
from fedi_dataset.tokens.origin import called, place_of
from fedi_dataset.workspace import Workspace
from tests.commands import Ran, run
from tests.conftest import ReleaseCopy
from tests.tokens.shapes import SHAPES, save, template_of
from tests.world import Person, World


@pytest.fixture
def person(small_world: World) -> Person:
    """Somebody who talks a lot: without them most dialogues are others."""
    return small_world.people[0]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder in which a tokenizer lies, as ``my-model``."""
    folder = tmp_path / "models"
    save(SHAPES["chatml"], folder / "my-model", template_of("chatml"))
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A directory in which nothing lies."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def tokens_of(release: Path) -> dict[str, Any]:
    """What the manifest says of the tokens."""
    found: dict[str, Any] = json.loads((release / "manifest.json").read_text())["tokens"]
    return found


def keys_of(release: Path, table: str) -> set[str]:
    """The dialogues of a table."""
    return {
        row["dialogue_key"]
        for path in (release / table).glob("*.parquet")
        for row in pq.read_table(path, columns=["dialogue_key"]).to_pylist()
    }


def change_manifest(release: Path, **tokens: Any) -> None:
    """Have the manifest say something else of the tokens, as an older version did."""
    path = release / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["tokens"] |= tokens
    path.write_text(json.dumps(manifest))


def erase(copy: ReleaseCopy, person: Person, *options: str) -> Ran:
    """Withdraw a person, by the command."""
    ran = run("withdraw", copy.release, person.uri, *options)
    assert ran.code == 0, ran.err
    return ran


@pytest.mark.parametrize("given", ["./my-model", "my-model", "{models}/my-model", "my-model/."])
def test_a_release_has_the_folders_name_and_a_withdrawal_finds_the_folder(
    release_copy: ReleaseCopy,
    models: Path,
    elsewhere: Path,
    person: Person,
    monkeypatch: pytest.MonkeyPatch,
    given: str,
) -> None:
    """However a folder was named, no path stands in the release, and tokens are made again from any directory."""
    monkeypatch.chdir(models)
    ran = run("tokenize", release_copy.release, "--tokenizer", given.format(models=models))
    assert (ran.code, "note:" in ran.err) == (0, False)
    assert tokens_of(release_copy.release)["tokenizer"] == "my-model"
    assert Workspace(release_copy.work).state().tokenizer == str(models / "my-model")
    before = keys_of(release_copy.release, "tokens")
    monkeypatch.chdir(elsewhere)
    ran = erase(release_copy, person)
    assert "tokens config" not in ran.out
    after = keys_of(release_copy.release, "tokens")
    assert after == keys_of(release_copy.release, "dialogues")
    assert after < before
    assert tokens_of(release_copy.release)["tokenizer"] == "my-model"
    assert Workspace(release_copy.work).state().tokenizer == str(models / "my-model")
    for path in release_copy.release.rglob("*"):
        assert not path.is_file() or str(models).encode() not in path.read_bytes()
    assert audit(release_copy.release).ok


def test_a_link_is_called_by_its_own_name_and_followed_once(
    release_copy: ReleaseCopy, models: Path, person: Person
) -> None:
    """What it leads to later is another tokenizer; the release's name for it stays."""
    (models / "current").symlink_to(models / "my-model")
    assert run("tokenize", release_copy.release, "--tokenizer", models / "current").code == 0
    (models / "current").unlink()
    erase(release_copy, person)
    assert tokens_of(release_copy.release)["tokenizer"] == "current"


@pytest.mark.parametrize("name", ["gone", "other"])
def test_a_withdrawal_says_that_tokens_were_taken_out(
    release_copy: ReleaseCopy, models: Path, person: Person, name: str
) -> None:
    """Where the tokenizer is gone, or is another one, the note stands on the terminal and in the JSON too."""
    assert run("tokenize", release_copy.release, "--tokenizer", models / "my-model").code == 0
    shutil.rmtree(models / "my-model")
    if name == "other":
        save(SHAPES["qwen3"], models / "my-model", template_of("qwen3"))
    why = {"gone": "cannot be loaded now", "other": "is not the same any more"}[name]
    note = (
        "The tokens config was taken out: the dialogues changed and the tokenizer my-model "
        f"{why}. Run `fedi-dataset tokenize` again."
    )
    if name == "gone":
        assert note in erase(release_copy, person).out.splitlines()
    else:
        assert note in erase(release_copy, person, "--json").data["notes"]
    assert not (release_copy.release / "tokens").exists()
    assert Workspace(release_copy.work).state().tokenizer == ""


@pytest.mark.parametrize("given", ["{models}/my-model", "./my-model"])
def test_what_older_versions_wrote_is_understood(
    release_copy: ReleaseCopy,
    models: Path,
    elsewhere: Path,
    person: Person,
    monkeypatch: pytest.MonkeyPatch,
    given: str,
) -> None:
    """A path in a manifest becomes a name with the next build, and a place in the workspace, which had none."""
    monkeypatch.chdir(models)
    assert run("tokenize", release_copy.release, "--tokenizer", "my-model").code == 0
    change_manifest(release_copy.release, tokenizer=given.format(models=models))
    state = json.loads((release_copy.work / "state.json").read_text())
    del state["tokenizer"]
    (release_copy.work / "state.json").write_text(json.dumps(state))
    build = ("build", *release_copy.exports, "--consent", release_copy.ledger)
    assert run(*build, "--out", release_copy.release, "--workers", "1").code == 0
    assert tokens_of(release_copy.release)["tokenizer"] == "my-model"
    monkeypatch.chdir(elsewhere)
    erase(release_copy, person)
    assert keys_of(release_copy.release, "tokens") == keys_of(release_copy.release, "dialogues")


@pytest.mark.parametrize("recorded", ["", "/nowhere/my-model"])
def test_a_name_is_looked_for_here_where_nothing_else_is_known(
    release_copy: ReleaseCopy,
    models: Path,
    person: Person,
    monkeypatch: pytest.MonkeyPatch,
    recorded: str,
) -> None:
    """Of a release that was copied from elsewhere, the folder of that name in this directory is the tokenizer."""
    assert run("tokenize", release_copy.release, "--tokenizer", models / "my-model").code == 0
    workspace = Workspace(release_copy.work)
    workspace.record(msgspec.structs.replace(workspace.state(), tokenizer=recorded))
    monkeypatch.chdir(models)
    erase(release_copy, person)
    assert keys_of(release_copy.release, "tokens") == keys_of(release_copy.release, "dialogues")


def test_a_workspace_elsewhere_is_named(
    release_copy: ReleaseCopy, models: Path, elsewhere: Path, person: Person
) -> None:
    """Not beside the release, it keeps the place if --work names it, and a note says so; another's is refused."""
    work = release_copy.work.rename(elsewhere / "work")
    command = ("tokenize", release_copy.release, "--tokenizer", models / "my-model")
    ran = run(*command)
    assert ran.code == 0
    assert "there is no workspace" in ran.err
    assert Workspace(work).state().tokenizer == ""
    ran = run(*command, "--work", work)
    assert (ran.code, "note:" in ran.err) == (0, False)
    assert Workspace(work).state().tokenizer == str(models / "my-model")
    erase(release_copy, person, "--work", str(work))
    assert keys_of(release_copy.release, "tokens") == keys_of(release_copy.release, "dialogues")
    (work / "secret").write_bytes(b"x" * 32)
    ran = run(*command, "--work", work)
    assert (ran.code, "another secret" in ran.error) == (2, True)
    ran = run(*command, "--work", elsewhere)
    assert (ran.code, "no workspace at" in ran.error) == (2, True)


def test_tokens_are_not_made_while_a_build_runs(release_copy: ReleaseCopy, models: Path) -> None:
    """It would write down a state that is not there any more."""
    with Workspace(release_copy.work).locked():
        ran = run("tokenize", release_copy.release, "--tokenizer", models / "my-model")
    assert (ran.code, "another command is working" in ran.error) == (2, True)
    assert not (release_copy.release / "tokens").exists()


def test_preview_finds_the_tokenizer_from_anywhere(
    release_copy: ReleaseCopy, models: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens are shown as text in whatever directory."""
    monkeypatch.chdir(models)
    assert run("tokenize", release_copy.release, "--tokenizer", "my-model").code == 0
    monkeypatch.chdir(elsewhere)
    ran = run("preview", release_copy.release, "--tokens", "--limit", "1", "--json")
    assert ran.code == 0, ran.err
    assert len(ran.data["rows"]) == 1


def test_names_of_the_hub_and_of_wheels_stay_as_they_are(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They name no folder, and are the same everywhere."""
    monkeypatch.chdir(models)
    for name in ("org/my-model", "wheel:my-model", "other-model"):
        assert (called(name), place_of(name)) == (name, name)
    assert called("..") == models.parent.name
    assert called("~/models/gone") == "gone"
