"""The sample exports of invented people that ship with the package, and their secret."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from fedi_dataset.errors import UsageError
from fedi_dataset.files import sha256_of

__all__ = ["Samples", "check_demo_secret", "demo_secret", "samples"]

_DATA = files("fedi_dataset") / "data" / "demo"


@dataclass(frozen=True, slots=True)
class Samples:
    """Where the sample exports, their ledger and a chat template for the demo's tokenizer lie."""

    exports: tuple[Path, ...]
    ledger: Path
    chat_template: Path


@contextmanager
def samples() -> Iterator[Samples]:
    """Give the samples as files, wherever the package is installed."""
    with as_file(files("fedi_dataset") / "data") as data:
        demo = data / "demo"
        yield Samples(
            exports=tuple(sorted(path for path in (demo / "exports").iterdir())),
            ledger=demo / "ledger.jsonl",
            chat_template=data / "demo_chat_template.jinja",
        )


def demo_secret() -> bytes:
    """Read the secret that ships with the samples: everybody has it, so it protects nothing."""
    return bytes.fromhex((_DATA / "secret.hex").read_text("ascii").strip())


def check_demo_secret(secret: bytes, export_ids: Sequence[str]) -> None:
    """Refuse to key anything but the samples by the demo's secret."""
    if secret != demo_secret():
        return
    with samples() as shipped:
        known = {sha256_of(path) for path in shipped.exports}
    if not known.issuperset(export_ids):
        raise UsageError(
            "this workspace has the demo's secret, which everybody knows: it keys the sample exports only. "
            "Build into another folder, which gets a secret of its own"
        )
