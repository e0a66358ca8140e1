"""One account in several spellings, posts named one by one, and people who come back: through whole builds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fedi_dataset.consent.ledger import Event, Exclude, Ledger, append
from fedi_dataset.errors import FediDatasetError
from fedi_dataset.pipeline import BuildReport, build
from fedi_dataset.release.erasure import withdraw
from fedi_dataset.release.lookup import lookup
from tests.commands import run
from tests.conftest import AS_OF, ReleaseCopy
from tests.consent.events import day, given, renewed, withdrawn
from tests.readers.exports import ALICE, HOST, create, members, note, saved, zipped
from tests.test_erasure import EVENT, NOW, OTHER_EVENT, THIRD_EVENT
from tests.test_pipeline import rows_of, words_of
from tests.world import World

PAGE = f"{HOST}/@alice"
LOUD = "HTTPS://Mastodon.EXAMPLE/users/alice"
HERON = "The heron came back to the pond behind the mill this morning."
BOAT = "We are repainting the old rowing boat before the summer begins."


def archive(folder: Path, name: str = "alice.zip", **actor: object) -> Path:
    """Alice's archive with two public posts."""
    posts = [note(1, content=f"<p>{HERON}</p>"), note(2, content=f"<p>{BOAT}</p>")]
    return saved(folder, name, zipped(members([create(one) for one in posts], **actor)))


def ledger(folder: Path, *events: Event) -> Path:
    """A ledger of these events."""
    path = folder / "ledger.jsonl"
    for event in events:
        append(path, event)
    return path


def made(folder: Path, *events: Event) -> BuildReport:
    """A build of Alice's archive under these events."""
    return build(
        [archive(folder)], consent=ledger(folder, *events), out=folder / "release", as_of=AS_OF
    )


def kept(report: BuildReport) -> list[str]:
    """Which of the two posts a release holds."""
    words = "\n".join(words_of(report))
    return [text for text in (HERON, BOAT) if text in words]


# --- spellings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [(PAGE, ALICE), (ALICE, PAGE), (LOUD, f"{PAGE}/")])
def test_a_renewal_in_another_spelling_takes_the_place_of_what_was_given(
    tmp_path: Path, first: str, second: str
) -> None:
    """By the profile's URL or the actor's, in whatever case: the newest consent decides."""
    report = made(
        tmp_path,
        given(id="urn:uuid:1", accounts=(first,)),
        renewed(
            id="urn:uuid:2",
            accounts=(second,),
            exclude=Exclude(posts=(f"{ALICE}/statuses/1",)),
        ),
    )
    assert kept(report) == [BOAT]


@pytest.mark.parametrize("taken", [PAGE, ALICE, LOUD, f"{LOUD}/"])
def test_a_withdrawal_in_any_spelling_reaches_a_renewal_in_another(
    tmp_path: Path, taken: str
) -> None:
    """Given by the profile's URL, renewed by the actor's, taken back by either."""
    with pytest.raises(FediDatasetError, match="withdr"):
        made(
            tmp_path,
            given(id="urn:uuid:1", accounts=(PAGE,)),
            renewed(id="urn:uuid:2", accounts=(ALICE,)),
            withdrawn(id="urn:uuid:3", accounts=(taken,), at=day(3)),
        )


@pytest.mark.parametrize("spelled", [PAGE, LOUD])
def test_a_release_forgets_whoever_withdraws_in_another_spelling(
    tmp_path: Path, spelled: str
) -> None:
    """`withdraw` knows the person by any spelling that the ledger, or their export, gave them."""
    report = made(
        tmp_path,
        given(id="urn:uuid:1", accounts=(PAGE,)),
        renewed(id="urn:uuid:2", accounts=(ALICE,)),
    )
    assert kept(report) == [HERON, BOAT]
    withdraw(report.release, [spelled], now=NOW, event_id=EVENT)
    assert not list(report.release.glob("*/*.parquet"))
    held = lookup(report.release, ALICE, now=NOW)
    assert (held.consenting, held.rows, held.texts) == (False, (), 0)


def test_an_export_that_writes_its_host_in_upper_case_is_of_the_same_account(
    tmp_path: Path,
) -> None:
    """Consent and withdrawal meet it; its posts are its own."""
    loud = json.loads(
        json.dumps(
            members([create(note(1, content=f"<p>{HERON}</p>"))])["outbox.json"].decode()
        ).replace("https://mastodon.example", "https://MASTODON.example")
    )
    files = members([], id=ALICE.replace("mastodon", "MASTODON"))
    path = saved(tmp_path, "loud.zip", zipped({**files, "outbox.json": loud.encode()}))
    book = ledger(tmp_path, given(id="urn:uuid:1"))
    report = build([path], consent=book, out=tmp_path / "release", as_of=AS_OF)
    assert kept(report) == [HERON]
    append(book, withdrawn(id="urn:uuid:2", at=day(3)))
    gone = build([path], consent=book, out=tmp_path / "release", as_of=AS_OF)
    assert kept(gone) == []
    assert gone.law["items"].dropped == {"consent_withdrawn": 1}


# --- posts named one by one -----------------------------------------------------------------------


def test_posts_that_the_ledger_names_in_vain_are_told(tmp_path: Path) -> None:
    """What matched no post of the build is in the report, on stderr and in --json; what matched is not."""
    book = ledger(
        tmp_path,
        given(id="urn:uuid:1", exclude=Exclude(posts=(f"{PAGE}/1", f"{PAGE}/77"))),
        withdrawn(
            id="urn:uuid:2", posts=(f"{ALICE}/statuses/88", f"{ALICE}/statuses/1/"), at=day(3)
        ),
    )
    out = tmp_path / "release"
    done = run(
        "build",
        archive(tmp_path),
        "--consent",
        book,
        "--out",
        out,
        "--as-of",
        "2026-07-01T00:00:00Z",
        "--json",
    )
    assert done.code == 0, done.err
    missing = [f"{PAGE}/77", f"{ALICE}/statuses/88"]
    assert done.data["unmatched_posts"] == sorted(missing)
    assert [
        post for post in missing if f"note: no export of this build holds {post}," in done.err
    ] == missing
    assert f"{PAGE}/1," not in done.err
    again = build([], consent=book, out=out, as_of=AS_OF, recorded=True)
    assert again.unmatched_posts == tuple(sorted(missing))


# --- who comes back -------------------------------------------------------------------------------


def test_whoever_comes_back_stays_masked_in_other_peoples_words(
    release_copy: ReleaseCopy, small_world: World
) -> None:
    """Consent after a withdrawal brings their posts back, and their name into nobody's."""
    person = small_world.people[0]
    withdraw(release_copy.release, [person.uri], now=NOW, event_id=EVENT)
    (own,) = (
        event
        for _, event in Ledger.load(release_copy.ledger).naming([person.uri])
        if event.id == EVENT
    )
    assert own.accounts == (person.uri,)
    append(release_copy.ledger, given(id=OTHER_EVENT, at=NOW, accounts=(person.uri,)))
    append(release_copy.ledger, renewed(id=THIRD_EVENT, at=NOW, accounts=(person.uri,)))
    for exports in (
        [],
        list(release_copy.exports),
    ):  # before their archive is there again, and after
        build(
            exports,
            consent=release_copy.ledger,
            out=release_copy.release,
            as_of=NOW,
            recorded=not exports,
        )
        released = repr(
            [rows_of(release_copy.release, table) for table in ("dialogues", "conversations")]
        )
        for one in small_world.people:
            assert one.display_name not in released
            assert one.handle.lstrip("@") not in released


# --- signals of what is gone ----------------------------------------------------------------------


def test_a_deny_in_an_export_whose_file_is_gone_still_counts(
    release_copy: ReleaseCopy, small_world: World, tmp_path: Path
) -> None:
    """#NoAI in an archive that was lost denies the account's other archive when somebody else withdraws."""
    append(release_copy.ledger, given(id=OTHER_EVENT))
    denying = archive(tmp_path, "denying.zip", summary="<p>Gardens. #NoAI</p>")
    newer = archive(tmp_path, "newer.zip", summary="<p>Gardens, again.</p>")
    first = build(
        [denying, newer],
        consent=release_copy.ledger,
        out=release_copy.release,
        as_of=NOW,
        add=True,
    )
    assert kept(first) == []
    denying.unlink()
    leaving = small_world.people[0].uri
    assert kept(withdraw(release_copy.release, [leaving], now=NOW, event_id=EVENT).report) == []
