"""What one export says of a post or an account holds for every other export, and for what was kept of one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fedi_dataset.consent.ledger import Withdrawn, append
from fedi_dataset.pipeline import BuildReport, build
from fedi_dataset.release.erasure import withdraw
from fedi_dataset.workspace import Workspace
from tests.conftest import AS_OF, ReleaseCopy
from tests.consent.events import given
from tests.readers.exports import ALICE, create, members, note, saved, zipped
from tests.test_erasure import EVENT, NOW, OTHER_EVENT
from tests.test_pipeline import longest_phrase, words_of
from tests.world import World

PUBLIC_POST = "The heron came back to the pond behind the mill this morning."
OTHER_POST = "We are repainting the old rowing boat before the summer begins."


def both(tmp_path: Path, newer: list[Any], **actor: object) -> BuildReport:
    """Build from two exports of one account: the first has both posts in public, the second is newer."""
    older = [note(1, content=f"<p>{PUBLIC_POST}</p>"), note(2, content=f"<p>{OTHER_POST}</p>")]
    exports = [
        saved(tmp_path, "older.zip", zipped(members([create(one) for one in older]))),
        saved(tmp_path, "newer.zip", zipped(members(newer, **actor))),
    ]
    ledger = tmp_path / "ledger.jsonl"
    append(ledger, given(accounts=(ALICE,)))
    return build(exports, consent=ledger, out=tmp_path / "release", as_of=AS_OF)


def released(report: BuildReport) -> str:
    """Give all words of a release."""
    return "\n".join(words_of(report))


def test_an_edit_that_is_not_public_any_more_takes_the_older_copy_along(tmp_path: Path) -> None:
    """The same post, now for followers only: no copy of it comes out, the other post does."""
    hidden = note(1, content=f"<p>{PUBLIC_POST}</p>", to=[f"{ALICE}/followers"], cc=[])
    report = both(tmp_path, [create(hidden)])
    assert PUBLIC_POST not in released(report)
    assert OTHER_POST in released(report)
    assert report.law["posts"].dropped == {"denied_by_copy": 1}


def test_a_deletion_in_one_export_reaches_the_others(tmp_path: Path) -> None:
    """A Delete activity, whichever export it stands in."""
    gone = {
        "id": f"{ALICE}/statuses/1#delete",
        "type": "Delete",
        "actor": ALICE,
        "object": {"id": f"{ALICE}/statuses/1", "type": "Tombstone"},
    }
    report = both(tmp_path, [gone])
    assert PUBLIC_POST not in released(report)
    assert OTHER_POST in released(report)
    assert report.law["items"].dropped == {"deleted": 1}


def test_a_signal_in_one_export_of_an_account_denies_them_all(tmp_path: Path) -> None:
    """Whoever writes #NoAI into the bio need not hope that the old archive is thrown away."""
    from fedi_dataset.errors import FediDatasetError

    with pytest.raises(FediDatasetError, match="carries a signal"):
        both(tmp_path, [create(note(3))], summary="<p>Gardens. #NoAI</p>")


def test_what_was_kept_of_a_lost_export_is_judged_again(
    release_copy: ReleaseCopy, small_world: World, tmp_path: Path
) -> None:
    """Somebody withdraws a single post, their archive is gone, somebody else withdraws: the post goes too."""
    leaving, other = small_world.people[0], small_world.people[1]
    workspace = Workspace(release_copy.work)
    state = workspace.state()
    away = tuple(
        msgspec.structs.replace(record, path=str(tmp_path / "away" / Path(record.path).name))
        for record in state.exports
    )
    workspace.record(msgspec.structs.replace(state, exports=away))
    truths = [one for one in small_world.posts() if one.author == other and one.reason is None]
    everything = "\n".join(one.text for one in small_world.posts() if one.author != other)
    mine = {longest_phrase(one) for one in truths} - {""}
    mine = {phrase for phrase in mine if phrase not in everything}
    event = Withdrawn(
        id=OTHER_EVENT,
        at=datetime(2026, 7, 10, tzinfo=UTC),
        accounts=(other.uri,),
        posts=(truths[0].uri,),
    )
    append(release_copy.ledger, event)
    done = withdraw(release_copy.release, [leaving.uri], now=NOW, event_id=EVENT)
    assert mine
    assert [phrase for phrase in mine if phrase in released(done.report)] == []
    assert done.report.law["items"].dropped["consent_changed"] == len(truths)
