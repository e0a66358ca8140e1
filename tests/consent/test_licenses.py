"""Licenses over a table: what is read as what, what is refused, and how they are joined."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.consent.licenses import (
    DEFAULT_ALLOWED,
    and_of,
    check_allowable,
    is_allowed,
    parse_license,
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
        ("https://creativecommons.org/licenses/by/3.0/fr/", "CC-BY-3.0"),
        ("https://creativecommons.org/licenses/by/", "Write an SPDX id"),
        ("MIT AND CC-BYE-4.0", "CC-BY-4.0"),
        ("MIT AND", "'MIT AND' is no SPDX"),
        ("All Rights Reserved", "Write an SPDX id"),
        ("", "the license is empty"),
        ("(" * 5000, "characters"),
    ],
)
def test_nothing_is_guessed(text: str, hint: str) -> None:
    """A missing version, an unlisted port or an unknown title is an error that helps."""
    with pytest.raises(UsageError, match=re.escape(hint)):
        parse_license(text)


def test_the_default_takes_every_cc_by_that_spdx_lists() -> None:
    """CC0, the public domain mark, and CC BY in all versions and ports; nothing else."""
    from license_expression import get_spdx_licensing

    listed = {key for key in get_spdx_licensing().known_symbols if re.match(r"CC-BY-\d", key)}
    assert {"CC0-1.0", "CC-PDM-1.0", *listed} == DEFAULT_ALLOWED


@pytest.mark.parametrize(
    ("license_", "extra", "allowed"),
    [
        ("CC0-1.0", (), True),
        ("CC-BY-3.0-DE", (), True),
        ("CC BY 4.0", (), True),
        ("CC-BY-SA-4.0", (), False),
        ("CC-BY-SA-4.0", ("cc by-sa 4.0",), True),
        ("CC-BY-SA-3.0", ("CC-BY-SA-4.0",), False),
        ("CC-BY-NC-4.0", (), False),
        ("CC-BY-NC-4.0", ("CC-BY-NC-4.0",), True),
        ("CC-BY-ND-4.0", ("CC-BY-ND-4.0",), False),
        ("CC-BY-NC-ND-4.0", ("CC-BY-NC-ND-4.0",), False),
        ("CC-BY-4.0 AND CC0-1.0", (), True),
        ("CC-BY-4.0 AND MIT", (), False),
        ("CC-BY-4.0 AND MIT", ("MIT",), True),
        ("CC-BY-4.0 OR MIT", (), True),
        ("MIT OR Apache-2.0", (), False),
        ("CC-BY-4.0 AND (MIT OR CC0-1.0)", (), True),
        ("CC-BY-ND-4.0 OR CC-BY-4.0", (), True),
        ("CC-BY-ND-4.0 AND CC-BY-4.0", (), False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ("GPL-2.0-only",), False),
    ],
)
def test_which_licenses_a_build_takes(license_: str, extra: tuple[str, ...], allowed: bool) -> None:
    """Of AND all must be taken, of OR one; NoDerivatives never is."""
    assert is_allowed(license_, extra) is allowed


def test_what_a_config_may_ask_for() -> None:
    """One license that allows adaptations, in any spelling."""
    assert check_allowable("CC BY-SA 4.0") == "CC-BY-SA-4.0"
    with pytest.raises(UsageError, match="allows no adaptations"):
        check_allowable("CC-BY-ND-4.0")
    with pytest.raises(UsageError, match="one license at a time"):
        check_allowable("MIT AND CC-BY-SA-4.0")


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
    assert is_allowed(joined, ("MIT",))


def test_a_row_without_a_license_is_a_mistake() -> None:
    """No row is without one, so that none is made up."""
    with pytest.raises(ValueError, match="at least one"):
        and_of([])
