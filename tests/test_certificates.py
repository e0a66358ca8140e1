"""A certificate accounts for all that was removed since the event, whoever did it and whatever broke off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import datasets
import pytest

from fedi_dataset.consent.ledger import Ledger, Withdrawn, append
from fedi_dataset.pipeline import build
from fedi_dataset.release import erasure
from fedi_dataset.release.erasure import Certificate, withdraw
from tests.commands import run
from tests.conftest import AS_OF, ReleaseCopy
from tests.consent.events import given
from tests.test_damage import twin_of
from tests.test_erasure import EVENT, NOW, OTHER_EVENT, THIRD_EVENT, data_of
from tests.test_pipeline import rows_of
from tests.world import Person, World

Break = Callable[[ReleaseCopy, Person, pytest.MonkeyPatch], None]


@pytest.fixture
def person(small_world: World) -> Person:
    """Somebody who talks a lot."""
    return small_world.people[0]


def build_again(copy: ReleaseCopy) -> Any:
    """Build over the copied release."""
    return build(copy.exports, consent=copy.ledger, out=copy.release, as_of=AS_OF)


def accounted(certificate: Certificate) -> tuple[object, ...]:
    """What two certificates of the same erasure have in common."""
    return (
        certificate.before,
        {**certificate.after, "manifest": "", "ledger": ""},
        certificate.removed_rows,
        {path for path in certificate.changed_files if path.endswith(".parquet")},
    )


def killed(*_: Any, **__: Any) -> None:
    """End the command here."""
    raise KeyboardInterrupt


def breaks_off(
    copy: ReleaseCopy, person: Person, patch: pytest.MonkeyPatch, name: str = "build"
) -> None:
    """Begin a withdrawal and be killed at a step of it."""
    with patch.context() as patched:
        patched.setattr(erasure, name, killed)
        with pytest.raises(KeyboardInterrupt):
            withdraw(copy.release, [person.uri], now=NOW, event_id=EVENT)


def before_the_build(copy: ReleaseCopy, person: Person, patch: pytest.MonkeyPatch) -> None:
    """Be killed between the event and the build."""
    breaks_off(copy, person, patch)


def before_the_build_that_another_did(
    copy: ReleaseCopy, person: Person, patch: pytest.MonkeyPatch
) -> None:
    """Be killed between the event and the build, and then build."""
    breaks_off(copy, person, patch)
    build_again(copy)


def before_the_certificate(copy: ReleaseCopy, person: Person, patch: pytest.MonkeyPatch) -> None:
    """Be killed when everything is published."""
    breaks_off(copy, person, patch, "keep")


def in_the_ledger_alone(copy: ReleaseCopy, person: Person, patch: pytest.MonkeyPatch) -> None:
    """Withdraw in the ledger, and build."""
    append(copy.ledger, Withdrawn(id=EVENT, at=NOW, accounts=(person.uri,)))
    build_again(copy)


@pytest.mark.parametrize(
    "broken",
    [
        before_the_build,
        before_the_build_that_another_did,
        before_the_certificate,
        in_the_ledger_alone,
    ],
)
def test_the_account_begins_before_the_first_event(
    release_copy: ReleaseCopy, person: Person, monkeypatch: pytest.MonkeyPatch, broken: Break
) -> None:
    """The second withdrawal's certificate says what an unbroken one would have said."""
    twin = twin_of(release_copy, "twin")
    whole = withdraw(twin.release, [person.uri], now=NOW, event_id=EVENT).certificate
    assert (whole.event, whole.first_event) == (EVENT, EVENT)
    broken(release_copy, person, monkeypatch)
    again = withdraw(release_copy.release, [person.uri], now=NOW, event_id=OTHER_EVENT)
    certificate = again.certificate
    assert (certificate.event, certificate.first_event) == (OTHER_EVENT, EVENT)
    assert accounted(certificate) == accounted(whole)
    assert sum(whole.removed_rows.values()) > 0
    assert data_of(release_copy.release).keys() == data_of(twin.release).keys()


def test_who_comes_back_and_goes_again_is_accounted_for_from_then_on(
    release_copy: ReleaseCopy, person: Person
) -> None:
    """A new consent ends the account of the former withdrawal."""
    first = withdraw(release_copy.release, [person.uri], now=NOW, event_id=EVENT).certificate
    consent = held_consent_of(release_copy, person)
    append(release_copy.ledger, given(**{**consent, "id": THIRD_EVENT, "at": AS_OF}))
    back = build_again(release_copy)
    assert back.written
    second = withdraw(
        release_copy.release, [person.uri], now=NOW + timedelta(days=1), event_id=OTHER_EVENT
    ).certificate
    assert (second.event, second.first_event) == (OTHER_EVENT, OTHER_EVENT)
    assert second.before["build"] == back.manifest.build != first.after["build"]
    assert second.removed_rows["dialogues"] > 0


def held_consent_of(copy: ReleaseCopy, person: Person) -> dict[str, Any]:
    """The fields of the consent that somebody gave once."""
    events = Ledger.load(copy.ledger).naming([person.uri])
    consent = events[0][1]
    return {name: getattr(consent, name) for name in consent.__struct_fields__}


# --- caches ---------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release_copy: ReleaseCopy) -> Path:
    """A datasets cache of our own, into which the release is loaded."""
    folder = tmp_path / "datasets"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
    datasets.load_dataset(str(release_copy.release), "dialogues", cache_dir=str(folder))
    assert list(folder.rglob("*.arrow"))
    return folder


def test_a_build_that_removes_rows_deletes_the_caches_that_hold_them(
    release_copy: ReleaseCopy, person: Person, cache: Path
) -> None:
    """After a withdrawal in the ledger alone no training script goes on loading what was withdrawn."""
    ran = run("consent", "withdraw", release_copy.ledger, person.uri)
    assert ran.code == 0, ran.err
    report = build_again(release_copy)
    assert len(report.caches.deleted) == 1
    assert list(cache.rglob("*.arrow")) == []
    assert build_again(release_copy).caches.deleted == ()


def test_a_build_that_removes_nothing_leaves_caches_alone(
    release_copy: ReleaseCopy, cache: Path
) -> None:
    """They hold what the release holds."""
    assert build_again(release_copy).caches.deleted == ()
    assert list(cache.rglob("*.arrow"))


def test_caches_that_a_broken_build_left_are_deleted_by_the_next(
    release_copy: ReleaseCopy, person: Person, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between publication and purge nothing is forgotten, whichever command comes next."""
    append(release_copy.ledger, Withdrawn(id=EVENT, at=NOW, accounts=(person.uri,)))
    with monkeypatch.context() as patched:
        patched.setattr("fedi_dataset.pipeline.purge", killed)
        with pytest.raises(KeyboardInterrupt):
            build_again(release_copy)
    assert list(cache.rglob("*.arrow"))
    report = build_again(release_copy)
    assert not report.written
    assert len(report.caches.deleted) == 1
    assert list(cache.rglob("*.arrow")) == []


def test_where_removed_rows_cannot_be_named_every_cache_of_the_release_goes(
    release_copy: ReleaseCopy, person: Person, cache: Path
) -> None:
    """Shards and cells are damaged, so that nobody can tell which rows a cache has of them."""
    rows = rows_of(release_copy.release, "dialogues")
    datasets.load_dataset(str(release_copy.release), "conversations", cache_dir=str(cache))
    for file in [*release_copy.release.glob("*/*.parquet"), *release_copy.work.glob("cells/*")]:
        file.write_bytes(file.read_bytes()[:40])
    done = withdraw(release_copy.release, [person.uri], now=NOW, event_id=EVENT)
    assert done.certificate.shortfalls
    assert 0 < len(rows_of(release_copy.release, "dialogues")) < len(rows)
    assert len(done.certificate.deleted_caches) == 2
    assert list(cache.rglob("*.arrow")) == []
