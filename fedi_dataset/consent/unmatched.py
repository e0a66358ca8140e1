"""Posts that the ledger names, as excluded or taken back, and that no export of a build holds.

Nothing is wrong with such a build: the post may be on another account. But an id that was copied wrong
withholds nothing, and whoever wrote it should hear of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from fedi_dataset.privacy.keys import key

__all__ = ["unmatched_posts"]


def unmatched_posts(
    named: Iterable[str], verdicts: Sequence[Path], aliases: Sequence[Path], secret: bytes
) -> tuple[str, ...]:
    """Give those of the named posts, as they are compared, that are in no table; sorted.

    ``verdicts`` and ``aliases`` are the workspace's tables of everything seen, keyed by ``secret``. A
    post whose export writes its host in upper case is not found there, and is given as well.
    """
    missing = {key(secret, "post", f"{one}{slash}"): one for one in named for slash in ("", "/")}
    matched: set[str] = set()
    for files, column in ((verdicts, "post_key"), (aliases, "alias_key")):
        for path in files if missing else ():
            seen = pq.read_table(path, columns=[column])[column].to_pylist()
            matched.update(missing[one] for one in missing.keys() & set(seen))
    return tuple(sorted({*missing.values()} - matched))
