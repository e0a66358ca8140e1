"""`fedi-dataset export`: other shapes say what the release says, and train no more than it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from fedi_dataset.files import sha256_of
from tests.commands import content_of, run
from tests.conftest import ReleaseCopy
from tests.readers.exports import HOST
from tests.test_cell_strategies import AGREED, FROST, PEONIES, QUINCE, Says, built_of
from tests.tokens.shapes import SHAPES, save, template_of


def exported(copy: ReleaseCopy, shape: str, out: Path) -> dict[str, Any]:
    """Run the command and give what it printed."""
    ran = run("export", copy.release, "--format", shape, "--out", out, "--json")
    assert ran.code == 0, ran.err
    return ran.data


def lines(path: Path) -> list[dict[str, Any]]:
    """Rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def rows(copy: ReleaseCopy, table: str, split: str = "train") -> list[dict[str, Any]]:
    """Rows of a table of the release."""
    return [
        row
        for path in sorted((copy.release / table).glob(f"{split}-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def test_messages_flag_the_completion_alone(release_copy: ReleaseCopy, tmp_path: Path) -> None:
    """A dialogue's messages are its prompt and its completion, and the last is trained."""
    data = exported(release_copy, "messages", tmp_path / "out")
    dialogues = rows(release_copy, "dialogues")
    found = lines(tmp_path / "out" / "train.jsonl")
    assert data["rows"]["train"] == len(found) == len(dialogues)
    for line, row in zip(found, dialogues, strict=True):
        assert line["dialogue_keys"] == [row["dialogue_key"]]
        assert [message["train"] for message in line["messages"]] == [
            *[False] * len(row["prompt"]),
            True,
        ]
        assert [
            {"role": one["role"], "content": one["content"]} for one in line["messages"]
        ] == row["prompt"] + row["completion"]
    loaded = load_dataset(str(tmp_path / "out"), data_files="train.jsonl", split="train")
    assert loaded.num_rows == len(dialogues)


def test_sharegpt_is_described_for_llama_factory(release_copy: ReleaseCopy, tmp_path: Path) -> None:
    """Turns alternate from human to gpt, and dataset_info.json names each file."""
    exported(release_copy, "sharegpt", tmp_path / "out")
    for line, row in zip(
        lines(tmp_path / "out" / "train.jsonl"), rows(release_copy, "dialogues"), strict=True
    ):
        turns = line["conversations"]
        assert [turn["from"] for turn in turns] == ["human", "gpt"] * (len(turns) // 2)
        assert turns[-1]["value"] == row["completion"][0]["content"]
    info = json.loads((tmp_path / "out" / "dataset_info.json").read_text())
    assert info["fedi_dataset_train"] == {
        "file_name": "train.jsonl",
        "formatting": "sharegpt",
        "columns": {"messages": "conversations"},
    }


def test_text_is_of_trainable_turns_only(release_copy: ReleaseCopy, tmp_path: Path) -> None:
    """Neither context nor gaps are in it, and nothing that may be trained is missing."""
    exported(release_copy, "text", tmp_path / "out")
    expected = [
        turn["text"]
        for row in rows(release_copy, "conversations")
        for turn in row["turns"]
        if turn["trainable"]
    ] + [row["text"] for row in rows(release_copy, "posts")]
    found = lines(tmp_path / "out" / "train.jsonl")
    assert [line["text"] for line in found] == expected
    keys = {row["conversation_key"] for row in rows(release_copy, "conversations")}
    keys |= {row["post_key"] for row in rows(release_copy, "posts")}
    assert {line["row_key"] for line in found} == keys
    context = [
        turn
        for row in rows(release_copy, "conversations")
        for turn in row["turns"]
        if not turn["trainable"]
    ]
    assert context


def article(title: str) -> dict[str, str]:
    """Fields of a post that has a title."""
    return {"type": "Article", "name": title}


def texts_of(folder: Path, talk: list[Says], **options: Any) -> list[dict[str, Any]]:
    """Build a talk, all of it in one split, and export it as text."""
    splits = {"train": 1.0, "validation": 0.0, "test": 0.0}
    release = built_of(folder, talk, splits=splits, **options).release
    ran = run("export", release, "--format", "text", "--out", folder / "out")
    assert ran.code == 0, ran.err
    found = lines(folder / "out" / "train.jsonl")
    tables = ("dialogues", "posts")
    shards = [path for table in tables for path in sorted((release / table).glob("*.parquet"))]
    named = [row for path in shards for row in pq.read_table(path).to_pylist()]
    keys = [row.get("dialogue_key", row.get("post_key")) for row in named]
    assert [line["row_key"] for line in found] == keys
    return found


GARDEN = [
    Says("carol", f"<p>{PEONIES}</p>", fields=article("Notes from the garden")),
    Says("bob", f"<p>{FROST}</p>", 0, article("Notes on the weather")),
    Says("carol", f"<p>{AGREED}</p>", 1),
    Says("bob", f"<p>{QUINCE}</p>", 2),
    Says("carol", "<p>A word on bread that nobody answers.</p>", fields=article("On bread")),
]


@pytest.mark.slow
def test_text_has_nothing_that_a_strategy_left_out(tmp_path: Path) -> None:
    """Neither another voice, nor what is beyond an author's limit: as many texts as responses were kept."""
    found = texts_of(tmp_path, GARDEN, roles=f"author={HOST}/users/bob", max_per_author=1)
    assert len(found) == 1
    assert found[0]["text"] in (f"Notes on the weather\n\n{FROST}", QUINCE)


@pytest.mark.slow
def test_text_has_no_heading_that_is_context_only(tmp_path: Path) -> None:
    """Responses and single posts stand there without their titles; an opener's cannot be told from its words."""
    found = texts_of(tmp_path, GARDEN, titles="context")
    assert [line["text"] for line in found] == [
        FROST,
        AGREED,
        QUINCE,
        "A word on bread that nobody answers.",
    ]


def test_datatrove_files_hold_ids_ends_and_loss(release_copy: ReleaseCopy, tmp_path: Path) -> None:
    """Ids follow one another, the index has each dialogue's end, the mask says where labels are."""
    pytest.importorskip("datatrove")
    folder = str(save(SHAPES["chatml"], tmp_path / "tokenizer", template_of("chatml")))
    assert run("tokenize", release_copy.release, "--tokenizer", folder).code == 0
    exported(release_copy, "datatrove", tmp_path / "out")
    tokens = rows(release_copy, "tokens")
    ids = np.fromfile(tmp_path / "out" / "train.ds", np.uint16)
    assert ids.tolist() == [one for row in tokens for one in row["input_ids"]]
    ends = np.fromfile(tmp_path / "out" / "train.ds.index", np.uint64)
    assert ends.tolist() == np.cumsum([len(row["input_ids"]) for row in tokens]).tolist()
    loss = np.fromfile(tmp_path / "out" / "train.ds.loss", np.bool_)
    assert loss.tolist() == [one != -100 for row in tokens for one in row["labels"]]


def test_an_export_says_what_it_was_made_of(release_copy: ReleaseCopy, tmp_path: Path) -> None:
    """It names the build and its files, carries the license, and the same release gives the same bytes."""
    data = exported(release_copy, "messages", tmp_path / "out")
    about = json.loads((tmp_path / "out" / "export.json").read_text())
    manifest = json.loads((release_copy.release / "manifest.json").read_text())
    assert about["build"] == data["build"] == manifest["build"]
    assert about["files"] == {
        path.name: sha256_of(path)
        for path in (tmp_path / "out").iterdir()
        if path.name != "export.json"
    }
    before = content_of(tmp_path / "out")
    exported(release_copy, "messages", tmp_path / "out")
    assert content_of(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("shape", "words"),
    [("datatrove", "has no tokens; run `fedi-dataset tokenize`"), ("messages", "holds something")],
)
def test_what_cannot_be_exported_is_a_sentence(
    release_copy: ReleaseCopy, tmp_path: Path, shape: str, words: str
) -> None:
    """No tokens, or a folder that holds something else: nothing is written or lost."""
    out = tmp_path / "out"
    if shape == "messages":
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    ran = run("export", release_copy.release, "--format", shape, "--out", out)
    assert ran.code == 2
    assert words in ran.error
    assert [path.name for path in out.rglob("*")] == (["mine.txt"] if shape == "messages" else [])
    assert not out.with_name("out.tmp").exists()


@pytest.mark.parametrize("command", ["export", "tokenize"])
def test_nothing_is_made_of_a_shard_that_is_not_the_one_that_was_built(
    command: str, release_copy: ReleaseCopy, tmp_path: Path
) -> None:
    """A damaged shard often can be read, and holds other words: it is refused by name, and nothing is written."""
    path = next((release_copy.release / "dialogues").glob("train-*.parquet"))
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    before = content_of(release_copy.release)
    save(SHAPES["chatml"], tmp_path / "tokenizer", template_of("chatml"))
    options = {
        "export": ["--format", "messages", "--out", tmp_path / "out"],
        "tokenize": ["--tokenizer", tmp_path / "tokenizer"],
    }
    ran = run(command, release_copy.release, *options[command])
    assert ran.code != 0
    assert f"{path} is not the file that was built; build again" in ran.err
    assert content_of(release_copy.release) == before
    assert not (tmp_path / "out").exists()
