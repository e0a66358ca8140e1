"""GLiNER models as detectors, on a small one made here; by hand, where the package is installed."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from fedi_dataset.errors import UsageError
from fedi_dataset.privacy.detector import Policy, load_detector
from fedi_dataset.privacy.models import GlinerModel
from fedi_dataset.privacy.spans import Span

gliner = pytest.importorskip("gliner")

LABELS = ["person", "location", "organization"]
SAID: tuple[tuple[str, list[tuple[int, int, str]]], ...] = (
    ("Ala ma kota", [(0, 0, "person")]),
    ("Gdynia ma kota", [(0, 0, "location")]),
    ("kota ma Ala", [(2, 2, "person")]),
    ("kota ma ma kota", []),
    ("kota " * 8 + "Ala", [(8, 8, "person")]),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a GLiNER model that knows one person, Ala, and one town, Gdynia; read only."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "ala", "ma", "kota", "gdynia", *LABELS]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, "[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    base = tmp_path_factory.mktemp("models") / "base"
    special = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]"}
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **{f"{name}_token": token for name, token in special.items()},
    ).save_pretrained(base)
    torch.manual_seed(1)
    random.seed(1)
    encoder = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(encoder).save_pretrained(base)
    config = {
        "model_name": str(base),
        "hidden_size": 32,
        "max_width": 2,
        "max_len": 50,
        "dropout": 0.0,
    }
    model = gliner.GLiNER.from_config(config)
    collate = model.data_collator_class(
        model.config, data_processor=model.data_processor, prepare_labels=True
    )
    batch = collate(
        [
            {"tokenized_text": text.split(), "ner": spans, "ner_labels": LABELS}
            for text, spans in SAID
        ]
    )
    optimizer = torch.optim.Adam(model.model.parameters(), lr=0.005)
    for _ in range(120):
        loss = model.model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    made = base.with_name("tiny")
    model.save_pretrained(made)
    return made


def found(model: GlinerModel, text: str) -> list[tuple[int, str, str]]:
    """All (begin, entity, stretch) in the order of the text."""
    return [(one.begin, one.entity, text[one.begin : one.end]) for one in model.find(text, "pl")]


def test_a_gliner_model_finds_people_and_places(folder: Path) -> None:
    """What it calls a person or a location becomes our entity; the policy decides about places."""
    model = GlinerModel(str(folder), ["pl"])
    assert found(model, "Ala ma kota") == [(0, "PERSON", "Ala")]
    assert found(model, "Gdynia ma kota") == [(0, "PLACE", "Gdynia")]
    detector = load_detector(f"gliner:{folder}", Policy(languages=("pl",)))
    assert [span.entity for span in detector.detect("Ala ma kota", "pl")] == ["PERSON"]
    assert detector.detect("Gdynia ma kota", "pl") == ()
    assert not detector.covers("Ala ma kota", "en")
    asked = load_detector(f"gliner:{folder}", Policy(languages=("pl",), also_mask=("places",)))
    assert [span.entity for span in asked.detect("Gdynia ma kota", "pl")] == ["PLACE"]


def test_more_words_than_gliner_reads_at_once_are_read(folder: Path) -> None:
    """GLiNER cuts off behind max_len words, here 50, with a warning: no stretch may have more."""
    text = "kota " * 130 + "Ala"
    assert (650, "PERSON", "Ala") in found(GlinerModel(str(folder), ["pl"]), text)


@pytest.mark.parametrize("text", ["", " \n "])
def test_a_text_without_words_holds_nothing(folder: Path, text: str) -> None:
    """GLiNER itself fails on it."""
    assert GlinerModel(str(folder), ["pl"]).find(text, "pl") == list[Span]()


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("gliner_config.json", {"max_width": 1}),
        ("tokenizer_config.json", {"model_max_length": 100}),
    ],
)
def test_a_changed_folder_is_another_detector(
    folder: Path, tmp_path: Path, name: str, fields: dict[str, object]
) -> None:
    """It is pinned by its content, wherever it lies."""
    copy = tmp_path / "tiny"
    shutil.copytree(folder, copy)
    policy = Policy(languages=("pl",))
    before = load_detector(f"gliner:{folder}", policy)
    assert load_detector(f"gliner:{copy}", policy).version == before.version
    content = json.loads((copy / name).read_text("utf-8"))
    (copy / name).write_text(json.dumps({**content, **fields}), "utf-8")
    assert load_detector(f"gliner:{copy}", policy).version != before.version


def test_gliner_models_must_be_there(tmp_path: Path) -> None:
    """A folder without a model is refused by name."""
    with pytest.raises(UsageError, match="not a GLiNER model"):
        GlinerModel(str(tmp_path), ["en"])
