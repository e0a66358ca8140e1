"""fedi_dataset: what people of the fediverse hand over, with their consent, as a dataset to fine-tune on.

    import fedi_dataset
    from datasets import load_dataset

    load_dataset("fedi_dataset", "dialogues", data_dir="exports/", consent="ledger.jsonl")

Importing the package is cheap and registers its builder with ``datasets``, now if that is imported
already, else when it is.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import wrapt

from fedi_dataset.version import __version__

if TYPE_CHECKING:
    from fedi_dataset.config import BuildConfig
    from fedi_dataset.consent.ledger import Ledger
    from fedi_dataset.copies import ReleaseCheck, check_release
    from fedi_dataset.hub.push import PushReport, push
    from fedi_dataset.pipeline import BuildReport, build
    from fedi_dataset.release.audit import AuditReport, audit
    from fedi_dataset.shapes import ExportReport, export
    from fedi_dataset.tokens.collate import TokenCollator
    from fedi_dataset.tokens.tokenize import TokenizeReport, tokenize

__all__ = [
    "AuditReport",
    "BuildConfig",
    "BuildReport",
    "ExportReport",
    "Ledger",
    "PushReport",
    "ReleaseCheck",
    "TokenCollator",
    "TokenizeReport",
    "__version__",
    "audit",
    "build",
    "check_release",
    "export",
    "push",
    "tokenize",
]

_HOMES = {
    "AuditReport": "fedi_dataset.release.audit",
    "BuildConfig": "fedi_dataset.config",
    "BuildReport": "fedi_dataset.pipeline",
    "ExportReport": "fedi_dataset.shapes",
    "Ledger": "fedi_dataset.consent.ledger",
    "PushReport": "fedi_dataset.hub.push",
    "ReleaseCheck": "fedi_dataset.copies",
    "TokenCollator": "fedi_dataset.tokens.collate",
    "TokenizeReport": "fedi_dataset.tokens.tokenize",
    "audit": "fedi_dataset.release.audit",
    "build": "fedi_dataset.pipeline",
    "check_release": "fedi_dataset.copies",
    "export": "fedi_dataset.shapes",
    "push": "fedi_dataset.hub.push",
    "tokenize": "fedi_dataset.tokens.tokenize",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that `fedi-dataset --help` stays fast."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


@wrapt.when_imported("datasets")
def _register(datasets: object) -> None:  # noqa: ARG001 - the hook's signature
    from fedi_dataset.registration import register_builder

    register_builder()
