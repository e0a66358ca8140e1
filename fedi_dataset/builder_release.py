"""What the datasets builder builds from its inputs, and how the shards of that are read."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from fedi_dataset.builder_inputs import Inputs, Reading, private, secret
from fedi_dataset.config import SPLITS
from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.pipeline import BuildReport, build
from fedi_dataset.release.manifest import FileRecord

__all__ = ["Shard", "prepared_release", "read_shard"]


class Shard(NamedTuple):
    """A Parquet file of the built release, and the SHA-256 that it has."""

    path: str
    sha256: str


def prepared_release(table: str, inputs: Inputs, expected: Reading) -> dict[str, list[Shard]]:
    """Build (or find unchanged) the release of the inputs; give split → shards of ``table``.

    One process builds, others wait: the ranks of a training run all come here at once. Raises UsageError if
    what was built is not what was ``expected``, and if the table has no rows. Warns of input that could
    not be read.
    """
    with FileLock(private(inputs.folder) / "lock"):
        report = build(
            [inputs.exports],
            consent=inputs.ledger,
            out=inputs.release,
            config=inputs.config(),
            as_of=inputs.as_of,
            prune=True,  # the folder's content is the list of exports
            purge_caches=False,  # those of another config stay; superseded ones go with their generation
            secret=secret(),
        )
        if inputs.built(expected.day).content != expected.content:
            raise UsageError(
                f"the exports in {inputs.exports}, the ledger or the config changed while they were loaded; "
                "call load_dataset again"
            )
    _warn(report)
    return _shards(table, inputs.release, report.manifest.tables())


def read_shard(shard: Shard) -> Iterator[pa.Table]:
    """Read a shard, a row group at a time, if it still is what it was when the dataset was opened.

    Raises FediDatasetError if the release was built anew since: a dataset that is streamed for days must not
    go on with a mixture, nor with rows that were withdrawn.
    """
    anew = (
        f"{shard.path} is not what it was when this dataset was opened: "
        "exports, ledger or config changed, and it was built anew. Call load_dataset again"
    )
    try:
        with Path(shard.path).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != shard.sha256:
                raise FediDatasetError(anew)
            with pq.ParquetFile(file) as parquet:
                for index in range(parquet.num_row_groups):
                    yield parquet.read_row_group(index)
    except FileNotFoundError as error:
        raise FediDatasetError(anew) from error


def _shards(
    table: str, release: Path, tables: dict[str, dict[str, dict[str, FileRecord]]]
) -> dict[str, list[Shard]]:
    if table not in tables:
        have = ", ".join(name for name in tables) or "none"
        raise UsageError(f"there are no rows in {table!r}; configs with rows: {have}")
    return {
        split: [
            Shard(str(release / path), record.sha256)
            for path, record in sorted(tables[table][split].items())
        ]
        for split in SPLITS
        if split in tables[table]
    }


def _warn(report: BuildReport) -> None:
    for problem in report.problems:
        warnings.warn(f"left out, because it cannot be read: {problem}", stacklevel=2)
    items = sum(record.position is not None for record in report.quarantined)
    if items:
        warnings.warn(
            f"{items} items of the exports could not be read and are left out; "
            "`fedi-dataset inspect` counts them for each export",
            stacklevel=2,
        )
