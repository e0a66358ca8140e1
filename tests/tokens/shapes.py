"""Tiny tokenizers in the shapes of well-known models, saved and loaded like real ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import ByteLevel as ByteLevelOffsets
from tokenizers.trainers import BpeTrainer

TEMPLATES = Path(__file__).parent / "templates"

_CORPUS = [
    "The heron stands in the shallow water and waits for the fish.",
    "Yes, the heron waits.\n\nAnd the fish? The fish waits too.",
    "user\n\nuser\n\nassistant\n\nassistant\n\nmodel\n\nmodel\n\n",
] * 4


def _special(text: str, *, rstrip: bool = False) -> AddedToken:
    return AddedToken(text, special=True, normalized=False, rstrip=rstrip)


def _text(text: str, *, rstrip: bool = False) -> AddedToken:
    return AddedToken(text, special=False, normalized=False, rstrip=rstrip)


@dataclass(frozen=True)
class Shape:
    """A tokenizer to be made and how its template ends a turn."""

    added: tuple[AddedToken, ...]
    end_of_turn: str
    bos: str | None = None
    eos: str | None = None
    sentencepiece: bool = False
    """Spaces as ▁ and byte fallback, as Llama 2, Mistral and Gemma have it; else byte-level."""
    prepends: bool = False
    """A space is put before every text, as the first two of those do."""
    trim_offsets: bool = False


_CHATML = (_special("<|im_start|>"), _special("<|im_end|>"), _special("<|endoftext|>"))
_LLAMA = (_special("<s>"), _special("</s>"))

SHAPES: dict[str, Shape] = {
    "chatml": Shape(_CHATML, "<|im_end|>", eos="<|im_end|>"),
    "chatml_marked": Shape(_CHATML, "<|im_end|>", eos="<|im_end|>"),
    "llama3": Shape(
        (
            _special("<|begin_of_text|>"),
            _special("<|start_header_id|>"),
            _special("<|end_header_id|>"),
            _special("<|eot_id|>"),
        ),
        "<|eot_id|>",
        bos="<|begin_of_text|>",
        eos="<|eot_id|>",
        trim_offsets=True,
    ),
    "gemma": Shape(
        (
            _special("<bos>"),
            _special("<start_of_turn>"),
            _special("<end_of_turn>"),
            _text("\n"),
            _text("\n\n"),
        ),
        "<end_of_turn>",
        bos="<bos>",
        sentencepiece=True,
    ),
    "mistral": Shape(
        (*_LLAMA, _special("[INST]"), _special("[/INST]")),
        "</s>",
        bos="<s>",
        eos="</s>",
        sentencepiece=True,
        prepends=True,
    ),
    "llama2": Shape(_LLAMA, "</s>", bos="<s>", eos="</s>", sentencepiece=True, prepends=True),
    "phi3": Shape(
        (
            _text("<|user|>", rstrip=True),
            _text("<|assistant|>", rstrip=True),
            _special("<|end|>", rstrip=True),
        ),
        "<|end|>",
        eos="<|end|>",
        sentencepiece=True,
        prepends=True,
    ),
    "deepseek": Shape(
        (
            _special("<｜begin▁of▁sentence｜>"),
            _special("<｜end▁of▁sentence｜>"),
            _text("<｜User｜>"),
            _text("<｜Assistant｜>"),
        ),
        "<｜end▁of▁sentence｜>",
        bos="<｜begin▁of▁sentence｜>",
        eos="<｜end▁of▁sentence｜>",
    ),
    "qwen3": Shape(
        (*_CHATML, _text("<think>"), _text("</think>"), _text("<tool_response>")),
        "<|im_end|>",
        eos="<|im_end|>",
    ),
}


def _byte_level(trim_offsets: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = ByteLevelOffsets(trim_offsets=trim_offsets)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(_CORPUS, BpeTrainer(vocab_size=330, initial_alphabet=alphabet))
    return tokenizer


def _sentencepiece(prepends: bool) -> Tokenizer:
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *"aehinorstwy.,"]
    merges = [("▁", "h"), ("h", "e"), ("▁h", "e"), ("t", "h"), ("▁", "th"), ("▁", "▁")]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    for left, right in merges:
        vocabulary.setdefault(left + right, len(vocabulary))
    tokenizer = Tokenizer(
        models.BPE(
            vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True
        )
    )
    spaces = normalizers.Replace(" ", "▁")
    tokenizer.normalizer = (
        normalizers.Sequence([normalizers.Prepend("▁"), spaces]) if prepends else spaces
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return tokenizer


def save(shape: Shape, folder: Path, template: str | None) -> Path:
    """Write a shape as a folder that transformers loads, with or without a chat template."""
    tokenizer = (
        _sentencepiece(shape.prepends) if shape.sentencepiece else _byte_level(shape.trim_offsets)
    )
    tokenizer.add_tokens(list(shape.added))
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "bos_token": shape.bos,
        "eos_token": shape.eos,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    if template is not None:
        (folder / "chat_template.jinja").write_text(template, "utf-8")
    return folder


def template_of(name: str) -> str:
    """Give the text of a template of this folder."""
    return (TEMPLATES / f"{name}.jinja").read_text("utf-8")
