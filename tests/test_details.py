"""What a refusal says about itself: in the workspace's table of verdicts, and in `inspect`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.ledger import Given, Ledger, append
from fedi_dataset.inspection import describe, inspect_exports
from fedi_dataset.pipeline import BuildReport, build
from fedi_dataset.release.legal import standings_of
from fedi_dataset.workspace import Workspace
from tests.conftest import AS_OF, ReleaseCopy
from tests.world import World, WrittenWorld

PREFERENCE = "record:community.lexicon.preference.ai"
TERMS = """
- host: {host}
  aliases: [renamed.example]
  forbids: true
  rule: no training
  since: 2026-01-01
  minimum_age: null
  source: https://{host}/terms
  checked_on: 2026-06-01
"""


def details_of(workspace: Path) -> dict[str, Counter[str | None]]:
    """Reason → detail → items, over all verdicts of the last build."""
    found: dict[str, Counter[str | None]] = {}
    for path in Workspace(workspace).table("verdicts"):
        for row in pq.read_table(path, columns=["reason", "detail"]).to_pylist():
            if row["reason"] is None:
                assert row["detail"] is None
            else:
                found.setdefault(row["reason"], Counter())[row["detail"]] += 1
    return found


def test_every_refusal_by_signal_or_license_says_which(built: BuildReport) -> None:
    """The table of verdicts has the signal's name and the license; other reasons speak for themselves."""
    details = details_of(built.workspace)
    assert details["signal_denied"].keys() == {"bio:#noai", PREFERENCE}
    assert details["license_refused"].keys() == {"CC-BY-NC-4.0"}
    law = built.law["items"].dropped
    assert {reason: sum(found.values()) for reason, found in details.items()} == {
        reason: law[reason] for reason in details
    }
    speaking = {"signal_denied", "license_refused"}
    assert all(
        found.keys() == {None} for reason, found in details.items() if reason not in speaking
    )


def test_inspect_shows_which(small_world: World, world: WrittenWorld) -> None:
    """Beside each reason, as data and in lines for people, and it counts as the build does."""
    person = next(one for one in small_world.people if one.role == "deny")
    (found,) = inspect_exports([world.exports[person.number]], world.ledger, AS_OF)
    denied = found["verdicts"]["signal_denied"]
    assert found["signals"] == [PREFERENCE]
    assert found["details"] == {"signal_denied": {PREFERENCE: denied}}
    assert f"            {denied} {PREFERENCE}" in list(describe(found))


def test_a_stewards_own_terms_refuse_until_an_author_crosses_them(
    release_copy: ReleaseCopy, small_world: World, tmp_path: Path
) -> None:
    """A file of theirs refuses a server; one author's word opens it for that author, and is counted apart."""
    copy = release_copy
    person = next(one for one in small_world.people if one.role == "plain")
    terms = tmp_path / "terms.yaml"
    terms.write_text(TERMS.format(host=person.host))
    config = BuildConfig(terms_files=(str(terms),))

    def again() -> dict[str, Any]:
        build(copy.exports, consent=copy.ledger, out=copy.release, config=config, as_of=AS_OF)
        state = Workspace(copy.work)
        posts = state.table("posts")
        return dict(standings_of(posts, Ledger.load(copy.ledger)).terms)

    assert again().keys() == {"unchecked", "no_server"}
    assert details_of(copy.work)["instance_terms"].keys() == {person.host}
    for path in copy.release.rglob("*"):
        assert not path.is_file() or str(tmp_path).encode() not in path.read_bytes()

    for event in Ledger.load(copy.ledger).events:
        if isinstance(event, Given) and event.accounts == (person.uri,):
            fields: dict[str, Any] = msgspec.structs.asdict(event)
            fields |= {"id": "urn:uuid:crossing", "terms_override": ("renamed.example",)}
            append(copy.ledger, type(event)(**fields))
    crossed = again()["crossed"]
    assert len(crossed) == 1
    assert sum(crossed.values()) > 0
