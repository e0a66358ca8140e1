"""Arrow caches of a release on this machine: those with removed rows go, and nobody else's."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest
from filelock import FileLock

from fedi_dataset.release.caches import forget_builds, forget_caches
from tests.conftest import AS_OF, ReleaseCopy
from tests.test_erasure import EVENT, NOW
from tests.test_pipeline import rows_of
from tests.world import World


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A datasets cache of our own."""
    folder = tmp_path / "datasets"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
    return folder


def test_a_cache_with_a_removed_row_is_deleted_with_all_that_was_mapped_from_it(
    release_copy: ReleaseCopy, cache: Path
) -> None:
    """The keys of its rows tell, whatever the folder is called."""
    name = str(release_copy.release)
    loaded = datasets.load_dataset(name, "dialogues", cache_dir=str(cache), split="train")
    loaded.map(lambda row: {"length": len(row["prompt"])})
    datasets.load_dataset(name, "conversations", cache_dir=str(cache))
    removed = {loaded[0]["dialogue_key"]}
    deleted, in_use = forget_caches(removed)
    assert [Path(path).relative_to(cache).parts[1] for path in deleted] == ["dialogues"]
    assert in_use == []
    assert not Path(deleted[0]).exists()
    assert list(cache.rglob("dataset_info.json"))  # the other config's stays


def test_caches_of_others_and_caches_without_removed_rows_stay(
    release_copy: ReleaseCopy, cache: Path, tmp_path: Path
) -> None:
    """Nothing is deleted that does not hold a removed row."""
    datasets.load_dataset(str(release_copy.release), "dialogues", cache_dir=str(cache))
    foreign = tmp_path / "foreign.json"
    foreign.write_text('{"text": "not ours"}\n', "utf-8")
    datasets.load_dataset("json", data_files=str(foreign), cache_dir=str(cache))
    before = sorted(cache.rglob("*.arrow"))
    assert forget_caches({"0" * 32}) == ([], [])
    assert forget_caches(()) == ([], [])
    assert sorted(cache.rglob("*.arrow")) == before


def test_a_cache_that_is_being_written_is_named_and_left(
    release_copy: ReleaseCopy, cache: Path
) -> None:
    """Who holds datasets' lock is not disturbed; the certificate says that it is left to do."""
    loaded = datasets.load_dataset(
        str(release_copy.release), "dialogues", cache_dir=str(cache), split="train"
    )
    folder = Path(loaded.cache_files[0]["filename"]).parent
    with FileLock(f"{folder}_builder.lock"):
        assert forget_caches({loaded[0]["dialogue_key"]}) == ([], [str(folder)])
    assert folder.exists()


def test_what_load_dataset_built_under_the_ledger_is_deleted(
    release_copy: ReleaseCopy, cache: Path, tmp_path: Path
) -> None:
    """The builder's private folder holds raw text: it goes, and the next load builds it again."""
    import fedi_dataset  # noqa: F401 - registers the builder

    exports = release_copy.exports[0].parent

    def load() -> datasets.Dataset:
        return datasets.load_dataset(
            "fedi_dataset",
            "dialogues",
            data_dir=str(exports),
            consent=str(release_copy.ledger),
            as_of=AS_OF.isoformat(),
            cache_dir=str(cache),
            split="train",
        )

    before = load()
    deleted, in_use = forget_builds(release_copy.ledger)
    assert in_use == []
    assert any("fedi_dataset-work" in path for path in deleted)
    assert list(cache.rglob("*.arrow")) == []
    assert list(cache.rglob("posts.parquet")) == []
    assert load().num_rows == before.num_rows


@pytest.mark.parametrize("damaged", ["loads.json", "release.work/state.json"])
def test_what_load_dataset_built_is_deleted_though_its_record_is_damaged(
    release_copy: ReleaseCopy, cache: Path, damaged: str
) -> None:
    """Where nobody can tell any more whose it is, or what was made of it, all of it goes: it is only a cache."""
    import fedi_dataset  # noqa: F401 - registers the builder

    datasets.load_dataset(
        "fedi_dataset",
        "dialogues",
        data_dir=str(release_copy.exports[0].parent),
        consent=str(release_copy.ledger),
        as_of=AS_OF.isoformat(),
        cache_dir=str(cache),
    )
    (record,) = cache.glob(f"fedi_dataset-work/*/{damaged}")
    record.write_bytes(b"{")
    assert forget_builds(release_copy.ledger)[1] == []
    assert list(cache.rglob("*.arrow")) == []
    assert list(cache.rglob("posts.parquet")) == []


def test_withdraw_deletes_the_caches_that_hold_the_persons_rows(
    release_copy: ReleaseCopy, cache: Path, small_world: World
) -> None:
    """Through the command's own door: afterwards no cache of the release holds a removed row."""
    from fedi_dataset.release.erasure import withdraw

    datasets.load_dataset(str(release_copy.release), "dialogues", cache_dir=str(cache))
    rows = {row["dialogue_key"] for row in rows_of(release_copy.release, "dialogues")}
    done = withdraw(release_copy.release, [small_world.people[0].uri], now=NOW, event_id=EVENT)
    assert len(done.certificate.deleted_caches) == 1
    assert rows - {row["dialogue_key"] for row in rows_of(release_copy.release, "dialogues")}
    assert list(cache.rglob("*.arrow")) == []
