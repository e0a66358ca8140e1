"""Canaries that a steward plants: valid in form, counted by arrival and survival, and gone afterwards."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest
from presidio_analyzer import predefined_recognizers as presidio

from fedi_dataset.errors import UsageError
from fedi_dataset.posts import Account
from fedi_dataset.privacy.detector import Detector
from fedi_dataset.privacy.operators import Operators
from fedi_dataset.privacy.patterns import checksums
from fedi_dataset.privacy.patterns.checksums import digits_of
from fedi_dataset.privacy.spans import ENTITIES, Span
from fedi_dataset.release.canaries import (
    CanaryReport,
    Survival,
    _Garden,
    plant_canaries,
)
from fedi_dataset.release.canary_values import KINDS, Kind, kinds_of, traces
from fedi_dataset.release.residual import suspects
from fedi_dataset.workspace import Workspace
from tests.commands import content_of, run
from tests.conftest import ReleaseCopy
from tests.talk import write_talk

OWNER = Account("https://social.example/users/kim", handles=("@kim@social.example",), names=("Kim Oster",))  # fmt: skip
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")
FORMS = {
    "HANDLE": "address",
    "DID": "DID",
    "PROFILE_URL": "profile",
    "POST_URL": "profile",
    "EMAIL_ADDRESS": "address",
    "PHONE_NUMBER": "telephone",
    "IBAN_CODE": "IBAN",
    "CREDIT_CARD": "card",
    "CRYPTO": "wallet",
    "GEO": "coordinates",
    "API_KEY": "secret",
}
CHECKS: dict[str, Callable[[str], bool | None]] = {
    "DEVICE_ID MAC": lambda value: value.startswith("00:00:5E:00:53:"),  # RFC 7042
    "DEVICE_ID IMEI": lambda value: value.startswith("00") and checksums.luhn(digits_of(value)),
    "GOVERNMENT_ID US": lambda value: not presidio.UsSsnRecognizer().invalidate_result(value),
    "GOVERNMENT_ID GB": lambda value: (
        re.fullmatch(presidio.UkNinoRecognizer().patterns[0].regex, value, re.IGNORECASE)
        is not None
    ),
    "GOVERNMENT_ID DE": presidio.DeTaxIdRecognizer().validate_result,
    "GOVERNMENT_ID FR": checksums.nir,
    "GOVERNMENT_ID ES": presidio.EsNifRecognizer().validate_result,
    "GOVERNMENT_ID IT": presidio.ItFiscalCodeRecognizer().validate_result,
    "GOVERNMENT_ID NL": lambda value: checksums.bsn(digits_of(value)),
    "GOVERNMENT_ID PT": lambda value: checksums.nif_pt(digits_of(value)),
    "GOVERNMENT_ID BR": lambda value: checksums.cpf(digits_of(value)),
}
"""Of what has a check that was written by others, or for another purpose."""


def garden(
    language: str, count: int = 4, kinds: Sequence[Kind] = KINDS
) -> tuple[_Garden, list[str]]:
    """Plant so many of each kind, one in a post, and give what the posts would say."""
    beds = {
        (f"{kind.name} {number}", 0): (language, [(kind, number)])
        for kind in kinds
        for number in range(count)
    }
    planted = _Garden(beds, kinds)
    return planted, ["\n".join(planted.sentences(spot, OWNER)) for spot in beds]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_values_are_valid_and_their_own(kind: object) -> None:
    """Another number gives another value; where a form has check digits, an independent check accepts them."""
    (found,) = [one for one in KINDS if one == kind]
    values = [found.make(number, OWNER) for number in range(20)]
    texts = [value for value in values if value is not None]
    assert len(texts) == 20
    if not found.name.startswith("own"):
        assert len(set(texts)) == 20
    if found.name in CHECKS:
        plain = [value if ":" in value else checksums.compact(value) for value in texts]
        assert all(CHECKS[found.name](value) for value in plain)
    if found.name in FORMS:
        assert all(
            FORMS[found.name] in suspects(f"it is {value} ok", Operators()) for value in texts
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_left_as_it_was_survives(language: str) -> None:
    """If nothing is masked, everything arrives and everything survives, in every language."""
    planted, texts = garden(language)
    assert {
        one.kind: (one.planted, one.arrived, one.survived) for one in planted.survivals(texts)
    } == {kind.name: (4, 4, 4) for kind in KINDS}


def test_what_is_masked_does_not_survive_and_what_is_gone_proves_nothing() -> None:
    """Masked values arrive and do not survive; a text that is not there has neither arrived nor been caught."""
    planted, texts = garden("en")
    left = [trace for one in planted.plants.values() for trace in traces(one.kind, one.value)]
    masked = [text.casefold() for text in texts]
    for trace in sorted(left, key=len, reverse=True):
        masked = [text.replace(trace, "[x]") for text in masked]
    assert {(one.arrived, one.survived) for one in planted.survivals(masked)} == {(4, 0)}
    assert {(one.arrived, one.rate, one.upper) for one in planted.survivals([])} == {(0, None, 1.0)}


def test_every_entity_has_a_canary() -> None:
    """What the detector masks is planted; towns and organizations only where the release masks them."""
    assert {kind.name.split()[0] for kind in KINDS} - {"own"} == ENTITIES.keys()
    planted = {kind.name for kind in kinds_of(())}
    assert {kind.name for kind in KINDS} - planted == {"PLACE", "ORGANIZATION"}
    assert {kind.name for kind in kinds_of(("places",))} == {*planted, "PLACE"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_detector_masks_every_kind(language: str, detector: Detector) -> None:
    """Of what has a form nothing is left; of what the model judges, no more than one in ten; all arrive."""
    planted, texts = garden(language, 10, kinds_of(()))
    masked = [mask(text, detector.detect(text, language)) for text in texts]
    survivals = list(planted.survivals(masked))
    assert {one.arrived for one in survivals} == {10}
    judged = {"own name", "PERSON", "STREET_ADDRESS", "ZIP_CODE"}
    assert {one.kind: one.survived for one in survivals if one.kind not in judged} == {
        kind.name: 0 for kind in kinds_of(()) if kind.name not in judged
    }
    assert max(one.survived for one in survivals) <= 1


def mask(text: str, spans: Iterable[Span]) -> str:
    """Put an asterisk for every character that lies in a span."""
    chars = list(text)
    for span in spans:
        chars[span.begin : span.end] = "*" * (span.end - span.begin)
    return "".join(chars)


def test_half_a_name_is_a_survivor() -> None:
    """A family name alone, or the user in an address, still tells who it is."""
    planted, texts = garden("en", 1)
    halves = [
        text.replace("Marlene ", "[PERSON_1] ").replace("@post.example.org", "") for text in texts
    ]
    survived = {one.kind: one.survived for one in planted.survivals(halves)}
    assert (survived["PERSON"], survived["EMAIL_ADDRESS"]) == (1, 1)


def test_only_what_is_certain_breaks() -> None:
    """A name that survives is told with its rate; an address that survives is a broken promise."""
    name = Survival("PERSON", False, 9, 8, 2)
    mail = Survival("EMAIL_ADDRESS", True, 9, 8, 1)
    assert CanaryReport((name,), 1, 1).ok
    assert not CanaryReport((name, mail), 1, 1).ok
    assert name.rate == 0.25


@pytest.mark.slow
def test_planting_in_a_release(release_copy: ReleaseCopy) -> None:
    """Every kind arrives, nothing certain survives, and neither release nor workspace keeps a trace of it."""
    before = content_of(release_copy.release), content_of(release_copy.work)
    report = plant_canaries(release_copy.release, 3)
    assert (content_of(release_copy.release), content_of(release_copy.work)) == before
    assert report.ok
    assert 0 < report.exports <= report.recorded
    assert [one.kind for one in report.kinds] == [kind.name for kind in kinds_of(())]
    assert all(0 < one.arrived <= one.planted <= 3 for one in report.kinds[1:])
    assert not Workspace(release_copy.work).scratch.exists()


@pytest.mark.slow
def test_audit_plants_on_request(release_copy: ReleaseCopy) -> None:
    """The command prints what became of each kind beside its checks, and what a sample suspects."""
    ran = run("audit", release_copy.release, "--canaries", 1, "--json")
    told = ran.data["canaries"]
    assert (ran.code, told["ok"]) == (0 if ran.data["ok"] else 1, True)
    assert told["kinds"].keys() == {kind.name for kind in kinds_of(())}
    own = told["kinds"].pop("own handle")["planted"]  # some accounts have none
    assert (own in (0, 1), {one["planted"] for one in told["kinds"].values()}) == (True, {1})
    assert all(one["upper"] > 0 for one in told["kinds"].values())
    assert ran.data["residual"]["upper"] > 0


@pytest.mark.slow
def test_no_more_is_planted_than_there_is_room_for(release_copy: ReleaseCopy) -> None:
    """At most three in a post, and as many of one kind as of any other."""
    report = plant_canaries(release_copy.release, 500)
    posts = sum(
        pq.read_metadata(one).num_rows for one in Workspace(release_copy.work).table("posts")
    )
    planted = {one.kind: one.planted for one in report.kinds}
    assert sum(planted.values()) <= 3 * posts
    drawn = {n for kind, n in planted.items() if not kind.startswith("own")}
    assert max(drawn) - min(drawn) <= 1
    assert report.ok


def test_nothing_to_plant_in_is_said(release_copy: ReleaseCopy, tmp_path: Path) -> None:
    """Without a release, its workspace, or any export that it was built from."""
    with pytest.raises(UsageError, match="no release at"):
        plant_canaries(tmp_path / "none", 1)
    workspace = Workspace(release_copy.work)
    state = workspace.state()
    away = tuple(msgspec.structs.replace(one, path=str(tmp_path / "away")) for one in state.exports)
    workspace.record(msgspec.structs.replace(state, exports=away))
    with pytest.raises(UsageError, match="none of the recorded exports"):
        plant_canaries(release_copy.release, 1)
    shutil.rmtree(release_copy.work)
    with pytest.raises(UsageError, match="no workspace at"):
        plant_canaries(release_copy.release, 1)


@pytest.mark.slow
def test_topics_are_planted_where_the_release_masks_them(classifier: Path, tmp_path: Path) -> None:
    """A release that masks places has towns planted in it, and no organizations."""
    talk = write_talk(tmp_path)
    release = tmp_path / "release"
    built = run(
        *("build", *talk.exports, "--consent", talk.ledger, "--out", release, "--workers", 1),
        *("--as-of", "2026-07-01T00:00:00Z", "--detector", f"transformers:{classifier}"),
        *("--detector-language", "pl", "--patterns-only-language", "en", "--also-mask", "places"),
    )
    assert built.code == 0
    report = plant_canaries(release, 1)
    assert [one.kind for one in report.kinds] == [kind.name for kind in kinds_of(("places",))]
    assert report.kinds[-1].kind == "PLACE"
