"""Renderers that all tests of this room share: making one takes longer than using it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from fedi_dataset.tokens import Renderer, load_tokenizer
from fedi_dataset.tokens.tokenizer import LoadedTokenizer
from tests.tokens.shapes import SHAPES, save, template_of

Loaded = tuple[LoadedTokenizer, Renderer]


@pytest.fixture(scope="session")
def shaped(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Loaded]:
    """Give the tokenizer and renderer of a shape by its name."""

    @cache
    def make(name: str) -> Loaded:
        folder = save(SHAPES[name], tmp_path_factory.mktemp(name), template_of(name))
        loaded = load_tokenizer(str(folder), None)
        return loaded, Renderer(loaded)

    return make
