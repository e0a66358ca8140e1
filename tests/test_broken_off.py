"""Whoever is killed in the middle of an erasure leaves one of two clean states, and nothing that unmasks anybody."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fedi_dataset.consent.ledger import append
from fedi_dataset.consent.redaction import redact
from fedi_dataset.part import RETIRED, DamagedPart, read_part
from fedi_dataset.pipeline import build
from fedi_dataset.privacy.keys import key
from fedi_dataset.release.audit import audit
from fedi_dataset.release.erasure import withdraw
from fedi_dataset.retirement import retire
from fedi_dataset.suppression import Suppressed
from fedi_dataset.workspace import Workspace, default_workspace
from tests.conftest import AS_OF, ReleaseCopy
from tests.consent.events import given
from tests.readers.exports import create, members, note, saved, zipped
from tests.release.test_store import Crash, failing
from tests.test_damage import part_of_account, twin_of
from tests.test_erasure import EVENT, NOW, OTHER_EVENT, data_of, strings_below
from tests.test_pipeline import digest, words_of
from tests.world import Person, World


@pytest.fixture
def person(small_world: World) -> Person:
    """Somebody who talks a lot, and whom others name."""
    return small_world.people[0]


class Workshop:
    """A part of somebody who withdraws, in a folder of its own, with the tables of the hidden."""

    def __init__(self, folder: Path, part: Path, owner: bytes) -> None:
        self.folder, self.owner = folder, owner
        folder.mkdir()
        self.part = folder / "parts" / part.name
        shutil.copytree(part, self.part)
        self.hidden = Suppressed(folder, bytes(32))

    def work(self) -> None:
        """Retire the part and hide whom it names, as a build does."""
        kept = retire(self.part, [self.owner], self.hidden)
        self.hidden.update([self.part.with_name(kept.name)], [self.owner], [])

    def result(self) -> dict[str, str]:
        """What it comes to, but for what records that a table was exchanged."""
        files = digest(self.folder)
        return {path: sha for path, sha in files.items() if not path.endswith("part.json")}

    def names(self) -> set[str]:
        """What names somebody here, readable or hidden."""
        forms: set[str] = set()
        for file in self.folder.rglob("*.parquet"):
            if file.stem in ("identities", "suppressed"):
                forms |= {row["form"] for row in pq.read_table(file).to_pylist()}
        return forms


def workshops(folder: Path, part: Path, owner: bytes) -> Iterator[Workshop]:
    """Give as many as are wanted."""
    number = 0
    while True:
        yield Workshop(folder / str(number), part, owner)
        number += 1


def test_a_crash_at_any_step_of_retiring_leaves_the_part_or_what_is_kept_of_it(
    release_copy: ReleaseCopy, person: Person, tmp_path: Path
) -> None:
    """Each change of the file system is the last one once; then it is done again and comes to the same."""
    owner = key(Workspace(release_copy.work).secret(), "account", person.uri)
    part = part_of_account(release_copy, person)
    places = workshops(tmp_path / "shops", part, owner)
    (tmp_path / "shops").mkdir()
    whole = next(places)
    before = whole.names()
    with failing(0, Crash, forever=False) as count:
        whole.work()
    expected, steps = whole.result(), count[0]
    assert steps > 30
    assert before & whole.names() == set()
    for step in range(1, steps + 1):
        shop = next(places)
        with failing(step, Crash, forever=True), pytest.raises(Crash):
            shop.work()
        retired = shop.part.with_name(f"{shop.part.name[:32]}{RETIRED}")
        assert is_whole(shop.part) or is_whole(retired), step
        assert shop.names() & (before | whole.names()), step  # nobody is forgotten meanwhile
        shop.work()
        left = {path: sha for path, sha in shop.result().items() if ".tmp/" not in path}
        assert left == expected, step
        shutil.rmtree(shop.folder)


def is_whole(part: Path) -> bool:
    """Whether a part is there, and sound."""
    try:
        return read_part(part).name == part.name
    except DamagedPart:
        return False


@pytest.mark.parametrize("share", [0.1, 0.35, 0.6, 0.85])
def test_a_withdrawal_that_crashes_is_finished_by_the_next_command(
    release_copy: ReleaseCopy, person: Person, share: float
) -> None:
    """At whatever change of the file system: a build or a withdrawal later all is as if nothing had happened."""
    twins = [twin_of(release_copy, name) for name in ("whole", "built")]
    with failing(0, Crash, forever=False) as count:
        withdraw(twins[0].release, [person.uri], now=NOW, event_id=EVENT)
    expected = data_of(twins[0].release)
    for copy in (release_copy, twins[1]):
        before = data_of(copy.release)
        with failing(int(count[0] * share), Crash, forever=True), pytest.raises(Crash):
            withdraw(copy.release, [person.uri], now=NOW, event_id=EVENT)
        moving = (copy.release / ".staging" / "stride.json").exists()
        left = data_of(copy.release).items()
        clean = {path: sha for path, sha in left if not path.startswith(".staging/")}
        assert moving or clean in (before, expected)
        if copy is release_copy:
            done = withdraw(copy.release, [person.uri], now=NOW, event_id=OTHER_EVENT)
            assert done.certificate.removed_rows["dialogues"] > 0
        else:
            build(copy.exports, consent=copy.ledger, out=copy.release, as_of=AS_OF)
        after = data_of(copy.release)
        assert after.keys() == expected.keys()
        changed = {path for path in after if after[path] != expected[path]}
        assert changed <= {"manifest.json", "README.md"}  # the ledger's head
        assert audit(copy.release, now=NOW).ok
        left_over = {path.name for path in copy.work.rglob("*.tmp")}
        assert not {name for name in left_over if not name.startswith("2026")}  # a certificate's


# --- a new workspace under an old ledger ----------------------------------------------------------


def test_a_redacted_account_is_nobody_in_a_new_workspace(
    release_copy: ReleaseCopy, person: Person, small_world: World, tmp_path: Path
) -> None:
    """The ledger knows them by an HMAC alone, and their export lies among the others: no word, no name, no path."""
    withdraw(release_copy.release, [person.uri], now=NOW, event_id=EVENT)
    redact(release_copy.ledger, [person.uri], OTHER_EVENT, NOW)
    out = tmp_path / "new" / "release"
    report = build(release_copy.exports, consent=release_copy.ledger, out=out, as_of=AS_OF)
    released = "\n".join(words_of(report))
    own = [
        post.text for post in small_world.posts() if post.author == person and len(post.text) > 40
    ]
    assert own
    assert [text for text in own if text[:40] in released] == []
    assert person.display_name not in released
    work = default_workspace(out)
    for part in work.glob("parts/*/posts.parquet"):  # other people's own words apart
        pq.write_table(pq.read_table(part).drop_columns(["text"]), part)
    needles = (person.uri, person.handle, person.profile, f"{person.username}-{person.host[:6]}")
    found = {
        (path.name, needle)
        for path, text in strings_below(work)
        for needle in needles
        if needle in text
    }
    assert found == set()


def test_two_accounts_of_one_person_leave_in_one_step(tmp_path: Path) -> None:
    """One account is named, in another case of its host, and the posts of both are gone."""
    second = "https://Second.Example/users/Ada"
    first = "https://first.example/users/ada"
    other = "https://first.example/users/bob"
    exports = []
    for number, (uri, words) in enumerate(
        [
            (first, "The ferry was late again because of the fog this morning."),
            (second, "Nobody told me that the museum closes at five on Tuesdays."),
            (other, "My bicycle needs a new chain before the long weekend."),
        ]
    ):
        post = note(1, attributedTo=uri, url=None, content=f"<p>{words}</p>")
        files = members([create(post | {"id": f"{uri}/statuses/1"}, actor=uri)], id=uri, url=None)
        exports.append(saved(tmp_path, f"{number}.zip", zipped(files)))
    ledger = tmp_path / "ledger.jsonl"
    append(ledger, given(accounts=(first, second)))
    append(ledger, given(id="urn:uuid:bob", accounts=(other,)))
    report = build(exports, consent=ledger, out=tmp_path / "release", as_of=AS_OF)
    assert len(list(words_of(report))) == 3
    done = withdraw(
        tmp_path / "release",
        ["https://SECOND.example/users/Ada"],
        now=NOW,
        event_id=EVENT,
        delete_exports=True,
    )
    (left,) = words_of(done.report)
    assert "bicycle" in left
    assert {*done.deleted_exports} == {str(path) for path in exports[:2]}
    for path, text in strings_below(tmp_path / "release.work"):
        assert "users/ada" not in text.casefold(), path
