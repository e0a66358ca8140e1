"""From dialogues to what a model reads: ids, and labels that say where loss is taken."""

from fedi_dataset.tokens.encode import Counts, encode_batch
from fedi_dataset.tokens.rendering import Refused, Rendered, Renderer
from fedi_dataset.tokens.tokenizer import LoadedTokenizer, load_tokenizer

__all__ = [
    "Counts",
    "LoadedTokenizer",
    "Refused",
    "Rendered",
    "Renderer",
    "encode_batch",
    "load_tokenizer",
]
