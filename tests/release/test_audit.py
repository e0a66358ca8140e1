"""Each promise of a release, broken on purpose in a copy, is named by the audit."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fedi_dataset.consent.ledger import Given, Ledger, Renewed, Withdrawn, append
from fedi_dataset.errors import UsageError
from fedi_dataset.release.audit import AuditReport, audit
from fedi_dataset.release.manifest import (
    MANIFEST,
    FileRecord,
    Manifest,
    TokensRecord,
    build_id,
    read_manifest,
)
from fedi_dataset.release.statistics import Statistics
from fedi_dataset.schema import DIALOGUES, TOKENS
from fedi_dataset.workspace import Workspace
from tests.conftest import AS_OF, ReleaseCopy
from tests.test_cell_strategies import AGREED, FROST, PEONIES, QUINCE, Says, built_of
from tests.world import World

NOW = AS_OF + timedelta(days=1)
NAMES = (
    "files",
    "conservation",
    "alternation",
    "exactly once",
    "tokens",
    "residual",
    "consent",
    "identifiers",
)
Row = dict[str, Any]


def audited(copy: ReleaseCopy, **options: Any) -> AuditReport:
    """The audit a day after the build."""
    return audit(copy.release, **{"now": NOW, **options})


def broken(report: AuditReport) -> set[str]:
    """Names of the checks that are broken."""
    assert tuple(check.name for check in report.checks) == NAMES
    assert report.ok == all(check.ok is not False for check in report.checks)
    assert all(check.problems for check in report.checks if check.ok is False)
    return {check.name for check in report.checks if check.ok is False}


def problems(report: AuditReport, name: str) -> str:
    """What a check found."""
    return "\n".join(next(check for check in report.checks if check.name == name).problems)


def manifest_of(release: Path) -> Manifest:
    """The manifest of a release that has one."""
    manifest = read_manifest(release)
    assert manifest is not None
    return manifest


def forge(release: Path, **changes: Any) -> None:
    """Write a manifest that agrees with the files as they are, and has fields changed."""
    manifest = manifest_of(release)
    files = {
        path: msgspec.structs.replace(
            record,
            sha256=hashlib.sha256((release / path).read_bytes()).hexdigest(),
            bytes=(release / path).stat().st_size,
            rows=pq.read_metadata(release / path).num_rows if record.table else None,
        )
        for path, record in {**manifest.files, **changes.pop("files", {})}.items()
    }
    changed = msgspec.structs.replace(manifest, files=files, build=build_id(files), **changes)
    (release / MANIFEST).write_bytes(changed.encode())


def shard(release: Path, table: str = "dialogues") -> Path:
    """The largest shard of a table."""
    return max((release / table).glob("*.parquet"), key=lambda path: path.stat().st_size)


def rewrite(path: Path, change: Callable[[list[Row]], list[Row]]) -> None:
    """Write a shard again with its rows changed."""
    table = pq.read_table(path)
    rows = change(table.to_pylist())
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)


def with_rows(copy: ReleaseCopy, change: Callable[[list[Row]], list[Row]], **changes: Any) -> None:
    """Change rows of the largest shard of dialogues and forge the manifest."""
    rewrite(shard(copy.release), change)
    forge(copy.release, **changes)


def test_an_untouched_release_keeps_every_promise(release_copy: ReleaseCopy) -> None:
    """All checks of a fresh release are ok, and none is left out."""
    report = audited(release_copy)
    assert [(check.name, check.ok) for check in report.checks] == [(name, True) for name in NAMES]
    assert report.ok


def test_without_a_workspace_two_checks_are_said_to_be_open(release_copy: ReleaseCopy) -> None:
    """Who holds only the release learns that consent and identifiers were not checked."""
    shutil.rmtree(release_copy.work)
    report = audited(release_copy)
    found = {check.name: check.ok for check in report.checks}
    assert found == {**dict.fromkeys(NAMES, True), "consent": None, "identifiers": None}
    assert report.ok
    assert all("not checked" in check.evidence for check in report.checks if check.ok is None)


def test_a_folder_without_a_release_is_refused(tmp_path: Path) -> None:
    """There is nothing to audit in an empty folder."""
    with pytest.raises(UsageError, match="no release at"):
        audit(tmp_path)


# --- files and sums ---------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0.3, 0.6, 0.95])
def test_a_flipped_byte_in_a_shard_is_found(release_copy: ReleaseCopy, place: float) -> None:
    """A shard that is not the file that was built breaks the files; what is in it is not guessed at."""
    path = shard(release_copy.release)
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)
    report = audited(release_copy)
    assert "files" in broken(report) <= {"files", "identifiers"}
    assert f"dialogues/{path.name} is not the file that was built" in problems(report, "files")
    assert [c.ok for c in report.checks if c.name == "exactly once"] == [None]


def test_identifiers_are_found_beside_bytes_that_are_no_text(
    release_copy: ReleaseCopy, small_world: World
) -> None:
    """A cell that is not UTF-8 breaks the files, and what stands in the other cells is looked at all the same."""
    path = shard(release_copy.release)
    table = pq.read_table(path)
    _, *rest = table["language"].to_pylist()
    column = pa.array([secrets_of(small_world)["handle"], *rest])
    table = table.set_column(table.schema.get_field_index("language"), "language", column)
    pq.write_table(table, path, compression="none", use_dictionary=False)
    said = table["completion"][1].as_py()[0]["content"].encode()
    path.write_bytes(path.read_bytes().replace(said, b"\xff" * len(said)))
    report = audited(release_copy)
    assert f"dialogues/{path.name} is not the file that was built" in problems(report, "files")
    assert f"dialogues/{path.name} holds a handle of somebody" in problems(report, "identifiers")


def test_a_missing_and_an_unlisted_file_are_found(release_copy: ReleaseCopy) -> None:
    """A file more and a file less than the manifest says are both named."""
    (release_copy.release / "notes.txt").write_text("mine")
    (release_copy.release / "README.md").unlink()
    report = audited(release_copy)
    assert broken(report) == {"files"}
    assert problems(report, "files") == "README.md is missing\nnotes.txt is not in the manifest"


def test_a_shard_of_other_columns_is_found(release_copy: ReleaseCopy) -> None:
    """A table that lacks a column is broken even if the manifest has been made to agree."""
    path = shard(release_copy.release)
    pq.write_table(pq.read_table(path).drop_columns(["grants"]), path)
    forge(release_copy.release)
    assert "files" in broken(audited(release_copy))


def test_a_file_that_is_no_parquet_is_found(release_copy: ReleaseCopy) -> None:
    """Bytes that nothing can read are a broken file, not a crash."""
    path = shard(release_copy.release)
    path.write_bytes(b"PAR1 and then nothing")
    forged = manifest_of(release_copy.release)
    record = FileRecord(
        hashlib.sha256(path.read_bytes()).hexdigest(),
        path.stat().st_size,
        rows=1,
        table="dialogues",
        split="train",
    )
    files = {**forged.files, f"dialogues/{path.name}": record}
    changed = msgspec.structs.replace(forged, files=files, build=build_id(files))
    (release_copy.release / MANIFEST).write_bytes(changed.encode())
    assert broken(audited(release_copy)) == {"files", "identifiers"}


@pytest.mark.parametrize("field", ["rows_in", "kept", "dropped"])
@pytest.mark.parametrize("step", ["items", "posts", "texts", "turns"])
def test_changed_counts_are_found(release_copy: ReleaseCopy, step: str, field: str) -> None:
    """A count changed by one anywhere in the law breaks it."""
    law = dict(manifest_of(release_copy.release).law)
    changed = {
        "rows_in": law[step].rows_in + 1,
        "kept": law[step].kept + 1,
        "dropped": {**law[step].dropped, "other": law[step].dropped.get("other", 0) + 1},
    }
    law[step] = msgspec.structs.replace(law[step], **{field: changed[field]})
    forge(release_copy.release, law=law)
    assert broken(audited(release_copy)) == {"conservation"}


def test_counts_that_balance_and_are_false_are_found(release_copy: ReleaseCopy) -> None:
    """A step whose sums hold but that does not begin where the former ended is named, and a missing one."""
    law = dict(manifest_of(release_copy.release).law)
    posts = msgspec.structs.replace(
        law["posts"], rows_in=law["posts"].rows_in + 1, kept=law["posts"].kept + 1
    )
    forge(release_copy.release, law={**law, "posts": posts})
    report = audited(release_copy)
    assert broken(report) == {"conservation"}
    assert "posts do not begin with what items kept" in problems(report, "conservation")
    del law["posts"]
    forge(release_copy.release, law=law)
    assert problems(audited(release_copy), "conservation") == "steps are missing: posts"


def test_a_row_that_vanished_is_found(release_copy: ReleaseCopy) -> None:
    """A dialogue less than turns were kept breaks the sums, and its turn is trained by none."""
    with_rows(release_copy, lambda rows: rows[1:])
    report = audited(release_copy)
    assert broken(report) == {"conservation", "exactly once"}
    assert "may be trained and no dialogue does" in problems(report, "exactly once")


# --- dialogues --------------------------------------------------------------------------------------


def test_roles_that_do_not_alternate_are_found(release_copy: ReleaseCopy) -> None:
    """A prompt that begins with the assistant is no conversation that a trainer expects."""

    def change(rows: list[Row]) -> list[Row]:
        rows[0]["prompt"][0]["role"] = "assistant"
        return rows

    with_rows(release_copy, change)
    assert broken(audited(release_copy)) == {"alternation"}


@pytest.mark.parametrize("content", ["", " \n", None])
def test_messages_without_words_are_found(release_copy: ReleaseCopy, content: str | None) -> None:
    """An empty message is no turn."""

    def change(rows: list[Row]) -> list[Row]:
        rows[0]["prompt"][-1]["content"] = content
        return rows

    with_rows(release_copy, change)
    assert broken(audited(release_copy)) == {"alternation"}


@pytest.mark.parametrize("times", [0, 2])
def test_a_completion_is_one_message(release_copy: ReleaseCopy, times: int) -> None:
    """No completion, or one of two messages, breaks the shape."""

    def change(rows: list[Row]) -> list[Row]:
        rows[0]["completion"] *= times
        return rows

    with_rows(release_copy, change)
    assert broken(audited(release_copy)) == {"alternation", "exactly once"}


@pytest.mark.parametrize("key", ["the same key", "another key"])
def test_a_response_that_is_trained_twice_is_found(release_copy: ReleaseCopy, key: str) -> None:
    """The same response in two rows is found, whether or not the second has a key of its own."""
    law = dict(manifest_of(release_copy.release).law)
    turns = law["turns"]
    law["turns"] = msgspec.structs.replace(turns, rows_in=turns.rows_in + 1, kept=turns.kept + 1)

    def change(rows: list[Row]) -> list[Row]:
        again = {**rows[0], "dialogue_key": "ab" * 16} if key == "another key" else rows[0]
        return [*rows, again]

    with_rows(release_copy, change, law=law)
    report = audited(release_copy)
    assert broken(report) == {"exactly once"}
    assert "trains a response again" in problems(report, "exactly once")


def test_a_completion_that_is_not_its_turn_is_found(release_copy: ReleaseCopy) -> None:
    """Words put into somebody's mouth are found."""

    def change(rows: list[Row]) -> list[Row]:
        rows[0]["completion"][0]["content"] = "I never said this."
        return rows

    with_rows(release_copy, change)
    report = audited(release_copy)
    assert broken(report) == {"exactly once"}
    assert "does not complete with the turn that it names" in problems(report, "exactly once")
    assert "never said" not in problems(report, "exactly once")


def test_a_turn_that_may_not_be_trained_is_found(release_copy: ReleaseCopy) -> None:
    """A dialogue over a turn that is context only is found."""
    first = pq.read_table(shard(release_copy.release)).to_pylist()[0]

    def change(rows: list[Row]) -> list[Row]:
        for row in rows:
            if row["conversation_key"] == first["conversation_key"]:
                row["turns"][first["response_turn"]]["trainable"] = False
        return rows

    rewrite(release_copy.release / "conversations" / shard(release_copy.release).name, change)
    forge(release_copy.release)
    report = audited(release_copy)
    assert broken(report) == {"exactly once"}
    assert "trains a turn that may not be" in problems(report, "exactly once")


# --- tokens -----------------------------------------------------------------------------------------


def add_tokens(release: Path, change: Callable[[Row], Row]) -> None:
    """Give a release tokens, one row a dialogue, the first of them changed."""
    law = dict(manifest_of(release).law)
    files: dict[str, FileRecord] = {}
    rows_in = 0
    for number, path in enumerate(sorted((release / "dialogues").glob("*.parquet"))):
        rows = [
            {"dialogue_key": key, "input_ids": [5, 6, 7], "labels": [-100, 6, 7]}
            for key in pq.read_table(path)["dialogue_key"].to_pylist()
        ]
        if number == 0:
            rows[0] = change(rows[0])
        target = release / "tokens" / path.name
        target.parent.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, TOKENS), target)
        split = path.name.split("-")[0]
        files[f"tokens/{path.name}"] = FileRecord("", 0, rows=0, table="tokens", split=split)
        rows_in += len(rows)
    step = msgspec.structs.replace(law["turns"], rows_in=rows_in, kept=rows_in, dropped={})
    record = TokensRecord("wheel:none", "", "", 8, "", 0, Statistics())
    forge(release, files=files, law={**law, "tokens": step}, tokens=record)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, ""),
        ({"dialogue_key": "00" * 16}, "is of no dialogue"),
        ({"labels": [-100, 6]}, "has not a label an id"),
        ({"labels": [-100, 6, 8]}, "has labels that are not its ids"),
        ({"labels": [-100, -100, -100]}, "without a prompt or without a trained token"),
        ({"labels": [5, 6, 7]}, "without a prompt or without a trained token"),
    ],
)
def test_tokens_are_checked_against_their_dialogues(
    release_copy: ReleaseCopy, change: Row, problem: str
) -> None:
    """Rows of tokens belong to a dialogue, and their labels are their ids or nothing."""
    add_tokens(release_copy.release, lambda row: row | change)
    report = audited(release_copy)
    assert broken(report) == ({"tokens"} if problem else set())
    assert problem in problems(report, "tokens")


# --- identifiers ------------------------------------------------------------------------------------


def secrets_of(world: World) -> dict[str, str]:
    """What names people of the world, by kind."""
    mastodon = next(one for one in world.people if one.platform == "mastodon")
    bluesky = next(one for one in world.people if one.platform == "bluesky")
    return {
        "handle": f"@{mastodon.username}@{mastodon.host}".upper(),
        "did": f"at://{bluesky.uri}/app.bsky.feed.post/3k",
        "uri": f"<{mastodon.uri}/statuses/1>",
        "profile": f"https://{mastodon.host}/@{mastodon.username}",
    }


@pytest.mark.parametrize("place", ["card", "cell"])
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("handle", "a handle"),
        ("did", "a DID"),
        ("uri", "an account's URL"),
        ("profile", "an account's URL"),
    ],
)
def test_somebodys_identifier_in_a_release_is_found(
    release_copy: ReleaseCopy, small_world: World, place: str, kind: str, told: str
) -> None:
    """A handle, DID or URL of somebody is found in the card and in the depth of a shard, and not shown."""
    secret = secrets_of(small_world)[kind]
    release = release_copy.release
    if place == "card":
        with (release / "README.md").open("a") as card:
            card.write(f"\nThanks to {secret}, too.\n")
        where = "README.md"
    else:
        path = shard(release)
        table = pq.read_table(path)
        rows = table.to_pylist()
        rows[-1]["prompt"][0]["content"] += f" see {secret}, yes"
        pq.write_table(pa.Table.from_pylist(rows, DIALOGUES), path)
        where = f"dialogues/{path.name}"
    forge(release)
    report = audited(release_copy)
    assert broken(report) == {"identifiers"}
    assert f"{where} holds {told} of somebody" in problems(report, "identifiers")
    assert secret not in str(report)


def test_an_email_that_somebody_wrote_is_found(
    release_copy: ReleaseCopy, small_world: World
) -> None:
    """An address that stands in an admitted post may not stand in the release."""
    addresses = {
        one.text
        for post in small_world.posts()
        for one in post.private
        if one.entity == "EMAIL_ADDRESS"
    }
    address = next(iter(sorted(addresses)))
    with (release_copy.release / "README.md").open("a") as card:
        card.write(f"\nWrite to {address}.\n")
    forge(release_copy.release)
    report = audited(release_copy)
    assert broken(report) == {"identifiers"}
    assert problems(report, "identifiers") == "README.md holds an e-mail address of somebody"


# --- consent ----------------------------------------------------------------------------------------


def held_consent(copy: ReleaseCopy) -> Given:
    """A consent that posts of the release rest on."""
    workspace = Workspace(copy.work)
    events = {
        event
        for path in workspace.table("posts")
        for event in pq.read_table(path)["event_id"].to_pylist()
    }
    held = [one for one in Ledger.load(copy.ledger).events if one.id in events]
    assert isinstance(held[0], Given)
    return held[0]


def held_post(world: World, account: str) -> str:
    """A post of an account that the release holds."""
    return next(
        post.uri for post in world.posts() if post.author.uri == account and post.reason is None
    )


def later(days: int = 0) -> datetime:
    """A time after the build."""
    return AS_OF + timedelta(hours=1, days=days)


def test_a_withdrawal_after_the_build_is_found(release_copy: ReleaseCopy) -> None:
    """From the moment that somebody withdraws, the release breaks its promise until it is built again."""
    consent = held_consent(release_copy)
    append(release_copy.ledger, Withdrawn(id="urn:uuid:w", at=later(), accounts=consent.accounts))
    report = audited(release_copy)
    assert broken(report) == {"consent"}
    assert f"the consent {consent.id} does not stand any more" in problems(report, "consent")


def test_a_renewal_after_the_build_asks_for_another_one(release_copy: ReleaseCopy) -> None:
    """A renewed consent may cover less, so that rows that rest on the former one must be made again."""
    consent = held_consent(release_copy)
    fields = {name: getattr(consent, name) for name in consent.__struct_fields__}
    append(release_copy.ledger, Renewed(**{**fields, "id": "urn:uuid:r", "at": later()}))
    assert broken(audited(release_copy)) == {"consent"}


def test_a_consent_of_somebody_else_changes_nothing(release_copy: ReleaseCopy) -> None:
    """Events of accounts that are not in the release, and consents of a later day, leave it as it is."""
    consent = held_consent(release_copy)
    fields = {name: getattr(consent, name) for name in consent.__struct_fields__}
    other = {"accounts": ("https://new.example/users/noor",), "subject": None}
    append(release_copy.ledger, Given(**{**fields, **other, "id": "urn:uuid:n", "at": later()}))
    append(release_copy.ledger, Renewed(**{**fields, "id": "urn:uuid:later", "at": later(days=30)}))
    assert audited(release_copy).ok


def test_a_later_consent_for_one_of_two_accounts_leaves_the_other(
    release_copy: ReleaseCopy,
) -> None:
    """A consent for several accounts goes on standing for those that no later one names."""
    consent = held_consent(release_copy)
    fields = {name: getattr(consent, name) for name in consent.__struct_fields__}
    second = "https://second.example/users/same"
    lines = release_copy.ledger.read_bytes().splitlines()
    number = next(i for i, line in enumerate(lines) if consent.id.encode() in line)
    release_copy.ledger.unlink()
    for index, line in enumerate(lines):
        event = msgspec.json.decode(line, type=Given | Renewed | Withdrawn)
        if index == number:
            event = msgspec.structs.replace(event, accounts=(*consent.accounts, second))
        append(release_copy.ledger, event)
    append(
        release_copy.ledger,
        Given(**{**fields, "accounts": (second,), "id": "urn:uuid:s", "at": later()}),
    )
    head = Ledger.load(release_copy.ledger).head_at(len(lines))
    forged = msgspec.structs.replace(manifest_of(release_copy.release).ledger, sha256=head.sha256)
    forge(release_copy.release, ledger=forged)
    assert audited(release_copy).ok


@pytest.mark.parametrize("form", ["uri", "url"])
def test_a_post_that_was_withdrawn_is_found(
    release_copy: ReleaseCopy, small_world: World, form: str
) -> None:
    """A single post that was taken back is found, by its id and by the address of its page."""
    consent = held_consent(release_copy)
    account = consent.accounts[0]
    post = held_post(small_world, account)
    if form == "url":
        person = next(one for one in small_world.people if one.uri == account)
        assert person.platform == "mastodon"
        post = f"https://{person.host}/@{person.username}/{post.rsplit('/', 1)[1]}"
    append(
        release_copy.ledger,
        Withdrawn(id="urn:uuid:w", at=later(), accounts=consent.accounts, posts=(post,)),
    )
    report = audited(release_copy)
    assert broken(report) == {"consent"}
    assert "single posts that were withdrawn are still held" in problems(report, "consent")


def test_a_consent_that_expires_is_found(release_copy: ReleaseCopy) -> None:
    """An expiry breaks the release on its day, with the workspace and, a day later, without."""
    consent = held_consent(release_copy)
    lines = release_copy.ledger.read_bytes().splitlines()
    release_copy.ledger.unlink()
    expiry = datetime(2026, 9, 1, 12, tzinfo=UTC)
    for line in lines:
        event = msgspec.json.decode(line, type=Given | Renewed | Withdrawn)
        if event.id == consent.id:
            event = msgspec.structs.replace(event, expires=expiry)
        append(release_copy.ledger, event)
    ledger = msgspec.structs.replace(
        manifest_of(release_copy.release).ledger,
        sha256=Ledger.load(release_copy.ledger).head.sha256,
    )
    forge(release_copy.release, ledger=ledger, valid_until=expiry.replace(hour=0))
    second = timedelta(seconds=1)
    assert audited(release_copy, now=expiry - second).ok
    assert broken(audited(release_copy, now=expiry)) == {"consent"}
    shutil.rmtree(release_copy.work)
    assert audited(release_copy, now=expiry).ok
    assert broken(audited(release_copy, now=expiry + timedelta(days=1))) == {"consent"}


def test_a_grant_that_nobody_gave_is_found(release_copy: ReleaseCopy) -> None:
    """A row whose grants are none of the standing consents', or that has none, is found."""

    def change(rows: list[Row]) -> list[Row]:
        rows[0]["grants"] = ["00" * 16]
        rows[1]["grants"] = []
        return rows

    with_rows(release_copy, change)
    report = audited(release_copy)
    assert broken(report) == {"consent"}
    assert problems(report, "consent").count("rests on no standing consent") == 2


def test_a_shortened_ledger_is_found(release_copy: ReleaseCopy) -> None:
    """A ledger from which the last lines are gone, withdrawals perhaps, proves nothing."""
    lines = release_copy.ledger.read_bytes().splitlines(keepends=True)
    release_copy.ledger.write_bytes(b"".join(lines[:-1]))
    report = audited(release_copy)
    assert broken(report) == {"consent"}
    assert "lines are gone from its end" in problems(report, "consent")


def test_a_tampered_ledger_is_found(release_copy: ReleaseCopy) -> None:
    """A ledger whose chain does not hold proves nothing."""
    content = release_copy.ledger.read_bytes()
    release_copy.ledger.write_bytes(content.replace(b'"age_at_least":15', b'"age_at_least":51', 1))
    assert release_copy.ledger.read_bytes() != content
    report = audited(release_copy)
    assert broken(report) == {"consent"}


def test_another_workspace_proves_nothing(release_copy: ReleaseCopy) -> None:
    """A workspace with another secret is not this release's."""
    (release_copy.work / "secret").write_bytes(b"\x01" * 32)
    report = audited(release_copy)
    assert [c.ok for c in report.checks if c.name == "consent"] == [False]


@pytest.mark.slow
def test_speakers_of_another_row_are_nobody_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Speakers are numbered anew in each row of a long conversation: an author who answers themselves from the
    second row on is not taken for somebody else, and a response within a row must still have its dialogue."""
    monkeypatch.setattr("fedi_dataset.conversations.rows.LARGEST_ROW", 2)
    late = {"published": "2025-03-01T10:30:00Z"}  # so that an answer is speaker 1 of the first row
    talk = [
        Says("alice", f"<p>{PEONIES}</p>", fields=late),
        Says("bob", f"<p>{FROST}</p>", 0),
        Says("alice", f"<p>{AGREED}</p>", 0),
        Says("alice", f"<p>{QUINCE}</p>", 0),
        Says("bob", "<p>Mine came late as well this year.</p>", 3),
    ]
    report = built_of(tmp_path, talk)
    (path,) = (report.release / "conversations").glob("*.parquet")
    assert [len(row["turns"]) for row in pq.read_table(path).to_pylist()] == [2, 2]
    assert report.law["turns"].dropped == {"first_of_tree": 1, "no_other_author": 1}
    assert audit(report.release, work=report.workspace, now=NOW).ok
    rewrite(shard(report.release), lambda rows: rows[:1])
    forge(report.release)
    found = problems(audit(report.release, work=report.workspace, now=NOW), "exactly once")
    assert "may be trained and no dialogue does" in found
