"""Models that find names in texts, by name: what all of them offer, and the ones that a user may bring.

Each is a Presidio recognizer that also says which languages it reads. Rampart, the default, has a
room of its own (:mod:`~fedi_dataset.privacy.rampart`); here are spaCy packages, token classifiers of
transformers, and GLiNER models. They find people, places and organizations, and no numbers: those are
the patterns'.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Final

from presidio_analyzer import LocalRecognizer, RecognizerResult

from fedi_dataset.errors import MissingExtra, UsageError
from fedi_dataset.privacy.spans import Span, grow

__all__ = ["GlinerModel", "Model", "SpacyModel", "TransformersModel", "versions"]

_ENTITY: Final = {
    "PERSON": "PERSON",
    "PER": "PERSON",
    "GPE": "PLACE",
    "LOC": "PLACE",
    "LOCATION": "PLACE",
    "FAC": "PLACE",
    "ORG": "ORGANIZATION",
    "ORGANIZATION": "ORGANIZATION",
}
"""Labels of common tag sets as our entities; other labels are left alone."""

_WINDOW: Final = 1_000  # characters: well below the 512 tokens that common encoders read
_OVERLAP: Final = 100


class Model(LocalRecognizer, ABC):  # type: ignore[misc]  # Presidio is untyped
    """A model that reads texts of some languages."""

    packages: ClassVar[tuple[str, ...]]
    """The packages on whose versions its findings depend."""
    languages: frozenset[str]
    """BCP 47 primary subtags of what it reads."""
    reads_unidentified: ClassVar[bool] = False
    """Whether a text whose language nobody knows may be given to it."""
    latin_only: ClassVar[bool] = False
    """Whether names in another script than Latin would pass it unseen."""

    @abstractmethod
    def find(self, text: str, language: str) -> list[Span]:
        """Give what it finds in a text of one of its languages, in the order of the text."""

    @abstractmethod
    def digest(self) -> str:
        """Give a digest of the files that decide what it finds."""

    @abstractmethod
    def title(self) -> str:
        """Name the model and its makers, for the card."""

    def analyze(
        self, text: str, entities: Sequence[str], nlp_artifacts: Any = None
    ) -> list[RecognizerResult]:
        """Do the same as Presidio words it; the language is that of ``nlp_artifacts``, if given."""
        language = getattr(nlp_artifacts, "language", None) or "und"
        return [
            RecognizerResult(span.entity, span.begin, span.end, span.score)
            for span in self.find(text, language)
            if span.entity in entities
        ]


class SpacyModel(Model):
    """A spaCy package with an entity recognizer, by the name of the package or a folder."""

    packages = ("spacy", "thinc")

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__(supported_entities=sorted(set(_ENTITY.values())), name=f"spacy:{name}")

    def load(self) -> None:
        """Load the package; raises MissingExtra without spaCy, UsageError if it is not there."""
        try:
            import spacy
        except ImportError as error:
            raise MissingExtra("spacy", f"the detector spacy:{self._name}") from error
        try:
            self._nlp = spacy.load(self._name)
        except OSError as error:
            raise UsageError(
                f"detector 'spacy:{self._name}': there is no such package or folder. "
                f"Install it (python -m spacy download {self._name}) or name another."
            ) from error
        if "ner" not in self._nlp.pipe_names:
            raise UsageError(f"detector 'spacy:{self._name}' has no entity recognizer ('ner')")
        self.languages = frozenset({self._nlp.lang})

    def find(self, text: str, language: str) -> list[Span]:  # noqa: ARG002  # one model, one language
        """Give the entities of the document; spaCy has no probabilities, Presidio's score is 0.85."""
        return [
            Span(*grow(text, entity.start_char, entity.end_char), _ENTITY[entity.label_], 0.85)
            for entity in self._nlp(text).ents
            if entity.label_ in _ENTITY
        ]

    def digest(self) -> str:
        """Hash the files of the package."""
        return _folder_digest(self._nlp.path)

    def title(self) -> str:
        """Name package and version."""
        meta = self._nlp.meta
        author, terms = meta.get("author") or "unknown", meta.get("license") or "unknown license"
        return f"spaCy {meta['lang']}_{meta['name']} {meta['version']} ({author}, {terms})"


class TransformersModel(Model):
    """A token classifier of transformers, by its name on the Hub or a folder."""

    packages = ("transformers", "tokenizers", "torch")

    def __init__(self, name: str, languages: Sequence[str]) -> None:
        self._name = name
        self.languages = frozenset(languages)
        super().__init__(
            supported_entities=sorted(set(_ENTITY.values())), name=f"transformers:{name}"
        )

    def load(self) -> None:
        """Load model and tokenizer; raises MissingExtra without PyTorch, UsageError if they are not
        there."""
        try:
            import torch
            from transformers import AutoModelForTokenClassification, AutoTokenizer
        except ImportError as error:
            raise MissingExtra("transformers", f"the detector transformers:{self._name}") from error
        self._torch = torch
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(self._name, use_fast=True)
            self._model = AutoModelForTokenClassification.from_pretrained(self._name).eval()
        except (OSError, ValueError) as error:
            raise UsageError(
                f"detector 'transformers:{self._name}': not a token classifier that can be had "
                f"({type(error).__name__}). Name one on the Hub or a folder."
            ) from error
        labels = {
            int(index): label.rpartition("-")[2].upper()
            for index, label in self._model.config.id2label.items()
        }
        self._entities = {
            index: _ENTITY[label] for index, label in labels.items() if label in _ENTITY
        }
        if "PERSON" not in self._entities.values():
            raise UsageError(
                f"detector 'transformers:{self._name}' has no label for people (PER, PERSON); "
                f"it has {', '.join(sorted(set(labels.values())))}"
            )

    def find(self, text: str, language: str) -> list[Span]:  # noqa: ARG002  # one model, any language
        """Give the words whose likeliest label is an entity; neighbors with one label are joined."""
        spans: list[Span] = []
        for begin, end in _windows(text):
            for span in self._read(text[begin:end]):
                grown = grow(text, span.begin + begin, span.end + begin)
                spans.append(Span(*grown, span.entity, span.score))
        return _joined(text, sorted(set(spans)))

    def _read(self, window: str) -> Iterator[Span]:
        encoded = self._tokenizer(
            window, return_offsets_mapping=True, return_tensors="pt", truncation=False
        )
        offsets = encoded.pop("offset_mapping")[0].tolist()
        with self._torch.inference_mode():
            logits = self._model(**encoded).logits[0]
        probabilities = logits.softmax(dim=-1)
        for (begin, end), row in zip(offsets, probabilities.tolist(), strict=True):
            best = max(range(len(row)), key=row.__getitem__)
            if best in self._entities and begin < end:
                yield Span(begin, end, self._entities[best], round(row[best], 3))

    def digest(self) -> str:
        """Hash the weights, the tokenizer and the labels, as loaded."""
        digest = hashlib.sha256(self._tokenizer.backend_tokenizer.to_str().encode())
        digest.update(repr(sorted(self._entities.items())).encode())
        for name, weights in sorted(self._model.state_dict().items()):
            digest.update(name.encode())
            digest.update(weights.detach().cpu().float().numpy().tobytes())
        return digest.hexdigest()

    def title(self) -> str:
        """Name the model."""
        return f"transformers {self._name}"


class GlinerModel(Model):
    """A GLiNER model, by its name on the Hub or a folder; asked for people, places, organizations."""

    packages = ("gliner", "transformers", "torch")
    _LABELS: Final = {"person": "PERSON", "location": "PLACE", "organization": "ORGANIZATION"}
    _THRESHOLD: Final = 0.5

    def __init__(self, name: str, languages: Sequence[str]) -> None:
        self._name = name
        self.languages = frozenset(languages)
        super().__init__(supported_entities=sorted(set(_ENTITY.values())), name=f"gliner:{name}")

    def load(self) -> None:
        """Load the model; raises MissingExtra without GLiNER, UsageError if it is not there."""
        try:
            from gliner import GLiNER
        except ImportError as error:
            raise MissingExtra("gliner", f"the detector gliner:{self._name}") from error
        try:
            self._model = GLiNER.from_pretrained(self._name)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"detector 'gliner:{self._name}': not a GLiNER model that can be had "
                f"({type(error).__name__}). Name one on the Hub or a folder."
            ) from error
        self._model.eval()

    def find(self, text: str, language: str) -> list[Span]:  # noqa: ARG002  # one model, any language
        """Give what is at least as probable as not."""
        spans = set()
        for begin, end in _windows(text):
            for one in self._model.predict_entities(
                text[begin:end], list(self._LABELS), threshold=self._THRESHOLD
            ):
                grown = grow(text, one["start"] + begin, one["end"] + begin)
                spans.add(Span(*grown, self._LABELS[one["label"]], round(float(one["score"]), 3)))
        return sorted(spans)

    def digest(self) -> str:
        """Hash the weights, as loaded."""
        digest = hashlib.sha256()
        for name, weights in sorted(self._model.state_dict().items()):
            digest.update(name.encode())
            digest.update(weights.detach().cpu().float().numpy().tobytes())
        return digest.hexdigest()

    def title(self) -> str:
        """Name the model."""
        return f"GLiNER {self._name}"


def versions(model: Model) -> dict[str, str]:
    """Give the versions of the packages on which a model's findings depend."""
    return {name: metadata.version(name) for name in model.packages}


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Cut a text into stretches that overlap, at spaces where there are any near."""
    begin = 0
    while len(text) - begin > _WINDOW:
        end = _space(text, begin + _WINDOW)
        yield begin, end
        begin = _space(text, end - _OVERLAP)
    yield begin, len(text)


def _space(text: str, at: int) -> int:
    for position in range(at, at - _OVERLAP, -1):
        if text[position - 1].isspace():
            return position
    return at


def _joined(text: str, spans: Sequence[Span]) -> list[Span]:
    """Join neighbors of one entity with at most a space between them."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.entity == span.entity
            and not text[last.end : span.begin].strip(" -'’.")
            and span.begin - last.end <= 2
        ):
            joined[-1] = Span(
                last.begin, max(last.end, span.end), span.entity, max(last.score, span.score)
            )
        else:
            joined.append(span)
    return joined


def _folder_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
