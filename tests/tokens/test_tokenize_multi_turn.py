"""`fedi-dataset tokenize` on a release with multi_turn: its tokens are those rows, and everything else knows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from fedi_dataset.config import BuildConfig
from fedi_dataset.pipeline import BuildReport, build
from fedi_dataset.release.audit import audit
from fedi_dataset.release.lookup import lookup
from fedi_dataset.release.manifest import MANIFEST, Manifest, read_manifest
from fedi_dataset.tokens.tokenizer import load_tokenizer
from tests.commands import run
from tests.conftest import AS_OF, ReleaseCopy, copy_of
from tests.tokens.shapes import SHAPES, save, template_of
from tests.world import WrittenWorld


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small ChatML tokenizer in a folder, whose template marks what is generated."""
    folder = tmp_path_factory.mktemp("chatml")
    return str(save(SHAPES["chatml"], folder, template_of("chatml_marked")))


@pytest.fixture(scope="module")
def several(
    built: BuildReport, world: WrittenWorld, tmp_path_factory: pytest.TempPathFactory
) -> ReleaseCopy:
    """The shared release built again with multi_turn; read only."""
    copy = copy_of(built, world, tmp_path_factory.mktemp("several"))
    rebuilt(copy, multi_turn=True)
    return copy


@pytest.fixture
def copy(several: ReleaseCopy, tmp_path: Path) -> ReleaseCopy:
    """A copy of it that may be changed."""
    import shutil

    for folder in (several.release, several.work):
        shutil.copytree(folder, tmp_path / folder.name)
    return several._replace(
        release=tmp_path / several.release.name, work=tmp_path / several.work.name
    )


def rebuilt(copy: ReleaseCopy, **options: Any) -> BuildReport:
    """Build a copy again under other options."""
    config = BuildConfig.from_dict(options)
    return build(copy.exports, consent=copy.ledger, out=copy.release, config=config, as_of=AS_OF)


def tokenized(copy: ReleaseCopy, tokenizer: str, *options: str) -> dict[str, Any]:
    """Run the command and give what it printed."""
    ran = run("tokenize", copy.release, "--tokenizer", tokenizer, *options, "--json")
    assert ran.code == 0, ran.err
    data: dict[str, Any] = ran.data
    return data


def rows_of(release: Path, table: str, split: str = "*") -> list[dict[str, Any]]:
    """Every row of a table."""
    return [
        row
        for path in sorted((release / table).glob(f"{split}-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def manifest_of(release: Path) -> Manifest:
    """The release's manifest."""
    manifest = read_manifest(release)
    assert manifest is not None
    return manifest


def expected(tokenizer: str, messages: list[dict[str, Any]]) -> tuple[list[int], list[int]]:
    """Ids and labels by transformers alone: its assistant mask, restricted to the messages that are flagged."""
    encoded = load_tokenizer(tokenizer, None).tokenizer.apply_chat_template(
        [{"role": one["role"], "content": one["content"]} for one in messages],
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    ids, labels, reply, former = encoded["input_ids"], [], -1, 0
    for token, one in zip(ids, encoded["assistant_masks"], strict=True):
        reply += one and not former
        labels.append(token if one and messages[2 * reply + 1]["train"] else -100)
        former = one
    return ids, labels


def test_tokens_of_such_a_release_are_those_of_its_rows(copy: ReleaseCopy, tokenizer: str) -> None:
    """One row of tokens a row, trained exactly where train says so; every response once, and loaded as any config."""
    data = tokenized(copy, tokenizer, "--max-length", "100000")
    assert data["made_of"] == "multi_turn"
    wanted = {
        tuple(row["dialogue_keys"]): expected(tokenizer, row["messages"])
        for row in rows_of(copy.release, "multi_turn")
    }
    made = {
        tuple(row["dialogue_keys"]): (row["input_ids"], row["labels"])
        for row in rows_of(copy.release, "tokens")
    }
    assert made == wanted
    assert any(len(keys) > 1 for keys in made)
    dialogues = sorted(row["dialogue_key"] for row in rows_of(copy.release, "dialogues"))
    assert sorted(chain.from_iterable(made)) == dialogues
    assert data["rows_in"] == data["rows_kept"] == len(dialogues)
    assert sum(data["rows"].values()) == sum(data["statistics"]["lengths"].values()) == len(made)
    loaded = load_dataset(str(copy.release), "tokens", split="train")
    assert loaded.column_names == ["dialogue_keys", "input_ids", "labels"]
    assert all(check.ok for check in audit(copy.release).checks)
    card = (copy.release / "README.md").read_text()
    assert "of the rows of `multi_turn`, so that `dialogue_keys` names" in card
    assert "Rows of one or more dialogues by length in tokens" in card


def test_overlong_rows_are_divided_and_every_response_accounted_for(
    copy: ReleaseCopy, tokenizer: str
) -> None:
    """At any length, what is kept and what is dropped is what it would be of dialogues one by one."""
    longest = max(
        len(expected(tokenizer, row["messages"])[0]) for row in rows_of(copy.release, "multi_turn")
    )
    limit = str(longest // 4)
    data = tokenized(copy, tokenizer, "--max-length", limit)
    kept = [key for row in rows_of(copy.release, "tokens") for key in row["dialogue_keys"]]
    assert data["dropped_turns"] > 0
    assert data["dropped"]["too_long"] > 0
    assert len(kept) == len(set(kept)) == data["rows_kept"]
    assert data["rows_in"] == data["rows_kept"] + sum(data["dropped"].values())
    assert max(len(row["input_ids"]) for row in rows_of(copy.release, "tokens")) <= int(limit)
    law = manifest_of(copy.release).law["tokens"]
    assert (law.rows_in, law.kept) == (data["rows_in"], data["rows_kept"])
    assert all(check.ok for check in audit(copy.release).checks)
    rebuilt(copy)
    single = tokenized(copy, tokenizer, "--max-length", limit)
    assert sorted(row["dialogue_key"] for row in rows_of(copy.release, "tokens")) == sorted(kept)
    assert single["dropped"] == data["dropped"]


def test_packs_hold_whole_rows(copy: ReleaseCopy, tokenizer: str) -> None:
    """Packed, each row begins anew with position 0, and holds its responses and labels as before."""
    tokenized(copy, tokenizer)
    plain = {
        tuple(row["input_ids"]): (row["dialogue_keys"], row["labels"])
        for row in rows_of(copy.release, "tokens")
    }
    data = tokenized(copy, tokenizer, "--packing", "bfd")
    packed = rows_of(copy.release, "tokens")
    assert len(packed) < len(plain)
    assert sum(len(row["dialogue_keys"]) for row in packed) == data["rows_kept"]
    count = 0
    for row in packed:
        keys, begin = row["dialogue_keys"], 0
        for length in row["seq_lengths"]:
            end = begin + length
            mine, labels = plain[tuple(row["input_ids"][begin:end])]
            assert row["labels"][begin:end] == labels
            assert row["position_ids"][begin:end] == list(range(length))
            assert keys[: len(mine)] == mine
            keys, begin, count = keys[len(mine) :], end, count + 1
        assert not keys
    assert count == len(plain)
    assert all(check.ok for check in audit(copy.release).checks)


def test_workers_change_no_byte(copy: ReleaseCopy, tokenizer: str) -> None:
    """One process and two write the same files."""

    def digests() -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (copy.release / "tokens").iterdir()
        }

    tokenized(copy, tokenizer, "--workers", "1")
    alone = digests()
    tokenized(copy, tokenizer, "--workers", "2")
    assert digests() == alone


def test_a_rebuild_makes_them_again_of_what_there_is_then(
    copy: ReleaseCopy, tokenizer: str
) -> None:
    """There are tokens of one table only: with multi_turn of its rows, without it of dialogues."""
    tokenized(copy, tokenizer)
    assert manifest_of(copy.release).tokens.made_of == "multi_turn"  # type: ignore[union-attr]  # it has tokens
    before = rows_of(copy.release, "tokens")
    rebuilt(copy)
    assert manifest_of(copy.release).tokens.made_of == "dialogues"  # type: ignore[union-attr]  # the same
    assert "dialogue_key" in rows_of(copy.release, "tokens")[0]
    assert all(check.ok for check in audit(copy.release).checks)
    rebuilt(copy, multi_turn=True)
    assert rows_of(copy.release, "tokens") == before
    assert all(check.ok for check in audit(copy.release).checks)


def tampered(release: Path, change: Any) -> Iterator[str]:
    """Change the first shard of tokens, make the manifest agree, and give what the audit says of tokens."""
    path = sorted((release / "tokens").glob("train-*.parquet"))[0]
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
    manifest = manifest_of(release)
    name = path.relative_to(release).as_posix()
    record = msgspec.structs.replace(
        manifest.files[name],
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        bytes=path.stat().st_size,
        rows=len(rows),
    )
    files = {**manifest.files, name: record}
    (release / MANIFEST).write_bytes(msgspec.structs.replace(manifest, files=files).encode())
    for check in audit(release).checks:
        if check.name == "tokens":
            yield from check.problems


def shared_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those with several responses."""
    return [row for row in rows if len(row["dialogue_keys"]) > 1]


def train_all(rows: list[dict[str, Any]]) -> None:
    """Take loss on everything but the first token."""
    row = shared_rows(rows)[0]
    row["labels"] = [-100, *row["input_ids"][1:]]


def train_less(rows: list[dict[str, Any]]) -> None:
    """Take no loss on the first of several responses."""
    row = shared_rows(rows)[0]
    begin = next(place for place, one in enumerate(row["labels"]) if one != -100)
    end = row["labels"].index(-100, begin)
    row["labels"][begin:end] = [-100] * (end - begin)


def train_again(rows: list[dict[str, Any]]) -> None:
    """Have a row twice."""
    rows.append(rows[0])


def lose(rows: list[dict[str, Any]]) -> None:
    """Leave a row out."""
    rows.pop()


def shift(rows: list[dict[str, Any]]) -> None:
    """Have labels of the next token, as models compute the loss and datasets must not."""
    rows[0]["labels"] = [*rows[0]["labels"][1:], -100]


def exchange(rows: list[dict[str, Any]]) -> None:
    """Name responses in another order than they are trained in."""
    shared_rows(rows)[0]["dialogue_keys"].reverse()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (train_all, "trains not one stretch for each of its dialogues"),
        (train_less, "trains not one stretch for each of its dialogues"),
        (train_again, "holds a dialogue again"),
        (lose, "there are not as many dialogues in token rows as were kept"),
        (shift, "has labels that are not its ids"),
        (exchange, "joins dialogues that are not on one way"),
    ],
)
def test_the_audit_checks_their_labels(
    copy: ReleaseCopy, tokenizer: str, change: Any, said: str
) -> None:
    """What trains more, less, twice, elsewhere or under another name is found."""
    tokenized(copy, tokenizer)
    assert any(said in problem for problem in tampered(copy.release, change))


def test_the_preview_shows_their_tokens(copy: ReleaseCopy, tokenizer: str) -> None:
    """--tokens shows rows of multi_turn, all rows of tokens that were made of each, and counts what is in none."""
    tokenized(copy, tokenizer, "--max-length", "120")
    ran = run("preview", copy.release, "--tokens", "--limit", "10000", "--json")
    shown = json.loads(ran.out)["rows"]
    assert {one["config"] for one in shown} == {"multi_turn"}
    ids = [
        [token for piece in sample for token in piece["ids"]]
        for one in shown
        for sample in one["tokens"]
    ]
    assert sorted(ids) == sorted(row["input_ids"] for row in rows_of(copy.release, "tokens"))
    trained = sum(
        piece["trained_ids"] for one in shown for sample in one["tokens"] for piece in sample
    )
    labels = pa.array(
        [one for row in rows_of(copy.release, "tokens") for one in row["labels"]], pa.int32()
    )
    assert trained == pc.sum(pc.not_equal(labels, -100)).as_py()
    text = run("preview", copy.release, "--tokens", "--limit", "10000").out
    assert "responses: too long for max_length, or it holds the template's marks" in text
    assert "> " in text
    refused = run("preview", copy.release, "--tokens", "--config", "dialogues")
    assert refused.code == 2
    assert "tokens are those of multi_turn" in refused.err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_template_for_one_response_only_is_a_sentence(
    copy: ReleaseCopy, tmp_path: Path, workers: str
) -> None:
    """Where several responses cannot be trained, that is said, from whatever process, and nothing is written."""
    template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}{{ '\\n' if loop.last or m.role == 'user' else ': ' }}"
        "{{ m.content }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    folder = save(SHAPES["chatml"], tmp_path / "tokenizer", template)
    before = sorted(path.name for path in copy.release.rglob("*"))
    ran = run("tokenize", copy.release, "--tokenizer", str(folder), "--workers", workers)
    assert ran.code == 2
    assert "opens a reply differently once it is answered" in ran.err
    assert "build the release without multi_turn" in ran.err
    assert sorted(path.name for path in copy.release.rglob("*")) == before


def test_a_person_is_told_of_their_tokens(copy: ReleaseCopy, tokenizer: str) -> None:
    """lookup names the tokens of every dialogue that rests on a person's consent, in rows of several too."""
    tokenized(copy, tokenizer)
    account = json.loads(copy.ledger.read_text("utf-8").splitlines()[0])["accounts"][0]
    found = lookup(copy.release, account, now=AS_OF)
    held = {one.key for one in found.rows if one.table == "dialogues"}
    assert held
    assert {one.key for one in found.rows if one.table == "tokens"} == held
