"""Models that users bring: spaCy packages, transformers, GLiNER, on small ones made here."""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path

import pytest

from fedi_dataset.errors import MissingExtra, PrivacyError, UsageError
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


@pytest.mark.parametrize(("label", "entity"), [("persName", "PERSON"), ("PRS", "PERSON")])
def test_labels_of_other_tag_sets_are_people_too(tmp_path: Path, label: str, entity: str) -> None:
    """spaCy's Polish and Swedish packages have labels of their own."""
    spacy = pytest.importorskip("spacy")
    nlp = spacy.blank("pl")
    nlp.add_pipe("ner").add_label(label)
    nlp.initialize()
    nlp.add_pipe("entity_ruler").add_patterns([{"label": label, "pattern": "Ala"}])
    nlp.to_disk(tmp_path / "pl")
    assert Span(0, 3, entity, 0.85) in SpacyModel(str(tmp_path / "pl")).find("Ala ma kota", "pl")


def test_a_package_that_knows_no_people_is_refused(tmp_path: Path) -> None:
    """Posts would pass for scrubbed with every name in them."""
    spacy = pytest.importorskip("spacy")
    nlp = spacy.blank("pl")
    nlp.add_pipe("ner").add_label("LOC")
    nlp.initialize()
    nlp.to_disk(tmp_path / "pl")
    with pytest.raises(UsageError, match=r"no label for people .* it has LOC"):
        SpacyModel(str(tmp_path / "pl"))


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


def test_texts_of_many_tokens_are_read_to_the_end(classifier: Path) -> None:
    """Where a window has more tokens than the model takes it is halved, until every stretch is read."""
    text = "a,b;" * 400 + " Ala ma kota"
    model = TransformersModel(str(classifier), ["pl"])
    assert ("PERSON", "Ala") in found(model, text)


def test_a_model_that_can_read_no_stretch_refuses_the_text(
    classifier: Path, tmp_path: Path
) -> None:
    """What does not fit in the shortest window is refused, not passed over."""
    copy = changed(classifier, tmp_path, "tokenizer_config.json", model_max_length=4)
    detector = load_detector(f"transformers:{copy}", Policy(languages=("pl",)))
    with pytest.raises(PrivacyError, match="could not be scrubbed"):
        detector.detect("a,b;" * 40, "pl")


def changed(folder: Path, to: Path, name: str, **fields: object) -> Path:
    """Copy a model, with fields of one of its files changed."""
    copy = to / "copy"
    shutil.copytree(folder, copy)
    content = json.loads((copy / name).read_text("utf-8"))
    (copy / name).write_text(json.dumps({**content, **fields}), "utf-8")
    return copy


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("config.json", {"layer_norm_eps": 0.1}),
        ("config.json", {"id2label": {"0": "O", "1": "B-PER", "2": "B-ORG"}}),
        ("tokenizer.json", {"normalizer": None}),
        ("tokenizer_config.json", {"model_max_length": 100}),
    ],
)
def test_a_changed_file_is_another_detector(
    classifier: Path, tmp_path: Path, name: str, fields: dict[str, object]
) -> None:
    """A folder is pinned by its content: the version of the detector covers config, labels and tokenizer."""
    policy = Policy(languages=("pl",))
    before = load_detector(f"transformers:{classifier}", policy)
    copy = changed(classifier, tmp_path, name, **fields)
    assert load_detector(f"transformers:{copy}", policy).version != before.version


def test_changed_weights_are_another_detector(classifier: Path, tmp_path: Path) -> None:
    """One weight in the model's file is enough."""
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "classifier"
    shutil.copytree(classifier, copy)
    policy = Policy(languages=("pl",))
    before = load_detector(f"transformers:{classifier}", policy)
    assert load_detector(f"transformers:{copy}", policy).version == before.version
    weights = load_file(copy / "model.safetensors")
    weights["classifier.bias"][0] += 1e-6
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    assert load_detector(f"transformers:{copy}", policy).version != before.version


def test_a_folder_is_named_by_its_digest_and_not_by_where_it_lies(classifier: Path) -> None:
    """The card must say which model it was, and nothing of the steward's machine."""
    model = TransformersModel(str(classifier), ["pl"])
    assert model.title() == f"transformers classifier, SHA-256 {model.digest()}"
    assert model.name == "transformers:classifier"


def test_classifiers_must_be_there_and_know_people(
    classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the model and what is wrong with it."""
    with pytest.raises(UsageError, match="not a token classifier"):
        TransformersModel(str(tmp_path / "nothing"), ["pl"])
    labels = {"0": "O", "1": "B-CAT", "2": "B-DOG"}
    copy = changed(classifier, tmp_path, "config.json", id2label=labels)
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


def test_without_spacy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library the error names the extra."""
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(MissingExtra, match=r"fedi_dataset\[spacy\]"):
        SpacyModel("en_core_web_sm")
