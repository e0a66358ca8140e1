"""Spans: a ledger that is read in parts is the ledger that is read from end to end."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given as generated
from hypothesis import settings
from hypothesis import strategies as st

from fedi_dataset.consent.chain import Chain
from fedi_dataset.consent.events import encode
from fedi_dataset.consent.ledger import Event, Ledger, append
from fedi_dataset.consent.redaction import redact
from fedi_dataset.consent.spans import cuts, joined, read, span
from fedi_dataset.errors import LedgerError
from tests.consent.events import (
    ALICE,
    BOB,
    CAROL,
    consents,
    day,
    given,
    lines_of,
    refusals,
    renewed,
    withdrawn,
)

NAMES = (ALICE, BOB, CAROL, "https://MASTODON.example/users/alice/")

ledgers = st.lists(
    st.one_of(consents(NAMES), refusals(NAMES, ("https://mastodon.example/1",))),
    min_size=1,
    max_size=12,
)


def in_spans(path: Path, places: Iterable[int]) -> Chain | None:
    """The chain of a file, joined from the spans that begin at these lines."""
    content = path.read_bytes()
    ends = [0]
    for line in content.splitlines(keepends=True):
        ends.append(ends[-1] + len(line))
    with path.open("rb") as file:
        edges = sorted({0, *(ends[place % len(ends)] for place in places), len(content)})
        first, *others = [span(file.fileno(), *edge) for edge in pairwise(edges)]
    return joined(first, others) if first.first == "0" * 64 else None


@settings(max_examples=100, deadline=None)
@generated(ledgers, st.lists(st.integers(1, 12), max_size=3))
def test_spans_joined_are_the_whole(events: list[Event], places: list[int]) -> None:
    """Wherever a ledger is cut, its spans come to the same columns, hashes and ends as the whole."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        path.write_bytes(b"".join(lines_of(events)))
        chain = in_spans(path, places)
        assert chain is not None
        with path.open("rb") as file:
            whole = read(file, path)
    assert as_data(chain) == as_data(whole)


def as_data(chain: Chain) -> dict[str, object]:
    """A chain to compare; joins said twice count once."""
    columns = chain.columns
    return {
        "hashes": (chain.first, chain.last, chain.digests),
        "lines": (chain.ends, chain.ids, chain.stubs),
        "names": list(columns.names.items()),
        "lines of names": (columns.given, columns.taken),
        "joined": set(zip(columns.one, columns.other, strict=True)),
        "events": (columns.redacted, columns.signed),
    }


@settings(max_examples=100, deadline=None)
@generated(ledgers, st.lists(st.integers(1, 12), max_size=3), st.data())
def test_no_cut_hides_damage(events: list[Event], places: list[int], data: st.DataObject) -> None:
    """Lines that are dropped, doubled or moved are found in spans wherever they are found in the whole."""
    lines = lines_of(events)
    picked = data.draw(st.lists(st.sampled_from(lines), min_size=1, max_size=len(lines) + 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        path.write_bytes(b"".join(picked))
        with path.open("rb") as file:
            try:
                expected = as_data(read(file, path))
            except LedgerError:
                expected = {}
        try:
            chain = in_spans(path, places)
        except LedgerError:
            chain = None
    assert ({} if chain is None else as_data(chain)) == expected


def long_ledger(path: Path, subjects: int = 40) -> list[bytes]:
    """Write a ledger long enough to be worth more than one process, to whoever asks for little."""
    accounts = [f"https://h{one % 7}.example/users/u{one}" for one in range(subjects)]
    lines = lines_of(
        kind(accounts=(account,), subject=f"urn:uuid:s{one % 30}", at=day(2 + one % 5))
        for kind in (given, renewed, renewed)
        for one, account in enumerate(accounts)
    )
    path.write_bytes(b"".join(lines))
    return lines


def test_processes_come_to_what_one_does(tmp_path: Path) -> None:
    """A file that other processes help to read is the same chain, stubs and redactions included."""
    path = tmp_path / "ledger.jsonl"
    long_ledger(path)
    account = "https://h3.example/users/u3"
    append(path, withdrawn(id="urn:uuid:w", accounts=(account,), at=day(9)))
    redact(path, [account], "urn:uuid:r", day(10))
    with path.open("rb") as file:
        assert len(cuts(file.fileno(), path.stat().st_size, 3)) == 4
        shared = read(file, path, worth=1000)
        assert as_data(shared) == as_data(read(file, path))
    assert len(shared.stubs) > 0
    assert Ledger.load(path).standing([account], day(11)).withdrawn


def test_a_process_answers_with_its_span(tmp_path: Path) -> None:
    """What a helper writes is the chain of the span that it was named."""
    path = tmp_path / "ledger.jsonl"
    lines = long_ledger(path)
    begin, end = len(lines[0]), sum(map(len, lines[:50]))
    with path.open("rb") as file:
        place = file.fileno()
        command = [sys.executable, "-m", "fedi_dataset.consent.spans"]
        command += [str(one) for one in (place, begin, end)]
        done = subprocess.run(command, stdout=subprocess.PIPE, pass_fds=[place], check=True)
        chain = pickle.loads(done.stdout)
        assert as_data(chain) == as_data(span(place, begin, end))
    assert len(chain) == 49


@pytest.mark.parametrize("at", [3, 70, 119])
def test_the_first_wrong_line_is_named_whoever_read_it(tmp_path: Path, at: int) -> None:
    """Damage in our own span or in another's raises the very error of reading line by line."""
    path = tmp_path / "ledger.jsonl"
    lines = long_ledger(path)
    lines[at] = lines[at].replace(b"CC-BY-4.0", b"CC-BY-3.0")
    path.write_bytes(b"".join(lines))
    messages = []
    for worth in (1000, 1 << 30):
        with path.open("rb") as file:
            if at == len(lines) - 1:  # nothing stands after it to show the change
                messages.append(read(file, path, worth).last)
                continue
            with pytest.raises(LedgerError) as raised:
                read(file, path, worth)
            messages.append(str(raised.value))
    assert messages[0] == messages[1]
    assert at == len(lines) - 1 or f"line {at + 2}:" in messages[0]


def test_a_line_without_its_end_is_named(tmp_path: Path) -> None:
    """A ledger that is cut off in its last span is cut off."""
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"".join(long_ledger(path))[:-5])
    with path.open("rb") as file, pytest.raises(LedgerError, match="line 120: it is cut off"):
        read(file, path, worth=1000)


def test_where_no_process_can_be_had_we_read_it_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interpreter that is missing costs time, and changes nothing."""
    path = tmp_path / "ledger.jsonl"
    long_ledger(path)
    with path.open("rb") as file:
        whole = as_data(read(file, path))
        for executable in ("", str(tmp_path / "none"), "/bin/false"):
            monkeypatch.setattr(sys, "executable", executable)
            assert as_data(read(file, path, worth=1000)) == whole


def test_a_small_ledger_starts_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read soon enough alone is read alone: the interpreter is not started again."""
    path, mark = tmp_path / "ledger.jsonl", tmp_path / "started"
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\ntouch {mark}\n")
    script.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(script))
    long_ledger(path)
    with path.open("rb") as file:
        read(file, path)
        assert not mark.exists()
        read(file, path, worth=1000)
        assert mark.exists()


def test_a_file_that_is_replaced_meanwhile_is_read_as_it_was_opened(tmp_path: Path) -> None:
    """Other processes read the open file, whatever its path has come to mean."""
    path = tmp_path / "ledger.jsonl"
    long_ledger(path)
    with path.open("rb") as file:
        whole = as_data(read(file, path))
        (tmp_path / "other").write_bytes(b"{}\n" * 9)
        (tmp_path / "other").replace(path)
        assert os.fstat(file.fileno()).st_nlink == 0
        assert as_data(read(file, path, worth=1000)) == whole


def test_lines_longer_than_any_buffer_are_cut_at_their_ends(tmp_path: Path) -> None:
    """A cut in the middle of a huge line falls after it."""
    path = tmp_path / "ledger.jsonl"
    huge = given(attribution="x" * 300_000)
    lines = [
        encode(msgspec.structs.replace(huge, id=f"urn:uuid:{one}")) + b"\n" for one in range(2)
    ]
    path.write_bytes(b"".join(lines))
    with path.open("rb") as file:
        assert cuts(file.fileno(), path.stat().st_size, 4) == [0, len(lines[0]), 2 * len(lines[0])]
