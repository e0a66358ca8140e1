"""A release is loaded with datasets alone, and a release that was built anew never from an old cache."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from fedi_dataset.pipeline import BuildReport
from fedi_dataset.schema import RELEASE_TABLES
from tests.loading.conftest import Given, Processes, Rows, release_of, rows_of
from tests.world import World

SPLITS = ("train", "validation", "test")


def stored(release: Path, table: str) -> Rows:
    """Read the rows of a table from its Parquet files."""
    return {
        split: [
            row
            for path in sorted((release / table).glob(f"{split}-*.parquet"))
            for row in pq.read_table(path).to_pylist()
        ]
        for split in SPLITS
        if list((release / table).glob(f"{split}-*.parquet"))
    }


@pytest.mark.slow
def test_a_release_needs_no_package(released: BuildReport, tmp_path: Path) -> None:
    """Where fedi_dataset cannot be imported, every config and split loads, streamed too, with the schema's features."""
    home = tmp_path / "home"
    home.mkdir()
    release = str(released.release)
    calls: list[dict[str, Any]] = [
        {"args": [release, name], "streaming": streaming}
        for name in RELEASE_TABLES
        for streaming in (False, True)
    ]
    job = {"block": ["fedi_dataset"], "calls": [*calls, {"args": [release]}]}
    done = Processes(home).run(tmp_path / "cache", job, "-I")
    assert done["imported"] == ["fedi_dataset"]  # the block itself, and nothing below it
    for call, result in zip(calls, done["results"], strict=False):
        name = call["args"][1]
        features = datasets.Features.from_arrow_schema(RELEASE_TABLES[name]).to_dict()
        assert result["rows"] == stored(released.release, name)
        assert set(result["features"]) == set(result["rows"])
        assert all(found == features for found in result["features"].values())
    assert done["results"][-1]["rows"] == stored(released.release, "dialogues")


def test_every_split_has_rows(released: BuildReport) -> None:
    """The release that these tests load is one in which no split is empty, so that they see all of them."""
    assert {split: bool(rows) for split, rows in stored(released.release, "dialogues").items()} == {
        "train": True,
        "validation": True,
        "test": True,
    }


def test_the_configs_of_a_release_can_be_asked_for(released: BuildReport, cache: Path) -> None:
    """The names of the configs are those of the tables with rows, and dialogues is the default."""
    release = str(released.release)
    assert datasets.get_dataset_config_names(release) == list(RELEASE_TABLES)
    assert datasets.get_dataset_default_config_name(release) == "dialogues"
    assert datasets.get_dataset_split_names(release, "dialogues") == list(SPLITS)


def test_one_split_and_some_columns(released: BuildReport, cache: Path) -> None:
    """What a training script asks for: one split, two columns."""
    found = datasets.load_dataset(
        str(released.release), split="train", columns=["prompt", "completion"]
    )
    rows = stored(released.release, "dialogues")["train"]
    assert list(found) == [{name: row[name] for name in ("prompt", "completion")} for row in rows]


def test_a_release_anywhere(released: BuildReport, cache: Path, tmp_path: Path) -> None:
    """Words for splits in the folders above a release, hidden and spaced ones, change nothing."""
    for name in ("train/dev/test.release", ".hidden/__eval__", "a b/validación"):
        copy = tmp_path / name
        shutil.copytree(released.release, copy)
        found = datasets.load_dataset(str(copy), "dialogues")
        assert rows_of(found) == stored(released.release, "dialogues")


@pytest.mark.parametrize("streaming", [False, True])
def test_a_release_built_anew_is_loaded_anew(
    streaming: bool, given: Given, small_talks: World, cache: Path, tmp_path: Path
) -> None:
    """After a withdrawal the same path, in the same cache, gives the rows that are left."""
    out = tmp_path / "release"
    before = release_of(given, out)
    names = [name for name in RELEASE_TABLES if name in before.manifest.tables()]
    for name in names:
        first = datasets.load_dataset(str(out), name, streaming=streaming)
        assert rows_of(first) == stored(out, name)
    former = stored(out, "dialogues")
    leaver = small_talks.people[0].uri
    given.ledger.write_text("".join(f"{x}\n" for x in small_talks.ledger_lines([leaver])))
    assert release_of(given, out).written
    assert stored(out, "dialogues") != former
    for name in RELEASE_TABLES:
        if (out / name).is_dir():
            again = datasets.load_dataset(str(out), name, streaming=streaming)
            assert rows_of(again) == stored(out, name)


def test_the_card_names_the_build(released: BuildReport, cache: Path, tmp_path: Path) -> None:
    """Every config carries the build, and that alone makes datasets notice rows that changed in nothing else."""
    card = (released.release / "README.md").read_text("utf-8")
    build = released.manifest.build
    configs = yaml.safe_load(card.split("---\n")[1])["configs"]
    assert [one["description"] for one in configs] == [f"build-{build}"] * len(RELEASE_TABLES)
    release = tmp_path / "release"
    shutil.copytree(released.release, release)
    assert datasets.load_dataset(str(release), "posts")
    [path] = (release / "posts").glob("*.parquet")
    table = pq.read_table(path)
    changed = pa.array(["other words"] * len(table))
    pq.write_table(table.set_column(table.schema.get_field_index("text"), "text", changed), path)
    (release / "README.md").write_text(card.replace(build, "0" * len(build)), "utf-8")
    [found] = datasets.load_dataset(str(release), "posts").values()
    assert set(found["text"]) == {"other words"}


def test_two_releases_of_one_name(
    released: BuildReport, given: Given, small_talks: World, cache: Path, tmp_path: Path
) -> None:
    """Releases in folders of the same name do not give each other's rows."""
    leaver = small_talks.people[0].uri
    given.ledger.write_text("".join(f"{x}\n" for x in small_talks.ledger_lines([leaver])))
    other = tmp_path / "other" / released.release.name
    release_of(given, other)
    first = datasets.load_dataset(str(released.release), "dialogues")
    second = datasets.load_dataset(str(other), "dialogues")
    assert rows_of(first) == stored(released.release, "dialogues")
    assert rows_of(second) == stored(other, "dialogues")
    assert rows_of(first) != rows_of(second)
