"""Whom a release names, and under what it says that it stands."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fedi_dataset.consent.ledger import Given, Ledger, Withdrawn, append
from fedi_dataset.privacy.keys import key_hex
from fedi_dataset.release.attribution import (
    ATTRIBUTION,
    LICENSE,
    attribution_text,
    license_text,
    license_url,
    names_in,
)
from fedi_dataset.release.audit import audit
from fedi_dataset.release.manifest import read_manifest
from tests.conftest import AS_OF, ReleaseCopy
from tests.release.test_manifest import MADE
from tests.world import Person, World

SECRET = b"s" * 32


def row(conversation: str, *events: str) -> tuple[str, tuple[str, ...]]:
    """A row of a conversation that rests on these consents."""
    return conversation, tuple(key_hex(SECRET, "grant", one, conversation) for one in events)


def test_only_who_has_a_row_is_named() -> None:
    """By the words of the consent that the row rests on, each once, in alphabetical order."""
    named = {"e1": "zoë", "e2": "Alice A.", "e3": "Nobody Here", "e4": "zoë", "e5": "alice b."}
    rows = [row("c1", "e1", "other"), row("c2", "e4", "e2"), row("c3", "e5"), row("c4", "e2")]
    assert names_in(rows, named, SECRET) == ("Alice A.", "alice b.", "zoë")
    assert names_in([("c9", row("c1", "e1")[1])], named, SECRET) == ()
    assert names_in(rows, {}, SECRET) == ()


def test_the_order_of_rows_does_not_show() -> None:
    """The list is the same for any order of rows and consents, so that it tells nothing about them."""
    named = {f"e{number}": f"Name {number}" for number in range(9)}
    rows = [row(f"c{number}", f"e{number % 9}") for number in range(30)]
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        shuffled = dict(random.Random(seed).sample(sorted(named.items()), len(named)))
        assert names_in(rows, shuffled, SECRET) == tuple(sorted(named.values()))


def test_a_name_is_one_plain_line() -> None:
    """Breaks, markup and marks that turn the text around cannot make more of it."""
    named = {"e": "Eve\n# <b>*Root*</b> [x](y) \u202etac\x07 & `co`"}
    (name,) = names_in([row("c", "e")], named, SECRET)
    assert name == "Eve # <b>*Root*</b> [x](y) tac & `co`"
    assert (
        "* Eve # &lt;b&gt;\\*Root\\*&lt;/b&gt; \\[x\\](y) tac &amp; \\`co\\`\n"
        in attribution_text([name])
    )


@pytest.mark.parametrize(
    ("spdx", "url"),
    [
        ("CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
        ("CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/"),
        ("CC-BY-NC-SA-3.0-DE", "https://creativecommons.org/licenses/by-nc-sa/3.0/de/"),
        ("MIT", "https://spdx.org/licenses/MIT.html"),
    ],
)
def test_the_address_of_a_license(spdx: str, url: str) -> None:
    """That of Creative Commons for theirs, that of SPDX for others."""
    assert license_url(spdx) == url


def test_a_license_file_says_what_each_license_asks_for() -> None:
    """The release's own license first, then those of its rows, and the names where there are any."""
    config = {"allow_licenses": ("cc by-nc-sa 4.0",)}
    legal = msgspec.structs.replace(MADE.legal, license="CC-BY-NC-SA-4.0")
    licenses = ("CC-BY-4.0", "CC-BY-NC-SA-4.0", "CC0-1.0")
    manifest = msgspec.structs.replace(MADE, config=config, legal=legal, licenses=licenses)
    text = license_text(manifest, names=False)
    assert (
        "licensed under **CC-BY-NC-SA-4.0**: <https://creativecommons.org/licenses/by-nc-sa/4.0/>"
        in text
    )
    lines = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("* ")}
    assert lines.keys() == set(licenses)
    assert "name the authors" in lines["CC-BY-4.0"]
    assert lines["CC-BY-NC-SA-4.0"].endswith("or a later version of it; not for commercial use")
    assert "asks for nothing" in lines["CC0-1.0"]
    assert ATTRIBUTION not in text
    assert ATTRIBUTION in license_text(manifest, names=True)


# --- in a release ---------------------------------------------------------------------------------


def naming(path: Path, names: dict[str, str]) -> None:
    """Have accounts renew their consents in a ledger, wanting to be named so."""
    for event in Ledger.load(path).events:
        if isinstance(event, Given) and event.accounts[0] in names:
            fields: dict[str, Any] = msgspec.structs.asdict(event)
            fields |= {"id": f"{event.id}-named", "attribution": names[event.accounts[0]]}
            append(path, type(event)(**fields))


def rebuilt(copy: ReleaseCopy, exports: Iterable[Path]) -> dict[str, bytes]:
    """Build again; the release's files that are no data."""
    from fedi_dataset.pipeline import build

    build(list(exports), consent=copy.ledger, out=copy.release, as_of=AS_OF)
    return {path.name: path.read_bytes() for path in copy.release.glob("*.*")}


def people(world: World, *roles: str) -> list[Person]:
    """People who play these parts."""
    return [one for one in world.people if one.role in roles]


def test_a_release_names_who_asked_for_it_until_they_withdraw(
    release_copy: ReleaseCopy, small_world: World
) -> None:
    """A handle and a pseudonym stand in one file alone, which goes with the last of them."""
    copy = release_copy
    plain, other, *_ = people(small_world, "plain")
    refused = people(small_world, "no_ai")[0]
    assert not (copy.release / ATTRIBUTION).exists()
    assert (copy.release / LICENSE).exists()
    naming(copy.ledger, {plain.uri: plain.handle, other.uri: "The Tea Poet", refused.uri: "Never"})
    files = rebuilt(copy, copy.exports)
    listed = [one for one in files[ATTRIBUTION].decode().splitlines() if one.startswith("* ")]
    assert listed == sorted([f"* {plain.handle}", "* The Tea Poet"], key=str.casefold)
    for name, content in files.items():
        assert name == ATTRIBUTION or b"Tea Poet" not in content
    manifest = read_manifest(copy.release)
    assert manifest is not None
    assert {ATTRIBUTION, LICENSE} <= manifest.files.keys()
    assert audit(copy.release, now=AS_OF).ok

    for number, person in enumerate((plain, other)):
        append(copy.ledger, Withdrawn(id=f"w{number}", at=AS_OF, accounts=(person.uri,)))
        files = rebuilt(copy, copy.exports)
        assert (b"Tea Poet" in files.get(ATTRIBUTION, b"")) == (number == 0)
    assert ATTRIBUTION not in files
    assert ATTRIBUTION not in files["README.md"].decode()


def test_the_same_build_stages_the_same_files(release_copy: ReleaseCopy) -> None:
    """A second build over the same ledger writes nothing, names and licenses included."""
    copy = release_copy
    before = {path: path.stat().st_mtime_ns for path in copy.release.rglob("*")}
    rebuilt(copy, copy.exports)
    assert {path: path.stat().st_mtime_ns for path in copy.release.rglob("*")} == before
