"""From dialogues to what a model reads: ids, and labels that say where loss is taken."""

from fedi_dataset.tokens.encode import Counts, encode_batch, encode_multi_turn
from fedi_dataset.tokens.rendering import Refused, Rendered, Renderer, Row, Shared
from fedi_dataset.tokens.tokenizer import LoadedTokenizer, load_tokenizer

__all__ = [
    "Counts",
    "LoadedTokenizer",
    "Refused",
    "Rendered",
    "Renderer",
    "Row",
    "Shared",
    "encode_batch",
    "encode_multi_turn",
    "load_tokenizer",
]
