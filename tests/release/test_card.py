"""The card says what is so: its numbers are the manifest's, its license the release's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import yaml

from fedi_dataset.config import BuildConfig
from fedi_dataset.pipeline import BuildReport
from fedi_dataset.release.card import HUB_LICENSES, render_card
from fedi_dataset.release.manifest import FileRecord, Legal, Manifest


def card(built: BuildReport, **changes: Any) -> str:
    """The card of the built release, with parts of its manifest changed."""
    return render_card(msgspec.structs.replace(built.manifest, **changes)).decode()


def head(text: str) -> dict[str, Any]:
    """The YAML of a card."""
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


def section(text: str, title: str) -> str:
    """What stands under a heading, on one line."""
    return " ".join(text.split(f"\n## {title}\n")[1].split("\n## ")[0].split())


def with_config(manifest: Manifest, **fields: Any) -> dict[str, object]:
    """The manifest's config with fields changed."""
    return BuildConfig.from_dict({**manifest.config, **fields}).released()


def test_the_card_of_a_release_is_the_one_beside_its_manifest(built: BuildReport) -> None:
    """It is a function of the manifest alone."""
    assert (built.release / "README.md").read_text("utf-8") == card(built)


@pytest.mark.parametrize(
    ("spdx", "expected"),
    [
        ("CC-BY-4.0", {"license": "cc-by-4.0"}),
        ("CC-BY-SA-4.0", {"license": "cc-by-sa-4.0"}),
        ("CC-BY-NC-SA-3.0", {"license": "cc-by-nc-sa-3.0"}),
        (
            "CC-BY-SA-2.5",
            {"license": "other", "license_name": "cc-by-sa-2.5", "license_link": "LICENSE.md"},
        ),
    ],
)
def test_the_head_has_the_license_of_the_release(
    built: BuildReport, spdx: str, expected: dict[str, str]
) -> None:
    """The Hub's tag where there is one, else other with its name and where it stands."""
    legal = msgspec.structs.replace(built.manifest.legal, license=spdx)
    found = head(card(built, legal=legal))
    assert {name: found.get(name) for name in expected} == expected
    assert ("license_name" in found) == (spdx not in HUB_LICENSES)


def test_the_section_on_law_says_what_a_lawyer_asks_for(built: BuildReport) -> None:
    """Controller, basis, rules, terms, retention, withdrawal and its limits, in the run's own terms."""
    law = section(card(built), "Consent and law")
    for words in (
        "**Controller.** As the consents or the steward name them: https://steward.example.",
        "articles 6(1)(a) and 7), for the purpose `llm-fine-tuning`, and for the recipients `private`",
        "(as of 2026-07-01)",
        "declared to be at least 16",
        "public where they were published",
        "Licenses: CC0-1.0, CC-PDM-1.0, CC-BY-*. NoDerivatives never.",
        "Counts with fewer than 10 people behind them are merged",
        "**Retention.** No consent behind this release has a date of expiry.",
        "**How to withdraw.**",
        "Withdrawal does not reach copies that others keep, nor models already trained on them.",
        "A Creative Commons license cannot be revoked",
    ):
        assert words in law


def test_the_section_on_law_follows_the_config(built: BuildReport) -> None:
    """Wider recipients, an older age, unlisted posts, added licenses and an expiry all show."""
    config = with_config(
        built.manifest,
        recipients="public",
        minimum_age=18,
        unlisted=True,
        allow_licenses=["cc by-sa 4.0"],
    )
    legal = Legal("CC-BY-SA-4.0", (), {}, None)
    until = datetime(2026, 9, 1, tzinfo=UTC)
    text = card(built, config=config, legal=legal, valid_until=until)
    law = section(text, "Consent and law")
    for words in (
        "The consents name none",
        "purposes `llm-fine-tuning` and `dataset-publication`, explicitly also",
        "(article 9(2)(a)), and for the recipients `public` or more",
        "at least 18",
        "public or unlisted where",
        "CC-BY-*, CC-BY-SA-4.0. NoDerivatives",
        "**this release must not be used after 2026-09-01**",
    ):
        assert words in law
    assert "The dataset as a whole is licensed under `CC-BY-SA-4.0`" in section(text, "Licenses")


@pytest.mark.parametrize(
    ("terms", "servers", "said", "unsaid"),
    [
        (
            {"checked": 20, "crossed": 40, "unchecked": 30},
            4,
            [
                "| looked up: they do not forbid it | 20 |",
                "| they forbid it, and the author named the server in their consent | 40 |",
                "| not checked | 30 |",
                "the terms of 4 servers that these posts come from: **terms not checked**",
            ],
            ["few people are behind each"],
        ),
        (
            {"other": 9, "no_server": 11},
            None,
            ["few people are behind each | 9 |", "| 11 |", "Some of these servers may be"],
            ["Nobody has looked up"],
        ),
        ({"checked": 20}, None, ["| 20 |"], ["terms not checked", "few people are behind each"]),
    ],
)
def test_the_terms_of_servers_are_counted_apart(
    built: BuildReport,
    terms: dict[str, int],
    servers: int | None,
    said: list[str],
    unsaid: list[str],
) -> None:
    """What crosses, what was checked and what was not; servers by number, never by name."""
    legal = Legal("CC-BY-4.0", (), terms, servers)
    law = section(card(built, legal=legal), "Consent and law")
    assert [words for words in said if words not in law] == []
    assert [words for words in unsaid if words in law] == []


def test_the_counts_of_the_built_release_are_its_own(built: BuildReport) -> None:
    """Every admitted post stands in the table of terms once, and no server of anybody is named."""
    legal = built.manifest.legal
    assert sum(legal.terms.values()) == built.law["items"].kept
    text = card(built)
    assert ".example" not in text.replace("https://steward.example", "")


def test_names_are_pointed_at_where_there_are_any(built: BuildReport) -> None:
    """The card names the file of names if the release has one."""
    files = {**built.manifest.files, "ATTRIBUTION.md": FileRecord("00" * 32, 1)}
    assert "ATTRIBUTION.md" not in card(built)
    assert "ATTRIBUTION.md" in section(card(built, files=files), "Licenses")


def test_the_section_on_privacy_says_who_and_what_is_masked(built: BuildReport) -> None:
    """By default people alone, public figures too; not fiction, not history, no towns, no organizations."""
    privacy = section(card(built), "Privacy")
    for words in (
        "People are masked, in private and in public life.",
        "No name of a public figure was chosen to be kept.",
        "Names of fiction and of history are not masked, as far as a list of them goes.",
        "Towns and other places are not masked, except as parts of an address.",
        "Organizations are not masked.",
        "the model Rampart, which reads de, en, es, fr, it, nl, pt; texts that they do not cover are left out.",
        "Model: Rampart by National Design Studio (nationaldesignstudio/rampart), CC BY 4.0",
    ):
        assert words in privacy
    assert "patterns" not in privacy.split("**Who and what is masked.**")[1]


def test_the_section_on_privacy_says_what_the_build_chose(built: BuildReport) -> None:
    """Names that are kept, topics that are masked too, and languages left to patterns, each by name."""
    policy = {
        "also_mask": ["places", "organizations"],
        "keep_names": ["Ada Lovelace", "Karl Muster"],
        "patterns_only": ["pl", "und"],
        "languages": [],
    }
    detector = {**built.manifest.detector, "policy": policy, "model": "Rampart + spacy:pl_small"}
    privacy = section(card(built, detector=detector), "Privacy")
    for words in (
        "Kept, because the dataset is to speak of these public figures: Ada Lovelace, Karl Muster.",
        "Names of fiction and of history are masked like any other",
        "Towns and other places are masked too.",
        "Organizations are masked too, where they are found.",
        "Texts in pl, und that no model reads were left to patterns alone: **names in them stay**",
        "texts that they do not cover are left out, but for those that were left to patterns.",
    ):
        assert words in privacy
    assert "No name of a public figure" not in privacy
