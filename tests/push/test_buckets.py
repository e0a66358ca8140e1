"""Storage buckets: the calls that are made, in order.

The Hub's client writes buckets by hf_xet alone, whose server speaks a format of its own; so here the client's methods
are stood in for by a bucket in memory with the same signatures. Everything before and after them is the real push.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import HfApi, constants

from fedi_dataset.errors import HubError, UsageError
from fedi_dataset.hub import push as push_module
from fedi_dataset.hub.push import push
from fedi_dataset.pipeline import BuildReport
from tests.conftest import ReleaseCopy

TARGET = "buckets/lab/talks"


@dataclass
class Bucket:
    """A bucket in memory, behind the client's methods."""

    private: bool = True
    files: dict[str, bytes] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    deaf: bool = False
    """It does not delete."""
    endpoint: str = "https://hub.example"

    def create_bucket(self, bucket_id: str, *, private: bool, exist_ok: bool) -> None:
        """Make it, or take it as it is."""
        assert (bucket_id, private, exist_ok) == ("lab/talks", True, True)
        self.calls.append("create")

    def bucket_info(self, bucket_id: str) -> Any:
        """Tell who may see it."""
        self.calls.append("info")
        return SimpleNamespace(private=self.private)

    def list_bucket_tree(self, bucket_id: str, *, recursive: bool) -> list[Any]:
        """List all files."""
        assert recursive
        return [
            SimpleNamespace(type="file", path=path, size=len(content))
            for path, content in self.files.items()
        ]

    def batch_bucket_files(
        self,
        bucket_id: str,
        *,
        add: Sequence[tuple[Path, str]] = (),
        delete: Sequence[str] = (),
    ) -> None:
        """Write and delete."""
        self.calls.append(f"batch {len(add)} {len(delete)}")
        self.files.update({path: source.read_bytes() for source, path in add})
        for path in () if self.deaf else delete:
            del self.files[path]

    def download_bucket_files(self, bucket_id: str, files: Sequence[tuple[str, Path]]) -> None:
        """Give files, as far as they are there."""
        for path, copy in files:
            if path in self.files:
                copy.write_bytes(self.files[path])


METHODS = (
    "create_bucket",
    "bucket_info",
    "list_bucket_tree",
    "batch_bucket_files",
    "download_bucket_files",
)


@pytest.mark.parametrize("name", METHODS)
def test_the_stand_in_is_called_as_the_client_is(name: str) -> None:
    """Every parameter of the stand-in is one of the client's."""
    theirs = inspect.signature(getattr(HfApi, name)).parameters
    assert set(inspect.signature(getattr(Bucket, name)).parameters) <= theirs.keys()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A private, empty bucket instead of the Hub."""
    found = Bucket()

    @contextmanager
    def connect() -> Iterator[Bucket]:
        yield found

    monkeypatch.setattr(push_module, "connect", connect)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    return found


def content_of(release: Path) -> dict[str, bytes]:
    """Every file of a release."""
    paths = (path for path in release.rglob("*") if path.is_file())
    return {path.relative_to(release).as_posix(): path.read_bytes() for path in paths}


def test_a_bucket_holds_the_release(bucket: Bucket, release_copy: ReleaseCopy) -> None:
    """It is made private and verified so first; the manifest comes last."""
    done = push(release_copy.release, TARGET)
    assert bucket.files == content_of(release_copy.release)
    assert bucket.calls == [
        "create",
        "info",
        f"batch {len(bucket.files) - 2} 0",
        "batch 2 0",
        "info",
    ]
    assert list(bucket.files)[-2:] == ["README.md", "manifest.json"]
    assert (done.commit, done.ok) == (None, True)


def test_a_public_bucket_is_refused(bucket: Bucket, release_copy: ReleaseCopy) -> None:
    """Nothing is written into it."""
    bucket.private = False
    with pytest.raises(HubError, match="lab/talks is a public bucket"):
        push(release_copy.release, TARGET)
    assert bucket.calls == ["create", "info"]


def test_what_is_no_release_is_not_deleted(bucket: Bucket, release_copy: ReleaseCopy) -> None:
    """A bucket with other files is left alone."""
    bucket.files["notes.txt"] = b"mine"
    with pytest.raises(UsageError, match="holds files that are no release of this workspace"):
        push(release_copy.release, TARGET)
    assert bucket.files == {"notes.txt": b"mine"}


def test_a_bucket_is_for_private_recipients(bucket: Bucket, published: BuildReport) -> None:
    """There is no gate before a bucket."""
    with pytest.raises(UsageError, match="a storage bucket has no gate"):
        push(published.release, TARGET, gated=True)
    assert bucket.calls == []


def test_without_xet_there_is_no_bucket(
    bucket: Bucket, release_copy: ReleaseCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client could not write one: that is said before anything is asked."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with pytest.raises(UsageError, match="written with hf_xet alone"):
        push(release_copy.release, TARGET)
    assert bucket.calls == []


def test_an_erasure_reaches_the_bucket(
    bucket: Bucket, release_copy: ReleaseCopy, erase: Callable[[ReleaseCopy], None]
) -> None:
    """Former files are overwritten or deleted; the certificate names their digests and what only the Hub knows."""
    push(release_copy.release, TARGET)
    bucket.files["dialogues/train-b0.parquet"] = b"a shard that has since been joined"
    before = set(bucket.files)
    erase(release_copy)
    done = push(release_copy.release, TARGET)
    assert bucket.files == content_of(release_copy.release)
    assert set(done.deleted) == before - bucket.files.keys()
    assert done.certificate is not None
    assert done.certificate.objects
    assert done.certificate.still_there == ()
    assert push(release_copy.release, TARGET).certificate is None


def test_a_bucket_that_does_not_delete_is_found_out(
    bucket: Bucket, release_copy: ReleaseCopy, erase: Callable[[ReleaseCopy], None]
) -> None:
    """What is still listed is said, and asked for again by the next push."""
    push(release_copy.release, TARGET)
    bucket.files["dialogues/train-b0.parquet"] = b"a shard that has since been joined"
    bucket.deaf = True
    erase(release_copy)
    first, second = push(release_copy.release, TARGET), push(release_copy.release, TARGET)
    for done in (first, second):
        assert not done.ok
        assert done.certificate is not None
        words = "dialogues/train-b0.parquet is in the bucket, and not in the release"
        assert words in done.certificate.still_there


def test_a_broken_push_is_taken_up_again(
    bucket: Bucket, release_copy: ReleaseCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files without a manifest are known to be ours by the record."""

    def fail(*_: object, **__: object) -> None:
        bucket.files["dialogues/train-b.parquet"] = b"half"
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(bucket, "batch_bucket_files", fail)
        with pytest.raises(HubError):
            push(release_copy.release, TARGET)
    assert push(release_copy.release, TARGET).ok
    assert bucket.files == content_of(release_copy.release)
