"""Redaction: what is taken out, what stays provable, and that nobody comes back by it."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given as generated
from hypothesis import settings
from hypothesis import strategies as st

from fedi_dataset.consent.events import Event, Redacted, Stub
from fedi_dataset.consent.ledger import Given, Ledger, append, key_path
from fedi_dataset.consent.redaction import redact
from fedi_dataset.errors import LedgerError, UsageError
from tests.consent.events import (
    ALICE,
    BOB,
    CAROL,
    day,
    given,
    lines_of,
    objected,
    renewed,
    withdrawn,
)

EVENTS: tuple[Event, ...] = (
    given(accounts=(ALICE, CAROL)),
    given(accounts=(BOB,)),
    withdrawn(posts=("https://mastodon.example/users/alice/statuses/1",)),
    withdrawn(accounts=(CAROL,)),
    renewed(accounts=(BOB,), at=day(3)),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger in which Alice, who is Carol too, has withdrawn, and Bob has not."""
    place = tmp_path / "ledger.jsonl"
    place.write_bytes(b"".join(lines_of(EVENTS)))
    return place


def test_all_lines_of_the_subject_become_stubs_and_the_chain_holds(path: Path) -> None:
    """Alice's three lines are gone, under any of her accounts; Bob's and the hashes stay."""
    before = Ledger.load(path)
    event = redact(path, [ALICE], "urn:uuid:r", day(9))
    after = Ledger.load(path)
    assert [type(line) for line in after.events] == [
        Stub,
        Given,
        Stub,
        Stub,
        type(EVENTS[4]),
        Redacted,
    ]
    assert event.ids == ("urn:uuid:0", "urn:uuid:2", "urn:uuid:3")
    assert [after.head_at(lines) for lines in range(6)] == [before.head_at(n) for n in range(6)]
    after.check_extends(before.head)
    content = path.read_bytes()
    assert not any(name.encode() in content for name in (ALICE, CAROL, "statuses"))
    assert after.standing([BOB], day(9)) == before.standing([BOB], day(9))


def test_a_redacted_subject_stays_refused_until_a_later_given(path: Path) -> None:
    """Each account, in any spelling, whenever it is asked; consent after it counts, for what it names."""
    redact(path, [CAROL], "urn:uuid:r", day(9))
    for name in (ALICE, "https://MASTODON.example/users/alice/", CAROL, f"at://{CAROL}"):
        standing = Ledger.load(path).standing([name], day(1))
        assert (standing.deciding, standing.withdrawn) == (None, True)
    append(path, given(id="urn:uuid:new"))
    again = Ledger.load(path).standing([ALICE], day(9))
    assert again.deciding is not None
    assert not again.withdrawn
    assert Ledger.load(path).standing([CAROL], day(9)).withdrawn
    assert not Ledger.load(path).standing([BOB], day(9)).withdrawn


def test_an_account_that_is_joined_again_meets_the_redaction_too(path: Path) -> None:
    """A later event that joins a redacted account to another one's earlier consent does not free it."""
    append(path, given(id="urn:uuid:5", accounts=("did:plc:dora",), subject="urn:uuid:s"))
    redact(path, [ALICE], "urn:uuid:r", day(9))
    assert not Ledger.load(path).standing(["did:plc:dora"], day(9)).withdrawn
    append(path, renewed(id="urn:uuid:7", subject="urn:uuid:s"))
    assert Ledger.load(path).standing(["did:plc:dora"], day(9)).withdrawn
    assert not Ledger.load(path).standing([ALICE], day(9)).withdrawn


def test_who_has_not_withdrawn_cannot_be_redacted(path: Path) -> None:
    """Nor who came back, nor who took back single posts only, nor who is unknown."""
    content = path.read_bytes()
    for account, message in ((BOB, "has not withdrawn"), ("did:plc:dora", "no line of")):
        with pytest.raises(UsageError, match=message):
            redact(path, [account], "urn:uuid:r", day(9))
    assert path.read_bytes() == content
    append(path, renewed(id="urn:uuid:5"))
    with pytest.raises(UsageError, match="has not withdrawn"):
        redact(path, [ALICE], "urn:uuid:r", day(9))
    with pytest.raises(UsageError, match="already holds"):
        redact(path, [ALICE], "urn:uuid:1", day(9))


def test_a_line_that_names_somebody_else_too_is_kept_until_both_are_redacted(path: Path) -> None:
    """A stub in its place would free the other, who withdrew on the same line."""
    append(path, objected(id="urn:uuid:5", accounts=(BOB, ALICE)))
    with pytest.raises(UsageError, match=r"line 6 .* also names an account of somebody else"):
        redact(path, [ALICE], "urn:uuid:r", day(9))
    redact(path, [ALICE, BOB], "urn:uuid:r", day(9))
    assert [type(line) for line in Ledger.load(path).events] == [Stub] * 6 + [Redacted]


def test_a_second_redaction_uses_the_same_key(path: Path) -> None:
    """The key is made once, for its owner only, and stubs of before stay."""
    redact(path, [ALICE], "urn:uuid:r", day(9))
    key = key_path(path).read_bytes()
    assert (len(key), stat.S_IMODE(key_path(path).stat().st_mode)) == (32, 0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    append(path, withdrawn(id="urn:uuid:b", accounts=(BOB,)))
    redact(path, [BOB], "urn:uuid:r2", day(9))
    assert key_path(path).read_bytes() == key
    ledger = Ledger.load(path)
    assert all(ledger.standing([name], day(9)).withdrawn for name in (ALICE, BOB, CAROL))


def test_without_its_key_or_with_another_one_nothing_is_read(path: Path) -> None:
    """Nobody could tell who withdrew, so that the error says what is missing."""
    redact(path, [ALICE], "urn:uuid:r", day(9))
    key_path(path).write_bytes(bytes(32))
    with pytest.raises(LedgerError, match=r"ledger\.jsonl\.key is not the key"):
        Ledger.load(path)
    key_path(path).unlink()
    with pytest.raises(LedgerError, match=r"its key .*ledger\.jsonl\.key is missing"):
        Ledger.load(path)
    with pytest.raises(LedgerError, match="is missing"):
        append(path, given(id="urn:uuid:new"))


def test_a_crash_leaves_the_old_ledger(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the rename nothing has happened, and no scratch file stays."""
    content = path.read_bytes()

    def crash(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", crash)
    key_path(path).write_bytes(bytes(32))
    with pytest.raises(OSError, match="Input/output"):
        redact(path, [ALICE], "urn:uuid:r", day(9))
    monkeypatch.undo()
    assert path.read_bytes() == content
    assert {one.name for one in path.parent.iterdir()} - {"ledger.jsonl.lock"} == {
        "ledger.jsonl",
        "ledger.jsonl.key",
    }


# --- damage ---------------------------------------------------------------------------------------


def test_a_stub_that_no_redaction_names_is_named(path: Path) -> None:
    """Cutting a withdrawal out by hand leaves the chain whole and is found all the same."""
    ledger = Ledger.load(path)
    lines = path.read_bytes().splitlines(keepends=True)
    stub = Stub(
        id="urn:uuid:3",
        redacted="urn:uuid:r",
        line_sha256=ledger.head_at(4).sha256,
        prev=ledger.events[3].prev,
    )
    lines[3] = msgspec.json.encode(stub) + b"\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(LedgerError, match="line 4: no later redaction names this stub"):
        Ledger.load(path)


def test_a_redaction_without_its_stubs_is_named(path: Path) -> None:
    """Nor can an event claim what was not done, or what comes after it."""
    stray = Redacted(
        id="urn:uuid:r", at=day(9), ids=("urn:uuid:3",), account_keys=("ab" * 16,), key="cd" * 16
    )
    path.write_bytes(b"".join(lines_of([*EVENTS, stray])))
    with pytest.raises(LedgerError, match="line 6: it says that urn:uuid:3 was redacted"):
        Ledger.load(path)


def damaged(content: bytes, remembered: Ledger) -> bool:
    """Whether loading, or the remembered head, finds the damage."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "ledger.jsonl"
        place.write_bytes(content)
        key_path(place).write_bytes(key_path(remembered.path).read_bytes())
        try:
            Ledger.load(place).check_extends(remembered.head)
        except LedgerError:
            return True
    return False


@pytest.fixture(scope="module")
def redacted(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A ledger with stubs and a redaction."""
    place = tmp_path_factory.mktemp("redacted") / "ledger.jsonl"
    place.write_bytes(b"".join(lines_of(EVENTS)))
    redact(place, [ALICE], "urn:uuid:r", day(9))
    append(place, given(id="urn:uuid:last", accounts=(BOB,)))
    return Ledger.load(place)


@settings(max_examples=150, deadline=None)
@generated(data=st.data())
def test_any_damage_to_a_redacted_ledger_is_found(redacted: Ledger, data: st.DataObject) -> None:
    """Bytes changed, lines dropped, doubled, moved, put in, cut off: among stubs as among events."""
    content = redacted.path.read_bytes()
    lines = content.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    to = data.draw(st.integers(0, len(lines) - 2))
    rest = lines[:at] + lines[at + 1 :]
    byte = data.draw(st.integers(0, len(content) - 1))
    changes = (
        b"".join(rest),
        b"".join(lines[: at + 1] + lines[at:]),
        b"".join([*rest[:to], lines[at], *rest[to:]]),
        b"".join([*lines[:at], lines_of([withdrawn(accounts=("did:plc:x",))])[0], *lines[at:]]),
        content[:byte],
        content[:byte] + bytes([data.draw(st.integers(0, 255))]) + content[byte + 1 :],
    )
    for changed in changes:
        assert damaged(changed, redacted) == (changed != content)


NAMES = (ALICE, BOB, CAROL, "did:plc:dora")
some_names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True).map(tuple)
events = st.builds(
    lambda kind, accounts: kind(accounts=accounts),
    st.sampled_from([given, renewed, withdrawn, objected]),
    some_names,
)


@settings(max_examples=150, deadline=None)
@generated(st.lists(events, min_size=1, max_size=7), st.sampled_from(NAMES))
def test_redaction_changes_nobodys_standing(history: list[Event], name: str) -> None:
    """Whoever was refused is refused, whoever was not is not, and their consent is the same one."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "ledger.jsonl"
        place.write_bytes(b"".join(lines_of(history)))
        before = Ledger.load(place)
        try:
            redact(place, [name], "urn:uuid:r", day(9))
        except UsageError:
            assert Ledger.load(place).head == before.head
            return
        after = Ledger.load(place)
        for other in NAMES:
            old, new = before.standing([other], day(9)), after.standing([other], day(9))
            assert new.withdrawn == old.withdrawn
            assert new.deciding == (None if new.deciding is None else old.deciding)
            assert old.withdrawn or new.deciding == old.deciding
        assert after.standing([name], day(9)).withdrawn
