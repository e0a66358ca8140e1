"""What any Hub must do: these run against another implementation too, if FEDI_TEST_HUB names one.

What was pushed is loaded by other people's processes, with nothing of this package.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.conftest import ReleaseCopy
from tests.hub import Hub, OtherHub
from tests.push.conftest import Person

LOAD = """
import json, sys
sys.modules["fedi_dataset"] = None
from datasets import get_dataset_config_names, load_dataset
found = {}
for name in get_dataset_config_names(sys.argv[1]):
    for streaming in (False, True):
        loaded = load_dataset(sys.argv[1], name, streaming=streaming)
        rows = {str(split): list(dataset) for split, dataset in loaded.items()}
        assert found.setdefault(name, rows) == rows
print(json.dumps(found))
"""

PINNED = """
import sys
from datasets import load_dataset
load_dataset(sys.argv[1], "dialogues", revision=sys.argv[2])
"""

COUNTED = """
import sys
from datasets import load_dataset
load_dataset(sys.argv[1], "dialogues")
"""

MAKE_PUBLIC = """
import sys
from huggingface_hub import HfApi
HfApi().create_repo(sys.argv[1], repo_type="dataset", private=False)
"""

COMMITS = """
import sys
from huggingface_hub import HfApi
for one in HfApi().list_repo_commits(sys.argv[1], repo_type="dataset"):
    print(one.commit_id)
"""


def rows_of(release: Path) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """All rows by config and split."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for path in sorted(release.glob("*/*.parquet")):
        split = path.name.partition("-")[0]
        rows = found.setdefault(path.parent.name, {}).setdefault(split, [])
        rows += pq.read_table(path).to_pylist()
    return found


@pytest.fixture
def name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A repository that no other run has used."""
    return f"lab/{tmp_path.name}-{tmp_path.parent.name}"


@pytest.mark.slow
def test_a_reader_loads_every_config(
    hub: Hub | OtherHub,
    owner: Person,
    reader: Person,
    release_copy: ReleaseCopy,
    name: str,
) -> None:
    """Every config and split, streaming or not, holds the rows of the release."""
    assert owner.push(release_copy.release, name).code == 0
    done = reader.run(LOAD, name)
    assert done.code == 0, done.err
    assert json.loads(done.out.splitlines()[-1]) == rows_of(release_copy.release)


@pytest.mark.slow
def test_nobody_else_does(
    hub: Hub | OtherHub,
    owner: Person,
    person: Callable[[str], Person],
    release_copy: ReleaseCopy,
    name: str,
    tmp_path: Path,
) -> None:
    """For whoever is not in the organization, or has no token, there is no such repository."""
    assert owner.push(release_copy.release, name).code == 0
    for stranger in (person("stranger"), Person(hub, tmp_path / "nobody", None)):
        done = stranger.run(LOAD, name)
        assert done.code == 1
        assert "DatasetNotFoundError" in done.err


@pytest.mark.slow
def test_counting_calls_would_name_the_repository(
    loopback: Hub,
    owner: Person,
    reader: Person,
    release_copy: ReleaseCopy,
) -> None:
    """datasets tells another host the name of a private repository, unless HF_UPDATE_DOWNLOAD_COUNTS=0: the
    documents say so, and here it is seen."""
    owner.push(release_copy.release, "lab/talks")
    told = {}
    for value in ("1", "0"):
        reader.environment["HF_UPDATE_DOWNLOAD_COUNTS"] = value
        loopback.log.clear()
        assert reader.run(COUNTED, "lab/talks").code == 0
        told[value] = [
            one.path
            for one in loopback.log
            if one.who == "elsewhere" and "s3.amazonaws" in one.path
        ]
    assert bool(told["1"])
    assert told["0"] == []


@pytest.mark.slow
def test_a_pinned_former_revision_fails(
    hub: Hub | OtherHub,
    owner: Person,
    reader: Person,
    release_copy: ReleaseCopy,
    erase: Callable[[ReleaseCopy], None],
    name: str,
) -> None:
    """A training script with the old revision in it stops, and does not go on with withdrawn rows."""
    first = owner.push(release_copy.release, name).data["commit"]
    assert reader.run(PINNED, name, first).code == 0
    erase(release_copy)
    second = owner.push(release_copy.release, name).data["commit"]
    shutil.rmtree(reader.environment["HF_HOME"])  # or it would go on with its own copy
    gone = reader.run(PINNED, name, first)
    assert gone.code == 1
    assert "DatasetNotFoundError" in gone.err
    assert reader.run(PINNED, name, second).code == 0


def test_a_public_repository_gets_nothing(
    hub: Hub | OtherHub, owner: Person, release_copy: ReleaseCopy, name: str
) -> None:
    """A push for private recipients does not make use of it."""
    assert owner.run(MAKE_PUBLIC, name).code == 0
    before = owner.run(COMMITS, name).out
    done = owner.push(release_copy.release, name)
    assert "is a public repository" in done.error
    assert owner.run(COMMITS, name).out == before


@pytest.mark.parametrize("who", ["reader", "stranger", "nobody"])
def test_whoever_may_not_write_changes_nothing(
    hub: Hub | OtherHub,
    owner: Person,
    person: Callable[[str], Person],
    release_copy: ReleaseCopy,
    erase: Callable[[ReleaseCopy], None],
    name: str,
    who: str,
) -> None:
    """No access, or a token that is none: exit 1, and the history is what it was."""
    commit = owner.push(release_copy.release, name).data["commit"]
    erase(release_copy)
    done = person(who).push(release_copy.release, name)
    assert done.code == 1
    assert f"cannot push to {name}" in done.error
    assert owner.run(COMMITS, name).out.split()[0] == commit
