"""The package's version, and a digest of its code for everything that must notice when the code changes."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

__all__ = ["__version__", "code_digest"]

__version__ = "0.1.0"


@cache
def code_digest() -> str:
    """Lower-case hex SHA-256 over the package's Python sources and data lists, by path.

    A version number does not move while somebody works on the code; a finished cell or a builder's
    cache made by other code must not be taken for this one's.
    """
    root = Path(__file__).parent
    digest = hashlib.sha256(__version__.encode())
    sources = [*root.rglob("*.py"), *(root / "data").glob("*.yaml")]
    for path in sorted(sources):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
