"""Which accounts are one person's: what a ledger says of it, and that a workspace never forgets it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.consent.ledger import Event, Ledger, append
from fedi_dataset.consent.redaction import redact
from fedi_dataset.errors import UsageError
from fedi_dataset.persons import Persons
from fedi_dataset.posts import Account
from fedi_dataset.privacy.keys import key
from tests.consent import events
from tests.test_erasure import EVENT, NOW

SECRET = bytes(range(32))
HOST = "https://mastodon.example"
ONE, TWO, THREE = f"{HOST}/users/one", "did:plc:twotwotwotwotwotwotwotwo", f"{HOST}/users/three"
OTHER = "https://other.example/users/somebody"


def keyed(*accounts: str) -> list[bytes]:
    """The keys of accounts."""
    return [key(SECRET, "account", account) for account in accounts]


def learned(
    folder: Path,
    said: Iterable[Event],
    *owners: Account | str,
    former: Iterable[bytes] = (),
    expected: bool = False,
) -> set[frozenset[bytes]]:
    """Learn from a ledger; give who is one person by the table."""
    persons, accounts = Persons(folder), [_account(one) for one in owners]
    persons.learn(events.ledger_of(*said), accounts, former, SECRET, expected=expected)
    return groups(persons)


def _account(owner: Account | str) -> Account:
    return Account(owner) if isinstance(owner, str) else owner


def groups(persons: Persons) -> set[frozenset[bytes]]:
    """Accounts by person."""
    found: dict[bytes, set[bytes]] = {}
    for row in pq.read_table(persons.sound_file()).to_pylist():
        found.setdefault(row["person_key"], set()).add(row["account_key"])
    assert all(person == min(accounts) for person, accounts in found.items())
    return {frozenset(accounts) for accounts in found.values()}


def of(*accounts: str) -> frozenset[bytes]:
    """One person's accounts."""
    return frozenset(keyed(*accounts))


def test_accounts_of_one_consent_or_one_subject_are_one_persons(tmp_path: Path) -> None:
    """Over all events, whatever their time, and whether they stand."""
    said: list[Event] = [
        events.given(accounts=(ONE, TWO), at=events.day(1)),
        events.withdrawn(accounts=(ONE,)),
        events.given(accounts=(TWO,), subject="urn:uuid:s", at=events.day(28)),
        events.given(accounts=(THREE,), subject="urn:uuid:s", expires=events.day(2)),
        events.given(accounts=(OTHER,)),
    ]
    assert learned(tmp_path, said, ONE, OTHER) == {of(ONE, TWO, THREE)}


def test_withdrawing_together_joins_nobody(tmp_path: Path) -> None:
    """Several people may withdraw in one event."""
    said: list[Event] = [
        events.given(accounts=(ONE,)),
        events.given(accounts=(OTHER,)),
        events.withdrawn(accounts=(ONE, OTHER)),
    ]
    assert learned(tmp_path, said, ONE, OTHER) == set()


def test_only_people_of_whom_there_is_an_export_are_remembered(tmp_path: Path) -> None:
    """An export that is opened, or one that was: its owner's key suffices to find them in the ledger."""
    said: list[Event] = [
        events.given(accounts=(ONE, TWO)),
        events.given(accounts=(THREE, OTHER)),
    ]
    assert learned(tmp_path, said) == set()
    assert learned(tmp_path, said, OTHER) == {of(THREE, OTHER)}
    assert learned(tmp_path, said, former=keyed(TWO)) == {of(THREE, OTHER), of(ONE, TWO)}


def test_a_consent_by_a_page_reaches_the_account_unless_anybody_could_name_the_page(
    tmp_path: Path,
) -> None:
    """An actor whose id is a number does not say that the page is its own: a forged archive names any page."""
    said: list[Event] = [events.given(accounts=(f"{HOST}/@one", TWO))]
    page = (f"{HOST}/@one",)
    number = f"{HOST}/ap/users/7"
    for folder in ("named", "numbered"):
        (tmp_path / folder).mkdir()
    assert learned(tmp_path / "named", said, Account(ONE, aliases=page)) == {
        of(ONE, f"{HOST}/@one", TWO)
    }
    assert learned(tmp_path / "numbered", said, Account(number, aliases=page)) == set()


def test_spellings_of_one_account_are_one_persons(tmp_path: Path) -> None:
    """As an export writes it, as the ledger does, and as both are compared."""
    said: list[Event] = [events.given(accounts=("https://MASTODON.example/users/one/",))]
    written = "https://Mastodon.Example/users/one"
    assert learned(tmp_path, said, written) == {
        of(ONE, "https://MASTODON.example/users/one/", written)
    }


def test_what_was_learned_outlives_ledger_and_exports(tmp_path: Path) -> None:
    """Lines are redacted, no export is there any more, and the table is the same to the byte."""
    ledger = tmp_path / "ledger.jsonl"
    append(ledger, events.given(accounts=(ONE, TWO)))
    append(ledger, events.withdrawn(accounts=(ONE,)))
    persons = Persons(tmp_path)
    assert persons.learn(Ledger.load(ledger), [Account(ONE)], (), SECRET, expected=False) == ()
    before = persons.file.read_bytes()
    assert all(one.encode() not in before for one in (ONE, TWO))
    redact(ledger, [ONE], EVENT, NOW)
    loaded = Ledger.load(ledger)
    assert persons.learn(loaded, [Account(ONE)], keyed(TWO), SECRET, expected=True) == ()
    assert persons.learn(loaded, [], (), SECRET, expected=True) == ()
    assert persons.file.read_bytes() == before


def test_a_later_account_joins_what_is_remembered(tmp_path: Path) -> None:
    """Of a ledger that says less and of one that says more: the table only grows."""
    assert learned(tmp_path, [events.given(accounts=(ONE, TWO))], ONE) == {of(ONE, TWO)}
    joining: list[Event] = [events.given(accounts=(TWO, THREE))]
    assert learned(tmp_path, joining, THREE) == {of(ONE, TWO, THREE)}


def test_a_damaged_table_is_noticed_and_made_again(tmp_path: Path) -> None:
    """Whichever byte is another: a sentence says so, or the same rows are read; nothing raises."""
    said = events.ledger_of(events.given(accounts=(ONE, TWO)))
    persons = Persons(tmp_path)
    persons.learn(said, [Account(ONE)], (), SECRET, expected=False)
    whole = persons.file.read_bytes()
    noticed = 0
    for place in range(0, len(whole), 11):
        persons.file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        told = persons.learn(said, [Account(ONE)], (), SECRET, expected=True)
        noticed += bool(told)
        assert groups(persons) == {of(ONE, TWO)}
    assert noticed > len(whole) / 11 / 4
    persons.file.write_bytes(whole[:-9])
    with pytest.raises(UsageError, match=r"persons\.parquet is damaged, or missing; build again"):
        persons.sound_file()
    persons.file.unlink()
    (sentence,) = persons.learn(said, [Account(ONE)], (), SECRET, expected=True)
    assert "is missing and was made again" in sentence
    assert persons.file.read_bytes() == whole


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True), min_size=1, max_size=8
    ),
    st.randoms(use_true_random=False),
)
def test_in_whatever_order_it_is_learned_it_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, told: list[list[int]], order: object
) -> None:
    """All at once, one after another, backwards: those whom a chain of consents joins are one."""
    names = [f"https://s.example/users/u{number}" for number in range(10)]
    said = [events.given(accounts=tuple(names[one] for one in group)) for group in told]
    together: list[set[int]] = []
    for group in told:
        met = [one for one in together if one & set(group)]
        together = [one for one in together if one not in met]
        together.append(set(group).union(*met))
    expected = {of(*(names[one] for one in group)) for group in together if len(group) > 1}
    shuffled = list(said)
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random of hypothesis
    at_once, by_and_by = (tmp_path_factory.mktemp("persons") for _ in range(2))
    assert learned(at_once, said, *names) == expected
    for single in shuffled:
        learned(by_and_by, [single], *names)
    assert Persons(by_and_by).file.read_bytes() == Persons(at_once).file.read_bytes()
