"""Rows of a release by their keys: of each row group the keys first, the rest only where one of them stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fedi_dataset.errors import FediDatasetError

__all__ = ["find_rows", "opened"]


def find_rows(
    shards: Sequence[Path], columns: Sequence[str], keys: Collection[str]
) -> Iterator[dict[str, Any]]:
    """Give these columns of the rows in whose first one, a key or a list of keys, one of ``keys`` stands.

    In the order of the shards, as they are found: who has enough may stop.
    """
    wanted = pa.array(sorted(keys), pa.string())
    for shard in shards:
        with opened(shard) as file:
            for group in range(file.num_row_groups):
                named = file.read_row_group(group, columns=list(columns[:1])).column(0)
                places = _places(named.combine_chunks(), wanted)
                if len(places):
                    rows = file.read_row_group(group, columns=list(columns)).take(places)
                    yield from rows.to_pylist()


def _places(named: pa.Array, wanted: pa.Array) -> pa.Array:
    if pa.types.is_list(named.type):
        inside = pc.is_in(pc.list_flatten(named), wanted)
        return pc.unique(pc.list_parent_indices(named).filter(inside))
    return pc.indices_nonzero(pc.is_in(named, wanted))


@contextmanager
def opened(shard: Path) -> Iterator[pq.ParquetFile]:
    """Open a shard to read from it. Raises FediDatasetError for one that is gone or damaged, wherever that shows."""
    try:
        with pq.ParquetFile(shard) as file:
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FediDatasetError(
            f"{shard} cannot be read as the manifest says; `fedi-dataset audit` tells what is wrong"
        ) from error
