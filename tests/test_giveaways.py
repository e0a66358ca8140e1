"""What the numbers of a release do not give away: kinds of gaps, small crowds, dates, links, identifiers."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fedi_dataset.cell import CellReport
from fedi_dataset.part import read_part
from fedi_dataset.pipeline import BuildReport
from fedi_dataset.release.erasure import withdraw
from fedi_dataset.release.manifest import Manifest, read_manifest
from fedi_dataset.workspace import Workspace
from tests.conftest import ReleaseCopy
from tests.world import Person, World
from tests.world.canaries import Canaries
from tests.world.canaries.outcome import leaves, rows_of, strings_in
from tests.world.canaries.parts import EXPIRES

pytestmark = pytest.mark.slow

HEX = re.compile(r"(?<![0-9a-zA-Z])[0-9a-f]{32,}(?![0-9a-zA-Z])")
CROWD = 10
"""People who have to stand behind a count."""
GAP_KINDS = {"refused", "deleted", "not_exported", "cut"}
NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
EVENT = "urn:uuid:00000000-0000-4000-8000-0000000000ca"

Built = tuple[Path, Path]
"""A release and its workspace."""


@pytest.fixture(scope="session", params=["world", "canaries, gated", "canaries, wide"])
def release(request: pytest.FixtureRequest) -> Built:
    """Give releases of two worlds: one of few people who talk, one of many who are refused."""
    if request.param == "world":
        report: BuildReport = request.getfixturevalue("built")
        return report.release, report.workspace
    canaries: Canaries = request.getfixturevalue("canaries")
    outcome = canaries.outcomes["gated" if "gated" in request.param else "wide"]
    return outcome.release, outcome.work


def manifest_of(folder: Path) -> Manifest:
    """Read the manifest of a release."""
    manifest = read_manifest(folder)
    assert manifest is not None
    return manifest


def tables_in(folder: Path) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """Read every table of a release."""
    for path in sorted(folder.glob("*/*.parquet")):
        yield path, rows_of(path)


def people_behind(work: Path) -> dict[str, dict[str, Counter[str]]]:
    """Count anew from what the workspace keeps: step → reason → person → rows, what was kept apart."""
    workspace = Workspace(work)
    state = workspace.state()
    steps: dict[str, dict[str, Counter[str]]] = {"items": {}, "texts": {}, "turns": {}}
    for part in state.parts:
        for reason, people in read_part(workspace.parts / part).tally.items():
            steps["items"].setdefault(reason, Counter()).update(people)
    for cell in state.cells:
        (report,) = (row for row in workspace.cell(cell).to_pylist() if row["table"] == "report")
        told = msgspec.json.decode(report["payload"], type=CellReport)
        for step, found in (("texts", told.posts), ("turns", told.turns)):
            for reason, each in found.items():
                steps[step].setdefault(reason, Counter()).update(each)
    return {step: {r: people for r, people in found.items() if r} for step, found in steps.items()}


def test_a_gap_is_a_gap_whatever_made_it(release: Built) -> None:
    """A turn's gap is true or false; no cell and no name in the manifest tells refused from deleted or absent."""
    folder, _ = release
    for path, rows in tables_in(folder):
        assert GAP_KINDS.isdisjoint(leaves(rows)), path.name
        assert {
            type(turn["gap"])
            for row in rows
            if path.parent.name == "conversations"
            for turn in row["turns"]
        } <= {bool}
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    reasons = {name for step in manifest.pop("law").values() for name in step["dropped"]}
    assert (
        manifest["config"].pop("gap_policy") == "cut"
    )  # what the steward chose for all gaps alike
    words = {*leaves(manifest)}
    assert {"gap", "gaps", *GAP_KINDS}.isdisjoint(words)
    assert {"refused", "not_exported", "cut"}.isdisjoint(reasons)


def test_no_count_has_a_small_crowd_behind_it(release: Built) -> None:
    """Each reason that is told has ten people or more, and so has `other`, of two reasons at least, or it is all."""
    folder, work = release
    law = manifest_of(folder).law
    for step, exact in people_behind(work).items():
        told = dict(law[step].dropped)
        merged = told.pop("other", None)
        for reason, rows in told.items():
            assert len(exact[reason]) >= CROWD, (step, reason)
            assert rows == exact[reason].total()
        hidden = exact.keys() - told.keys()
        assert merged == (sum(exact[reason].total() for reason in hidden) if hidden else None)
        crowd = {person for reason in hidden for person in exact[reason]}
        if told and hidden:
            assert len(hidden) >= 2
            assert len(crowd) >= CROWD
    for told_of in law.values():
        assert told_of.rows_in == told_of.kept + sum(told_of.dropped.values())
        assert told_of.people == {}


def test_the_worlds_have_both_large_crowds_and_small_ones(canaries: Canaries) -> None:
    """So that the test above looks at a reason that is told and at several that are merged."""
    outcome = canaries.outcomes["gated"]
    assert manifest_of(outcome.release).law["items"].dropped.keys() == {"other", "signal_denied"}
    assert len(people_behind(outcome.work)["items"]) > 20


def test_no_count_of_servers_has_a_small_crowd_behind_it(release: Built) -> None:
    """The same for what is known of servers' terms; a number of servers stands only for ten people and more."""
    folder, work = release
    legal = manifest_of(folder).legal
    behind: dict[str, Counter[bytes]] = {}
    for path in Workspace(work).table("posts"):
        for row in rows_of(path):
            behind.setdefault(row["terms"], Counter()).update([row["subject_key"]])
    for standing, posts in legal.terms.items():
        if standing != "other":
            assert len(behind[standing]) >= CROWD
            assert posts == behind[standing].total()
    assert sum(legal.terms.values()) == sum(people.total() for people in behind.values())
    assert legal.unchecked_servers is None or len(behind["unchecked"]) >= CROWD


def test_the_card_tells_no_number_that_the_manifest_does_not(release: Built) -> None:
    """Its table of reasons has the manifest's rows, and nothing finer."""
    folder, _ = release
    card = (folder / "README.md").read_text("utf-8")
    found = re.findall(r"^\| (\w+) \| [^|]*\(`(\w+)`\) \| (\d+) \|$", card, re.M)
    assert {(step, reason, int(rows)) for step, reason, rows in found} == {
        (name, reason, rows)
        for name, step in manifest_of(folder).law.items()
        for reason, rows in step.dropped.items()
    }


def dates_of(work: Path) -> set[str]:
    """Give every date and time of a post or a consent that the workspace or the ledger knows, in several spellings."""
    times = {
        time
        for path in Workspace(work).table("posts")
        for row in rows_of(path)
        for time in (row["created_at"], row["edited_at"], row["expires"])
        if time is not None
    }
    state = Workspace(work).state()
    assert state.ledger is not None
    for line in Path(state.ledger.path).read_text("utf-8").splitlines():
        event = json.loads(line)
        stated = (event.get(name) for name in ("at", "from", "until", "expires"))
        times |= {datetime.fromisoformat(one) for one in stated if one}
    spelled: set[str] = set()
    for time in times:
        seconds = int(time.timestamp())
        spelled |= {time.strftime("%Y-%m-%d"), time.strftime("%d.%m.%Y"), time.strftime("%Y%m%d")}
        spelled |= {str(seconds), str(seconds * 1000)[:10], time.strftime("%Y-%m")}
    return spelled


def test_no_date_of_a_post_or_a_consent_stands_in_it(release: Built) -> None:
    """No file holds a day or a month of any of them, apart from the day on which the release becomes invalid."""
    folder, work = release
    dates = dates_of(work)
    assert len(dates) > 50
    manifest = manifest_of(folder)
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        is_table = path.suffix == ".parquet"
        text = "\n".join(leaves(rows_of(path))) if is_table else path.read_text("utf-8")
        if path.name in ("manifest.json", "README.md"):  # the exceptions, to the day
            text = text.replace(manifest.as_of.strftime("%Y-%m-%d"), "")
            if manifest.valid_until is not None:
                text = text.replace(manifest.valid_until.strftime("%Y-%m-%d"), "")
        numbers = set(
            re.findall(
                r"\d{4}-\d{2}(?:-\d{2})?|\d{2}\.\d{2}\.\d{4}|(?<![0-9a-f])\d{8,10}(?![0-9a-f])",
                text,
            )
        )
        assert numbers & dates == set(), path.name


def test_no_column_holds_a_time(release: Built) -> None:
    """A release has text, truth values and small numbers; nothing in it is wide enough for a time."""
    allowed = {pa.string(), pa.bool_(), pa.int32()}

    def kinds(kind: pa.DataType) -> Iterator[pa.DataType]:
        if pa.types.is_list(kind):
            yield from kinds(kind.value_type)
        elif pa.types.is_struct(kind):
            for field in kind:
                yield from kinds(field.type)
        else:
            yield kind

    for path in sorted(release[0].glob("*/*.parquet")):
        schema = pq.read_schema(path)
        assert {one for field in schema for one in kinds(field.type)} <= allowed, path.name


def test_the_day_of_expiry_is_told_to_the_day_alone(canaries: Canaries) -> None:
    """Of the earliest consent that expires the day is said, in manifest and card, and not the time."""
    release = canaries.outcomes["gated"].release
    valid_until = manifest_of(release).valid_until
    assert valid_until is not None
    assert valid_until.isoformat() == f"{EXPIRES[:10]}T00:00:00+00:00"
    assert [
        text for text in strings_in(release) if EXPIRES[11:16] in text and EXPIRES[:10] in text
    ] == []


def test_nothing_occurs_in_two_conversations(release: Built) -> None:
    """No key, grant or digest, of sixteen bytes and more, stands in rows of two conversations."""
    conversations: dict[str, set[str]] = {}
    of_dialogue: dict[str, str] = {}
    for path, rows in tables_in(release[0]):
        for row in rows:
            if path.parent.name == "tokens":
                continue
            if "dialogue_key" in row:
                of_dialogue[row["dialogue_key"]] = row["conversation_key"]
            for value in HEX.findall("\n".join(leaves(row))):
                conversations.setdefault(value, set()).add(row["conversation_key"])
    for path, rows in tables_in(release[0]):
        if path.parent.name == "tokens":
            for row in rows:
                assert HEX.findall("\n".join(leaves(row))) == [row["dialogue_key"]]
                assert row["dialogue_key"] in of_dialogue
    assert conversations
    assert {value: found for value, found in conversations.items() if len(found) > 1} == {}
    told = {
        value
        for name in ("manifest.json", "README.md")
        for value in HEX.findall((release[0] / name).read_text("utf-8"))
    }
    assert told.isdisjoint(conversations)


def test_no_key_of_the_workspace_stands_in_it(release: Built) -> None:
    """What names a person, a post or a text in the workspace names nothing in the release."""
    folder, work = release
    keys = {
        value.hex()
        for table in ("posts", "verdicts", "links", "aliases", "mentioned", "identities")
        for path in Workspace(work).table(table)
        for row in rows_of(path)
        for value in row.values()
        if isinstance(value, bytes)
    }
    assert len(keys) > 100
    told = {value for text in strings_in(folder) for value in HEX.findall(text)}
    assert told.isdisjoint(keys)
    events = {row["event_id"] for path in Workspace(work).table("posts") for row in rows_of(path)}
    assert [text for text in strings_in(folder) if any(event in text for event in events)] == []


def values_of(folder: Path) -> Counter[str]:
    """Give every value of a release that one could compare: cells, lines of text, leaves of the manifest."""
    found: Counter[str] = Counter()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        found[path.relative_to(folder).as_posix()] += 1
        if path.suffix == ".parquet":
            found.update(leaves(rows_of(path)))
        else:
            found.update(path.read_text("utf-8").splitlines())
    return found


def names_of(person: Person) -> tuple[str, ...]:
    """Give what identifies somebody."""
    handle = person.handle.lstrip("@")
    return person.uri, handle, person.profile, person.display_name, f"@{person.username}"


def changed(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """Name the places in which two JSON documents differ."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted(before.keys() | after.keys()):
            yield from changed(before.get(name), after.get(name), f"{where}/{name}")
    elif before != after:
        yield where


def test_what_a_withdrawal_changes_names_nobody(
    release_copy: ReleaseCopy, small_world: World
) -> None:
    """The difference between both releases holds no account, handle, name or address of anybody, and no date."""
    release = release_copy.release
    before, former = values_of(release), json.loads((release / "manifest.json").read_text("utf-8"))
    withdraw(release, [small_world.people[0].uri], now=NOW, event_id=EVENT)
    after, new = values_of(release), json.loads((release / "manifest.json").read_text("utf-8"))
    difference = "\n".join((before - after) + (after - before))
    assert len(difference) > 1_000
    everybody = [*small_world.people]
    assert [
        name
        for person in everybody
        for name in names_of(person)
        if name.casefold() in difference.casefold()
    ] == []
    assert EVENT.removeprefix("urn:uuid:") not in difference
    assert NOW.strftime("%Y-%m-%d") not in difference
    assert {place.split("/")[1] for place in changed(former, new)} <= {
        "build",
        "cells",
        "files",
        "languages",
        "law",
        "ledger",
        "legal",
        "licenses",
        "residual",
    }


def test_the_list_of_removed_rows_says_only_which_rows(
    release_copy: ReleaseCopy, small_world: World
) -> None:
    """Table, key and build: no reason, no time, no person; in the order of keys, not of people or of time."""
    release = release_copy.release
    withdraw(release, [one.uri for one in small_world.people[:2]], now=NOW, event_id=EVENT)
    lines = (release / "removed_keys.jsonl").read_text("utf-8").splitlines()
    listed = [json.loads(line) for line in lines]
    assert {tuple(one) for one in listed} == {("table", "key", "build")}
    assert [(one["table"], one["key"]) for one in listed] == sorted(
        (one["table"], one["key"]) for one in listed
    )
    assert len(listed) > 5


def test_that_rows_which_leave_together_belong_together_is_said(
    release_copy: ReleaseCopy, small_world: World
) -> None:
    """The card says it, and so does the certificate: it cannot be hidden from whoever kept an older copy."""
    done = withdraw(release_copy.release, [small_world.people[0].uri], now=NOW, event_id=EVENT)
    card = " ".join((release_copy.release / "README.md").read_text("utf-8").split())
    assert "Rows that leave together belong together" in card
    assert done.certificate.told.startswith(
        "Rows that leave together in one revision belong together"
    )
