"""Encodes text as a byte-level BPE tokenizer does, from pieces whose ids are remembered.

Merging is where a tokenizer's time goes, and most words of a text occurred before. So a text is split as the
tokenizer splits it (at added tokens, then with its own pre-tokenizer's patterns), and each piece is merged once.
A segment between two added tokens is remembered whole: a turn that stands in several dialogues is split once.

**The library stays the judge.** A tokenizer of another shape has no fast way. One that has it proves itself on a
sample when it is made, and every character does when it is first met, in a few neighborhoods, because the classes of
two regular-expression engines may rest on different versions of Unicode. Where anything differs, the text is the
library's.

The shapes are those of tokenizer.json (https://huggingface.co/docs/tokenizers/api/pre-tokenizers): no normalizer or
NFC; ``Split`` (isolated) and ``ByteLevel``; BPE without dropout.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, Final, NamedTuple

import regex
from tokenizers.models import BPE

from fedi_dataset.tokens.splitting import WESTERN, Splitter

__all__ = ["PieceEncoder", "Segment"]

_GPT2: Final = r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""What ``ByteLevel`` splits with when ``use_regex`` is set."""

_MOST_PIECES: Final = 200_000
_MOST_SEGMENTS: Final = 20_000
"""How many are remembered; then it begins anew, so that memory stays bounded. What shares a context lies together."""

_PROOF: Final = (
    "Hi there, it's 12 o'clock; I'LL be 1,234.5 m away!\n\n  two  spaces \t tab\r\n\r\n",
    "Grüße 👩\u200d🚀 日本語です、カタカナ 漢字123 🎉🎉 e\u0301 \ufb01 مرحبا بك שלום हिन्दी 한국어",
    "https://example.test/a_b?c=d#e f(x) {y: [1, 2]} <b>x</b> //--## ... ?!?! 'quote' \u00a0x",
)


class _Pieces(dict[str, tuple[int, ...]]):
    """Piece -> ids, merged by the tokenizer's own model when first met."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._model = model

    def __missing__(self, piece: str) -> tuple[int, ...]:
        if len(self) >= _MOST_PIECES:
            self.clear()
        spelled = piece.encode().decode("latin-1").translate(_SPELLING)
        ids = tuple(token.id for token in self._model.tokenize(spelled))
        self[piece] = ids
        return ids


class Segment(NamedTuple):
    """The ids of a text, and where in it they stand."""

    ids: tuple[int, ...]
    edges: Mapping[int, int]
    """Characters -> tokens, at the edges of its first pieces."""

    def tokens_at(self, characters: int) -> int | None:
        """Count the tokens of the first characters; None where a piece reaches beyond them."""
        return self.edges.get(characters)


class PieceEncoder:
    """The fast way of one tokenizer; :meth:`of` gives None where there is none."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._split = Splitter(_sources(backend)).split
        self._normalizes = bool(_normalizers(backend))
        self._added = _AddedTokens(backend.get_added_tokens_decoder())
        self._pieces = _Pieces(backend.model)
        self._segments: dict[str, Segment | None] = {}
        self._proven: set[str] = set()
        self._refused: set[str] = set()

    @classmethod
    def of(cls, backend: Any) -> PieceEncoder | None:
        """Give the fast way of a ``tokenizers.Tokenizer``, if it has one and proves itself."""
        if not _is_known_shape(backend):
            return None
        encoder = cls(backend)
        if not all(encoder._agrees(text) for text in _PROOF):
            return None
        for character in sorted(WESTERN):  # they are met in any case
            encoder._is_proven(character)
        return encoder

    def segment(self, text: str, reach: int = 0) -> Segment | None:
        """Encode what stands between two added tokens; None where only the library may.

        The ids are those that ``backend.encode`` gives these characters, whatever stands before and after. ``reach``:
        characters, its first ones, within which the segment is to know where tokens begin.
        """
        try:
            return self._segments[text]
        except KeyError:
            pass
        if len(self._segments) >= _MOST_SEGMENTS:
            self._segments.clear()
        segment = self._segment(text, reach) if self._takes(text) else None
        self._segments[text] = segment
        return segment

    def cut(self, text: str) -> list[tuple[int | None, str]]:
        """Give a text's added tokens with their ids, and what stands between with None, in order."""
        return self._added.cut(text)

    def part(self, tokens: Iterable[str]) -> bool:
        """Say whether these added tokens part a text whatever stands before and behind them."""
        return all(map(self._added.parts, tokens))

    def _segment(self, text: str, reach: int) -> Segment:
        pieces = self._pieces
        split = self._split(text)
        edges = {0: 0}
        characters = tokens = 0
        for piece in split if reach else ():
            characters += len(piece)
            tokens += len(pieces[piece])
            if characters > reach:
                break
            edges[characters] = tokens
        return Segment(tuple(chain.from_iterable([pieces[piece] for piece in split])), edges)

    def _takes(self, text: str) -> bool:
        """Whether a text is plain: no added token in it, every character proven, no change by normalization."""
        if not self._proven.issuperset(text) and not all(map(self._is_proven, set(text))):
            return False
        if self._normalizes and not unicodedata.is_normalized("NFC", text):
            return False
        return all(token is None for token, _ in self._added.cut(text))

    def _is_proven(self, character: str) -> bool:
        """Whether a character is split as the library splits it, wherever it stands."""
        if character in self._proven:
            return True
        if character in self._refused:
            return False
        agrees = all(self._agrees(one.replace("*", character)) for one in _NEIGHBORHOODS)
        (self._proven if agrees else self._refused).add(character)
        return agrees

    def _agrees(self, text: str) -> bool:
        try:
            text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair: the library's to judge
            return False
        if self._normalizes and not unicodedata.is_normalized("NFC", text):
            return True  # such a text is never split here
        ours = [
            one
            for token, part in self._added.cut(text)
            for one in (self._segment(part, 0).ids if token is None else (token,))
        ]
        return bool(ours == self._backend.encode(text, add_special_tokens=False).ids)


class _AddedTokens:
    """Finds a tokenizer's added tokens as it does: those of the raw text before the others, the longest first."""

    def __init__(self, added: Mapping[int, Any]) -> None:
        self._ids: dict[str, int] = {token.content: one for one, token in added.items()}
        self._parting: dict[str, bool] = {}
        raw = [token.content for token in added.values() if not token.normalized]
        normalized = [token.content for token in added.values() if token.normalized]
        self._rounds = [
            re.compile(f"({_any_of(tokens)})") for tokens in (raw, normalized) if tokens
        ]

    def cut(self, text: str) -> list[tuple[int | None, str]]:
        """Give the text in order: added tokens with their id, and what stands between with None."""
        parts: list[tuple[int | None, str]] = [(None, text)]
        for pattern in self._rounds:
            cut: list[tuple[int | None, str]] = []
            for token, part in parts:
                if token is not None:
                    cut.append((token, part))
                    continue
                between = True  # what re.split gives: text, token, text, token, text
                for piece in pattern.split(part):
                    if piece:
                        cut.append((None if between else self._ids[piece], piece))
                    between = not between
            parts = cut
        return parts

    def parts(self, token: str) -> bool:
        """Say whether no other added token can begin before this one and reach into it, or holds it."""
        if token not in self._parting:
            begun = tuple(token[:end] for end in range(1, len(token)))
            self._parting[token] = not any(
                token in other or other.endswith(begun) for other in self._ids if other != token
            )
        return self._parting[token]


def _any_of(contents: Iterable[str]) -> str:
    """Write a pattern of many literals as the tree of their beginnings: the longest wins, and none is tried twice."""
    branches: dict[str, list[str]] = {}
    for content in contents:
        if content:
            branches.setdefault(content[0], []).append(content[1:])
    written = [
        re.escape(first) + (_any_of(rest) if any(rest) else "")
        for first, rest in sorted(branches.items())
    ]
    pattern = written[0] if len(written) == 1 else "(?:" + "|".join(written) + ")"
    return f"(?:{pattern})?" if "" in contents else pattern


def _is_known_shape(backend: Any) -> bool:
    model = backend.model
    plain_model = (
        isinstance(model, BPE)
        and not model.dropout
        and not model.continuing_subword_prefix
        and not model.end_of_word_suffix
        and not model.byte_fallback
    )
    plain_tokens = not any(
        token.lstrip or token.rstrip or token.single_word
        for token in backend.get_added_tokens_decoder().values()
    )
    if not plain_model or not plain_tokens or _normalizers(backend) not in ([], ["NFC"]):
        return False
    try:
        Splitter(_sources(backend))
    except (ValueError, regex.error):
        return False
    return True


def _normalizers(backend: Any) -> list[str]:
    return [one["type"] for one in _sequence(_described(backend.normalizer), "normalizers")]


def _described(part: Any) -> Any:
    """Give a part of a tokenizer as tokenizer.json writes it."""
    return None if part is None else json.loads(part.__getstate__())


def _sequence(one: dict[str, Any] | None, inner: str) -> list[dict[str, Any]]:
    if one is None:
        return []
    if one["type"] == "Sequence":
        return [deep for part in one[inner] for deep in _sequence(part, inner)]
    return [one]


def _sources(backend: Any) -> list[str]:
    """Give the patterns of the pre-tokenizer, in order; ValueError for another shape."""
    described = _described(backend.pre_tokenizer)
    *splits, last = _sequence(described, "pretokenizers") or [{"type": ""}]
    if last["type"] != "ByteLevel" or last["add_prefix_space"]:
        raise ValueError("not byte-level")
    sources = [_source(split) for split in splits]
    return [*sources, _GPT2] if last["use_regex"] else sources


def _source(split: dict[str, Any]) -> str:
    if split["type"] != "Split" or split["behavior"] != "Isolated" or split["invert"]:
        raise ValueError("another pre-tokenizer")
    pattern = split["pattern"]
    return str(pattern["Regex"]) if "Regex" in pattern else str(regex.escape(pattern["String"]))


def _spelling() -> dict[int, str]:
    """How byte-level BPE spells bytes: as themselves where printable, else from U+0100 on (GPT-2's table)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(0x100 + place) for place, byte in enumerate(others)}


_SPELLING: Final = _spelling()

_NEIGHBORHOODS: Final = (
    "a*b *a a* *  1*2 *1 .*. *.*' '*s\n*\r\n* \t* ** *",
    "é*日 か* *",
)
"""Where a character proves itself: beside letters, digits, marks, white space, itself; and among other scripts."""
