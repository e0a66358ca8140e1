"""The file: its chain, its fields, how it is appended to, and what of damage is found."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, settings
from hypothesis import given as generated
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from fedi_dataset.consent import ledger as module
from fedi_dataset.consent.events import decode, encode
from fedi_dataset.consent.ledger import (
    Event,
    Evidence,
    Exclude,
    Given,
    Head,
    Ledger,
    Stub,
    Withdrawn,
    append,
    spelling,
)
from fedi_dataset.errors import LedgerError, LedgerRolledBack, UsageError
from scripts import make_consent_schema
from tests.consent.events import (
    ALICE,
    BOB,
    CAROL,
    consents,
    day,
    given,
    ledger_of,
    lines_of,
    loaded,
    objected,
    refusals,
    renewed,
    withdrawn,
)

EVENTS: tuple[Event, ...] = (
    given(exclude=Exclude(posts=("https://mastodon.example/1",), tags=("diary",))),
    given(accounts=(BOB, CAROL), subject="urn:uuid:bob"),
    withdrawn(posts=("https://mastodon.example/2",)),
    renewed(at=day(3)),
    objected(accounts=(BOB,)),
)
LINES = lines_of(EVENTS)
LEDGER = b"".join(LINES)
HEAD = Head(5, hashlib.sha256(LINES[-1][:-1]).hexdigest())

EXAMPLE = {
    "id": "urn:uuid:6f1f3a6e-0000-4000-8000-000000000001",
    "event": "given",
    "at": "2026-05-01T10:00:00Z",
    "subject": "urn:uuid:6f1f3a6e-0000-4000-8000-000000000002",
    "accounts": [ALICE],
    "controller": "https://steward.example",
    "recipients": "gated",
    "purposes": ["llm-fine-tuning", "dataset-publication"],
    "special_categories": True,
    "license": "CC-BY-4.0",
    "attribution": "none",
    "age_at_least": 16,
    "visibilities": ["public"],
    "from": None,
    "until": None,
    "expires": None,
    "exclude": {"posts": [], "tags": []},
    "use": "train",
    "acquisition": ["own-export"],
    "terms_override": [],
    "acknowledged": [],
    "notice": {
        "uri": "https://steward.example/notice",
        "lang": "en",
        "version": "1",
        "sha256": "0" * 64,
    },
    "evidence": {"method": "account-field", "ref": "https://mastodon.example/@alice"},
    "prev": "0" * 64,
}
REQUIRED = (
    "id",
    "event",
    "at",
    "accounts",
    "purposes",
    "license",
    "age_at_least",
    "acquisition",
    "notice",
    "evidence",
    "prev",
)


def line(**changes: Any) -> bytes:
    """The example as a ledger's first line, with fields changed."""
    return json.dumps({**EXAMPLE, **changes}).encode() + b"\n"


# --- reading --------------------------------------------------------------------------------------


def test_a_whole_ledger_is_read_in_line_order() -> None:
    """Every event comes back, in its line's place, and the head is the last line's."""
    ledger = loaded(LEDGER)
    assert [type(event).__name__ for event in ledger.events] == [
        "Given",
        "Given",
        "Withdrawn",
        "Renewed",
        "Objected",
    ]
    assert ledger.head == HEAD


@pytest.mark.large
def test_a_million_events_load(tmp_path: Path) -> None:
    """The head and the last event of a ledger of 740 MB; scripts/benchmark.py measures the time."""
    path = tmp_path / "ledger.jsonl"
    last = "0" * 64
    with path.open("wb") as file:
        for number in range(1_000_000):
            account = f"https://mastodon.example/users/person{number % 100_000}"
            body = encode(given(id=f"urn:uuid:{number:032x}", accounts=(account,), prev=last))
            last = hashlib.sha256(body).hexdigest()
            file.write(body + b"\n")
    ledger = Ledger.load(path)
    assert ledger.head == Head(1_000_000, last)
    standing = ledger.standing([account], day(9))
    assert standing.deciding == ledger.events[-1]


def test_lines_are_counted_and_sliced_as_in_a_tuple() -> None:
    """Each is decoded when it is asked for; from the end, in slices, and past the end too."""
    events = loaded(LEDGER).events
    assert [len(events), events[-1].id, [event.id for event in events[1:3]]] == [
        5,
        "urn:uuid:4",
        ["urn:uuid:1", "urn:uuid:2"],
    ]
    with pytest.raises(IndexError):
        events[5]


def test_a_line_that_is_changed_while_the_ledger_is_in_use_is_noticed(tmp_path: Path) -> None:
    """What was verified is what is used; a ledger that takes the file's place changes nothing."""
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(LEDGER)
    ledger = Ledger.load(path)
    (tmp_path / "new").write_bytes(LINES[0])
    (tmp_path / "new").replace(path)
    assert ledger.events[4].id == "urn:uuid:4"
    path.write_bytes(LEDGER)
    ledger = Ledger.load(path)
    path.write_bytes(LEDGER.replace(b'"age_at_least":18', b'"age_at_least":81'))
    with pytest.raises(LedgerError, match=r"line 1: it was changed since the ledger was read"):
        ledger.standing([ALICE], day(9))


def test_a_line_written_by_hand_in_any_spelling_is_read() -> None:
    """Key order and blanks are the writer's: only the bytes are hashed."""
    (event,) = loaded(line()).events
    assert isinstance(event, Given)
    assert (event.recipients, event.age_at_least, event.from_) == ("gated", 16, None)


def test_defaults_are_those_of_the_format() -> None:
    """What may be left out is private, public posts, train, nothing excluded, no end."""
    content = json.dumps({name: EXAMPLE[name] for name in REQUIRED}).encode() + b"\n"
    (event,) = loaded(content).events
    assert isinstance(event, Given)
    assert (
        event.subject,
        event.visibilities,
        event.use,
        event.recipients,
        event.special_categories,
        event.attribution,
    ) == (None, ("public",), "train", "private", False, "none")
    assert (event.from_, event.until, event.expires, event.exclude) == (None, None, None, Exclude())


@pytest.mark.parametrize("name", REQUIRED)
def test_a_required_field_that_is_missing_is_an_error(name: str) -> None:
    """Nothing that a consent must say is filled in."""
    fields = {key: value for key, value in EXAMPLE.items() if key != name}
    with pytest.raises(LedgerError, match=r"line 1: "):
        loaded(json.dumps(fields).encode() + b"\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"at": "2026-05-01T10:00:00"},
        {"at": "yesterday"},
        {"expires": "2026-05-01"},
        {"accounts": []},
        {"accounts": [""]},
        {"accounts": ["@alice@mastodon.example"]},
        {"license": "CC-BY"},
        {"purposes": ["advertising"]},
        {"purposes": []},
        {"recipients": "everyone"},
        {"acquisition": ["scraped"]},
        {"use": "sell"},
        {"visibilities": ["followers"]},
        {"evidence": {"method": "hearsay"}},
        {"notice": {"sha256": "short"}},
        {"age_at_least": "16"},
        {"age_at_least": -1},
        {"special_categories": 1},
        {"event": "redacted"},
        {"proof": None},
        {"evidence": {"method": "proof", "ref": "x", "keys": {ALICE: "did:web:alice.example"}}},
        {"note": "unknown field"},
        {"exclude": {"posts": [], "tags": [], "words": []}},
    ],
    ids=str,
)
def test_a_field_that_is_not_as_it_should_be_is_an_error(changes: dict[str, Any]) -> None:
    """Closed lists, times with a zone, URIs, SPDX, known fields: nothing else passes."""
    with pytest.raises(LedgerError, match=r"ledger\.jsonl, line 1: not an event"):
        loaded(line(**changes))


def test_a_withdrawal_of_no_posts_is_an_error() -> None:
    """An empty list would withdraw nothing while it looks like a withdrawal."""
    event = {"id": "x", "event": "withdrawn", "at": "2026-05-01T10:00:00Z", "accounts": [ALICE]}
    with pytest.raises(LedgerError, match="line 1"):
        loaded(json.dumps({**event, "posts": [], "prev": "0" * 64}).encode() + b"\n")


@pytest.mark.parametrize("content", [b"\n", b"{}\n", b"[]\n", b"\xff\xfe\n", b'{"event":"given"\n'])
def test_a_line_that_is_no_event_is_named(content: bytes) -> None:
    """Whatever stands in a line, the error says which line it is."""
    with pytest.raises(LedgerError, match=r"line 6: "):
        loaded(LEDGER + content)


def test_a_missing_ledger_is_wrong_usage_and_an_empty_one_has_no_lines(tmp_path: Path) -> None:
    """Exit code 2 for no file; an empty file grants nothing and is whole."""
    with pytest.raises(UsageError, match="no consent ledger"):
        Ledger.load(tmp_path / "ledger.jsonl")
    assert loaded(b"").head == Head(0, "0" * 64)


def test_an_id_that_occurs_twice_is_an_error() -> None:
    """Grants name events by id, so that an id stands for one event."""
    first = line()
    prev = hashlib.sha256(first[:-1]).hexdigest()
    with pytest.raises(LedgerError, match=r"line 2: the id .* occurs before"):
        loaded(first + line(prev=prev))


# --- the schema that ships ------------------------------------------------------------------------

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_time(text: object) -> bool:
    """Whether a text that looks like a time is one, with days that the calendar has."""
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


SCHEMA = Draft202012Validator(
    json.loads((files("fedi_dataset") / "data" / "consent_event.schema.json").read_text("utf-8")),
    format_checker=FORMATS,
)
WITHDRAWAL = {
    "id": "x",
    "event": "withdrawn",
    "at": "2026-05-01T10:00:00Z",
    "accounts": [ALICE],
    "prev": "0" * 64,
}
REDACTION = {
    "id": "x",
    "event": "redacted",
    "at": "2026-05-01T10:00:00Z",
    "ids": ["y"],
    "account_keys": ["ab" * 16],
    "key": "cd" * 16,
    "prev": "0" * 64,
}
STUB = {"id": "y", "redacted": "x", "line_sha256": "ab" * 32, "prev": "0" * 64}
VALUES: tuple[object, ...] = (None, "", "x", 0, -1, 16, 1.5, True, [], [""], ["x"], {}, {"x": "y"})
NEAR: tuple[object, ...] = (
    "given",
    "redacted",
    "2026-05-01T10:00:00Z",
    "2026-05-01T10:00:00.5+02:00",
    "2026-05-01T10:00:00",
    "2026-13-01T10:00:00Z",
    "2026-05-01",
    ALICE,
    ALICE + "\n",
    "did:plc:abc",
    "DID:plc:abc",
    "HTTPS://h.example/x",
    "ab" * 32,
    "AB" * 32,
    "ab" * 32 + "\n",
    "ab" * 16,
    "private",
    "train",
    [ALICE],
    [ALICE, 1],
    ["https://h.example/a b"],
    ["llm-fine-tuning", "research"],
    ["llm-fine-tuning", "advertising"],
    ["public"],
    ["own-export"],
    {"posts": ["x"], "tags": []},
    {"posts": [""]},
    {"sha256": "ab" * 32},
    {"sha256": "ab" * 32, "uri": None},
    {"sha256": "ab" * 32 + "\n"},
    {"method": "proof"},
    {"method": "proof", "keys": {ALICE: "did:key:zAb"}, "statements": [{}]},
    {"method": "proof", "keys": {ALICE: "did:key:z0"}},
    {"method": "proof", "statements": None},
)


@pytest.mark.parametrize(
    "base", [EXAMPLE, WITHDRAWAL, REDACTION, STUB], ids=lambda one: sorted(one)
)
def test_the_schema_accepts_and_refuses_what_the_ledger_does(base: dict[str, Any]) -> None:
    """Each field in turn missing, or with each value that is right or nearly right somewhere."""
    assert SCHEMA.is_valid(base)
    cases = [{key: value for key, value in base.items() if key != name} for name in base]
    cases += [{**base, name: value} for name in base for value in (*VALUES, *NEAR)]
    cases += [
        {**base, "note": "x"},
        {**base, "proof": {}},
        {**base, "proof": None},
        {**base, "posts": ["x"]},
    ]
    outcomes = set()
    for case in cases:
        if "license" in case and case["license"] not in ("CC-BY-4.0", None, 0, "", [], {}):
            continue  # which licenses there are is beyond a schema
        try:
            # prev is checked by the chain, which asks for the one hash that it must be
            right = re.fullmatch("[0-9a-f]{64}", str(decode(json.dumps(case).encode()).prev))
        except LedgerError:
            right = None
        assert SCHEMA.is_valid(case) == bool(right), case
        outcomes.add(bool(right))
    assert outcomes == {True, False}


def test_every_event_that_is_stored_follows_the_schema() -> None:
    """All kinds of events, as append writes them."""
    for stored in LINES:
        SCHEMA.validate(json.loads(stored))


def test_the_schema_is_the_one_that_the_types_make() -> None:
    """python -m scripts.make_consent_schema has nothing to change."""
    assert SCHEMA.schema == json.loads(json.dumps(make_consent_schema.schema()))
    Draft202012Validator.check_schema(SCHEMA.schema)


# --- damage ---------------------------------------------------------------------------------------


def verified(content: bytes) -> None:
    """Load a ledger and hold it against the remembered head."""
    loaded(content).check_extends(HEAD)


@settings(max_examples=150, deadline=None)
@generated(st.integers(0, len(LEDGER) - 1), st.integers(0, 255))
def test_any_changed_byte_is_found(at: int, byte: int) -> None:
    """No byte of any line can be another without an error."""
    assume(LEDGER[at] != byte)
    with pytest.raises(LedgerError):
        verified(LEDGER[:at] + bytes([byte]) + LEDGER[at + 1 :])


@settings(max_examples=60, deadline=None)
@generated(st.permutations(range(5)))
def test_any_reordering_is_found(order: list[int]) -> None:
    """Lines stand in the order in which they were appended."""
    assume(order != sorted(order))
    with pytest.raises(LedgerError):
        verified(b"".join(LINES[i] for i in order))


@pytest.mark.parametrize("at", range(5))
def test_a_dropped_a_doubled_and_an_inserted_line_are_found(at: int) -> None:
    """The chain breaks where a line is missing, comes twice, or is new."""
    stranger = lines_of([withdrawn(accounts=(CAROL,))])
    for changed in (
        LINES[:at] + LINES[at + 1 :],
        LINES[: at + 1] + LINES[at:],
        LINES[:at] + stranger + LINES[at:],
    ):
        with pytest.raises(LedgerError):
            verified(b"".join(changed))


@pytest.mark.parametrize("length", range(1, len(LEDGER), 37))
def test_any_cut_is_found(length: int) -> None:
    """A cut within a line breaks that line; a cut between lines contradicts the head."""
    with pytest.raises(LedgerError):
        verified(LEDGER[:length])


def test_a_cut_off_last_line_says_so() -> None:
    """A line without its newline was not written to its end, even where its JSON is whole."""
    with pytest.raises(LedgerError, match="line 5: it is cut off"):
        loaded(LEDGER[:-1])


def test_the_first_wrong_line_is_named() -> None:
    """After a change in line 2, line 3 no longer follows."""
    changed = [*LINES[:1], LINES[1].replace(b'"age_at_least":18', b'"age_at_least":81'), *LINES[2:]]
    with pytest.raises(LedgerError, match="line 3: its prev is not the hash of the line before"):
        loaded(b"".join(changed))


def test_whole_lines_cut_from_the_end_are_found_against_a_remembered_head() -> None:
    """The shorter file is a whole ledger, but not the one that was used."""
    shorter = loaded(b"".join(LINES[:3]))
    with pytest.raises(LedgerRolledBack, match="has 3 lines, but had 5"):
        shorter.check_extends(HEAD)


def test_a_ledger_extends_each_of_its_heads_and_no_other() -> None:
    """What was remembered at any length still holds; another hash at that length does not."""
    ledger = loaded(LEDGER)
    for lines in range(6):
        assert ledger.head_at(lines) == loaded(b"".join(LINES[:lines])).head
        ledger.check_extends(ledger.head_at(lines))
        with pytest.raises(LedgerRolledBack, match="another hash"):
            ledger.check_extends(Head(lines, "f" * 64))
    with pytest.raises(ValueError, match="5 lines, not 6"):
        ledger.head_at(6)


def chained(content: bytes) -> tuple[int, str] | None:
    """The chain read out loud: number of lines and the last hash; None where it is broken."""
    *lines, rest = content.split(b"\n")
    last, ids = "0" * 64, set()
    for line in lines:
        try:
            event = decode(line)
        except LedgerError:
            return None
        if event.prev != last or event.id in ids or isinstance(event, Stub):
            return None
        ids.add(event.id)
        last = hashlib.sha256(line).hexdigest()
    return None if rest else (len(lines), last)


@settings(max_examples=150, deadline=None)
@generated(st.lists(st.sampled_from([*LINES, *lines_of(EVENTS[::-1]), LINES[0][:-1]]), max_size=4))
def test_loading_finds_what_the_simple_reading_finds(lines: list[bytes]) -> None:
    """Whatever lines are put together, both agree on whether they are a ledger, and on its head."""
    content = b"".join(lines)
    try:
        head = loaded(content).head
    except LedgerError:
        assert chained(content) is None
    else:
        assert chained(content) == (head.lines, head.sha256)


# --- appending ------------------------------------------------------------------------------------


def test_appended_events_come_back(tmp_path: Path) -> None:
    """What append stores is what load reads, chained, in a file for its owner only."""
    path = tmp_path / "ledger.jsonl"
    stored: list[Event] = [append(path, given()), append(path, withdrawn())]
    assert tuple(Ledger.load(path).events) == tuple(stored)
    assert [event.prev for event in stored] == [
        "0" * 64,
        hashlib.sha256(path.read_bytes().split(b"\n")[0]).hexdigest(),
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_is_appended_to_a_broken_ledger(tmp_path: Path) -> None:
    """A broken chain is not built upon, and stays as it was found."""
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(LEDGER[:-1])
    with pytest.raises(LedgerError, match="cut off"):
        append(path, given())
    assert path.read_bytes() == LEDGER[:-1]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (given(id="urn:uuid:0"), "already holds"),
        (given(accounts=("@alice@mastodon.example",)), "no account's URI"),
        (given(accounts=()), "cannot be recorded"),
        (given(license="CC-BY"), "cannot be recorded"),
        (given(at=day(1).replace(tzinfo=None)), "cannot be recorded"),
        (withdrawn(posts=()), "cannot be recorded"),
        (given(proof={"type": "DataIntegrityProof"}), "cannot be recorded: its evidence"),
        (
            given(
                proof={"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022"},
                evidence=Evidence(method="proof", ref="x"),
            ),
            "cannot be recorded: its proof",
        ),
    ],
)
def test_an_event_that_could_not_be_read_back_is_not_written(
    tmp_path: Path, event: Event, message: str
) -> None:
    """Wrong usage, and the ledger is untouched."""
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(LINES[0])
    with pytest.raises(UsageError, match=message):
        append(path, event)
    assert path.read_bytes() == LINES[0]


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    """Events appended at the same time all get in, each chained to the one before."""
    path = tmp_path / "ledger.jsonl"
    events = [given(id=f"urn:uuid:{number}") for number in range(12)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda event: append(path, event), events))
    assert {event.id for event in Ledger.load(path).events} == {event.id for event in events}


def test_a_write_that_fails_leaves_no_part_of_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk in mid-line is undone, so that the ledger stays whole."""
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(LINES[0])
    write = os.write

    def full(handle: int, data: bytes) -> int:
        write(handle, bytes(data)[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        append(path, withdrawn())
    monkeypatch.undo()
    assert path.read_bytes() == LINES[0]


def test_a_lock_that_is_never_freed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits too long is told what holds the ledger."""
    from filelock import FileLock

    path = tmp_path / "ledger.jsonl"
    monkeypatch.setattr(module, "_LOCK_SECONDS", 0.05)
    with FileLock(f"{path}.lock"), pytest.raises(UsageError, match="another program"):
        append(path, given())
    assert not path.exists()


# --- what decides ---------------------------------------------------------------------------------

NAMES = (ALICE, BOB, CAROL, "https://mastodon.example/@alice")
POSTS = ("https://mastodon.example/1", "https://mastodon.example/2")
events_of_names = st.lists(st.one_of(consents(NAMES), refusals(NAMES, POSTS)), max_size=8)


def naive(
    events: list[Event], names: set[str], as_of: int
) -> tuple[int | None, bool, frozenset[str]]:
    """The rule read out loud: line of the deciding consent, withdrawn, withdrawn posts."""
    deciding = None
    for number, event in enumerate(events):
        if isinstance(event, Given) and event.at <= day(as_of) and names & set(event.accounts):
            deciding = number
    owned = set(names)
    while True:
        more = set(owned)
        for event in events:
            if isinstance(event, Given):
                group = {*event.accounts} | ({event.subject} if event.subject else set())
                more |= group if group & more else set()
        if more == owned:
            break
        owned = more
    later = events if deciding is None else events[deciding + 1 :]
    posts = [e.posts for e in later if isinstance(e, Withdrawn) and owned & set(e.accounts)]
    return deciding, None in posts, frozenset(post for some in posts for post in some or ())


@settings(max_examples=300, deadline=None)
@generated(
    events_of_names,
    st.sets(st.sampled_from(NAMES), min_size=1, max_size=2),
    st.integers(1, 10),
)
def test_the_deciding_rule_over_any_events(
    events: list[Event], names: set[str], as_of: int
) -> None:
    """The index gives what reading every line gives."""
    ledger = ledger_of(*events)
    standing = ledger.standing(names, day(as_of))
    decided = None if standing.deciding is None else ledger.events.index(standing.deciding)
    assert (decided, standing.withdrawn, standing.withdrawn_posts) == naive(events, names, as_of)


@settings(max_examples=200, deadline=None)
@generated(events_of_names, st.integers(1, 10))
def test_all_accounts_at_once_stand_as_each_does(events: list[Event], as_of: int) -> None:
    """Asking for everybody gives what asking account by account does, in every spelling."""
    events = [*events, given(accounts=("https://H.example/users/dora/",), at=day(3))]
    ledger = ledger_of(*events)
    named = {name for event in events for name in getattr(event, "accounts", ())}
    each = {
        spelled: ledger.standing([name], day(as_of))
        for name in named
        for spelled in (name, spelling(name))
    }
    assert ledger.accounts_standing(day(as_of)) == (
        {name for name, one in each.items() if one.withdrawn},
        {name for name, one in each.items() if one.deciding and not one.withdrawn},
    )


@settings(max_examples=200, deadline=None)
@generated(
    events_of_names,
    st.sets(st.sampled_from(NAMES), min_size=1, max_size=2),
)
def test_events_are_found_by_the_accounts_that_they_name(
    events: list[Event], names: set[str]
) -> None:
    """They come with their lines, in order, and an owner's accounts are those that consents join."""
    ledger = ledger_of(*events)
    assert ledger.naming(names) == [
        (line, event)
        for line, event in enumerate(ledger.events, start=1)
        if names & set(getattr(event, "accounts", ()))
    ]
    name = min(names)
    owned = {name} if ledger.naming([name]) else set()
    for _ in events:
        for event in events:
            if isinstance(event, Given):
                others = [
                    one
                    for one in events
                    if isinstance(one, Given) and one.subject and one.subject == event.subject
                ]
                group = {account for one in (event, *others) for account in one.accounts}
                owned |= group if group & owned else set()
    assert set(ledger.accounts_with(name)) == owned


def test_events_are_found_by_their_ids() -> None:
    """In the order of their lines, and nothing for an id that no event has."""
    ledger = loaded(LEDGER)
    assert list(ledger.with_ids({"urn:uuid:3", "urn:uuid:0", "urn:uuid:none"}).items()) == [
        ("urn:uuid:0", ledger.events[0]),
        ("urn:uuid:3", ledger.events[3]),
    ]
    assert [ledger.holds("urn:uuid:4"), ledger.holds("urn:uuid:5")] == [True, False]


def test_an_account_in_another_spelling_is_the_same() -> None:
    """Events are found whatever the case of a host, and the trailing slash, that they were written with."""
    ledger = ledger_of(given(accounts=("HTTPS://Mastodon.Example/users/alice/",)))
    assert [line for line, _ in ledger.naming([ALICE])] == [1]
    assert ledger.accounts_with(f"{ALICE}/") == [ALICE]
    assert ledger.accounts_with(BOB) == []


def decides(*events: Event, names: tuple[str, ...] = (ALICE,), as_of: int = 9) -> object:
    """Number of the deciding event, or why there is none."""
    standing = ledger_of(*events).standing(names, day(as_of))
    if standing.deciding is None:
        return "none"
    return "withdrawn" if standing.withdrawn else int(standing.deciding.id.rpartition(":")[2])


def test_the_newest_line_decides_not_the_newest_time() -> None:
    """A later line with an earlier time takes the place of an earlier line."""
    assert decides(given(at=day(5)), given(at=day(2))) == 1


def test_consent_of_a_later_time_does_not_decide_yet() -> None:
    """What is given on the seventh says nothing as of the sixth."""
    assert decides(given(at=day(7)), as_of=6) == "none"
    assert decides(given(at=day(1)), given(at=day(7)), as_of=6) == 0
    assert decides(given(at=day(6)), as_of=6) == 0


@pytest.mark.parametrize("at", [1, 2, 9])
def test_a_withdrawal_on_a_later_line_refuses_whatever_its_time(at: int) -> None:
    """Dated before the consent or after the build, it counts."""
    assert decides(given(at=day(2)), withdrawn(at=day(at)), as_of=3) == "withdrawn"
    assert decides(given(at=day(2)), objected(at=day(at)), as_of=3) == "withdrawn"


def test_consent_after_a_withdrawal_counts_again() -> None:
    """Whoever comes back comes back, but not before the time at which they do."""
    events = (given(), withdrawn(), renewed(at=day(5)))
    assert decides(*events) == 2
    assert decides(*events, as_of=4) == "withdrawn"


def test_a_withdrawal_reaches_all_accounts_of_the_subject() -> None:
    """Joined by one event or by the subject's URN, before or after."""
    assert decides(given(accounts=(ALICE, CAROL)), withdrawn(accounts=(CAROL,))) == "withdrawn"
    assert (
        decides(
            given(subject="urn:uuid:a"),
            withdrawn(accounts=(CAROL,)),
            given(accounts=(CAROL,), subject="urn:uuid:a"),
        )
        == "withdrawn"
    )
    assert decides(given(), given(accounts=(BOB,)), withdrawn(accounts=(BOB,))) == 0


def test_consent_reaches_only_the_accounts_that_it_names() -> None:
    """The same person's other account needs its own line."""
    assert decides(given(subject="urn:uuid:a"), names=(CAROL,)) == "none"


@pytest.mark.parametrize(
    ("uri", "spelled"),
    [
        ("HTTPS://Mastodon.Example/users/Alice/", "https://mastodon.example/users/Alice"),
        ("https://mastodon.example/@alice", "https://mastodon.example/@alice"),
        ("https://h.example/?author=1", "https://h.example/?author=1"),
        ("https://h.example", "https://h.example"),
        ("https://h.example/a?b/", "https://h.example/a?b"),
        ("did:plc:Abc", "did:plc:Abc"),
        ("did:web:alice.example", "did:web:alice.example"),
        ("at://did:plc:abc", "did:plc:abc"),
        ("at://did:plc:abc/app.bsky.feed.post/1", "at://did:plc:abc/app.bsky.feed.post/1"),
        ("https://bsky.app/profile/did:plc:abc/", "did:plc:abc"),
        ("https://bsky.app/profile/alice.example", "https://bsky.app/profile/alice.example"),
    ],
)
def test_spellings_differ_in_scheme_host_and_trailing_slash_only(uri: str, spelled: str) -> None:
    """Paths are compared exactly, and a DID's pages stand for the DID."""
    assert spelling(uri) == spelled
    assert spelling(spelled) == spelled
