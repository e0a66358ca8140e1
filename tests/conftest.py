"""A small world and a release of it, made once for all tests, and fresh copies of it to break."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest

from fedi_dataset.errors import MissingExtra
from fedi_dataset.workspace import Workspace, default_workspace
from tests.world import World, WrittenWorld

if TYPE_CHECKING:
    from fedi_dataset.pipeline import BuildReport
    from fedi_dataset.privacy.detector import Detector
    from tests.world.canaries import Canaries

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
"""When the shared release is built: after everything that the world's ledger says."""


class ReleaseCopy(NamedTuple):
    """A release with all that belongs to it, free to be changed."""

    release: Path
    work: Path
    ledger: Path
    """A copy of the ledger; the workspace records it."""
    exports: tuple[Path, ...]
    """The shared world's exports: read only."""


@pytest.fixture(scope="session")
def small_world() -> World:
    """The people and talks of the shared world, and the truth about them."""
    return World(7, conversations=24)


@pytest.fixture(scope="session")
def world(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> WrittenWorld:
    """The exports and the ledger of the shared world; read only."""
    return small_world.write(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def built(world: WrittenWorld, tmp_path_factory: pytest.TempPathFactory) -> BuildReport:
    """The default build of the shared world; read only. Skips without the privacy extra."""
    from fedi_dataset.pipeline import build  # slow to import: not for tests that do without

    out = tmp_path_factory.mktemp("built") / "release"
    try:
        return build(world.exports, consent=world.ledger, out=out, as_of=AS_OF)
    except MissingExtra as error:
        pytest.skip(str(error))


@pytest.fixture
def release_copy(built: BuildReport, world: WrittenWorld, tmp_path: Path) -> ReleaseCopy:
    """A fresh copy of the built release, its workspace and its ledger below ``tmp_path``."""
    return copy_of(built, world, tmp_path)


def copy_of(built: BuildReport, world: WrittenWorld, folder: Path) -> ReleaseCopy:
    """Copy the built release, its workspace and its ledger into a folder."""
    release = folder / "release"
    work = default_workspace(release)
    ledger = folder / "ledger.jsonl"
    shutil.copytree(built.release, release)
    shutil.copytree(built.workspace, work)
    shutil.copy(world.ledger, ledger)
    workspace = Workspace(work)
    state = workspace.state()
    assert state.ledger is not None
    moved = msgspec.structs.replace(state.ledger, path=str(ledger))
    workspace.record(msgspec.structs.replace(state, ledger=moved))
    return ReleaseCopy(release, work, ledger, tuple(world.exports))


@pytest.fixture(scope="session")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> Canaries:
    """The world of canaries and its builds; read only. Skips without the privacy extra."""
    from fedi_dataset.privacy.detector import load_detector
    from tests.world.canaries import build_all

    try:
        load_detector("rampart")
    except MissingExtra as error:
        pytest.skip(str(error))
    return build_all(tmp_path_factory.mktemp("canaries"))


@pytest.fixture(scope="session")
def detector() -> Detector:
    """Rampart and all patterns, loaded once; skips without the privacy extra."""
    from fedi_dataset.privacy.detector import load_detector

    try:
        return load_detector()
    except MissingExtra as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a token classifier that knows one person, Ala, and one town, Gdynia; read only."""
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
    # Weights by hand: a direction of its own for every word, which all layers let through as it is,
    # and which the classifier knows again.
    two = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    directions = torch.kron(torch.kron(two, two), torch.kron(two, two))[1 : len(words) + 1]
    labels = torch.eye(3)[torch.tensor([0, 0, 1, 0, 0, 2])]
    with torch.no_grad():
        for name, weights in model.named_parameters():
            weights.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
        model.bert.embeddings.word_embeddings.weight.copy_(directions)
        model.classifier.weight.copy_(labels.T @ directions)
    model.save_pretrained(folder)
    return folder
