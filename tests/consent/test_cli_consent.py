"""The commands that keep the ledger."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result

from fedi_dataset import cli_consent
from fedi_dataset.cli_consent import consent
from fedi_dataset.consent import ledger as module
from fedi_dataset.consent.ledger import Exclude, Given, Ledger, Notice, Renewed, Withdrawn
from tests.consent.events import ALICE, BOB, CAROL, day

AT = "2026-05-01T14:00:00+02:00"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Where the ledger will be; beside it lies a notice."""
    (tmp_path / "notice.md").write_text("What happens with your posts.\n")
    return tmp_path / "ledger.jsonl"


def run(command: str, ledger: Path, *args: str) -> Result:
    """Run one command on the ledger."""
    return CliRunner().invoke(consent, [command, str(ledger), *args])


def give(ledger: Path, *args: str, command: str = "give") -> Result:
    """Give or renew with what is required, and more."""
    notice = str(ledger.parent / "notice.md")
    required = ["--license", "CC BY 4.0", "--age-at-least", "18", "--notice", notice]
    return run(command, ledger, *required, *args)


def said(result: Result) -> dict[str, Any]:
    """The one JSON object on stdout."""
    assert result.exit_code == 0, result.stderr
    data: dict[str, Any] = json.loads(result.stdout)
    return data


def test_give_records_what_is_required_and_the_defaults(ledger: Path) -> None:
    """The license as SPDX, the notice by its hash, the rest private and public posts only."""
    said(give(ledger, ALICE, "--at", AT, "--json"))
    (event,) = Ledger.load(ledger).events
    assert type(event) is Given
    assert (event.at, event.accounts, event.license) == (day(1), (ALICE,), "CC-BY-4.0")
    notice = (ledger.parent / "notice.md").read_bytes()
    assert event.notice == Notice(sha256=hashlib.sha256(notice).hexdigest())
    assert (event.purposes, event.recipients, event.acquisition, event.evidence.method) == (
        ("llm-fine-tuning",),
        "private",
        ("own-export",),
        "self-asserted",
    )


def test_every_option_of_give_reaches_the_ledger(ledger: Path) -> None:
    """What is said on the command line is what is recorded."""
    options = {
        "--purpose": "research",
        "--recipients": "gated",
        "--acquisition": "capture",
        "--evidence": "account-field",
        "--evidence-ref": "https://mastodon.example/@alice",
        "--notice-uri": "https://steward.example/notice",
        "--notice-lang": "en",
        "--notice-version": "2",
        "--use": "context",
        "--attribution": "Alice A.",
        "--visibility": "unlisted",
        "--exclude-post": "https://mastodon.example/@alice/1",
        "--exclude-tag": "#diary",
        "--from": "2026-05-02T12:00:00Z",
        "--until": "2026-05-03T12:00:00Z",
        "--expires": "2026-05-04T12:00:00Z",
        "--subject": "urn:uuid:alice",
        "--controller": "https://steward.example",
    }
    flat = [part for pair in options.items() for part in pair]
    assert give(ledger, ALICE, CAROL, "--special-categories", *flat).exit_code == 0
    (event,) = Ledger.load(ledger).events
    assert isinstance(event, Given)
    assert (event.accounts, event.subject, event.controller) == (
        (ALICE, CAROL),
        "urn:uuid:alice",
        "https://steward.example",
    )
    assert (event.purposes, event.recipients, event.special_categories, event.use) == (
        ("research",),
        "gated",
        True,
        "context",
    )
    assert (event.acquisition, event.evidence.method, event.evidence.ref) == (
        ("capture",),
        "account-field",
        "https://mastodon.example/@alice",
    )
    assert (event.visibilities, event.attribution) == (("unlisted",), "Alice A.")
    assert event.exclude == Exclude(posts=("https://mastodon.example/@alice/1",), tags=("diary",))
    assert (event.from_, event.until, event.expires) == (day(2), day(3), day(4))
    assert (event.notice.uri, event.notice.lang, event.notice.version) == (
        "https://steward.example/notice",
        "en",
        "2",
    )


def test_renew_withdraw_and_object_append_their_events(ledger: Path) -> None:
    """Each is one more line, and says what was recorded."""
    give(ledger, ALICE)
    give(ledger, ALICE, "--acknowledge", "bio:#noai", command="renew")
    post = "https://mastodon.example/@alice/1"
    assert said(run("withdraw", ledger, ALICE, "--post", post, "--at", AT, "--json"))["event"][
        "posts"
    ] == [post]
    assert said(run("object", ledger, ALICE, "--json"))["event"]["event"] == "objected"
    _, again, taken, against = Ledger.load(ledger).events
    assert isinstance(again, Renewed)
    assert again.acknowledged == ("bio:#noai",)
    assert isinstance(taken, Withdrawn)
    assert taken.at == day(1)
    assert isinstance(against, Withdrawn)
    assert against.posts is None


def test_a_withdrawal_that_meets_no_consent_says_so_and_stands(ledger: Path) -> None:
    """The note goes to stderr, so that stdout stays one object."""
    give(ledger, ALICE)
    result = run("withdraw", ledger, BOB, "--json")
    assert said(result)["event"]["accounts"] == [BOB]
    assert f"no consent in {ledger} names {BOB}" in result.stderr


def test_list_shows_all_events_or_those_of_an_account(ledger: Path) -> None:
    """In line order, an account in any spelling of its host."""
    give(ledger, ALICE, "--at", AT)
    give(ledger, BOB)
    run("withdraw", ledger, ALICE, "--at", AT)
    assert [event["line"] for event in said(run("list", ledger, "--json"))["events"]] == [1, 2, 3]
    shown = said(run("list", ledger, "https://MASTODON.example/users/alice/", "--json"))["events"]
    assert [(event["line"], event["event"]) for event in shown] == [(1, "given"), (3, "withdrawn")]
    assert run("list", ledger, ALICE).stdout.splitlines() == [
        f"1  2026-05-01T12:00:00Z  given      CC-BY-4.0  {ALICE}",
        f"3  2026-05-01T12:00:00Z  withdrawn  everything  {ALICE}",
    ]


def test_verify_prints_the_head_and_proves_a_remembered_one(ledger: Path) -> None:
    """What it prints is what --head takes later; a shorter ledger fails it."""
    give(ledger, ALICE)
    run("withdraw", ledger, ALICE)
    shown = said(run("verify", ledger, "--json"))
    head = Ledger.load(ledger).head
    assert shown == {
        "ledger": str(ledger),
        "events": 2,
        "head": {"lines": 2, "sha256": head.sha256},
    }
    assert run("verify", ledger, "--head", f"2:{head.sha256}").exit_code == 0
    ledger.write_bytes(ledger.read_bytes().splitlines(keepends=True)[0])
    result = run("verify", ledger, "--head", f"2:{head.sha256}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "lines are gone from its end" in result.stderr


def test_verify_names_the_bad_line(ledger: Path) -> None:
    """Exit code 1, one line on stderr, nothing on stdout."""
    give(ledger, ALICE)
    run("withdraw", ledger, ALICE)
    ledger.write_bytes(ledger.read_bytes().replace(b'"age_at_least":18', b'"age_at_least":81'))
    result = run("verify", ledger)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{ledger}, line 2: its prev is not the hash" in result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--license", "CC BY"], "Near it: CC-BY-"),
        (["--at", "2026-05-01"], "lacks its zone"),
        (["--expires", "soon"], "is no time such as"),
        (["--evidence", "account-field"], "needs --evidence-ref"),
        (["--recipients", "everyone"], "everyone"),
        (["--notice", "nowhere.md"], "nowhere.md"),
        (["@alice@mastodon.example"], "no account's URI"),
    ],
)
def test_wrong_usage_exits_2_and_writes_nothing(
    ledger: Path, args: list[str], message: str
) -> None:
    """The error says what is wrong, and no ledger begins."""
    result = give(ledger, ALICE, *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert not ledger.exists()


@pytest.mark.parametrize("command", ["withdraw", "object", "list", "verify"])
def test_a_missing_ledger_exits_2_and_stays_missing(ledger: Path, command: str) -> None:
    """A mistyped path must not swallow a withdrawal into a new file."""
    accounts = [ALICE] if command in ("withdraw", "object") else []
    result = run(command, ledger, *accounts)
    assert result.exit_code == 2
    assert "no consent ledger" in result.stderr
    assert not ledger.exists()


@pytest.mark.parametrize("head", ["", "2", "2:short", "x:" + "0" * 64, "-1:" + "0" * 64])
def test_a_head_that_is_none_exits_2(ledger: Path, head: str) -> None:
    """LINES:SHA256, as verify prints it."""
    give(ledger, ALICE)
    result = run("verify", ledger, "--head", head)
    assert result.exit_code == 2
    assert "LINES:SHA256" in result.stderr


@pytest.mark.parametrize("command", sorted(consent.commands))
def test_every_command_has_help_with_an_example(command: str) -> None:
    """--help shows how it is called."""
    result = CliRunner().invoke(consent, [command, "--help"])
    assert result.exit_code == 0
    assert f"fedi-dataset consent {command} ledger.jsonl" in result.stdout


def test_the_closed_lists_are_those_of_the_ledger() -> None:
    """What --help offers is what the ledger takes."""
    assert get_args(module.Purpose) == cli_consent.PURPOSES
    assert get_args(module.Recipients) == cli_consent.RECIPIENTS
    assert get_args(module.Acquisition) == cli_consent.ACQUISITIONS
    assert get_args(module.Use) == cli_consent.USES
    assert get_args(module.Visibility) == cli_consent.VISIBILITIES
    assert get_args(module.Method) == cli_consent.METHODS


def test_help_loads_neither_the_ledger_nor_spdx() -> None:
    """Only click and the console are imported before a command runs."""
    code = (
        "import sys; from fedi_dataset import cli_consent; "
        "heavy = {'msgspec', 'license_expression', 'filelock', 'yaml'}; "
        "print(sorted(heavy.intersection(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
