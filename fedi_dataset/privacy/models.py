"""Models that find names in texts, by name: what all of them offer, and the ones that a user may bring.

Each is a Presidio recognizer that also says which languages it reads. Rampart, the default, has a
room of its own (:mod:`~fedi_dataset.privacy.rampart`); here are spaCy packages, token classifiers of
transformers, and GLiNER models. They find people, places and organizations, and no numbers: those are
the patterns'.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Final

from presidio_analyzer import LocalRecognizer, RecognizerResult

from fedi_dataset.errors import MissingExtra, PrivacyError, UsageError
from fedi_dataset.privacy.spans import Span, grower

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
    "PERSNAME": "PERSON",  # spaCy's Polish packages, after the National Corpus of Polish
    "PLACENAME": "PLACE",
    "GEOGNAME": "PLACE",
    "ORGNAME": "ORGANIZATION",
    "PRS": "PERSON",  # its Swedish ones, after SUC 3.0
    "PS": "PERSON",  # its Korean ones, after KLUE
    "LC": "PLACE",
    "OG": "ORGANIZATION",
    "GPE_LOC": "PLACE",  # its Norwegian ones, after NorNE
    "GPE_ORG": "ORGANIZATION",
    "GIVENNAME": "PERSON",  # classifiers of personal data
    "FIRSTNAME": "PERSON",
    "MIDDLENAME": "PERSON",
    "SURNAME": "PERSON",
    "LASTNAME": "PERSON",
}
"""Labels of common tag sets in upper case as our entities; other labels are left alone."""

_WINDOW: Final = 1_000  # characters: in most languages well below the 512 tokens that encoders read
_OVERLAP: Final = 100
_SHORTEST: Final = 8
_UNBOUNDED: Final = 10**9
_PROMPT: Final = 32  # tokens that GLiNER's labels and their marks take, at most

# What a model's config says of where it lay and what wrote it, which decides nothing that it finds.
_CIRCUMSTANCES: Final = frozenset({"_name_or_path", "model_name", "transformers_version"})


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
        super().__init__(
            supported_entities=sorted(set(_ENTITY.values())), name=f"spacy:{_called(name)}"
        )

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
        _check_people(f"spacy:{self._name}", self._nlp.get_pipe("ner").labels)
        self.languages = frozenset({self._nlp.lang})

    def find(self, text: str, language: str) -> list[Span]:  # noqa: ARG002  # one model, one language
        """Give the entities of the document; spaCy has no probabilities, Presidio's score is 0.85."""
        grow = grower(text)
        return [
            Span(*grow(one.start_char, one.end_char), _ENTITY[one.label_.upper()], 0.85)
            for one in self._nlp(text).ents
            if one.label_.upper() in _ENTITY
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
            supported_entities=sorted(set(_ENTITY.values())),
            name=f"transformers:{_called(name)}",
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
        if not self._tokenizer.is_fast:
            raise UsageError(
                f"detector 'transformers:{self._name}': its tokenizer does not tell where in a text "
                "a token stands (it has no tokenizer.json). Name another model."
            )
        labels = {
            int(index): label.rpartition("-")[2].upper()
            for index, label in self._model.config.id2label.items()
        }
        _check_people(f"transformers:{self._name}", labels.values())
        self._entities = {
            index: _ENTITY[label] for index, label in labels.items() if label in _ENTITY
        }
        self._limit = _limit(self._tokenizer, self._model.config)

    def find(self, text: str, language: str) -> list[Span]:  # noqa: ARG002  # one model, any language
        """Give the words whose likeliest label is an entity; neighbors with one label are joined."""
        spans: list[Span] = []
        grow = grower(text)
        for begin, end in _windows(text, self._fits):
            for span in self._read(text[begin:end]):
                grown = grow(span.begin + begin, span.end + begin)
                spans.append(Span(*grown, span.entity, span.score))
        return _joined(text, sorted(set(spans)))

    def _fits(self, window: str) -> bool:
        return len(self._tokenizer(window, truncation=False)["input_ids"]) <= self._limit

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
        """Hash the weights, the tokenizer, the config and the limit, as loaded."""
        return _digest_of(self._model, self._tokenizer, self._model.config, self._limit)

    def title(self) -> str:
        """Name the model; one in a folder by its digest too, because no name says what it is."""
        return f"transformers {_called(self._name, self.digest)}"


class GlinerModel(Model):
    """A GLiNER model, by its name on the Hub or a folder; asked for people, places, organizations."""

    packages = ("gliner", "transformers", "torch")
    _LABELS: Final = {"person": "PERSON", "location": "PLACE", "organization": "ORGANIZATION"}
    _THRESHOLD: Final = 0.5

    def __init__(self, name: str, languages: Sequence[str]) -> None:
        self._name = name
        self.languages = frozenset(languages)
        super().__init__(
            supported_entities=sorted(set(_ENTITY.values())), name=f"gliner:{_called(name)}"
        )

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
        processor = self._model.data_processor
        self._split, self._tokenizer = processor.words_splitter, processor.transformer_tokenizer
        encoder = getattr(self._model.config, "encoder_config", None)
        self._limit = _limit(self._tokenizer, encoder) - _PROMPT

    def find(self, text: str, language: str) -> list[Span]:  # noqa: ARG002  # one model, any language
        """Give what is at least as probable as not."""
        spans = set()
        grow = grower(text)
        for begin, end in _windows(text, self._fits):
            if not any(self._split(text[begin:end])):
                continue  # GLiNER fails on a text without words
            for one in self._model.predict_entities(
                text[begin:end], list(self._LABELS), threshold=self._THRESHOLD
            ):
                grown = grow(one["start"] + begin, one["end"] + begin)
                spans.add(Span(*grown, self._LABELS[one["label"]], round(float(one["score"]), 3)))
        return sorted(spans)

    def digest(self) -> str:
        """Hash the weights, the tokenizer, the config and the limit, as loaded."""
        return _digest_of(self._model, self._tokenizer, self._model.config, self._limit)

    def title(self) -> str:
        """Name the model; one in a folder by its digest too, because no name says what it is."""
        return f"GLiNER {_called(self._name, self.digest)}"

    def _fits(self, window: str) -> bool:
        """Say whether GLiNER reads all of it: it cuts off, with a warning, what is too long."""
        words = [word for word, _, _ in self._split(window)]
        tokens = self._tokenizer(words, is_split_into_words=True, truncation=False)["input_ids"]
        return len(words) <= self._model.config.max_len and len(tokens) <= self._limit


def versions(model: Model) -> dict[str, str]:
    """Give the versions of the packages on which a model's findings depend."""
    return {name: metadata.version(name) for name in model.packages}


def _called(name: str, digest: Callable[[], str] | None = None) -> str:
    """Give a model's name for others: of a folder its last part, as where it lies is nobody's business."""
    if not Path(name).is_dir():
        return name
    return Path(name).resolve().name + (f", SHA-256 {digest()}" if digest else "")


def _check_people(detector: str, labels: Iterable[str]) -> None:
    """Refuse a model without a label for people: posts would pass for scrubbed with their names."""
    if not any(_ENTITY.get(label.upper()) == "PERSON" for label in labels):
        known = sorted(label for label, entity in _ENTITY.items() if entity == "PERSON")
        raise UsageError(
            f"detector {detector!r} has no label for people ({', '.join(known)}); "
            f"it has {', '.join(sorted(set(labels)))}"
        )


def _limit(tokenizer: Any, config: Any) -> int:
    """Tokens that an encoder reads at once, those that stand around a text included."""
    positions = getattr(config, "max_position_embeddings", None) or -1
    # RoBERTa's kin give the first two positions away
    return min(int(tokenizer.model_max_length), positions - 2 if positions > 2 else _UNBOUNDED)


def _windows(text: str, fits: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """Cut a text into stretches that fit and overlap, at spaces where there are any near."""
    begin = 0
    while True:
        size = _WINDOW
        end = len(text) if len(text) - begin <= size else _space(text, begin + size, _OVERLAP)
        while not fits(text[begin:end]):
            size = (end - begin) // 2
            if size < _SHORTEST:
                raise PrivacyError("a text has more tokens a character than the model can read")
            end = _space(text, begin + size, size // 2)
        yield begin, end
        if end == len(text):
            return
        overlap = min(_OVERLAP, (end - begin) // 4)
        begin = _space(text, end - overlap, overlap)


def _space(text: str, at: int, most: int) -> int:
    """Find the end of a space at or before a place, not further back than ``most``; else the place."""
    for position in range(at, at - most, -1):
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


def _digest_of(model: Any, tokenizer: Any, config: Any, limit: int) -> str:
    """Hash what decides what a model of PyTorch finds, as loaded."""
    about = [tokenizer.backend_tokenizer.to_str(), _deciding(config.to_dict()), limit]
    digest = hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode())
    for name, weights in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(weights.detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()


def _deciding(config: Any) -> Any:
    """Leave out of a config, and of those within it, what decides nothing."""
    if hasattr(config, "to_dict"):
        config = config.to_dict()
    if not isinstance(config, dict):
        return config
    return {
        str(name): _deciding(value) for name, value in config.items() if name not in _CIRCUMSTANCES
    }


def _folder_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
