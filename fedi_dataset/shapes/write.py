"""Writes a release in another shape: a folder of its own with a file a split, the licenses, and what it was made of.

An export is a copy. ``export.json`` names the build it was made of, every row carries its key, and
``removed_keys.jsonl`` of a later revision says which rows a copy must drop; writing the export again drops them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec
import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig
from fedi_dataset.errors import UsageError
from fedi_dataset.files import sha256_of, sync_folder
from fedi_dataset.release.attribution import ATTRIBUTION, LICENSE
from fedi_dataset.release.manifest import Manifest, check_tables, read_manifest
from fedi_dataset.release.store import recover
from fedi_dataset.shapes.binary import write_binary
from fedi_dataset.shapes.rows import (
    flagged_messages,
    multi_turn_messages,
    sharegpt,
    text_of_response,
    texts_of_conversation,
    texts_of_post,
)

__all__ = ["ABOUT", "FORMATS", "ExportReport", "Format", "export"]

Format = Literal["messages", "sharegpt", "text", "datatrove"]

FORMATS: Final[tuple[Format, ...]] = get_args(Format)

ABOUT: Final = "export.json"

Shape = Callable[[Mapping[str, Any]], Iterator[dict[str, Any]]]


@dataclass(frozen=True)
class ExportReport:
    """What was written."""

    folder: Path
    format: Format
    build: str
    """Of the release, at that time."""
    rows: Mapping[str, int]
    """Split -> rows."""


def export(release: Path | str, out: Path | str, format: Format) -> ExportReport:  # noqa: A002 - the flag's name
    """Write ``release`` as ``format`` into the folder ``out``; an earlier export there is replaced whole.

    ``messages``: JSON lines of messages with ``train``, of ``multi_turn`` where the release has it, else of
    ``dialogues``. ``sharegpt``: JSON lines and LLaMA-Factory's dataset_info.json. ``text``: JSON lines of what may be
    trained, a turn each; of a build whose config leaves turns or headings out, responses and ``posts`` alone.
    ``datatrove``: token files with document ends and a loss mask, of ``tokens`` not packed.

    Raises UsageError if there is no release, it lacks the tables, or ``out`` holds something else, and
    FediDatasetError if a shard is not the one that was built.
    """
    folder, target = Path(release), Path(out)
    recover(folder)
    manifest = read_manifest(folder)
    if manifest is None:
        raise UsageError(f"no release at {folder}; build one first")
    binary = format == "datatrove"
    sources = {} if binary else _sources(manifest, format, folder)
    check_tables(folder, manifest, ["tokens"] if binary else list(sources))
    with _replacing(target) as fresh:
        rows = (
            write_binary(folder, manifest, fresh)
            if binary
            else _write_lines(folder, manifest, fresh, sources)
        )
        if format == "sharegpt":
            _write_dataset_info(fresh, rows)
        for name in (LICENSE, ATTRIBUTION):
            if name in manifest.files:
                shutil.copyfile(folder / name, fresh / name)
        _write_about(fresh, manifest, format, rows)
    return ExportReport(target, format, manifest.build, rows)


def _sources(manifest: Manifest, format: Format, folder: Path) -> dict[str, Shape]:  # noqa: A002
    """Table -> what its rows become."""
    tables = manifest.tables()
    wanted: dict[str, Shape]
    if format == "messages":
        wanted = (
            {"multi_turn": multi_turn_messages}
            if "multi_turn" in tables
            else {"dialogues": flagged_messages}
        )
    elif format == "sharegpt":
        wanted = {"dialogues": sharegpt}
    else:
        wanted = {**_texts(manifest), "posts": texts_of_post}
    found = {table: shape for table, shape in wanted.items() if table in tables}
    if not found:
        raise UsageError(
            f"{folder} has no {' or '.join(wanted)} to export as {format}; it has {', '.join(tables) or 'no rows'}"
        )
    return found


def _texts(manifest: Manifest) -> dict[str, Shape]:
    """Choose where the texts of conversations come from.

    Their rows say of a turn whether its words and its author let it be trained, and not whether a strategy left it out
    or which of its words are a heading; only a dialogue's completion has that behind it. What opens a thread or stands
    first below a gap is in no completion.
    """
    config = BuildConfig.from_dict(manifest.config, where="the manifest's config")
    if config.leaves_out or config.splits_headings:
        return {"dialogues": text_of_response}
    return {"conversations": texts_of_conversation}


def _write_lines(
    folder: Path, manifest: Manifest, fresh: Path, sources: Mapping[str, Shape]
) -> dict[str, int]:
    """Write a file of JSON lines a split, in the order of tables, shards and rows."""
    rows: dict[str, int] = {}
    for table, shape in sources.items():
        for split, shards in manifest.tables()[table].items():
            with (fresh / f"{split}.jsonl").open("ab") as file:
                for path in sorted(shards):
                    for row in _rows(folder / path):
                        for line in shape(row):
                            file.write(msgspec.json.encode(line) + b"\n")
                            rows[split] = rows.get(split, 0) + 1
            if not rows.get(split):
                (fresh / f"{split}.jsonl").unlink()  # datasets fails on an empty file
    return rows


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(path) as shard:
        for group in range(shard.num_row_groups):
            yield from shard.read_row_group(group).to_pylist()


def _write_dataset_info(fresh: Path, rows: Mapping[str, int]) -> None:
    """Describe the files as LLaMA-Factory looks them up; train them with ``mask_history: true``."""
    about = {
        f"fedi_dataset_{split}": {
            "file_name": f"{split}.jsonl",
            "formatting": "sharegpt",
            "columns": {"messages": "conversations"},
        }
        for split in rows
    }
    (fresh / "dataset_info.json").write_bytes(msgspec.json.format(msgspec.json.encode(about)))


def _write_about(fresh: Path, manifest: Manifest, format: Format, rows: Mapping[str, int]) -> None:  # noqa: A002
    about = {
        "format": format,
        "build": manifest.build,
        "valid_until": manifest.valid_until,
        "license": manifest.legal.license,
        "rows": dict(rows),
        "files": {path.name: sha256_of(path) for path in sorted(fresh.iterdir())},
    }
    (fresh / ABOUT).write_bytes(msgspec.json.format(msgspec.json.encode(about)))


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Give a folder beside ``target`` that takes its place when all of it is written."""
    if (
        target.exists()
        and not (target / ABOUT).is_file()
        and (target.is_file() or any(target.iterdir()))
    ):
        raise UsageError(
            f"{target} holds something that is no export; name another folder for --out"
        )
    fresh = target.with_name(f"{target.name}.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
    except BaseException:
        shutil.rmtree(fresh)
        raise
    if target.exists():
        shutil.rmtree(target)
    fresh.rename(target)
    sync_folder(target.parent)
