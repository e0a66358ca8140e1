"""The lists of what servers' terms say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.terms import HostTerms, InstanceTerms, digests, host_name
from fedi_dataset.errors import UsageError

TODAY = date(2026, 7, 1)
OWN = """
- host: mastodon.social
  aliases: [oldname.example]
  forbids: false
  rule: our own reading
  since: null
  minimum_age: 18
  source: a letter
  checked_on: 2026-06-01
- host: strict.example
  aliases: [merged.example, "renamed.example"]
  forbids: true
  rule: no training
  since: 2026-07-02
  minimum_age: 21
  source: https://strict.example/terms
  checked_on: 2026-06-01
"""


def steward(folder: Path, content: str = OWN) -> InstanceTerms:
    """The package's list and a file of a steward's own."""
    path = folder / "terms.yaml"
    path.write_text(content)
    return InstanceTerms.load([str(path)], digests([str(path)]))


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
    assert bool(InstanceTerms.load().of(host, TODAY).forbidding) is refused


def test_the_rule_of_mastodon_social_is_in_the_list() -> None:
    """Since 1 July 2025, from 16 years, with a source."""
    (term,) = (term for term in InstanceTerms.load().terms if term.host == "mastodon.social")
    assert (term.since, term.minimum_age) == (date(2025, 7, 1), 16)
    assert term.source.startswith("https://mastodon.social/")


def test_every_entry_of_the_list_has_a_source_and_binds_its_aliases() -> None:
    """Nothing is claimed without a place to read it, and twitter.com is x.com by another name."""
    terms = InstanceTerms.load()
    assert {term.host for term in terms.terms} == {"mastodon.social", "x.com", "reddit.com"}
    assert all(term.source.startswith("https://") for term in terms.terms)
    assert terms.of("mobile.twitter.com", TODAY) == terms.of("x.com", TODAY)


@pytest.mark.parametrize(
    ("day", "forbidden"), [(date(2026, 7, 1), False), (date(2026, 7, 2), True)]
)
def test_a_rule_that_was_announced_binds_from_its_first_day(
    tmp_path: Path, day: date, forbidden: bool
) -> None:
    """What is collected on that day or later is bound, rule and age alike."""
    found = steward(tmp_path).of("strict.example", day)
    assert (bool(found.forbidding), found.minimum_age) == (forbidden, 21 if forbidden else 0)
    assert found.known


@pytest.mark.parametrize("day", [date(2017, 1, 1), date(2025, 6, 30), TODAY])
def test_a_build_that_is_dated_back_is_bound_by_what_holds_today(day: date) -> None:
    """An old --as-of dates consents; it does not lift terms that were in force when they were looked up."""
    found = InstanceTerms.load().of("mastodon.social", day)
    assert (bool(found.forbidding), found.minimum_age) == (True, 16)


def test_a_steward_adds_and_takes_nothing_away(tmp_path: Path) -> None:
    """The strictest counts: an entry that allows does not lift a refusal, and its age is added."""
    terms = steward(tmp_path)
    social = terms.of("mastodon.social", TODAY)
    assert [term.source for term in social.forbidding] == [
        "https://mastodon.social/terms-of-service"
    ]
    assert social.minimum_age == 18
    assert terms.of("oldname.example", TODAY) == HostTerms((), 18, True)


def test_hosts_that_were_renamed_or_merged_share_the_terms(tmp_path: Path) -> None:
    """Any of its names, and what lies below them, from the first day on."""
    terms = steward(tmp_path)
    for host in ("strict.example", "merged.example", "a.renamed.example"):
        assert terms.of(host, TODAY) == HostTerms((), 0, True)
        assert terms.of(host, date(2026, 7, 2)).minimum_age == 21
        assert len(terms.of(host, date(2026, 7, 2)).forbidding) == 1
    assert terms.of("unheard.example", TODAY) == HostTerms()


def test_hosts_are_compared_as_the_network_writes_them() -> None:
    """Case, port, final dot and non-ASCII letters do not make another host."""
    assert host_name(" Bücher.Example.:443 ") == "xn--bcher-kva.example"
    assert host_name("a" * 70 + ".example") == "a" * 70 + ".example"


@pytest.mark.parametrize(
    "content",
    [
        "- {host: server.example}",
        "hosts",
        "[",
        "- {host: https://server.example, rule: r}",
        "",
        OWN.replace("forbids: true", "forbids: maybe"),
        OWN.replace("rule: no training", 'rule: ""'),
        OWN.replace("forbids: true", "forbids: true\n  mood: grim"),
        OWN.replace("host: strict.example", "host: STRICT.example"),
    ],
)
def test_a_list_that_cannot_be_read_is_an_error(tmp_path: Path, content: str) -> None:
    """A broken list refuses the build instead of refusing nobody."""
    with pytest.raises(UsageError, match=r"terms\.yaml"):
        steward(tmp_path, content)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A path that leads nowhere must not pass for a list without entries."""
    with pytest.raises(UsageError, match="No such file"):
        BuildConfig(terms_files=(str(tmp_path / "none.yaml"),))


# --- in a config ----------------------------------------------------------------------------------


def test_a_config_is_what_its_files_hold_and_not_where_they_lie(tmp_path: Path) -> None:
    """The digest and what is released follow the content; the paths stay private."""
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text(OWN)
    other.write_text(OWN)
    first, second = (BuildConfig(terms_files=(str(path),)) for path in (one, other))
    assert first.digest == second.digest != BuildConfig().digest
    assert str(tmp_path) not in str(first.released())
    assert BuildConfig.from_dict(first.released()).digest == first.digest
    other.write_text(OWN.replace("21", "22"))
    assert BuildConfig(terms_files=(str(other),)).digest != first.digest


def test_a_config_file_names_lists_beside_itself(tmp_path: Path) -> None:
    """A relative path is relative to the config file, wherever the command runs."""
    (tmp_path / "terms.yaml").write_text(OWN)
    (tmp_path / "build.yaml").write_text("terms_files: [terms.yaml]\n")
    config = BuildConfig.from_yaml(tmp_path / "build.yaml")
    assert config.terms_files == (str(tmp_path / "terms.yaml"),)
    assert BuildConfig.from_dict(config.to_dict()) == config


def test_a_list_that_changed_under_a_config_is_an_error(tmp_path: Path) -> None:
    """What a recorded config was made with is what is read, or nothing is."""
    path = tmp_path / "terms.yaml"
    path.write_text(OWN)
    config = BuildConfig(terms_files=(str(path),))
    path.write_text(OWN.replace("true", "false"))
    with pytest.raises(UsageError, match="not those that the config was made with"):
        InstanceTerms.load(config.terms_files, config.terms_sha256)
    with pytest.raises(UsageError, match="one digest for each"):
        BuildConfig.from_dict({**config.to_dict(), "terms_sha256": ["00" * 32, "11" * 32]})
