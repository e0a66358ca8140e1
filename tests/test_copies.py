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


def archive_of(folder: Path, name: str, content: str) -> Path:
    """The archive of somebody else on Alice's server, with one post."""
    uri = f"https://mastodon.example/users/{name}"
    post = note(1, attributedTo=uri, url=None, content=f"<p>{content}</p>")
    items = [create(post | {"id": f"{uri}/statuses/1"}, actor=uri)]
    return saved(folder, f"{name}.zip", zipped(members(items, id=uri, url=None, name=None)))


@pytest.mark.parametrize("spelled", [ALICE, "https://Mastodon.Example/users/alice"])
def test_a_signal_of_an_export_that_is_gone_denies_the_others(tmp_path: Path, spelled: str) -> None:
    """The newer archive said no and its file is lost: when somebody else withdraws, the older one stays out."""
    bob, carol = (f"https://mastodon.example/users/{name}" for name in ("bob", "carol"))
    mine = note(2, attributedTo=spelled, content=f"<p>{OTHER_POST}</p>")
    newer = members([create(mine, actor=spelled)], id=spelled, summary="<p>Gardens. #NoAI</p>")
    older = members([create(note(1, content=f"<p>{PUBLIC_POST}</p>"))])
    exports = [
        saved(tmp_path, "older.zip", zipped(older)),
        saved(tmp_path, "newer.zip", zipped(newer)),
        archive_of(tmp_path, "bob", "The kettle on the stove has been whistling for an hour."),
        archive_of(tmp_path, "carol", "My bicycle needs a new chain before the long weekend."),
    ]
    ledger = tmp_path / "ledger.jsonl"
    for number, account in enumerate((ALICE, bob, carol)):
        append(ledger, given(id=f"urn:uuid:{number}", accounts=(account,)))
    report = build(exports, consent=ledger, out=tmp_path / "release", as_of=AS_OF)
    assert len(list(words_of(report))) == 2
    exports[1].unlink()
    done = withdraw(tmp_path / "release", [bob], now=NOW, event_id=EVENT)
    assert done.report.law["items"].dropped["signal_denied"] == 2
    (left,) = words_of(done.report)
    assert "bicycle" in left


# --- whose word counts ----------------------------------------------------------------------------


def talk_of(folder: Path, forged: list[Any]) -> tuple[BuildReport, Path]:
    """Build a talk in which Bob answers Alice, with what Mallory's archive says of it besides."""
    bob, mallory = (f"https://mastodon.example/users/{name}" for name in ("bob", "mallory"))
    answer = note(
        1,
        attributedTo=bob,
        url=None,
        inReplyTo=f"{ALICE}/statuses/1",
        content="<p>I saw it as well, right behind the wheel of the mill.</p>",
    )
    answers = [create(answer | {"id": f"{bob}/statuses/1"}, actor=bob)]
    own = note(
        1,
        attributedTo=mallory,
        url=None,
        content="<p>Nobody here has ever asked me about my collection of stamps.</p>",
    )
    lies = [create(own | {"id": f"{mallory}/statuses/1"}, actor=mallory), *forged]
    exports = [
        saved(
            folder,
            "alice.zip",
            zipped(members([create(note(1, content=f"<p>{PUBLIC_POST}</p>"))])),
        ),
        saved(folder, "bob.zip", zipped(members(answers, id=bob, url=None, name=None))),
        saved(folder, "mallory.zip", zipped(members(lies, id=mallory, url=None, name=None))),
    ]
    ledger = folder / "ledger.jsonl"
    for number, account in enumerate((ALICE, bob, mallory)):
        append(ledger, given(id=f"urn:uuid:{number}", accounts=(account,)))
    return build(exports, consent=ledger, out=folder / "release", as_of=AS_OF), exports[2]


def test_nobody_else_says_what_a_post_answers_or_what_it_goes_by(tmp_path: Path) -> None:
    """What an archive claims of other people's posts (parents, other names, words, deletions) changes nothing."""
    bob, mallory = (f"https://mastodon.example/users/{name}" for name in ("bob", "mallory"))
    theirs = [f"{ALICE}/statuses/1", f"{bob}/statuses/1"]
    said = "<p>Alice and Bob never wrote this, whatever this archive says.</p>"
    lies: dict[str, Any] = {"inReplyTo": f"{mallory}/statuses/1", "content": said}
    forged = [
        *(
            create(note(2, **lies, attributedTo=mallory) | {"id": one}, actor=mallory)
            for one in theirs
        ),
        create(note(3, **lies) | {"id": theirs[0]}, actor=ALICE),
        create(note(4, **lies, attributedTo=bob, url=theirs[0]) | {"id": theirs[1]}, actor=bob),
        create(
            note(5, attributedTo=mallory, url=theirs[0], atomUri=theirs[1], content=None)
            | {"id": f"{mallory}/statuses/5"},
            actor=mallory,
        ),
        *(
            {"id": f"{one}#delete", "type": "Delete", "actor": mallory, "object": one}
            for one in theirs
        ),
    ]
    honest, hostile = tmp_path / "honest", tmp_path / "hostile"
    honest.mkdir()
    hostile.mkdir()
    expected, _ = talk_of(honest, [])
    report, _ = talk_of(hostile, forged)
    assert sorted(words_of(report)) == sorted(words_of(expected))
    assert len([row for row in words_of(report) if PUBLIC_POST in row]) == 2
    assert said[3:20] not in released(report)
    assert {one.code for one in report.quarantined} == {"bad_item"}
    assert len(report.quarantined) == 4
    assert report.law["items"].dropped["not_own"] == 2
