"""Rampart in integer arithmetic, held against the file that it is made from."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fedi_dataset.errors import MissingExtra
from fedi_dataset.privacy.detector import Detector
from fedi_dataset.privacy.eightbit import to_eight_bits
from fedi_dataset.privacy.rampart import RampartModel, find_files

TEXTS = (
    "My name is Alice Miller, I live at 12 Oak Street, Springfield 12345.",
    "Mein Kollege Jürgen Schröder kommt erst am Dienstag.",
    "Thank you, the watering can stays in the shed until Thursday.",
    "call me on 020 7946 0018 or write, Tunde",
    "a",
    "La abuela Remedios cumple noventa; iremos todos a Zaragoza. " * 6,
)


@pytest.fixture(scope="module")
def model(detector: Detector) -> RampartModel:
    """The model as it runs."""
    assert detector.version
    return RampartModel(find_files("rampart"))


def plainly(ids: list[int], session: Any) -> NDArray[np.float32]:
    """Probabilities from the graph of the file itself, in floats: the oracle."""
    row = np.array([ids], np.int64)
    feed = {
        "input_ids": row,
        "attention_mask": np.ones_like(row),
        "token_type_ids": np.zeros_like(row),
    }
    logits = session.run(["logits"], feed)[0][0]
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: NDArray[np.float32] = exponents / exponents.sum(axis=1, keepdims=True)
    return result


def test_it_says_what_the_file_says(model: RampartModel) -> None:
    """The likeliest label of each token is that of the file's own graph, its probability nearly so."""
    import onnxruntime

    path = find_files("rampart") / "onnx/model_q4.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for text in TEXTS:
        ids = model._tokenizer.encode(text).ids
        plain, ours = plainly(ids, session), model._run(ids)
        assert ours.shape == plain.shape
        assert list(ours.argmax(axis=1)) == list(plain.argmax(axis=1))
        assert float(np.abs(ours - plain).mean()) < 0.005


def test_a_text_is_read_alike_whatever_was_read_before(model: RampartModel) -> None:
    """Readings are equal to the bit, in any order and repeated."""
    first = [model.read(text).masses.tobytes() for text in TEXTS]
    again = [model.read(text).masses.tobytes() for text in reversed(TEXTS)]
    assert first == again[::-1]


def test_without_onnx_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph is written by the package onnx, which the extra brings."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtra, match="privacy"):
        to_eight_bits(b"")


def test_a_model_that_gives_no_number_finds_nothing_silently(
    model: RampartModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not finite is an error, which refuses the text."""

    class Broken:
        def run(self, *_: object) -> list[NDArray[np.float32]]:
            return [np.full((7, 35), np.nan, np.float32)]

    monkeypatch.setattr(model, "_session", Broken())
    with pytest.raises(ValueError, match="no number"):
        model.find("My name is Alice Miller", "en")
