"""Makes ``load_dataset("fedi_dataset")`` find the builder: its entry among datasets' packaged modules.

That table is private in datasets 5; there is no public hook that a package can use. The second item
of the entry takes part in the cache key, so it is a digest of all of our code.
"""

from __future__ import annotations

from fedi_dataset.version import code_digest

__all__ = ["register_builder"]


def register_builder() -> None:
    """Enter the builder; doing it again changes nothing."""
    from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES

    _PACKAGED_DATASETS_MODULES["fedi_dataset"] = ("fedi_dataset.builder", code_digest())
