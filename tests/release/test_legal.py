"""What a release says about law: exact in the workspace, and pointing at nobody outside it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.ledger import Given
from fedi_dataset.release.legal import Standings
from tests.consent.events import given

CROWD = frozenset(f"person {number}" for number in range(10))


def standings(
    *consents: Given,
    terms: Mapping[str, Mapping[str, int]] | None = None,
    unchecked: Mapping[str, frozenset[str]] | None = None,
) -> Standings:
    """Standings of these consents."""
    return Standings(
        {str(number): one for number, one in enumerate(consents)}, terms or {}, unchecked or {}
    )


@pytest.mark.parametrize(
    ("stated", "configured", "controllers"),
    [
        (
            ("https://b.example", "https://a.example"),
            None,
            ("https://a.example", "https://b.example"),
        ),
        (("https://a.example",), "https://me.example", ("https://a.example",)),
        (
            ("https://a.example", None),
            "https://me.example",
            ("https://a.example", "https://me.example"),
        ),
        ((None,), None, ()),
        ((), "https://me.example", ()),
    ],
)
def test_controllers_are_those_of_the_consents(
    stated: tuple[str | None, ...], configured: str | None, controllers: tuple[str, ...]
) -> None:
    """Each once, sorted; the config's only where a consent names none."""
    of = standings(*(given(controller=one) for one in stated))
    assert of.legal(BuildConfig(controller=configured)).controllers == controllers


def test_the_license_follows_from_the_config_alone() -> None:
    """Whoever comes or goes, a release stays under its license."""
    shared = BuildConfig(allow_licenses=("CC-BY-SA-4.0",))
    for of in (standings(), standings(given(license="CC0-1.0"))):
        assert of.legal(BuildConfig()).license == "CC-BY-4.0"
        assert of.legal(shared).license == "CC-BY-SA-4.0"


def test_small_crowds_are_told_together() -> None:
    """Counts keep their sum, and none of them has few people behind it."""
    many = dict.fromkeys(CROWD, 2)
    of = standings(terms={"checked": many, "crossed": {"person 1": 5}, "unchecked": {"x": 1}})
    assert of.legal(BuildConfig()).terms == {"other": 26}
    of = standings(terms={"checked": many, "unchecked": many})
    assert of.legal(BuildConfig()).terms == {"checked": 20, "unchecked": 20}


@pytest.mark.parametrize(("people", "servers"), [(sorted(CROWD), 2), (sorted(CROWD)[1:], None)])
def test_servers_are_counted_where_a_crowd_is_on_them(
    people: list[str], servers: int | None
) -> None:
    """A server with one person is that person, so that few people's servers are not even counted."""
    unchecked = {"a.example": frozenset(people[:1]), "b.example": frozenset(people[1:])}
    assert standings(unchecked=unchecked).legal(BuildConfig()).unchecked_servers == servers


def test_only_who_chose_a_name_is_named() -> None:
    """``none`` and blanks are no names."""
    asked = [given(attribution=one) for one in ("none", " ", "Alice A.", "@bob@harbor.example")]
    assert standings(*asked).named == {"2": "Alice A.", "3": "@bob@harbor.example"}
