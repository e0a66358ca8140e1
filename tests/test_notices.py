"""What others made and the package carries is said where it goes: in NOTICE, which ships with it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from scripts.check_wheel import NOTICES
from scripts.make_lexicon import VERSIONS

ROOT = Path(__file__).parents[1]
NOTICE = " ".join((ROOT / "NOTICE").read_text("utf-8").split())


def test_notice_goes_with_every_distribution() -> None:
    """Wheel and sdist carry it beside the license, and what checks the wheel asks for both."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["license-files"] == list(NOTICES)
    shipped = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert set(NOTICES) < set(shipped)


def test_the_sources_of_the_lexicon_are_named_and_no_others() -> None:
    """With the versions that they were taken from: whoever takes another one says so here too."""
    carried = NOTICE.split("What this package uses and does not carry")[0]
    named = re.findall(r"\b([A-Za-z]\w+) (\d+\.\d+\.\d+)\b", carried)
    assert {name.lower(): version for name, version in named} == VERSIONS


@pytest.mark.parametrize(
    "words",
    [
        "GeoNames, https://www.geonames.org/, licensed under the Creative Commons Attribution 4.0",
        "https://creativecommons.org/licenses/by/4.0/",
        "Copyright (c) 2012 Daniele Faraglia",
        "Copyright (c) 2018-2021 Tyler Barrus",
        "Copyright (C) 2021 by Ramiro Gómez",
        "Copyright (c) 2022 Ian Van Buskirk",
        "Copyright (c) 2024 Gaurav Sood and Suriyan Laohaprapanon",
        "by Robyn Speer, Copyright 2022 Robyn Speer; its data under CC BY-SA 4.0",
        "by Marc Brysbaert et al., which are freely available data",
        "The file is licensed under the Creative Commons Attribution-ShareAlike 4.0",
        "The above copyright notice and this permission notice shall be included in all copies",
        "Rampart, the default model, by National Design Studio",
    ],
)
def test_what_the_licenses_ask_for_is_there(words: str) -> None:
    """CC BY 4.0 asks for the maker, the license and what was changed; MIT for its whole text."""
    assert words in NOTICE


def test_the_readme_points_at_it() -> None:
    """Where it speaks of licenses."""
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "[NOTICE](NOTICE)" in readme.split("\n## License\n")[1]
