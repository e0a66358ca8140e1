"""What a build is told on the command line: every field of the config, and those that decide what is masked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec
import pyarrow.parquet as pq
import pytest

from fedi_dataset.cli import main
from fedi_dataset.commands.options import config_of, config_options
from fedi_dataset.config import BuildConfig
from tests.commands import run
from tests.talk import BOB, Talk, write_talk


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    """Two people who talk in Polish about somebody else and a town; the last word is English."""
    return write_talk(tmp_path_factory.mktemp("talk"))


class Built(NamedTuple):
    """A release that the command made."""

    texts: list[str]
    manifest: dict[str, Any]
    card: str


def built(talk: Talk, folder: Path, *options: object) -> Built:
    """Build on the command line; the texts are those of the one conversation."""
    release = folder / "release"
    ran = run(
        *("build", *talk.exports, "--consent", talk.ledger, "--out", release),
        *("--as-of", "2026-07-01T00:00:00Z", "--workers", 1, *options),
    )
    assert ran.code == 0, ran.err
    (shard,) = (release / "conversations").glob("*.parquet")
    (row,) = pq.read_table(shard).to_pylist()
    manifest = json.loads((release / "manifest.json").read_text("utf-8"))
    card = " ".join((release / "README.md").read_text("utf-8").split())
    return Built([turn["text"] for turn in row["turns"]], manifest, card)


def parsed(*arguments: str) -> BuildConfig:
    """Give the config that these options make."""
    seen: list[BuildConfig] = []

    @click.command
    @config_options
    def command(config_file: Path | None, **fields: object) -> None:
        seen.append(config_of(config_file, fields))

    command.main(list(arguments), standalone_mode=False)
    return seen[0]


def test_every_field_of_the_config_has_a_flag() -> None:
    """But the digests of files of terms, which a config that was made records."""
    flags = {one.name for one in main.commands["build"].params}
    fields = {field.name for field in msgspec.structs.fields(BuildConfig)}
    assert fields - flags == {"terms_sha256"}


def test_flags_that_may_be_repeated_are_lists() -> None:
    """In the order in which they are given."""
    config = parsed(
        *("--also-mask", "places", "--also-mask", "organizations"),
        *("--keep-name", "Ada Lovelace", "--keep-name", "Karl Ove"),
        *("--patterns-only-language", "pl", "--patterns-only-language", "und"),
        *("--detector-language", "pl", "--detector-language", "cs"),
        *("--operator-for", "DID=hash", "--operator-for", "EMAIL_ADDRESS=remove"),
    )
    assert config.also_mask == ("places", "organizations")
    assert config.keep_names == ("Ada Lovelace", "Karl Ove")
    assert config.patterns_only_languages == ("pl", "und")
    assert config.detector_languages == ("pl", "cs")
    assert config.operators == {"DID": "hash", "EMAIL_ADDRESS": "remove"}


def test_shares_and_sizes_are_numbers() -> None:
    """Three shares in the order of the splits; the file's remain where no flag is given."""
    config = parsed("--splits", "0.8", "0.1", "0.1", "--shard-bytes", "1000")
    assert (config.splits.train, config.splits.validation, config.splits.test) == (0.8, 0.1, 0.1)
    assert config.shard_bytes == 1000
    assert parsed().splits == BuildConfig().splits


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--also-mask", "people"), "'places', 'organizations'"),
        (("--patterns-only-language", "Polish"), "Polish"),
        (("--detector-language", "und"), "und"),
        (("--operator-for", "EMAIL_ADDRESS"), "'EMAIL_ADDRESS' is not ENTITY=OPERATOR"),
        (("--operator-for", "EMAIL_ADDRESS=encrypt"), "'encrypt' is not one of"),
        (("--operator-for", "MAIL=hash"), "operators names MAIL; entities are"),
        (("--splits", "0.9", "0.1", "0.1"), "splits must sum to 1"),
        (("--shard-bytes", "0"), "shard_bytes"),
        (("--detector", "gliner:some/model"), "say which languages it reads"),
    ],
)
def test_what_a_flag_does_not_take_is_wrong_usage(
    talk: Talk, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    """The message names what is wrong, and there is no release."""
    ran = run(
        *("build", *talk.exports, "--consent", talk.ledger, "--out", tmp_path / "release"),
        *options,
    )
    assert ran.code == 2
    assert told in " ".join(ran.error.split())
    assert not (tmp_path / "release").exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("roles: everybody", "roles is 'everybody'; it is one of"),
        ("roles: author=https://a.example/u\nrecipients: public", "only for recipients private"),
        ("minimum_speakers: 17", "minimum_speakers 17 is more than max_turns 16"),
        ("languages: [en-US]", "'en-US' is not a language"),
        ("operators: {MAIL: hash}", "operators names MAIL"),
        ("allow_licenses: [CC-BY-SA-4.0, CC-BY-NC-4.0]", "CC-BY-NC-4.0"),
        ("terms_files: [absent.yaml]", "absent.yaml"),
        ("splits: {train: 1.0}", "splits must sum to 1"),
        ("roles: 5", "$.roles"),
        ("gap_policy: [cut]", "$.gap_policy"),
        ("- gap_policy", "object"),
    ],
)
def test_an_error_in_a_config_file_names_the_file(
    talk: Talk, tmp_path: Path, line: str, told: str
) -> None:
    """Whichever check finds it: of one field, of fields that contradict each other, of what a field names."""
    config = tmp_path / "garden.yaml"
    config.write_text(line, "utf-8")
    ran = run(
        *("build", *talk.exports, "--consent", talk.ledger, "--out", tmp_path / "release"),
        *("--config", config),
    )
    said = " ".join(ran.error.split())
    assert (ran.code, told in said) == (2, True), said
    assert "".join(said.split()).startswith(f"{config}:"), said
    assert not (tmp_path / "release").exists()


def test_a_model_of_ones_own_masks_people_of_its_languages(
    talk: Talk, classifier: Path, tmp_path: Path
) -> None:
    """Names and contacts go, places stay, and what it does not read is left out."""
    made = built(
        talk, tmp_path, "--detector", f"transformers:{classifier}", "--detector-language", "pl"
    )
    assert made.texts == [
        "Czy ktoś wie, kiedy wraca [PERSON_1] z miasta Gdynia? Miała pomóc przy łodziach na przystani.",
        "[PERSON_1] wraca jutro rano, a łodzie mogą jeszcze poczekać do wieczora. Pisz: [EMAIL_ADDRESS_2]",
    ]
    assert made.manifest["detector"]["languages"] == ["pl"]
    assert made.manifest["config"]["detector"] == "transformers:classifier"
    assert "transformers classifier, SHA-256" in made.card
    assert str(classifier.parent) not in json.dumps(made.manifest) + made.card


def test_a_model_in_a_folder_is_found_again_from_elsewhere(
    talk: Talk, classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder may be named from where one stands; a withdrawal that is called from elsewhere loads it."""
    monkeypatch.chdir(classifier.parent)
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_bytes(talk.ledger.read_bytes())
    mine = Talk(talk.exports, ledger)
    built(
        *(mine, tmp_path, "--detector", f"transformers:{classifier.name}"),
        *("--detector-language", "pl", "--patterns-only-language", "en"),
    )
    monkeypatch.chdir(tmp_path)
    ran = run("withdraw", tmp_path / "release", BOB, "--json")
    assert (ran.code, ran.data["certificate"]["shortfalls"]) == (0, [])


def test_topics_are_masked_names_kept_and_languages_left_to_patterns_on_record(
    talk: Talk, classifier: Path, tmp_path: Path
) -> None:
    """The flags act together, and manifest and card say what was chosen."""
    made = built(
        *(talk, tmp_path, "--detector", f"transformers:{classifier}"),
        *("--detector-language", "pl", "--also-mask", "places", "--keep-name", "Ala"),
        *("--patterns-only-language", "en", "--operator-for", "EMAIL_ADDRESS=mask"),
    )
    assert made.texts == [
        "Czy ktoś wie, kiedy wraca Ala z miasta [PLACE_1]? Miała pomóc przy łodziach na przystani.",
        "Ala wraca jutro rano, a łodzie mogą jeszcze poczekać do wieczora. Pisz: *****",
        "Thanks, I will be at the harbour with Ala tomorrow, write to me at ***** then.",
    ]
    assert made.manifest["detector"]["policy"] == {
        "also_mask": ["places"],
        "keep_names": ["Ala"],
        "patterns_only": ["en"],
        "languages": ["pl"],
    }
    for words in (
        "Kept, because the dataset is to speak of these public figures: Ala.",
        "Towns and other places are masked too.",
        "Texts in en that no model reads were left to patterns alone: **names in them stay**",
        "Organizations are not masked.",
    ):
        assert words in made.card
