"""Models that users bring: spaCy packages, transformers, GLiNER, on small ones made here."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from fedi_dataset.errors import MissingExtra, UsageError
from fedi_dataset.privacy.detector import Detector, Policy, load_detector
from fedi_dataset.privacy.models import GlinerModel, SpacyModel, TransformersModel
from fedi_dataset.privacy.spans import Span

LINES = (
    ("Ala mieszka w Gdyni", {"entities": [(0, 3, "PER"), (14, 19, "LOC")]}),
    ("Ala lubi herbatę", {"entities": [(0, 3, "PER")]}),
    ("Wczoraj Ala spała", {"entities": [(8, 11, "PER")]}),
    ("W Gdyni pada deszcz", {"entities": [(2, 7, "LOC")]}),
)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Polish spaCy pipeline that knows one person and one town."""
    spacy = pytest.importorskip("spacy")
    from spacy.training import Example

    spacy.util.fix_random_seed(1)
    random.seed(1)
    nlp = spacy.blank("pl")
    nlp.add_pipe("ner")
    examples = [Example.from_dict(nlp.make_doc(text), marks) for text, marks in LINES]
    nlp.initialize(lambda: examples)
    for _ in range(40):
        nlp.update(examples)
    folder = tmp_path_factory.mktemp("models") / "pl"
    nlp.to_disk(folder)
    return folder


def test_a_spacy_package_finds_people_and_topics(package: Path) -> None:
    """People are masked, places where the policy asks; only its own language is covered."""
    text = "Ala mieszka w Gdyni"
    detector = load_detector(f"spacy:{package}")
    assert detector.covers(text, "pl")
    assert not detector.covers(text, "en")
    assert not detector.covers(text, "und")
    assert detector.detect(text, "pl") == (Span(0, 3, "PERSON", 0.85),)
    asked = load_detector(f"spacy:{package}", Policy(also_mask=("places",)))
    assert asked.detect(text, "pl") == (Span(0, 3, "PERSON", 0.85), Span(14, 19, "PLACE", 0.85))


def test_models_can_stand_beside_each_other(package: Path, detector: Detector) -> None:
    """Joined by +, each reads its languages, and the version tells."""
    both = load_detector(f"rampart+spacy:{package}")
    assert both.covers("Ala", "pl")
    assert both.covers("Alice", "en")
    assert both.version != detector.version
    assert both.detect("My name is Alice Miller.", "en") == detector.detect(
        "My name is Alice Miller.", "en"
    )
    assert both.describe()["languages"] == ["de", "en", "es", "fr", "it", "nl", "pl", "pt"]


def test_a_changed_package_is_another_detector(package: Path, tmp_path: Path) -> None:
    """The version covers the package's files."""
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(package, copy)
    digest = SpacyModel(str(copy)).digest()
    assert digest == SpacyModel(str(package)).digest()
    (copy / "more").write_text("x")
    assert SpacyModel(str(copy)).digest() != digest


def test_spacy_packages_must_be_there_and_have_ner(tmp_path: Path) -> None:
    """The error names the package and how to get it."""
    spacy = pytest.importorskip("spacy")
    with pytest.raises(UsageError, match="spacy download no_such_package"):
        SpacyModel("no_such_package")
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(UsageError, match="has no entity recognizer"):
        SpacyModel(str(tmp_path / "blank"))


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token classifier with random weights, taught to call the word "ala" a person."""
    torch = pytest.importorskip("torch")
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "ala", "ma", "kota", "gdynia"]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, "[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    folder = tmp_path_factory.mktemp("models") / "classifier"
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    torch.manual_seed(1)
    model = BertForTokenClassification(
        BertConfig(
            vocab_size=len(words),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            id2label={0: "O", 1: "B-PER", 2: "B-LOC"},
            label2id={"O": 0, "B-PER": 1, "B-LOC": 2},
        )
    )
    ids = torch.tensor([[2, 3, 4], [5, 3, 2], [4, 2, 2]])
    wanted = torch.tensor([[1, 0, 0], [2, 0, 1], [0, 1, 1]])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    model.eval()
    for _ in range(150):
        loss = model(input_ids=ids, labels=wanted).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    return folder


def found(model: TransformersModel, text: str) -> list[tuple[str, str]]:
    """All (entity, stretch) in the order of the text."""
    return [(span.entity, text[span.begin : span.end]) for span in model.find(text, "pl")]


def test_a_token_classifier_finds_people(classifier: Path) -> None:
    """Labels become our entities, neighbors one span; the policy decides about places."""
    model = TransformersModel(str(classifier), ["pl"])
    assert found(model, "Ala ma kota") == [("PERSON", "Ala")]
    assert found(model, "Gdynia ma Ala") == [("PLACE", "Gdynia"), ("PERSON", "Ala")]
    detector = load_detector(f"transformers:{classifier}", Policy(languages=("pl",)))
    assert [span.entity for span in detector.detect("Gdynia ma Ala", "pl")] == ["PERSON"]
    assert not detector.covers("Ala", "en")
    assert TransformersModel(str(classifier), ["pl"]).digest() == model.digest()


def test_long_texts_are_read_to_the_end(classifier: Path) -> None:
    """A name behind more than one window is found, once, where it stands."""
    text = "kota " * 500 + "Ala ma kota"
    model = TransformersModel(str(classifier), ["pl"])
    assert [
        (span.begin, span.entity) for span in model.find(text, "pl") if span.entity == "PERSON"
    ][-1] == (2_500, "PERSON")


def test_classifiers_must_be_there_and_know_people(
    classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the model and what is wrong with it."""
    import json
    import shutil

    with pytest.raises(UsageError, match="not a token classifier"):
        TransformersModel(str(tmp_path / "nothing"), ["pl"])
    copy = tmp_path / "copy"
    shutil.copytree(classifier, copy)
    config = json.loads((copy / "config.json").read_text())
    config["id2label"] = {"0": "O", "1": "B-CAT", "2": "B-DOG"}
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match="has no label for people"):
        TransformersModel(str(copy), ["pl"])
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"fedi_dataset\[transformers\]"):
        TransformersModel(str(classifier), ["pl"])


def test_gliner_is_asked_for_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library the error names the extra."""
    monkeypatch.setitem(sys.modules, "gliner", None)
    with pytest.raises(MissingExtra, match=r"fedi_dataset\[gliner\]"):
        GlinerModel("some/model", ["en"])


def test_gliner_models_must_be_there(tmp_path: Path) -> None:
    """With the library, a folder without a model is refused by name."""
    pytest.importorskip("gliner")
    with pytest.raises(UsageError, match="not a GLiNER model"):
        GlinerModel(str(tmp_path), ["en"])


def test_without_spacy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library the error names the extra."""
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(MissingExtra, match=r"fedi_dataset\[spacy\]"):
        SpacyModel("en_core_web_sm")
