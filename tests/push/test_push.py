"""A push with the real client: what arrives, what never leaves, and who is refused."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import pytest

from fedi_dataset.consent.ledger import Withdrawn, append
from fedi_dataset.hub.record import pushed
from fedi_dataset.pipeline import BuildReport
from tests.conftest import ReleaseCopy
from tests.hub import Dropped, Hub, Reply, Repo, Request, error, large_file, small_file
from tests.push.conftest import PUSH, REPO, Person
from tests.world import World

CREATE = ("POST", "/api/repos/create")
INFO = ("GET", f"/api/datasets/{REPO}")


def local(release: Path) -> dict[str, str]:
    """Every file of a release with its SHA-256."""
    return {
        path.relative_to(release).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in release.rglob("*")
        if path.is_file()
    }


def remote(repo: Repo) -> dict[str, str]:
    """Every file of main with its SHA-256, the Hub's own apart."""
    return {
        path: hashlib.sha256(repo.objects[file.sha256] if file.sha256 else file.content).hexdigest()
        for path, file in repo.head().files.items()
        if path != ".gitattributes"
    }


def calls(hub: Hub) -> list[tuple[str, str]]:
    """Method and path of every request."""
    return [(one.method, one.path) for one in hub.log]


def test_a_release_arrives_whole_and_private(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """The repository is made private, and holds the release, file by file, in one commit."""
    done = owner.run(PUSH, release_copy.release, REPO, "--json")
    repo = loopback.repos[REPO]
    assert done.data["commit"] == repo.head().sha
    assert done.data["recipients"] == "private"
    assert repo.private
    assert remote(repo) == local(release_copy.release)
    assert [one.title for one in repo.history(repo.head().sha)] == [
        f"Build {done.data['build']}",
        "initial commit",
    ]


def test_nothing_leaves_before_it_is_known_to_be_private(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """First the repository is made and looked at; the samples that precede an upload come after that."""
    assert owner.push(release_copy.release, REPO).code == 0
    assert calls(loopback)[:2] == [CREATE, INFO]
    assert json.loads(loopback.log[0].body) == {
        "name": "talks",
        "organization": "lab",
        "type": "dataset",
        "visibility": "private",
    }
    assert loopback.log[1].sent == 0


def test_nothing_is_anonymous_or_meant_for_another_host(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, tmp_path: Path
) -> None:
    """Every request has the token or a signed URL; none goes elsewhere; none holds a path of this machine."""
    assert owner.run(PUSH, release_copy.release, REPO).code == 0
    assert {one.who for one in loopback.log} == {"owner", "signed"}
    assert not [one for one in loopback.log if str(tmp_path).encode() in one.body]
    assert {one.status for one in loopback.log} == {200}


def test_the_trap_sees_what_is_meant_for_another_host(
    loopback: Hub, person: Callable[[str], Person]
) -> None:
    """The check above is not blind: a request to another host is in the log."""
    code = "import httpx2; httpx2.get('http://elsewhere.example/talks')"
    assert person("owner").run(code).code == 0
    assert [(one.path, one.who) for one in loopback.log] == [
        ("http://elsewhere.example/talks", "elsewhere")
    ]


def test_the_workspace_remembers_the_revision(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """Repository, commit, build and the digests of the data files are on record, once."""
    done = owner.push(release_copy.release, REPO)
    owner.push(release_copy.release, REPO)
    (sent,) = pushed(release_copy.work)
    files = local(release_copy.release)
    assert (sent.endpoint, sent.target) == (loopback.url, REPO)
    assert (sent.commit, sent.build) == (done.data["commit"], done.data["build"])
    assert sent.objects == {path: files[path] for path in files if path.endswith(".parquet")}


def test_pushing_the_same_again_sends_nothing(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """No sample, no file, no commit."""
    first = owner.push(release_copy.release, REPO)
    loopback.log.clear()
    second = owner.push(release_copy.release, REPO)
    assert second.data == {**first.data, "sent": []}
    assert {one.method for one in loopback.log if one.path != CREATE[1]} == {"GET", "HEAD"}


@pytest.mark.parametrize("options", [[], ["--gated", "--yes"]])
def test_a_public_repository_is_refused(
    loopback: Hub, owner: Person, published: BuildReport, options: list[str]
) -> None:
    """One that is there and public is not made use of: nothing is sent, and it is not silently made private."""
    loopback.repos[REPO] = Repo(REPO, private=False)
    done = owner.push(published.release, REPO, *options)
    assert done.code == 1
    assert "lab/talks is a public repository" in done.error
    assert calls(loopback) == [CREATE, INFO]
    assert not loopback.repos[REPO].private


def test_a_repository_that_becomes_public_meanwhile_gets_no_commit(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """It is looked at once more between upload and commit."""

    def publish(request: Request) -> Reply | None:
        if request.method == "PUT":
            loopback.repos[REPO].private = False
        return None

    loopback.interfere = publish  # type: ignore[method-assign]
    done = owner.push(release_copy.release, REPO)
    assert "is a public repository" in done.error
    assert loopback.asked("POST", "/commit/") == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("reader", "this token's user may not do that"),
        ("stranger", "this token's user may not do that"),
        ("nobody", "the token is not valid"),
    ],
)
def test_whoever_may_not_write_is_refused(
    loopback: Hub,
    person: Callable[[str], Person],
    release_copy: ReleaseCopy,
    name: str,
    words: str,
) -> None:
    """A clear message, no file sent, and the token in no output."""
    loopback.repos[REPO] = Repo(REPO, private=True)
    done = person(name).push(release_copy.release, REPO)
    assert done.code == 1
    assert words in done.error
    assert [one for one in loopback.log if one.method == "PUT"] == []
    assert loopback.asked("POST", "/commit/") == []


def test_without_a_token_nobody_is_asked(
    loopback: Hub, release_copy: ReleaseCopy, tmp_path: Path
) -> None:
    """No request is made anonymously; the message says how to log in."""
    done = Person(loopback, tmp_path / "home", None).push(release_copy.release, REPO)
    assert done.code == 2
    assert "hf auth login" in done.error
    assert loopback.log == []


def test_a_broken_promise_stays_at_home(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """If the audit finds a file changed, nobody is called."""
    with (release_copy.release / "README.md").open("ab") as card:
        card.write(b"\nTrust me.\n")
    done = owner.push(release_copy.release, REPO)
    assert done.code == 1
    assert "the audit does not find every promise kept: files. Nothing was sent" in done.error
    assert loopback.log == []


def test_without_the_workspace_nothing_can_be_checked(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """A release alone is not pushed: nobody could look whether consents stand."""
    done = owner.push(release_copy.release, REPO, "--work", "nowhere")
    assert done.code == 2
    assert "no workspace at nowhere" in done.error
    assert loopback.log == []


def withdraw_in(ledger: Path, account: str) -> None:
    """Append a withdrawal, and do nothing else."""
    event = "urn:uuid:00000000-0000-4000-8000-00000000000a"
    append(ledger, Withdrawn(id=event, at=datetime(2026, 7, 9, tzinfo=UTC), accounts=(account,)))


def test_a_withdrawal_that_was_not_built_stops_it(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, small_world: World
) -> None:
    """The ledger as it is now decides, not the one that the release was built under."""
    withdraw_in(release_copy.ledger, small_world.people[0].uri)
    done = owner.push(release_copy.release, REPO)
    assert "the audit does not find every promise kept: consent" in done.error
    assert loopback.log == []


def test_a_withdrawal_during_the_upload_stops_it(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, small_world: World
) -> None:
    """What was uploaded is in no commit, and the record says that it may lie there."""

    def withdraw(request: Request) -> Reply | None:
        if request.method == "PUT" and not withdrawn:
            withdrawn.append(request)
            withdraw_in(release_copy.ledger, small_world.people[0].uri)
        return None

    withdrawn: list[Request] = []
    loopback.interfere = withdraw  # type: ignore[method-assign]
    done = owner.push(release_copy.release, REPO)
    assert "the ledger grew during the upload, and nothing was committed" in done.error
    assert loopback.repos[REPO].head().title == "initial commit"
    assert [one.commit for one in pushed(release_copy.work)] == [None]


def test_a_race_is_lost_and_said(loopback: Hub, owner: Person, release_copy: ReleaseCopy) -> None:
    """Somebody's commit in between is not overwritten unseen; the next push starts from it."""

    def race(request: Request) -> Reply | None:
        if "/commit/" in request.path and len(loopback.repos[REPO].commits) == 1:
            files = {**loopback.repos[REPO].head().files, "theirs.txt": small_file(b"theirs")}
            loopback.repos[REPO].commit("refs/heads/main", files, "theirs")
        return None

    loopback.interfere = race  # type: ignore[method-assign]
    done = owner.push(release_copy.release, REPO)
    assert done.code == 1
    assert "somebody else changed the repository meanwhile" in done.error
    assert "theirs.txt" in loopback.repos[REPO].head().files
    refused = owner.push(release_copy.release, REPO)
    assert refused.code == 2
    assert "lab/talks holds files that are no release of fedi_dataset" in refused.error


def test_what_is_no_release_of_ours_is_not_deleted(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """A repository with another workspace's release in it is left alone."""
    manifest = json.loads((release_copy.release / "manifest.json").read_text("utf-8"))
    manifest["secret_fingerprint"] = "0" * 32
    repo = Repo(REPO, private=True)
    content = json.dumps(manifest).encode()
    repo.commit("refs/heads/main", {"manifest.json": small_file(content)}, "another")
    loopback.repos[REPO] = repo
    done = owner.push(release_copy.release, REPO)
    assert done.code == 2
    assert "holds a release that another workspace made" in done.error
    assert repo.head().title == "another"


def test_files_that_left_the_release_are_deleted_in_the_same_commit(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """And only what differs is sent; the Hub's own .gitattributes stays."""
    owner.push(release_copy.release, REPO)
    repo = loopback.repos[REPO]
    repo.objects["a" * 64] = b"old"
    files = {**repo.head().files, "old/train-b.parquet": large_file("a" * 64, 3)}
    files["README.md"] = small_file(b"# changed by hand\n")
    before = repo.commit("refs/heads/main", files, "by hand")
    loopback.log.clear()
    done = owner.push(release_copy.release, REPO)
    assert (done.data["sent"], done.data["deleted"]) == (["README.md"], ["old/train-b.parquet"])
    assert repo.head().parent == before
    assert remote(repo) == local(release_copy.release)
    assert ".gitattributes" in repo.head().files
    assert [one for one in loopback.log if one.method == "PUT"] == []


def test_a_dropped_connection_is_taken_up_again(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """The client sends that one file again, and the push is done."""

    def drop(request: Request) -> Reply | None:
        if request.method == "PUT" and len(loopback.asked("PUT")) == 2:
            raise Dropped
        return None

    loopback.interfere = drop  # type: ignore[method-assign]
    assert owner.push(release_copy.release, REPO).code == 0
    assert sorted(one.status for one in loopback.asked("PUT"))[:2] == [0, 200]
    assert remote(loopback.repos[REPO]) == local(release_copy.release)


def test_a_push_that_was_killed_goes_on_where_it_was(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """Nothing became visible; the next push sends only the objects that are missing."""

    first = Lock()

    def kill(request: Request) -> Reply | None:
        if request.method != "PUT" or first.acquire(blocking=False):
            return None
        while not loopback.repos[REPO].objects:  # the first object arrives, and no other does
            time.sleep(0.01)
        process.kill()
        raise Dropped

    loopback.interfere = kill  # type: ignore[method-assign]
    process = owner.start(PUSH, release_copy.release, REPO)
    process.communicate(timeout=60)
    repo = loopback.repos[REPO]
    assert process.returncode == -9
    assert repo.head().title == "initial commit"
    there = set(repo.objects)
    loopback.interfere = lambda request: None  # type: ignore[method-assign]
    loopback.log.clear()
    assert owner.push(release_copy.release, REPO).code == 0
    sent = {hashlib.sha256(one.body).hexdigest() for one in loopback.asked("PUT")}
    assert sent == set(repo.objects) - there
    assert there
    assert remote(repo) == local(release_copy.release)


def test_an_upload_that_storage_refuses_gives_no_signed_url_away(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """The message says what happened, and not where whoever reads it could upload."""

    def refuse(request: Request) -> Reply | None:
        return error(403, "the URL has expired") if request.method == "PUT" else None

    loopback.interfere = refuse  # type: ignore[method-assign]
    done = owner.push(release_copy.release, REPO)
    assert done.code == 1
    assert "the URL has expired" in done.error
    signatures = [one.path.strip("/") for one in loopback.asked("PUT")]
    assert signatures
    assert not [one for one in signatures if one in done.err]


def test_a_hub_that_is_not_there_is_said(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """A lost connection is one clear line."""
    owner.environment["HF_ENDPOINT"] = "http://127.0.0.1:1"
    done = owner.push(release_copy.release, REPO)
    assert done.code == 1
    assert "the connection failed" in done.error


def test_many_files_arrive_by_a_branch_and_become_main_at_once(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy
) -> None:
    """Parts are committed beside main, which then takes them in one commit; the branch is deleted."""
    code = (
        "import sys, fedi_dataset; fedi_dataset.push(sys.argv[1], sys.argv[2], most_in_a_commit=2)"
    )
    done = owner.run(code, release_copy.release, REPO)
    assert (done.code, done.out) == (0, "")
    repo = loopback.repos[REPO]
    assert remote(repo) == local(release_copy.release)
    assert set(repo.refs) == {"refs/heads/main"}
    assert len(list(repo.history(repo.head().sha))) == 2
    assert len(loopback.asked("POST", "/commit/upload-")) == (len(remote(repo)) + 1) // 2
    assert len(loopback.asked("POST", "/commit/main")) == 1


@pytest.mark.parametrize("option", ["--gated", "--public"])
def test_a_private_release_is_not_published(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, option: str
) -> None:
    """What was built for private recipients goes to nobody else, whatever is typed."""
    done = owner.push(release_copy.release, REPO, option, "--yes")
    assert done.code == 2
    assert f"Build it with --recipients {option[2:]}" in done.error
    assert loopback.log == []


def test_publishing_asks_first(loopback: Hub, owner: Person, published: BuildReport) -> None:
    """Without a terminal, and without --yes, nothing happens."""
    done = owner.push(published.release, REPO, "--public")
    assert done.code == 2
    assert "this lets everybody read lab/talks; confirm it with --yes" in done.err
    assert loopback.log == []


@pytest.mark.parametrize(("option", "gated"), [("--public", False), ("--gated", "manual")])
def test_a_published_release_is_complete_before_anybody_sees_it(
    loopback: Hub, owner: Person, published: BuildReport, option: str, gated: str | bool
) -> None:
    """It is private until the commit is made, and then opened as far as was asked, in one request."""
    done = owner.push(published.release, REPO, option, "--yes")
    assert done.data["recipients"] == option[2:]
    repo = loopback.repos[REPO]
    assert (repo.private, repo.gated) == (False, gated)
    order = [path.rpartition("/")[2] for method, path in calls(loopback) if method != "GET"]
    assert order[0] == "create"
    assert order[-2:] == ["main", "settings"]
    assert owner.push(published.release, REPO, option, "--yes").code == 0


def test_a_consent_that_covers_fewer_stops_it(
    loopback: Hub, owner: Person, published: BuildReport, tmp_path: Path
) -> None:
    """Consents are asked again, one by one, before anything is published."""
    from fedi_dataset.config import BuildConfig
    from fedi_dataset.consent.ledger import Ledger
    from fedi_dataset.errors import FediDatasetError
    from fedi_dataset.hub.recipients import check_recipients
    from fedi_dataset.samples import samples
    from fedi_dataset.workspace import Workspace

    config = BuildConfig(recipients="public")
    workspace = Workspace(published.workspace)
    state = workspace.state()
    assert state.ledger is not None
    check_recipients("public", config, workspace, Ledger.load(Path(state.ledger.path)))
    with samples() as shipped, pytest.raises(FediDatasetError, match="do not cover public"):
        check_recipients("public", config, workspace, Ledger.load(shipped.ledger))


@pytest.mark.parametrize("target", ["talks", "lab/talks/more", "lab/../talks", "buckets/talks"])
def test_a_target_that_names_nothing_is_wrong_usage(
    loopback: Hub, owner: Person, release_copy: ReleaseCopy, target: str
) -> None:
    """ORG/NAME, or buckets/ORG/NAME, and nothing else."""
    done = owner.push(release_copy.release, target)
    assert done.code == 2
    assert "is neither ORG/NAME nor buckets/ORG/NAME" in done.error
