"""Real trainers on a real release: the loss falls, and it is the loss that the labels say."""

from __future__ import annotations

import argparse
import ast
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset

from fedi_dataset.config import BuildConfig
from fedi_dataset.pipeline import build
from fedi_dataset.schema import TOKENS
from fedi_dataset.tokens import Rendered, Renderer
from fedi_dataset.tokens.packing import pack
from fedi_dataset.tokens.tokenizer import load_tokenizer
from scripts.train_sft import common, losses_of, main, model_of, parsed, with_trl
from tests.commands import run
from tests.conftest import AS_OF, ReleaseCopy
from tests.test_docs import fenced
from tests.tokens.shapes import SHAPES, save, template_of

torch = pytest.importorskip("torch", reason="torch comes with the extra train")
pytest.importorskip("trl", reason="TRL comes with the extra train")

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """A tiny model is done sooner on one thread, and always sums in the same order."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small ChatML tokenizer in a folder."""
    folder = tmp_path_factory.mktemp("chatml")
    return str(save(SHAPES["chatml"], folder, template_of("chatml")))


def rows_of(release: Path, table: str) -> list[dict[str, Any]]:
    """Rows of a table's train split."""
    return [
        row
        for path in sorted((release / table).glob("train-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


@pytest.mark.parametrize(
    ("config", "trainer", "packing"),
    [
        ("dialogues", "trl", "none"),
        ("tokens", "trl", "none"),
        ("tokens", "trl", "bfd"),
        ("tokens", "transformers", "none"),
    ],
)
def test_the_loss_falls(
    release_copy: ReleaseCopy,
    tokenizer: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    config: str,
    trainer: str,
    packing: str,
) -> None:
    """TRL on dialogues as they are, TRL and transformers on tokens: each learns something in a few steps."""
    assert (
        run("tokenize", release_copy.release, "--tokenizer", tokenizer, "--packing", packing).code
        == 0
    )
    monkeypatch.setattr(
        "sys.argv",
        [
            "train_sft.py", str(release_copy.release), "--tokenizer", tokenizer, "--config", config,
            "--trainer", trainer, "--steps", "6", "--batch-size", "2", "--out", str(tmp_path / "out"),
        ],
    )  # fmt: skip
    main()
    losses = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert losses["last"] < losses["first"] - 0.3


def trainer_of(tokenizer: str, rows: list[dict[str, Any]], out: Path, **settings: Any) -> Any:
    """TRL's trainer for rows of tokens, all of them in one batch, with the tiny model."""
    from trl import SFTConfig, SFTTrainer

    loaded = load_tokenizer(tokenizer, None)
    loaded.tokenizer.pad_token = loaded.tokenizer.eos_token
    options = parsed([
        "unused", "--tokenizer", tokenizer, "--batch-size", str(len(rows)), "--out", str(out), "--steps", "1",
    ])  # fmt: skip
    names = [one for one in ("input_ids", "labels", "seq_lengths") if one in rows[0]]
    return SFTTrainer(
        model=model_of(None, len(loaded.tokenizer), loaded.tokenizer.eos_token_id),
        processing_class=loaded.tokenizer,
        train_dataset=Dataset.from_list([{name: row[name] for name in names} for row in rows]),
        args=SFTConfig(max_length=None, **settings, **common(options)),
    )


def loss_and_gradient(trainer: Any) -> tuple[float, Any]:
    """The loss of the one batch, and the gradient of all parameters in a row."""
    (batch,) = trainer.get_train_dataloader()
    trainer.model.train()
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    gradient = torch.cat([one.grad.flatten() for one in trainer.model.parameters()])
    return float(loss.detach()), gradient


def attentive(trainer: Any) -> Any:
    """The trainer, its model's weights so large that what it attends to matters: fresh ones hardly look around."""
    with torch.no_grad():
        for one in trainer.model.parameters():
            one.mul_(8)
    return trainer


def by_hand(model: Any, rows: list[dict[str, Any]]) -> float:
    """Cross-entropy of each label given the ids before it, one dialogue at a time, over all of them."""
    total, count = 0.0, 0
    for row in rows:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([row["input_ids"]])).logits[0]
        logs = torch.log_softmax(logits.double(), dim=-1)
        for place, label in enumerate(row["labels"]):
            if label != -100:
                total -= float(logs[place - 1, label])
                count += 1
    return total / count


@pytest.fixture
def rows(release_copy: ReleaseCopy, tokenizer: str) -> list[dict[str, Any]]:
    """Eight dialogues as rows of tokens."""
    assert run("tokenize", release_copy.release, "--tokenizer", tokenizer).code == 0
    return rows_of(release_copy.release, "tokens")[:8]


def packed_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same dialogues in one packed row."""
    table = pa.Table.from_pylist(rows, TOKENS)
    found: list[dict[str, Any]] = pack(
        table, sum(len(row["input_ids"]) for row in rows)
    ).to_pylist()
    assert len(found) == 1
    return found


def test_a_steps_loss_is_that_of_the_labels(
    rows: list[dict[str, Any]], tokenizer: str, tmp_path: Path
) -> None:
    """What TRL computes of a padded batch is the cross-entropy of our labels, computed by hand."""
    trainer = trainer_of(tokenizer, rows, tmp_path)
    loss, _ = loss_and_gradient(trainer)
    trainer.model.eval()
    assert loss == pytest.approx(by_hand(trainer.model, rows), rel=1e-5)


def test_packed_and_unpacked_give_the_same_gradient(
    rows: list[dict[str, Any]], tokenizer: str, tmp_path: Path
) -> None:
    """With padding_free=True, a packed row is the batch of its dialogues."""
    loss, gradient = loss_and_gradient(trainer_of(tokenizer, rows, tmp_path))
    packed, other = loss_and_gradient(
        trainer_of(tokenizer, packed_of(rows), tmp_path, padding_free=True)
    )
    assert packed == pytest.approx(loss, rel=1e-5)
    assert float((gradient - other).norm() / gradient.norm()) < 1e-4


def test_trls_default_config_lets_packed_dialogues_see_one_another(
    rows: list[dict[str, Any]], tokenizer: str, tmp_path: Path
) -> None:
    """Without padding_free, TRL does not read seq_lengths: the loss of a pack is another one."""
    loss, gradient = loss_and_gradient(attentive(trainer_of(tokenizer, rows, tmp_path)))
    packed, other = loss_and_gradient(attentive(trainer_of(tokenizer, packed_of(rows), tmp_path)))
    assert packed != pytest.approx(loss, rel=1e-3)
    assert float((gradient - other).norm() / gradient.norm()) > 1e-2


def transformers_trainer(tokenizer: str, rows: list[dict[str, Any]], out: Path) -> Any:
    """Transformers' own trainer for rows of tokens, all of them in one batch, as README has it."""
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

    loaded = load_tokenizer(tokenizer, None)
    loaded.tokenizer.pad_token = loaded.tokenizer.eos_token
    options = parsed([
        "unused", "--tokenizer", tokenizer, "--batch-size", str(len(rows)), "--out", str(out), "--steps", "1",
    ])  # fmt: skip
    return Trainer(
        model=model_of(None, len(loaded.tokenizer), loaded.tokenizer.eos_token_id),
        train_dataset=Dataset.from_list(rows),  # with dialogue_keys, which it leaves out
        data_collator=DataCollatorForSeq2Seq(loaded.tokenizer),
        args=TrainingArguments(**common(options)),
    )


@pytest.mark.parametrize("made", [trainer_of, transformers_trainer])
def test_rows_of_several_responses_train_each_as_its_dialogue_does(
    release_copy: ReleaseCopy, tokenizer: str, tmp_path: Path, made: Any
) -> None:
    """A step on tokens of multi_turn has the loss, computed by hand, of the same responses one a row."""
    command = ("tokenize", release_copy.release, "--tokenizer", tokenizer, "--max-length", "100000")
    assert run(*command).code == 0
    single = {row["dialogue_key"]: row for row in rows_of(release_copy.release, "tokens")}
    build(
        release_copy.exports,
        consent=release_copy.ledger,
        out=release_copy.release,
        config=BuildConfig(multi_turn=True),
        as_of=AS_OF,
    )
    rows = sorted(
        rows_of(release_copy.release, "tokens"), key=lambda row: -len(row["dialogue_keys"])
    )[:4]
    assert len(rows[0]["dialogue_keys"]) > 1
    trainer = made(tokenizer, rows, tmp_path)
    loss, _ = loss_and_gradient(trainer)
    trainer.model.eval()
    assert loss == pytest.approx(by_hand(trainer.model, rows), rel=1e-5)
    alone = [single[key] for row in rows for key in row["dialogue_keys"]]
    assert loss == pytest.approx(by_hand(trainer.model, alone), rel=1e-5)


def test_trl_on_dialogues_trains_what_the_tokens_train(
    release_copy: ReleaseCopy, rows: list[dict[str, Any]], tokenizer: str, tmp_path: Path
) -> None:
    """Prompt and completion, tokenized by TRL itself, give the same loss as our ids and labels."""
    from trl import SFTConfig, SFTTrainer

    loaded = load_tokenizer(tokenizer, None)
    loaded.tokenizer.pad_token = loaded.tokenizer.eos_token
    keys = [row["dialogue_key"] for row in rows]
    dialogues = {row["dialogue_key"]: row for row in rows_of(release_copy.release, "dialogues")}
    options = parsed(
        [
            "unused",
            "--tokenizer",
            tokenizer,
            "--batch-size",
            "8",
            "--out",
            str(tmp_path),
            "--steps",
            "1",
        ]
    )
    trainer = SFTTrainer(
        model=model_of(None, len(loaded.tokenizer), loaded.tokenizer.eos_token_id),
        processing_class=loaded.tokenizer,
        train_dataset=Dataset.from_list(
            [{name: dialogues[key][name] for name in ("prompt", "completion")} for key in keys]
        ),
        args=SFTConfig(max_length=2048, **common(options)),
    )
    theirs, _ = loss_and_gradient(trainer)
    ours, _ = loss_and_gradient(trainer_of(tokenizer, rows, tmp_path))
    assert theirs == pytest.approx(ours, rel=0.02)
    assert losses_of(trainer)


LONG = [
    {
        "prompt": [{"role": "user", "content": "the heron waits " * many}],
        "completion": [{"role": "assistant", "content": "yes, the heron waits " * 60}],
    }
    for many in (2, 900, 2000)
]
"""Dialogues that are longer than what TRL takes if it is told nothing, but for the first."""


def replies_by_us(tokenizer: str) -> list[list[int]]:
    """Trained ids of the long dialogues, as our own ids and labels have them."""
    made = Renderer(load_tokenizer(tokenizer, None))
    dialogues = [made.render(row["prompt"], row["completion"]) for row in LONG]
    rows = [one for one in dialogues if isinstance(one, Rendered)]
    assert [len(one.input_ids) > 1024 for one in rows] == [False, True, True]
    return [[label for label in one.labels if label != -100] for one in rows]


def replies_by_trl(trainer: Any, newline: int) -> list[list[int]]:
    """Trained ids of the rows that TRL made for itself, without the newline that it trains after the last turn."""
    rows = [trainer.data_collator([row])["labels"][0].tolist() for row in trainer.train_dataset]
    trained = [[label for label in row if label != -100] for row in rows]
    assert {row[-1] for row in trained} == {newline}
    return [row[:-1] for row in trained]


def test_the_snippet_for_trl_cuts_no_reply(tokenizer: str, tmp_path: Path) -> None:
    """With what README.md gives SFTConfig, TRL trains all of each reply, however long its prompt is."""
    from trl import SFTConfig, SFTTrainer

    (snippet,) = [one for one in fenced("README.md", "python") if 'dialogues["train"]' in one]
    (call,) = [
        node
        for node in ast.walk(ast.parse(snippet))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "SFTConfig"
    ]
    shown = {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
    loaded = load_tokenizer(tokenizer, None).tokenizer
    loaded.pad_token = loaded.eos_token
    trainer = SFTTrainer(
        model=model_of(None, len(loaded), loaded.eos_token_id),
        processing_class=loaded,
        train_dataset=Dataset.from_list(LONG),
        args=SFTConfig(
            **shown | {"output_dir": str(tmp_path), "use_cpu": True, "report_to": "none"}
        ),
    )
    assert replies_by_trl(trainer, loaded("\n")["input_ids"][0]) == replies_by_us(tokenizer)


def test_the_script_cuts_no_reply(
    tokenizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """train_sft.py has TRL train all of each reply of dialogues as they are."""
    trainers: list[Any] = []
    monkeypatch.setattr("scripts.train_sft.losses_of", trainers.append)
    loaded = load_tokenizer(tokenizer, None).tokenizer
    loaded.pad_token = loaded.eos_token
    options: argparse.Namespace = parsed(
        ["unused", "--tokenizer", tokenizer, "--out", str(tmp_path)]
    )
    model = model_of(None, len(loaded), loaded.eos_token_id)
    with_trl(model, loaded, Dataset.from_list(LONG), options)
    assert replies_by_trl(trainers[0], loaded("\n")["input_ids"][0]) == replies_by_us(tokenizer)


def test_the_snippet_for_transformers_runs_without_a_pad_token(
    release_copy: ReleaseCopy,
    tokenizer: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """README.md's lines train on the tokens of a tokenizer as Llama's, which has no token to pad with."""
    assert run("tokenize", release_copy.release, "--tokenizer", tokenizer).code == 0
    loaded = load_tokenizer(tokenizer, None).tokenizer
    assert loaded.pad_token is None
    loaded.save_pretrained(tmp_path / "model")
    model_of(None, len(loaded), loaded.eos_token_id).save_pretrained(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    (snippet,) = [one for one in fenced("README.md", "python") if "DataCollatorForSeq2Seq" in one]
    few = 'output_dir="tuned", max_steps=2, use_cpu=True, report_to="none", save_strategy="no"'
    for shown, meant in (
        ("path/to/model", str(tmp_path / "model")),
        ("path/to/release", str(release_copy.release)),
        ('output_dir="tuned"', few),
    ):
        assert shown in snippet
        snippet = snippet.replace(shown, meant)
    names: dict[str, Any] = {}
    exec(compile(snippet, "README.md", "exec"), names)
    assert names["trainer"].state.global_step == 2
