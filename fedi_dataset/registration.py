"""Makes ``load_dataset("fedi_dataset")`` find the builder: its entry among datasets' packaged modules.

That table is private in datasets 5; there is no public hook that a package can use. The second item
of the entry takes part in the cache key, so it is a digest of all of our code.

For a packaged module datasets lists all files below ``data_dir``, or below the working directory if there is none,
before it asks the builder anything, and gives up where its patterns match nothing. The builder has no use for that
list; so for this one name nothing is listed, and what is missing is said by the builder itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import wrapt

from fedi_dataset.errors import UsageError
from fedi_dataset.version import code_digest

__all__ = ["register_builder"]

_NAME = "fedi_dataset"


def register_builder() -> None:
    """Enter the builder; doing it again changes nothing."""
    from datasets.load import PackagedDatasetModuleFactory
    from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES

    _PACKAGED_DATASETS_MODULES[_NAME] = ("fedi_dataset.builder", code_digest())
    if not isinstance(vars(PackagedDatasetModuleFactory)["get_module"], wrapt.FunctionWrapper):
        wrapt.wrap_function_wrapper(PackagedDatasetModuleFactory, "get_module", _unlisted)


def _unlisted(
    listed: Callable[..., object], factory: Any, args: tuple[object, ...], kwargs: Mapping[str, Any]
) -> object:
    """Let datasets name the module; of ours without having listed files. Raises UsageError for ``data_files``."""
    from datasets.data_files import DataFilesDict

    if factory.name == _NAME:
        if factory.data_files is not None:
            raise UsageError(
                'load_dataset("fedi_dataset", ...) takes no data_files: everything in data_dir, the folder of '
                "exports, is read, so that no account of it is left out unnoticed"
            )
        factory.data_dir, factory.data_files = None, DataFilesDict()
    return listed(*args, **kwargs)
