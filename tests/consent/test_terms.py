"""The list of servers whose terms forbid training."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from fedi_dataset.consent.terms import InstanceTerms
from fedi_dataset.errors import UsageError


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("mastodon.social", True),
        ("Mastodon.Social", True),
        ("mastodon.social.", True),
        ("files.mastodon.social:443", True),
        ("x.com", True),
        ("mobile.twitter.com", True),
        ("www.reddit.com", True),
        ("netflix.com", False),
        ("notmastodon.social", False),
        ("social", False),
        ("com", False),
        ("mastodon.example", False),
        ("", False),
    ],
)
def test_a_listed_host_and_its_subdomains_are_refused(host: str, refused: bool) -> None:
    """Whole labels count, case and port do not."""
    assert InstanceTerms.load().refuses(host) is refused


def test_the_rule_of_mastodon_social_is_in_the_list() -> None:
    """Since 1 July 2025, from 16 years, with a source."""
    (term,) = (term for term in InstanceTerms.load().terms if term.host == "mastodon.social")
    assert (term.since, term.minimum_age) == (date(2025, 7, 1), 16)
    assert term.source.startswith("https://mastodon.social/")


def test_another_list_can_be_read(tmp_path: Path) -> None:
    """The form is the packaged one's."""
    path = tmp_path / "terms.yaml"
    path.write_text(
        "- {host: server.example, rule: none, since: null, minimum_age: null,"
        " source: its rules page, checked_on: 2026-05-01}\n"
    )
    assert InstanceTerms.load(path).refuses("server.example")


@pytest.mark.parametrize(
    "content",
    ["- {host: server.example}", "hosts", "[", "- {host: https://server.example, rule: r}", ""],
)
def test_a_list_that_cannot_be_read_is_an_error(tmp_path: Path, content: str) -> None:
    """A broken list refuses the build instead of refusing nobody."""
    path = tmp_path / "terms.yaml"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"terms\.yaml"):
        InstanceTerms.load(path)
