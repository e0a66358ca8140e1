"""Licenses over a table: what is read as what, what is refused, and how they are joined."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.licenses import (
    and_of,
    entries,
    is_listed,
    parse_license,
    readings,
)
from fedi_dataset.consent.targets import (
    DEFAULT_ALLOWED,
    duties,
    narrowed,
    spoken,
    target_of,
    verdict,
)
from fedi_dataset.errors import UsageError

CODES = ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd")
TITLES = {
    "by": "Attribution",
    "by-sa": "Attribution-ShareAlike",
    "by-nc": "Attribution-NonCommercial",
    "by-nd": "Attribution-NoDerivatives",
    "by-nc-sa": "Attribution-NonCommercial-ShareAlike",
    "by-nc-nd": "Attribution-NonCommercial-NoDerivatives",
}
EDITIONS = {
    "1.0": "Generic",
    "2.0": "Generic",
    "2.5": "Generic",
    "3.0": "Unported",
    "4.0": "International",
}


@pytest.mark.parametrize(("code", "version"), list(itertools.product(CODES, EDITIONS)))
def test_every_creative_commons_license_is_read_in_every_spelling(code: str, version: str) -> None:
    """URL, deed, legal code, short title, long title and id all name one SPDX id."""
    spdx = f"CC-{code.upper()}-{version}"
    spellings = [
        f"https://creativecommons.org/licenses/{code}/{version}/",
        f"http://www.creativecommons.org/licenses/{code}/{version}",
        f"creativecommons.org/licenses/{code}/{version}/deed.de",
        f"https://creativecommons.org/licenses/{code}/{version}/legalcode.pt-br",
        f"https://creativecommons.org/licenses/{code}/{version}/?ref=chooser-v1",
        f"CC {code.upper()} {version}",
        f"cc-{code}-{version}",
        f"Creative Commons {TITLES[code]} {version} {EDITIONS[version]} License",
        spdx,
    ]
    assert {parse_license(spelling) for spelling in spellings} == {spdx}


@pytest.mark.parametrize(
    ("text", "spdx"),
    [
        ("https://creativecommons.org/publicdomain/zero/1.0/deed.fr", "CC0-1.0"),
        ("CC0 1.0 Universal", "CC0-1.0"),
        ("CC0 1.0 Universal Public Domain Dedication", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0"),
        ("Public Domain Mark 1.0", "CC-PDM-1.0"),
        ("https://creativecommons.org/licenses/by/3.0/de/", "CC-BY-3.0-DE"),
        ("https://creativecommons.org/licenses/by/3.0/at/deed.en", "CC-BY-3.0-AT"),
        ("CC BY 3.0 IGO", "CC-BY-3.0-IGO"),
        ("https://creativecommons.org/licenses/by-sa/2.0/uk/", "CC-BY-SA-2.0-UK"),
        ("https://creativecommons.org/licenses/by-nd-nc/1.0/", "CC-BY-NC-ND-1.0"),
        ("CC BY v4.0", "CC-BY-4.0"),
        ("//creativecommons.org/licenses/by/4.0/deed.fr", "CC-BY-4.0"),
        ("//opensource.org/licenses/MIT", "MIT"),
        ("Attribution 4.0 International (CC BY 4.0)", "CC-BY-4.0"),
        ("CC0 1.0 Universal (CC0 1.0)", "CC0-1.0"),
        ("https://creativecommons.org/licenses/publicdomain/", "CC-PDDC"),
        ("The Unlicense", "Unlicense"),
        ("http://www.wtfpl.net/about/", "WTFPL"),
        ("MIT License", "MIT"),
        ("https://opensource.org/licenses/MIT", "MIT"),
        ("https://www.apache.org/licenses/LICENSE-2.0.txt", "Apache-2.0"),
        ("Apache License,  Version 2.0", "Apache-2.0"),
        ("GNU General Public License v3.0 or later", "GPL-3.0-or-later"),
        ("AGPL 3.0 only", "AGPL-3.0-only"),
        ("https://www.mozilla.org/en-US/MPL/2.0/", "MPL-2.0"),
        ("mit or cc0-1.0", "CC0-1.0 OR MIT"),
        ("MIT AND (CC0-1.0 OR MIT)", "MIT"),
        (
            "GPL-2.0-or-later WITH Classpath-exception-2.0",
            "GPL-2.0-or-later WITH Classpath-exception-2.0",
        ),
    ],
)
def test_what_is_read_as_what(text: str, spdx: str) -> None:
    """Public domain, ports that SPDX lists, and expressions in canonical form."""
    assert parse_license(text) == spdx


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("CC BY", "CC-BY-"),
        ("CC0", "CC0-1.0"),
        ("cc-by-sa", "CC-BY-SA-"),
        ("CC-BY-SA-5.0", "CC-BY-SA-4.0"),
        ("CC BY 4.0 Unported", "CC-BY-4.0"),
        ("Attribution 4.0 International (CC BY-SA 4.0)", "Write an SPDX id"),
        ("CC BY 4.0 (with a smile)", "Near it"),
        ("CC BY" + " (CC BY)" * 5000, "characters"),
        ("https://creativecommons.org/licenses/by/3.0/fr/", "CC-BY-3.0"),
        ("https://creativecommons.org/licenses/by/", "Write an SPDX id"),
        ("MIT AND CC-BYE-4.0", "CC-BY-4.0"),
        ("MIT AND", "'MIT AND' is no SPDX"),
        ("All Rights Reserved", "Write an SPDX id"),
        ("Attribution - Share Alike", "Write an SPDX id"),
        ("https://creativecommons.org/licenses/by-nc-sa/", "Write an SPDX id"),
        ("https://www.gnu.org/licenses/gpl-3.0.html", "Write an SPDX id"),
        ("GPLv3", "Near it"),
        ("", "the license is empty"),
        ("(" * 5000, "characters"),
    ],
)
def test_nothing_is_guessed(text: str, hint: str) -> None:
    """A missing version, an unlisted port or an unknown title is an error that helps."""
    with pytest.raises(UsageError, match=re.escape(hint)):
        parse_license(text)


@pytest.mark.parametrize("entry", entries().values(), ids=lambda entry: entry.id)
def test_the_list_names_what_spdx_names_in_one_way(entry: Any) -> None:
    """Each entry is an SPDX id, is found by every spelling it has, and no spelling is another's."""
    assert is_listed(entry.id)
    spellings = [*entry.titles, *(f"https://www.{url}/" for url in entry.urls), entry.id.lower()]
    assert {parse_license(one) for one in spellings} == {entry.id}


@pytest.mark.parametrize(
    ("stated", "possible"),
    [
        ("CC BY 4.0", ("CC-BY-4.0",)),
        ("CC BY-NC", 6),
        ("https://creativecommons.org/licenses/by-sa/", 10),
        ("CC0", ("CC0-1.0",)),
        ("Attribution - Non Commercial", 6),
        ("https://creativecommons.org/licenses/by/4.0/ AND cc0 1.0", ("CC-BY-4.0 AND CC0-1.0",)),
        ("CC BY 4.0 AND whatever I like", ()),
        ("All Rights Reserved", ()),
        ("LicenseRef-unreadable", ()),
    ],
)
def test_what_a_statement_may_mean(stated: str, possible: tuple[str, ...] | int) -> None:
    """Without its version any of its versions; several statements joined; nothing, if it is unknown."""
    found = readings(stated)
    assert (found if isinstance(possible, tuple) else len(found)) == possible


# --- the verdict table ----------------------------------------------------------------------------

PLAIN = ("CC0-1.0", "CC-PDM-1.0")
BY = ("CC-BY-1.0", "CC-BY-2.5-AU", "CC-BY-3.0-DE", "CC-BY-4.0")
SA = ("CC-BY-SA-2.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0")
NC = ("CC-BY-NC-3.0", "CC-BY-NC-4.0")
NC_SA = ("CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0")
ND = ("CC-BY-ND-4.0", "CC-BY-NC-ND-4.0", "CC-BY-ND-3.0-DE")
OTHERS = ("MIT", "Unlicense", "GPL-3.0-or-later", "ODbL-1.0", "Zlib", "CC-SA-1.0")
ALL = (*PLAIN, *BY, *SA, *NC, *NC_SA, *ND, *OTHERS)
TARGETS: dict[tuple[str, ...], str] = {
    (): "CC-BY-4.0",
    ("MIT",): "CC-BY-4.0",
    ("Unlicense", "MIT"): "CC-BY-4.0",
    ("CC-BY-SA-4.0",): "CC-BY-SA-4.0",
    ("CC BY-SA 3.0", "MIT"): "CC-BY-SA-3.0",
    ("CC-BY-SA-2.0", "CC-BY-SA-3.0"): "CC-BY-SA-3.0",
    SA: "CC-BY-SA-4.0",
    ("CC-BY-SA-2.1-JP", "CC-BY-SA-2.0"): "CC-BY-SA-2.5",
    ("CC-BY-SA-1.0",): "CC-BY-SA-1.0",
    ("CC-BY-NC-3.0",): "CC-BY-NC-4.0",
    NC: "CC-BY-NC-4.0",
    ("CC-BY-NC-SA-3.0",): "CC-BY-NC-SA-3.0",
    (*NC, *NC_SA): "CC-BY-NC-SA-4.0",
}


def expected(license_: str, target: tuple[str, ...]) -> str:
    """What the table must say, told apart by the license's name alone."""
    taken = {parse_license(one) for one in target} | {*PLAIN, *BY}
    if license_ not in taken:
        return "refuse"
    if "-SA-" in license_:
        return "allow-with-share-alike"
    return "allow" if license_ in {*PLAIN, "Unlicense"} else "allow-with-attribution"


@pytest.mark.parametrize(("license_", "target"), list(itertools.product(ALL, TARGETS)))
def test_the_verdict_on_every_license_for_every_target(
    license_: str, target: tuple[str, ...]
) -> None:
    """Only what a target names is taken, by what it asks for; NoDerivatives and copyleft nowhere."""
    assert verdict(license_, target_of(target)) == expected(license_, target)


@pytest.mark.parametrize(("target", "own"), TARGETS.items())
def test_the_license_of_the_release(target: tuple[str, ...], own: str) -> None:
    """BY and BY-SA make BY-SA, several versions the latest, NC is NC; the order asks for nothing else."""
    assert target_of(target).license == own
    assert target_of(tuple(reversed(target))).license == own


@pytest.mark.parametrize(
    ("licenses", "why"),
    [
        (("CC-BY-SA-4.0", "CC-BY-NC-4.0"), "exclude each other"),
        (("CC-BY-NC-SA-4.0", "CC-BY-SA-3.0"), "exclude each other"),
        (("CC-BY-SA-1.0", "CC-BY-SA-4.0"), "version 1.0 allows adaptations under itself only"),
        (("CC-BY-ND-4.0",), "allows no adaptations"),
        (("CC-BY-NC-ND-4.0",), "allows no adaptations"),
        (("GPL-3.0-or-later",), "may ask for more"),
        (("ODbL-1.0",), "may ask for more"),
        (("Zlib",), "may ask for more"),
        (("MIT AND CC-BY-SA-4.0",), "one license at a time"),
        (("CC BY",), "without its version"),
    ],
)
def test_what_no_config_can_ask_for(licenses: tuple[str, ...], why: str) -> None:
    """Licenses that no release can hold, alone or together, are an error in the config."""
    with pytest.raises(UsageError, match=why):
        BuildConfig(allow_licenses=licenses)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(ALL), st.sampled_from(ALL), st.sampled_from(list(TARGETS)))
def test_and_is_as_strict_as_its_parts_and_or_as_mild(
    one: str, other: str, target: tuple[str, ...]
) -> None:
    """The verdict on an expression follows from those on its parts."""
    order = ["allow", "allow-with-attribution", "allow-with-share-alike", "refuse"]
    goal = target_of(target)
    answers = sorted((verdict(one, goal), verdict(other, goal)), key=order.index)
    assert verdict(f"{one} AND {other}", goal) == answers[1]
    assert verdict(f"{one} OR {other}", goal) == answers[0]


def test_an_exception_is_another_license() -> None:
    """What WITH adds to a license is not what the license alone is."""
    assert verdict("MIT WITH Classpath-exception-2.0", target_of(("MIT",))) == "refuse"


def test_the_default_takes_every_cc_by_that_spdx_lists() -> None:
    """CC0, the public domain mark, and CC BY in all versions and ports; nothing else."""
    from license_expression import get_spdx_licensing

    listed = {key for key in get_spdx_licensing().known_symbols if re.match(r"CC-BY-\d", key)}
    assert {"CC0-1.0", "CC-PDM-1.0", *listed} == DEFAULT_ALLOWED


def test_every_creative_commons_license_that_spdx_lists_has_known_duties() -> None:
    """Its elements are read off its id; what is merely spelled like one has none that are known."""
    from license_expression import get_spdx_licensing

    for key in get_spdx_licensing().known_symbols:
        if key.startswith("CC-BY"):
            assert "attribution" in duties(key)
            assert ("share-alike" in duties(key)) == ("-SA" in key)
            assert ("non-commercial" in duties(key)) == ("-NC" in key)
            assert ("no-derivatives" in duties(key)) == ("-ND" in key)
    assert duties("CC-BY-9.0") == {"unknown"}


# --- what a post states itself --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("granted", "stated", "target", "row"),
    [
        ("CC-BY-4.0", "CC BY 4.0", (), "CC-BY-4.0"),
        ("CC-BY-4.0", "CC BY", (), "CC-BY-4.0"),
        ("CC-BY-4.0", "CC0", (), "CC-BY-4.0"),
        ("CC-BY-4.0", "CC BY 3.0 DE", (), "CC-BY-4.0"),
        ("CC0-1.0", "CC BY 4.0", (), "CC-BY-4.0 AND CC0-1.0"),
        ("CC0-1.0", "CC BY", (), None),
        ("CC-BY-4.0", "CC BY-NC-SA 4.0", (), None),
        ("CC-BY-4.0", "CC BY-NC-SA", (), None),
        ("CC-BY-4.0", "CC BY-SA 4.0", (), None),
        ("CC-BY-4.0", "CC BY-SA 4.0", ("CC-BY-SA-4.0",), "CC-BY-4.0 AND CC-BY-SA-4.0"),
        ("CC-BY-4.0", "CC BY-SA", ("CC-BY-SA-4.0",), None),
        ("CC-BY-SA-4.0", "CC BY-SA", ("CC-BY-SA-4.0",), "CC-BY-SA-4.0"),
        ("CC-BY-4.0", "CC BY-ND 4.0", ("CC-BY-SA-4.0",), None),
        ("CC-BY-4.0", "All Rights Reserved", (), None),
        ("CC-BY-4.0", "LicenseRef-unreadable", (), None),
        ("CC-BY-4.0", "GPL-3.0-or-later", (), None),
        ("CC-BY-4.0", "CC-BY-NC-4.0 OR CC-BY-SA-4.0", (), None),
        ("CC-BY-4.0", "CC-BY-NC-4.0 OR CC-BY-3.0", (), "(CC-BY-3.0 OR CC-BY-NC-4.0) AND CC-BY-4.0"),
        ("CC-BY-4.0 OR CC-BY-NC-4.0", "CC-BY-NC-4.0", (), None),
    ],
)
def test_a_statement_narrows_a_grant(
    granted: str, stated: str, target: tuple[str, ...], row: str | None
) -> None:
    """It refuses or is joined to the grant where it asks for more, and changes nothing where it does not."""
    assert narrowed(granted, stated, target_of(target)) == row


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(ALL), st.sampled_from(ALL), st.sampled_from(list(TARGETS)))
def test_no_statement_widens(granted: str, stated: str, target: tuple[str, ...]) -> None:
    """Whatever comes of a grant that is refused is refused, and of any other it keeps the grant."""
    goal = target_of(target)
    row = narrowed(granted, stated, goal)
    if row is not None:
        assert granted in row.split(" AND ")
        assert verdict(row, goal) in (verdict(granted, goal), verdict(stated, goal))


def test_a_statement_is_told_in_our_words() -> None:
    """A detail names the license, or says that it cannot, and never quotes the post."""
    assert spoken("cc by-nc-sa 4.0") == "CC-BY-NC-SA-4.0"
    assert spoken("CC BY-NC-SA") == "CC-BY-NC-SA without its version"
    assert spoken("ask me first") == "one that cannot be read"


# --- joining --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("licenses", "joined"),
    [
        (["CC-BY-4.0"], "CC-BY-4.0"),
        (["CC0-1.0", "CC-BY-4.0", "CC0-1.0"], "CC-BY-4.0 AND CC0-1.0"),
        (["CC BY 4.0", "MIT AND CC-BY-4.0"], "CC-BY-4.0 AND MIT"),
        (["MIT OR CC0-1.0"], "CC0-1.0 OR MIT"),
        (["MIT OR CC0-1.0", "CC-BY-4.0"], "CC-BY-4.0 AND (CC0-1.0 OR MIT)"),
    ],
)
def test_a_row_has_the_licenses_of_all_its_turns(licenses: list[str], joined: str) -> None:
    """Distinct, sorted, flat."""
    assert and_of(licenses) == joined


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["CC0-1.0", "CC-BY-4.0", "MIT OR CC0-1.0", "CC-BY-3.0-DE AND MIT"]),
        min_size=1,
    )
)
def test_joining_is_deterministic_idempotent_and_readable(licenses: list[str]) -> None:
    """Order and repetition change nothing, and what comes out is itself SPDX."""
    joined = and_of(licenses)
    assert joined == and_of(reversed(licenses)) == and_of([joined, *licenses])
    assert verdict(joined, target_of(("MIT",))) != "refuse"


def test_a_row_without_a_license_is_a_mistake() -> None:
    """No row is without one, so that none is made up."""
    with pytest.raises(ValueError, match="at least one"):
        and_of([])
