"""Whatever is wrong with what a person gives, they are told in a sentence, and the release stays as it was."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from fedi_dataset.consent.ledger import Withdrawn, append
from fedi_dataset.release.manifest import MANIFEST
from tests.commands import content_of, run
from tests.conftest import AS_OF, ReleaseCopy
from tests.consent.events import given
from tests.readers.exports import ALICE, create, members, note, saved, tarred, unpacked, zipped

CANARY = "wombat-on-a-velocipede"
"""Stands in every post of Alice, and must never be told."""


def posts(count: int) -> list[dict[str, Any]]:
    """Alice's posts, with words that nobody else must read."""
    return [
        create(note(number, content=f"<p>{CANARY} {number} {os.urandom(40).hex()}</p>"))
        for number in range(count)
    ]


def build(copy: ReleaseCopy, *more: object, exports: tuple[Path, ...] | None = None) -> Any:
    """Build over the copied release."""
    return run(
        "build",
        *(copy.exports if exports is None else exports),
        "--consent",
        copy.ledger,
        "--out",
        copy.release,
        "--as-of",
        AS_OF.isoformat(),
        "--workers",
        1,
        *more,
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--language", "klingon"], "klingon"),
        (["--language", "x"], "x"),
        (["--allow-license", "Foo-1.0"], "Foo-1.0"),
        (["--allow-license", "CC-BY-ND-4.0"], "CC-BY-ND-4.0"),
        (["--minimum-age", "13"], "minimum_age"),
        (["--max-turns", "1"], "max_turns"),
        (["--max-turns", "many"], "many"),
        (["--recipients", "everybody"], "everybody"),
        (["--as-of", "yesterday"], "yesterday"),
        (["--as-of", "2026-07-01T00:00:00"], "zone"),
        (["--workers", "0"], "workers"),
        (["--detector", "/nowhere/model"], "/nowhere/model"),
        (["--config", "/nowhere/config.yaml"], "/nowhere/config.yaml"),
        (["--work", "/dev/null"], "/dev/null"),
        (["--frobnicate"], "--frobnicate"),
    ],
)
def test_wrong_options_are_told(release_copy: ReleaseCopy, options: list[str], told: str) -> None:
    """An option that cannot be is named with its value: exit code 2, and the release is untouched."""
    before = content_of(release_copy.release)
    ran = build(release_copy, *options)
    assert ran.code == 2
    assert told in ran.error
    assert content_of(release_copy.release) == before


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"lanugages: [en]", "lanugages"),
        (b"languages: en", "$.languages"),
        (b"max_turns: many", "$.max_turns"),
        (b"minimum_age: 12", "$.minimum_age"),
        (b"splits: {train: 0.5}", "splits must sum to 1"),
        (b"shard_bytes: 0", "$.shard_bytes"),
        (b"languages: [en", "line"),
        (b"- languages", "array"),
        (b"\xff\xfe\xff", "cannot read the config"),
        (b"languages: [tlhingan]", "tlhingan"),
        (b"1: 2", "config.yaml"),
    ],
)
def test_a_wrong_config_is_told(release_copy: ReleaseCopy, content: bytes, told: str) -> None:
    """A config that is none names the file or the field: exit code 2, and the release is untouched."""
    config = saved(release_copy.release.parent, "config.yaml", content)
    before = content_of(release_copy.release)
    ran = build(release_copy, "--config", config)
    assert ran.code == 2
    assert told in ran.error
    assert content_of(release_copy.release) == before


# --- exports ----------------------------------------------------------------------------------------


def test_exports_that_are_none_are_told(release_copy: ReleaseCopy, tmp_path: Path) -> None:
    """A missing file, a file of no known format and an empty folder are named: exit code 2, nothing written."""
    before = content_of(release_copy.release)
    (tmp_path / "empty").mkdir()
    notes = saved(tmp_path, "notes.txt", CANARY.encode())
    for path in (tmp_path / "gone.zip", notes, tmp_path / "empty"):
        ran = build(release_copy, path)
        assert ran.code == 2
        assert str(path) in ran.error
        assert CANARY not in ran.err
    assert content_of(release_copy.release) == before


def test_exports_that_would_be_dropped_are_listed(release_copy: ReleaseCopy) -> None:
    """A shorter list than last time stops the build with the missing ones: exit code 2, nothing written."""
    before = content_of(release_copy.release)
    ran = build(release_copy, exports=release_copy.exports[2:])
    assert ran.code == 2
    assert all(str(path) in ran.error for path in release_copy.exports[:2])
    assert "--prune" in ran.error
    assert content_of(release_copy.release) == before


Broken = Callable[[Path], Path]

BROKEN: dict[str, tuple[str, Broken]] = {
    "empty file": ("empty_export", lambda folder: saved(folder, "empty.zip", b"")),
    "short zip": (
        "truncated",
        lambda folder: saved(folder, "a.zip", zipped(members(posts(12)))[:-900]),
    ),
    "short tar.gz": (
        "truncated",
        lambda folder: saved(folder, "a.tar.gz", tarred(members(posts(12)))[:-900]),
    ),
    "damaged zip": (
        "bad_container",
        lambda folder: saved(
            folder,
            "a.zip",
            zipped(members(posts(12)))[:300] + b"\0" * 50 + zipped(members(posts(12)))[350:],
        ),
    ),
    "JSON that breaks off": (
        "truncated",
        lambda folder: saved(
            folder,
            "a.zip",
            zipped(members([]) | {"outbox.json": members(posts(12))["outbox.json"][:-700]}),
        ),
    ),
    "JSON that goes wrong": (
        "bad_json",
        lambda folder: unpacked(
            folder / "a",
            members([])
            | {"outbox.json": members(posts(12))["outbox.json"].replace(b'/8"', b"/8 and", 1)},
        ),
    ),
    "an item without a shape": (
        "bad_item",
        lambda folder: saved(
            folder, "a.zip", zipped(members([*posts(2), create({"id": 3, "content": CANARY})]))
        ),
    ),
}


def dialogues(copy: ReleaseCopy) -> list[dict[str, Any]]:
    """All dialogues of a release, by key."""
    shards = (copy.release / "dialogues").glob("*.parquet")
    rows = (row for path in shards for row in pq.read_table(path).to_pylist())
    return sorted(rows, key=lambda row: str(row["dialogue_key"]))


@pytest.mark.parametrize("name", BROKEN)
def test_input_that_cannot_be_read_is_set_aside(
    release_copy: ReleaseCopy, tmp_path: Path, name: str
) -> None:
    """The build is done with what can be read and exits with 3, or 0 if that is allowed; no word is told."""
    code, make = BROKEN[name]
    append(release_copy.ledger, given(at=AS_OF, accounts=(ALICE,)))
    before = dialogues(release_copy)
    broken = make(tmp_path)
    ran = build(release_copy, broken, "--json")
    assert ran.code == 3
    assert {one["code"] for one in ran.data["quarantined"]} == {code}
    again = build(release_copy, broken, "--allow-quarantine")
    assert again.code == 0
    for told in (ran, again):
        assert CANARY not in told.out + told.err
        assert "Traceback" not in told.err
    assert dialogues(release_copy) == before
    assert run("audit", release_copy.release, "--json").code == 0


@pytest.mark.parametrize("text", ["\ud83d", "\x00", "\U0010ffff", "a" * 200_000, "<p>" * 3_000])
def test_strange_text_is_text(release_copy: ReleaseCopy, tmp_path: Path, text: str) -> None:
    """Half a character, a zero, very long and very deep text are built and audited like any other."""
    append(release_copy.ledger, given(at=AS_OF, accounts=(ALICE,)))
    content = f"<p>I keep my {CANARY} in the shed. {text}</p>"
    export = saved(tmp_path, "a.zip", zipped(members([create(note(1, content=content))])))
    ran = build(release_copy, export, "--json")
    assert ran.code == 0
    assert CANARY not in ran.out + ran.err
    assert run("audit", release_copy.release).code == 0


def test_a_build_of_unreadable_exports_alone_writes_nothing(tmp_path: Path) -> None:
    """Where nothing can be read there is no release: exit code 1, and the reason is told."""
    append(tmp_path / "ledger.jsonl", given(accounts=(ALICE,)))
    broken = saved(tmp_path, "empty.zip", b"")
    ran = run(
        "build", broken, "--consent", tmp_path / "ledger.jsonl", "--out", tmp_path / "release"
    )
    assert ran.code == 1
    assert "no rows" in ran.error
    assert "empty.zip is empty" in ran.error
    assert not (tmp_path / "release").exists()


def test_a_build_of_refused_posts_alone_says_why(tmp_path: Path) -> None:
    """Where nobody has consented there is no release: exit code 1, and each reason with its number."""
    append(tmp_path / "ledger.jsonl", given(accounts=("https://other.example/users/bob",)))
    export = saved(tmp_path, "a.zip", zipped(members(posts(3))))
    ran = run(
        "build", export, "--consent", tmp_path / "ledger.jsonl", "--out", tmp_path / "release"
    )
    assert ran.code == 1
    assert "3 × no consent of this account is in the ledger" in ran.error
    assert CANARY not in ran.err
    assert not (tmp_path / "release").exists()


# --- ledger, workspace, release ---------------------------------------------------------------------


def tampered(path: Path) -> None:
    """Change a line within the ledger."""
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"age_at_least":15', b'"age_at_least":51', 1))
    assert path.read_bytes() != content


def shortened(path: Path) -> None:
    """Take the last line away."""
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def cut(path: Path) -> None:
    """Let the ledger end in the middle of a line."""
    path.write_bytes(path.read_bytes()[:-40])


def rewritten(path: Path) -> None:
    """Put another ledger of the same length in its place."""
    lines = len(path.read_bytes().splitlines())
    path.unlink()
    for number in range(lines):
        append(path, given(id=f"urn:uuid:{number}"))


@pytest.mark.parametrize(
    ("break_it", "code", "told"),
    [
        (tampered, 1, "its prev is not the hash of the line before"),
        (shortened, 1, "lines are gone from its end"),
        (cut, 1, "cut off"),
        (rewritten, 1, "is not the ledger that was used before"),
        (Path.unlink, 2, "there is no consent ledger at"),
        (lambda path: path.write_text("no json\n"), 1, "line 1"),
    ],
)
def test_a_broken_ledger_is_told(
    release_copy: ReleaseCopy, break_it: Callable[[Path], object], code: int, told: str
) -> None:
    """A ledger that cannot be trusted builds nothing, and fails an audit too."""
    break_it(release_copy.ledger)
    before = content_of(release_copy.release)
    ran = build(release_copy)
    assert (ran.code, told in ran.error) == (code, True), ran.err
    assert content_of(release_copy.release) == before
    audited = run("audit", release_copy.release)
    assert audited.code == code
    assert told in audited.out + audited.err
    assert "Traceback" not in audited.err


def test_a_release_of_another_secret_is_refused(release_copy: ReleaseCopy) -> None:
    """A release that was moved beside another workspace is not built over; nor is one without any."""
    other = release_copy.work.with_name("other")
    other.mkdir()
    (other / "secret").write_bytes(b"\x01" * 32)
    before = content_of(release_copy.release)
    ran = build(release_copy, "--work", other)
    assert (ran.code, "was made with another secret" in ran.error) == (2, True)
    shutil.rmtree(release_copy.work)
    ran = build(release_copy)
    assert (ran.code, "name it with --work" in ran.error) == (2, True)
    assert content_of(release_copy.release) == before
    assert not release_copy.work.exists()


def test_a_damaged_state_is_told(release_copy: ReleaseCopy) -> None:
    """A workspace whose record is damaged stops the build: what was recorded must not be forgotten silently."""
    (release_copy.work / "state.json").write_bytes(b"{")
    before = content_of(release_copy.release)
    ran = build(release_copy)
    assert (ran.code, "state.json is damaged" in ran.error) == (2, True)
    assert content_of(release_copy.release) == before


def test_what_is_no_release_is_refused(release_copy: ReleaseCopy, tmp_path: Path) -> None:
    """A folder of other things, a file, and a manifest of another kind are not written over."""
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    saved(thesis, "thesis.txt", b"mine")
    for out, told in ((thesis, "not a release"), (thesis / "thesis.txt", "is a file")):
        ran = run("build", *release_copy.exports, "--consent", release_copy.ledger, "--out", out)
        assert (ran.code, told in ran.error) == (2, True)
        for command in (["audit", out], ["tokenize", out, "--tokenizer", "x"]):
            assert run(*command).code == 2
    assert content_of(thesis).keys() == {"thesis.txt"}
    (release_copy.release / MANIFEST).write_bytes(b'{"format": "fedi_dataset-release/0"}')
    before = content_of(release_copy.release)
    ran = build(release_copy)
    assert (ran.code, "another version" in ran.error) == (2, True)
    (release_copy.release / MANIFEST).write_bytes(b"{")
    ran = build(release_copy)
    assert (ran.code, "is not a manifest that can be read" in ran.error) == (1, True)
    (release_copy.release / MANIFEST).write_bytes(b'{"format": "fedi_dataset-release/0"}')
    assert content_of(release_copy.release) == before


# --- the disk ---------------------------------------------------------------------------------------


def full_after(monkeypatch: pytest.MonkeyPatch, syncs: int) -> None:
    """Let the disk be full from a number of syncs on."""
    real, count = os.fsync, [0]

    def fsync(descriptor: int) -> None:
        count[0] += 1
        if count[0] > syncs:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("syncs", [0, 1, 4, 8, 12])
def test_a_full_disk_leaves_the_release(
    release_copy: ReleaseCopy, monkeypatch: pytest.MonkeyPatch, syncs: int
) -> None:
    """When the disk fills up, at whatever point, the former release stays or the next is finished later."""
    before = content_of(release_copy.release)
    account = json.loads(release_copy.ledger.read_bytes().splitlines()[0])["accounts"]
    append(release_copy.ledger, Withdrawn(id="urn:uuid:w", at=AS_OF, accounts=tuple(account)))
    with monkeypatch.context() as patch:
        full_after(patch, syncs)
        ran = build(release_copy)
    assert ran.code == 1
    assert "disk is full" in ran.error or "No space left on device" in ran.error
    assert "Traceback" not in ran.err
    half = content_of(release_copy.release)
    assert half == before or ".staging" in half
    assert build(release_copy).code == 0
    after = content_of(release_copy.release)
    assert after != before
    assert ".staging" not in after
    assert run("audit", release_copy.release).code == 0
