"""The commands that keep the ledger."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result

from fedi_dataset.commands.consent import consent
from fedi_dataset.commands.consent import options as offered
from fedi_dataset.consent import ledger as module
from fedi_dataset.consent.ledger import (
    Evidence,
    Exclude,
    Given,
    Ledger,
    Notice,
    Renewed,
    Withdrawn,
)
from fedi_dataset.consent.proofs import evidence_grade
from tests.consent.events import ALICE, BOB, CAROL, day, given, lines_of
from tests.consent.test_proofs import DID, OPTIONS, signature, statement

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
        "--terms-override": "mastodon.example",
        "--acknowledge": "bio:#noai",
        "--from": "2026-05-02T12:00:00Z",
        "--until": "2026-05-03T12:00:00Z",
        "--expires": "2026-05-04T12:00:00Z",
        "--at": AT,
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
    assert (event.terms_override, event.acknowledged) == (("mastodon.example",), ("bio:#noai",))
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
        "proofs": 0,
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


@pytest.mark.parametrize("option", ["--license", "--age-at-least", "--notice"])
def test_what_a_consent_must_say_is_asked_for(ledger: Path, option: str) -> None:
    """No default stands in for license, age or notice."""
    options = {
        "--license": "CC0-1.0",
        "--age-at-least": "18",
        "--notice": str(ledger.parent / "notice.md"),
    }
    del options[option]
    flat = [part for pair in options.items() for part in pair]
    for command in ("give", "renew"):
        result = run(command, ledger, ALICE, *flat)
        assert (result.exit_code, ledger.exists()) == (2, False)
        assert f"missing option {option}" in result.stderr


@pytest.mark.parametrize("more", [(), ("--exclude-post", "https://h.example/2")])
def test_renew_brings_no_withdrawn_post_back(ledger: Path, more: tuple[str, ...]) -> None:
    """Posts taken back one by one, by any account of the person, are excluded from the renewal."""
    give(ledger, ALICE, CAROL, "--exclude-post", "https://h.example/1")
    run("withdraw", ledger, CAROL, "--post", "https://h.example/3", "--post", "https://h.example/4")
    run("object", ledger, ALICE, "--post", "https://h.example/4")
    said(run("renew", ledger, ALICE, *more, "--json"))
    event = Ledger.load(ledger).events[-1]
    assert isinstance(event, Renewed)
    first = more[1] if more else "https://h.example/1"
    assert event.exclude.posts == (first, "https://h.example/3", "https://h.example/4")


def test_renew_keeps_what_it_does_not_say(ledger: Path) -> None:
    """The newest consent's fields, but for the accounts, the time and the evidence."""
    rich = ["--recipients", "gated", "--purpose", "research", "--special-categories"]
    limits = ["--from", "2026-05-02T12:00:00Z", "--expires", "2027-05-04T12:00:00Z"]
    more = ["--exclude-tag", "diary", "--exclude-post", "https://h.example/1", "--use", "context"]
    seen = ["--evidence", "account-field", "--evidence-ref", "https://mastodon.example/@alice"]
    give(ledger, ALICE, CAROL, *rich, *limits, *more, *seen, "--at", AT)
    give(ledger, BOB, "--recipients", "public")
    said(run("renew", ledger, ALICE, "--exclude-tag", "work", "--no-special-categories", "--json"))
    former, _, event = Ledger.load(ledger).events
    assert isinstance(former, Given)
    assert isinstance(event, Renewed)
    assert (event.exclude, event.special_categories, event.accounts, event.evidence) == (
        Exclude(posts=("https://h.example/1",), tags=("work",)),
        False,
        (ALICE,),
        Evidence(method="self-asserted"),
    )
    changed = {"id", "at", "accounts", "exclude", "special_categories", "evidence", "prev"}
    for name in set(Given.__struct_fields__) - changed:
        assert getattr(event, name) == getattr(former, name), name


def test_a_consent_that_would_have_expired_is_not_recorded(ledger: Path) -> None:
    """A renewal does not repeat an end that has passed."""
    give(ledger, ALICE, "--at", AT, "--expires", "2026-05-04T12:00:00Z")
    result = run("renew", ledger, ALICE, "--at", "2026-05-05T12:00:00Z")
    assert result.exit_code == 2
    assert "say --expires" in result.stderr
    assert len(Ledger.load(ledger).events) == 1


# --- signatures -----------------------------------------------------------------------------------

SEEN = ("--evidence-ref", "https://mastodon.example/@alice")
KEY = ("--key", f"{ALICE}={DID}")


def drafted(ledger: Path, *args: str) -> Path:
    """A draft of Alice's, signed by the key of the test vectors."""
    draft = ledger.parent / "draft.json"
    result = give(ledger, ALICE, "--evidence", "proof", *SEEN, *args, "--draft", str(draft))
    assert result.exit_code == 0, result.stderr
    document = json.loads(draft.read_bytes())
    proof = {**OPTIONS, "proofValue": signature(OPTIONS, document)}
    draft.write_text(json.dumps({**document, "proof": proof}))
    return draft


def test_a_draft_that_comes_back_signed_is_recorded(ledger: Path) -> None:
    """Bound by the steward's word or by a statement of the actor's; verify counts it."""
    signed = drafted(ledger, *KEY)
    assert not ledger.exists()
    said(run("give", ledger, "--signed", str(signed), *SEEN, *KEY, "--json"))
    actor = ledger.parent / "actor.json"
    actor.write_text(json.dumps({"type": "Person", "attachment": [statement()]}))
    signed = drafted(ledger, "--statement", str(actor))
    said(run("give", ledger, "--signed", str(signed), *SEEN, "--json"))
    grades = [evidence_grade(e) for e in Ledger.load(ledger).events if isinstance(e, Given)]
    assert grades == ["proof", "proof"]
    assert said(run("verify", ledger, "--json"))["proofs"] == 2
    assert "2 proofs verified" in run("verify", ledger).stdout


def test_a_signed_draft_is_refused_unless_all_of_it_is_right(ledger: Path) -> None:
    """Changed after it was signed, unsigned, bound by its own word, of another kind, or twice."""
    signed = drafted(ledger, *KEY)
    content = signed.read_bytes()
    path = str(signed)
    for change, args, message in (
        (content.replace(b'"private"', b'"public"'), (*SEEN, *KEY), "its signature is not"),
        (content.replace(b'"given"', b'"renewed"'), (*SEEN, *KEY), "no signed draft"),
        (content.replace(b'"proof":', b'"prove":'), (*SEEN, *KEY), "no signed draft"),
        (b"{", (*SEEN, *KEY), "is no JSON"),
        (content, SEEN, "repeat the --evidence-ref and each --key"),
        (content, KEY, "repeat the --evidence-ref and each --key"),
        (content, (*SEEN, *KEY, ALICE), "name no ACCOUNT"),
        (content, (*SEEN, "--key", "x"), "is no ACCOUNT=did:key"),
    ):
        signed.write_bytes(change)
        result = run("give", ledger, "--signed", path, *args)
        assert (result.exit_code, ledger.exists()) == (2, False), result.stderr
        assert message in result.stderr
    unsigned = {k: v for k, v in json.loads(content).items() if k != "proof"}
    signed.write_text(json.dumps(unsigned))
    assert "has no proof" in run("give", ledger, "--signed", path, *SEEN, *KEY).stderr
    signed.write_bytes(content)
    assert run("give", ledger, "--signed", path, *SEEN, *KEY).exit_code == 0
    assert "already holds" in run("give", ledger, "--signed", path, *SEEN, *KEY).stderr


def test_verify_names_the_line_of_a_proof_that_does_not_count(ledger: Path) -> None:
    """A line that was written past the command: the chain holds, the proof does not."""
    proof = {**OPTIONS, "proofValue": "z11"}
    ledger.write_bytes(b"".join(lines_of([given(), given(proof=proof)])))
    result = run("verify", ledger)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{ledger}, line 2: its evidence does not say" in result.stderr


def test_verify_says_when_it_cannot_verify_proofs(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra the chain is checked, and the proofs are said not to be."""
    signed = drafted(ledger, *KEY)
    run("give", ledger, "--signed", str(signed), *SEEN, *KEY)
    monkeypatch.setitem(sys.modules, "rfc8785", None)
    result = run("verify", ledger, "--json")
    assert said(result)["proofs"] is None
    assert "count as self-asserted" in result.stderr


# --- redaction, receipt, notice -------------------------------------------------------------------


def test_redact_takes_a_withdrawn_person_out(ledger: Path) -> None:
    """The stub and the event show in the list; the account does not."""
    give(ledger, ALICE)
    assert run("redact", ledger, ALICE).exit_code == 2
    run("withdraw", ledger, ALICE)
    event = said(run("redact", ledger, ALICE, "--at", AT, "--json"))["event"]
    assert (event["event"], len(event["ids"]), len(event["account_keys"])) == ("redacted", 2, 1)
    assert run("list", ledger).stdout.splitlines() == [
        "1  (redacted)",
        "2  (redacted)",
        "3  2026-05-01T12:00:00Z  redacted   2 events",
    ]
    assert run("list", ledger, ALICE).stdout == ""
    assert said(run("verify", ledger, "--json"))["events"] == 3


def test_receipt_prints_markdown_or_json(ledger: Path) -> None:
    """In English or German; of an account that nobody consented for, wrong usage."""
    give(ledger, ALICE, "--at", AT)
    assert run("receipt", ledger, ALICE).stdout.startswith("# Receipt of your consent\n")
    german = run("receipt", ledger, ALICE, "--lang", "de").stdout
    assert german.startswith("# Beleg über Ihre Einwilligung\n")
    assert said(run("receipt", ledger, ALICE, "--json"))["@type"] == "dpv:ConsentReceipt"
    assert run("receipt", ledger, BOB).exit_code == 2


@pytest.mark.parametrize("lang", offered.LANGUAGES)
def test_notice_writes_the_text_whose_digest_give_records(ledger: Path, lang: str) -> None:
    """To a file or to stdout, the same text, with places for the steward to fill in."""
    out = ledger.parent / "filled.md"
    assert CliRunner().invoke(consent, ["notice", "--lang", lang, "--out", str(out)]).exit_code == 0
    shown = CliRunner().invoke(consent, ["notice", "--lang", lang]).stdout
    assert shown == out.read_text("utf-8")
    run("give", ledger, ALICE, "--license", "CC0-1.0", "--age-at-least", "18", "--notice", str(out))
    (event,) = Ledger.load(ledger).events
    assert isinstance(event, Given)
    assert event.notice.sha256 == hashlib.sha256(out.read_bytes()).hexdigest()


def test_the_notices_have_the_same_places_to_fill_in() -> None:
    """Both languages ask the steward for the same, and say what must be said."""
    notices = {
        lang: CliRunner().invoke(consent, ["notice", "--lang", lang]).stdout
        for lang in offered.LANGUAGES
    }
    places = {lang: set(re.findall(r"{{(\w+)}}", text)) for lang, text in notices.items()}
    assert places["en"] == places["de"] >= {"controller_email", "how_to_withdraw", "license"}
    for lang, phrases in {
        "en": ("stay as you wrote them", "cannot be called back", "16 or older", "article 9"),
        "de": (
            "bleiben, wie Sie sie geschrieben haben",
            "kann nicht zurückgerufen werden",
            "16 Jahre",
            "Artikel 9",
        ),
    }.items():
        assert all(phrase in notices[lang] for phrase in phrases)


@pytest.mark.parametrize("command", ["withdraw", "object", "list", "verify", "redact", "receipt"])
def test_a_missing_ledger_exits_2_and_stays_missing(ledger: Path, command: str) -> None:
    """A mistyped path must not swallow a withdrawal into a new file."""
    accounts = [] if command in ("list", "verify") else [ALICE]
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
    assert re.search(f"fedi-dataset consent {command} (ledger.jsonl|--lang de)", result.stdout)


def test_the_closed_lists_are_those_of_the_ledger() -> None:
    """What --help offers is what the ledger takes."""
    assert get_args(module.Purpose) == offered.PURPOSES
    assert get_args(module.Recipients) == offered.RECIPIENTS
    assert get_args(module.Acquisition) == offered.ACQUISITIONS
    assert get_args(module.Use) == offered.USES
    assert get_args(module.Visibility) == offered.VISIBILITIES
    assert get_args(module.Method) == offered.METHODS


def test_help_loads_neither_the_ledger_nor_spdx() -> None:
    """Only click and the console are imported before a command runs."""
    code = (
        "import sys; from fedi_dataset.commands.consent import consent; "
        "heavy = {'msgspec', 'license_expression', 'filelock', 'yaml'}; "
        "print(sorted(heavy.intersection(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
