"""Token ids as text again: what each token stands for, and whether loss is taken on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from fedi_dataset.errors import UsageError
from fedi_dataset.release.manifest import Manifest
from fedi_dataset.tokens.origin import last_place
from fedi_dataset.tokens.rendering import IGNORED
from fedi_dataset.tokens.tokenize import TEMPLATE
from fedi_dataset.tokens.tokenizer import load_tokenizer

__all__ = ["Piece", "Pieces", "load_pieces"]


class Piece(NamedTuple):
    """The shortest run of tokens that is text: mostly one, more where a character takes several."""

    ids: tuple[int, ...]
    text: str
    trained_ids: int
    """On how many of them loss is taken."""

    @property
    def trained(self) -> bool:
        """Whether loss is taken on any of it."""
        return self.trained_ids > 0


@dataclass(frozen=True, slots=True)
class Pieces:
    """Gives ids back as text, with the tokenizer that made them."""

    backend: Any
    """Of the ``tokenizers`` library."""

    def of(self, ids: Sequence[int], labels: Sequence[int]) -> tuple[Piece, ...]:
        """Cut a row into pieces, which hold all of its ids in their order."""
        from tokenizers.decoders import DecodeStream

        stream = DecodeStream(skip_special_tokens=False)
        pieces: list[Piece] = []
        begin = 0
        for place, token in enumerate(ids, start=1):
            text = stream.step(self.backend, token)
            if text is None and place == len(ids):  # it ends amid a character
                text = self.backend.decode(list(ids[begin:]), skip_special_tokens=False)
            if text is not None:
                trained = sum(label != IGNORED for label in labels[begin:place])
                pieces.append(Piece(tuple(ids[begin:place]), text, trained))
                begin = place
        return tuple(pieces)


def load_pieces(release: Path, manifest: Manifest) -> Pieces:
    """Load the tokenizer that a release's tokens were made with.

    Raises UsageError, which says what to do, if the release has no tokens, or if the tokenizer cannot be loaded or is
    not the same any more.
    """
    made = manifest.tokens
    if made is None:
        raise UsageError(
            f"{release} has no tokens; make them first: fedi-dataset tokenize {release} --tokenizer NAME_OR_DIR"
        )
    again = (
        f"Tokenize again (fedi-dataset tokenize {release} --tokenizer NAME_OR_DIR), "
        "or look at it without --tokens"
    )
    try:
        loaded = load_tokenizer(
            last_place(release, manifest),
            release / TEMPLATE,
            add_special_tokens=bool(made.added_tokens),
        )
    except UsageError as error:
        raise UsageError(f"the tokens of {release} cannot be shown: {error} {again}") from error
    if loaded.tokenizer_sha256 != made.tokenizer_sha256:
        raise UsageError(
            f"the tokenizer {made.tokenizer} is not the one that made the tokens of {release}, "
            f"so their ids would be shown as other words. {again}"
        )
    return Pieces(loaded.tokenizer.backend_tokenizer)
