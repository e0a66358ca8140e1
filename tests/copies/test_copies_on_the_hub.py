"""Whoever loaded a release can learn what was taken back, and get rid of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedi_dataset.copies import StaleReleaseError, check_release
from fedi_dataset.errors import UsageError
from tests.conftest import ReleaseCopy
from tests.hub import Hub
from tests.push.conftest import REPO, Person

CHECK = """
import json, sys
from fedi_dataset import check_release
found = check_release(sys.argv[1], *sys.argv[2:])
print(json.dumps({"valid": found.valid, "removed": sorted(found.removed), "problems": found.problems,
                  "revision": found.revision, "current": found.current}))
"""
LOAD = """
import json, sys
from datasets import load_dataset
rows = load_dataset(sys.argv[1], "dialogues", split="train")
print(json.dumps(sorted(rows["dialogue_key"])))
"""
PURGE = "from fedi_dataset.cli import main; main(prog_name='fedi-dataset')"


def told(person: Person, code: str, *arguments: object) -> Any:
    """Run code and read the last line that it prints."""
    done = person.run(code, *arguments)
    assert done.code == 0, done.err
    return json.loads(done.out.strip().splitlines()[-1])


def gone(release: Path) -> set[str]:
    """Keys on a release's list."""
    return {
        json.loads(line)["key"]
        for line in (release / "removed_keys.jsonl").read_text().splitlines()
    }


@pytest.mark.slow
def test_a_copy_goes_stale_with_a_withdrawal_and_is_purged(
    loopback: Hub,
    owner: Person,
    reader: Person,
    release_copy: ReleaseCopy,
    erase: Callable[[ReleaseCopy], None],
) -> None:
    """Before it the copy is valid; after it the check names its rows, and purge-local leaves only the newest."""
    assert owner.push(release_copy.release, REPO).code == 0
    before = told(reader, LOAD, REPO)
    found = told(reader, CHECK, REPO)
    assert (found["valid"], found["removed"], found["revision"]) == (True, [], found["current"])

    erase(release_copy)
    pushed = owner.push(release_copy.release, REPO)
    assert pushed.code == 0, pushed.err
    found = told(reader, CHECK, REPO)
    assert not found["valid"]
    assert set(found["removed"]) == gone(release_copy.release)
    assert found["current"] == loopback.repos[REPO].head().sha != found["revision"]

    home = Path(reader.environment["HF_HOME"])
    old = found["revision"]
    assert list((home / "datasets").rglob(old))
    dry = told(reader, PURGE, "purge-local", REPO, "--dry-run", "--json")
    assert dry["revisions"] == [old]
    assert list((home / "datasets").rglob(old))
    done = told(reader, PURGE, "purge-local", REPO, "--json")
    assert (done["revisions"], done["in_use"], done["current"]) == ([old], [], found["current"])
    assert not list((home / "datasets").rglob(old))
    assert not list((home / "hub").rglob(old))
    after = told(reader, LOAD, REPO)
    assert set(after) <= set(before) | (set(after) & gone(release_copy.release))
    assert set(after) != set(before)
    assert told(reader, CHECK, REPO)["valid"]


@pytest.mark.slow
def test_lost_access_makes_every_copy_stale(
    loopback: Hub, owner: Person, reader: Person, release_copy: ReleaseCopy
) -> None:
    """Who was shut out must not go on: the check says so, and purge-local leaves nothing."""
    assert owner.push(release_copy.release, REPO).code == 0
    told(reader, LOAD, REPO)
    del loopback._api.members[REPO.partition("/")[0]]["reader"]
    found = told(reader, CHECK, REPO)
    assert (found["valid"], found["current"]) == (False, None)
    assert "access was taken back" in found["problems"][0]
    done = told(reader, PURGE, "purge-local", REPO, "--json")
    assert done["current"] is None
    home = Path(reader.environment["HF_HOME"])
    assert not list((home / "datasets").glob("lab___*"))
    assert not list((home / "hub").glob("datasets--*"))


def test_a_wrong_token_says_nothing_and_deletes_nothing(
    loopback: Hub, reader: Person, tmp_path: Path
) -> None:
    """If the Hub cannot be asked, nothing is known: an error, and the caches stay."""
    cache = (
        Path(reader.environment["HF_HOME"])
        / "datasets"
        / "lab___talks"
        / "dialogues"
        / "0.0.0"
        / "abc"
    )
    cache.mkdir(parents=True)
    reader.environment["HF_TOKEN"] = "hf_nobody"
    reader.token = "hf_nobody"
    done = reader.run(PURGE, "purge-local", REPO)
    assert done.code == 1
    assert "token is not valid" in done.error
    assert cache.is_dir()
    assert loopback.log


def test_a_folder_is_checked_by_the_build_of_the_copy(
    release_copy: ReleaseCopy, erase: Callable[[ReleaseCopy], None]
) -> None:
    """A copy of the newest build is valid; one of the build before must drop what was taken back."""
    build = json.loads((release_copy.release / "manifest.json").read_text())["build"]
    assert check_release(release_copy.release, build).raise_if_stale().valid
    erase(release_copy)
    found = check_release(release_copy.release, build)
    assert found.removed == gone(release_copy.release)
    with pytest.raises(StaleReleaseError, match=r"rows were taken back or changed.*purge-local"):
        found.raise_if_stale()


@pytest.mark.parametrize(
    ("release", "revision", "words"),
    [("nobody", None, "neither a release's folder nor ORG/NAME"), ("", None, "name the build")],
)
def test_what_cannot_be_checked_is_a_sentence(
    release_copy: ReleaseCopy, release: str, revision: str | None, words: str
) -> None:
    """A name that is neither a folder nor a repository, and a folder without the copy's build."""
    with pytest.raises(UsageError, match=words):
        check_release(release or release_copy.release, revision)


def test_without_a_token_a_private_repository_is_a_question_and_no_lost_access(
    loopback: Hub, owner: Person, reader: Person, release_copy: ReleaseCopy
) -> None:
    """Who forgot to log in loses no cache; a public repository answers everybody."""
    assert owner.push(release_copy.release, REPO).code == 0
    del reader.environment["HF_TOKEN"]
    reader.token = None
    cache = (
        Path(reader.environment["HF_HOME"])
        / "datasets"
        / "lab___talks"
        / "dialogues"
        / "0.0.0"
        / "abc"
    )
    cache.mkdir(parents=True)
    done = reader.run(PURGE, "purge-local", REPO)
    assert done.code == 2
    assert "is not public, and there is no token" in done.error
    assert cache.is_dir()
    loopback.repos[REPO].private = False
    found = told(reader, CHECK, REPO)
    assert (found["valid"], found["current"]) == (True, loopback.repos[REPO].head().sha)
