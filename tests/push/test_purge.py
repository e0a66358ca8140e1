"""After an erasure: former revisions are gone from the Hub, or it is said what is still there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fedi_dataset.cli import main
from fedi_dataset.hub.record import pushed
from tests.conftest import ReleaseCopy
from tests.hub import Hub, Reply, Repo, Request, error
from tests.push.conftest import REPO, Done, Person
from tests.push.test_push import local, remote
from tests.world import World

Erase = Callable[[ReleaseCopy], None]


def certificates(work: Path) -> list[dict[str, Any]]:
    """The certificates of purges, oldest first."""
    paths = sorted(work.glob("certificates/*-hub-*.json"))
    return [json.loads(path.read_text("utf-8")) for path in paths]


def test_an_erasure_reaches_the_hub(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, erase: Erase
) -> None:
    """Former commits, their objects, and all refs but main are gone; what is left is the release."""
    first = owner.push(release_copy.release, REPO).data["commit"]
    repo = loopback.repos[REPO]
    old = {file.sha256 for file in repo.head().files.values() if file.sha256}
    for ref in ("refs/tags/v1", "refs/heads/mine", "refs/convert/parquet"):
        repo.refs[ref] = first
    erase(release_copy)
    done = owner.push(release_copy.release, REPO)
    assert done.code == 0
    assert remote(repo) == local(release_copy.release)
    kept = {file.sha256 for file in repo.head().files.values() if file.sha256}
    assert old - kept
    assert set(repo.objects) == kept
    assert repo.find(first) is None
    assert list(repo.refs) == ["refs/heads/main"]
    assert [one.sha for one in repo.history(repo.head().sha)] == [done.data["commit"]]
    (certificate,) = certificates(release_copy.work)
    assert done.data["certificate"] == certificate
    assert first in certificate["revisions"]
    assert set(certificate["objects"]) == old - kept
    assert set(certificate["deleted_refs"]) == {
        "refs/tags/v1",
        "refs/heads/mine",
        "refs/convert/parquet",
    }
    assert certificate["still_there"] == []
    assert certificate["promised"]
    assert [one.gone is None for one in pushed(release_copy.work)] == [False, True, True]


def test_everything_that_was_there_is_asked_for_afterwards(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, erase: Erase
) -> None:
    """After the last deletion every former revision and object is asked for, and each answer is 404."""
    first = owner.push(release_copy.release, REPO).data["commit"]
    erase(release_copy)
    loopback.log.clear()
    (certificate,) = [owner.push(release_copy.release, REPO).data["certificate"]]
    deleted = max(
        index for index, one in enumerate(loopback.log) if one.path.endswith("/lfs-files/batch")
    )
    asked = {(one.method, one.path): one.status for one in loopback.log[deleted:]}
    assert asked["GET", f"/api/datasets/{REPO}/revision/{first}"] == 404
    objects = [status for (method, path), status in asked.items() if method == "HEAD"]
    assert objects == [404] * len(certificate["objects"])


def test_it_is_purged_once(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, erase: Erase
) -> None:
    """When all is gone, later pushes purge nothing, until more is taken back."""
    owner.push(release_copy.release, REPO)
    erase(release_copy)
    first = owner.push(release_copy.release, REPO)
    again = owner.push(release_copy.release, REPO)
    assert again.data["certificate"] is None
    assert again.data["commit"] == first.data["commit"]
    assert len(loopback.asked("POST", "/super-squash/")) == 1


def test_it_is_purged_on_request(loopback: Hub, owner: Person, release_copy: ReleaseCopy) -> None:
    """--purge leaves one revision, whether rows were taken back or not."""
    owner.push(release_copy.release, REPO)
    repo = loopback.repos[REPO]
    repo.commit("refs/heads/main", repo.head().files, "by hand")
    done = owner.push(release_copy.release, REPO, "--purge")
    assert len(done.data["certificate"]["revisions"]) == 2
    assert len(list(repo.history(repo.head().sha))) == 1


def test_a_purge_that_broke_off_is_done_by_the_next_push(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, erase: Erase
) -> None:
    """The new revision is there, nothing differs, and still the former ones are purged."""
    owner.push(release_copy.release, REPO)
    erase(release_copy)

    def refuse(request: Request) -> Reply | None:
        return error(500, "try again") if "/super-squash/" in request.path else None

    loopback.interfere = refuse  # type: ignore[method-assign]
    broken = owner.push(release_copy.release, REPO)
    assert broken.code == 1
    assert "the Hub answered 500 at /api/datasets/lab/talks/super-squash/main" in broken.error
    assert remote(loopback.repos[REPO]) == local(release_copy.release)
    loopback.interfere = lambda request: None  # type: ignore[method-assign]
    done = owner.push(release_copy.release, REPO)
    assert (done.code, done.data["sent"]) == (0, [])
    assert done.data["certificate"]["still_there"] == []
    assert len(list(loopback.repos[REPO].history(done.data["commit"]))) == 1


def test_without_the_record_the_repository_itself_tells(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, erase: Erase
) -> None:
    """A workspace that was restored without its record still purges: the list of removed keys there is another."""
    first = owner.push(release_copy.release, REPO).data["commit"]
    (release_copy.work / "hub.jsonl").unlink()
    erase(release_copy)
    done = owner.push(release_copy.release, REPO)
    assert first in done.data["certificate"]["revisions"]
    assert loopback.repos[REPO].find(first) is None


def test_what_a_broken_upload_left_is_deleted_too(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, erase: Erase
) -> None:
    """Objects that were uploaded and never committed hold words as well."""

    def refuse(request: Request) -> Reply | None:
        return error(503, "later") if "/commit/" in request.path else None

    loopback.interfere = refuse  # type: ignore[method-assign]
    assert owner.push(release_copy.release, REPO).code == 1
    repo = loopback.repos[REPO]
    orphans = set(repo.objects)
    loopback.interfere = lambda request: None  # type: ignore[method-assign]
    erase(release_copy)
    done = owner.push(release_copy.release, REPO)
    kept = {file.sha256 for file in repo.head().files.values() if file.sha256}
    assert orphans - kept
    assert set(repo.objects) == kept
    assert set(done.data["certificate"]["objects"]) == orphans - kept


def is_left(done: Done, copy: ReleaseCopy, words: str) -> bool:
    """Whether a push failed because something is still there, said so, and certified that."""
    assert done.code == 1
    (certificate,) = certificates(copy.work)
    assert certificate["still_there"] == done.data["certificate"]["still_there"]
    assert [one.gone for one in pushed(copy.work)] == [None] * len(pushed(copy.work))
    return any(words in one for one in certificate["still_there"])


def test_a_pull_request_that_nobody_deleted_is_named(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, erase: Erase
) -> None:
    """No client can delete its ref: that is said, the exit code is 1, and the next push looks again."""
    owner.push(release_copy.release, REPO)
    repo = loopback.repos[REPO]
    repo.refs["refs/pr/1"] = repo.head().sha
    erase(release_copy)
    done = owner.push(release_copy.release, REPO)
    assert is_left(done, release_copy, "refs/pr/1 keeps former commits")
    del repo.refs["refs/pr/1"]
    again = owner.push(release_copy.release, REPO)
    assert again.code == 0
    assert again.data["certificate"]["still_there"] == []


@pytest.mark.parametrize(
    ("habit", "words"),
    [
        ("keeps_unreachable", "can still be read"),
        ("keeps_objects", "is still listed"),
    ],
)
def test_a_hub_that_only_says_so_is_found_out(
    loopback: Hub,
    owner: Person,
    release_copy: ReleaseCopy,
    erase: Erase,
    habit: str,
    words: str,
) -> None:
    """Squashed commits that can be read, and deleted objects that are there, are found by asking for them."""
    owner.push(release_copy.release, REPO)
    setattr(loopback.repos[REPO], habit, True)
    erase(release_copy)
    assert is_left(owner.push(release_copy.release, REPO), release_copy, words)


def test_a_conversion_that_the_hub_keeps_is_named(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, erase: Erase
) -> None:
    """The viewer's copy of a former revision, if it cannot be deleted, is not passed over."""
    owner.push(release_copy.release, REPO)
    repo = loopback.repos[REPO]
    repo.refs["refs/convert/parquet"] = repo.head().sha

    def refuse(request: Request) -> Reply | None:
        return error(403, "not yours") if request.method == "DELETE" else None

    loopback.interfere = refuse  # type: ignore[method-assign]
    erase(release_copy)
    done = owner.push(release_copy.release, REPO)
    assert is_left(done, release_copy, "refs/convert/parquet, the Hub's own copy")


def test_what_was_private_is_purged_before_it_is_opened(
    loopback: Hub, owner: Person, published: Any, tmp_path: Path
) -> None:
    """Former revisions were for fewer people: whoever comes in later finds one revision."""
    assert owner.push(published.release, REPO).code == 0
    repo = loopback.repos[REPO]
    assert len(list(repo.history(repo.head().sha))) == 2
    done = owner.push(published.release, REPO, "--public", "--yes")
    assert done.code == 0
    assert not repo.private
    assert len(list(repo.history(repo.head().sha))) == 1


def test_withdraw_names_what_is_on_the_hub(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, small_world: World
) -> None:
    """The plan and the certificate of a withdrawal name the revisions, and the command that purges them."""
    first = owner.push(release_copy.release, REPO).data["commit"]
    who = small_world.people[0].uri
    done = CliRunner().invoke(main, ["withdraw", str(release_copy.release), who])
    assert done.exit_code == 0
    assert f"on the Hub: {REPO} at revision {first}\n" in done.stderr
    assert f"still on the Hub: {REPO} at revision {first}\n" in done.stdout
    assert f"purge it there: fedi-dataset push {release_copy.release} {REPO}\n" in done.stdout
    (certificate,) = release_copy.work.glob("certificates/*.json")
    assert json.loads(certificate.read_text("utf-8"))["hub"] == [f"{REPO} at revision {first}"]


def test_a_repo_of_somebody_else_keeps_what_it_has(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, erase: Erase
) -> None:
    """Only the repository that was pushed to is purged."""
    other = Repo("lab/other", private=True)
    loopback.repos["lab/other"] = other
    owner.push(release_copy.release, REPO)
    erase(release_copy)
    owner.push(release_copy.release, REPO)
    assert [one for one in loopback.log if "lab/other" in one.path] == []
