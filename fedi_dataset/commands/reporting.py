"""What commands say of builds and audits: lines for a person, plain data for --json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fedi_dataset.console import say

if TYPE_CHECKING:
    from fedi_dataset.pipeline import BuildReport

__all__ = ["audit_lines", "build_json", "build_lines", "tell_problems", "tell_recovered"]


def tell_recovered(state: str | None) -> None:
    """Say that an earlier command was broken off, and what became of it."""
    if state is not None:
        say(f"an interrupted command was found; the release was brought to its {state} state first")


def tell_problems(report: BuildReport) -> None:
    """Say on stderr which exports could not be read, and which posts the ledger names in vain."""
    tell_recovered(report.recovered)
    for problem in report.problems:
        say(f"quarantined: {problem}")
    for shortfall in report.shortfalls:
        say(f"lost: {shortfall}")
    for path in report.caches.deleted:
        say(f"deleted cache {path}, which held rows that are gone")
    for path in report.caches.in_use:
        say(f"a running process is writing the cache {path}: delete it when it has ended")
    for post in report.unmatched_posts:
        say(f"note: no export of this build holds {post}, which the ledger leaves out by name")


def build_json(report: BuildReport) -> dict[str, object]:
    """Give a build's report as plain data, exact numbers included: it is for the steward."""
    return {
        "release": str(report.release),
        "workspace": str(report.workspace),
        "written": report.written,
        "build": report.manifest.build,
        "default_config": report.manifest.default_config,
        "rows": _rows(report),
        "law": {
            name: {"rows_in": step.rows_in, "kept": step.kept, "dropped": step.dropped}
            for name, step in report.law.items()
        },
        "entities": report.entities,
        "gaps": report.gaps,
        "threads": report.threads,
        "quarantined": [
            {"export_id": one.export_id, "position": one.position, "code": one.code}
            for one in report.quarantined
        ],
        "unmatched_posts": report.unmatched_posts,
        "shortfalls": report.shortfalls,
        "deleted_caches": report.caches.deleted,
        "caches_in_use": report.caches.in_use,
        "cells_run": report.cells_run,
        "cells_reused": report.cells_reused,
        "notes": report.manifest.notes,
    }


def _rows(report: BuildReport) -> dict[str, dict[str, int]]:
    return {
        table: {
            split: sum(record.rows or 0 for record in shards.values())
            for split, shards in splits.items()
        }
        for table, splits in report.manifest.tables().items()
    }


def build_lines(report: BuildReport) -> Iterator[str]:
    """Give a build's report in lines: each step's rows, the tables, where the release lies."""
    from fedi_dataset.reasons import sentence

    for name, step in report.law.items():
        yield f"{name}: {step.rows_in} in, {step.kept} kept, {step.rows_in - step.kept} dropped"
        for reason, rows in sorted(step.dropped.items(), key=lambda pair: (-pair[1], pair[0])):
            yield f"  {rows:>7}  {reason:<24} {sentence(reason)}"
    if report.quarantined:
        yield f"quarantined: {len(report.quarantined)} (export and position in --json)"
    yield ""
    for table, splits in _rows(report).items():
        counts = ", ".join(f"{split} {rows}" for split, rows in splits.items())
        yield f"{table}: {counts}"
    yield from report.manifest.notes
    state = "written to" if report.written else "unchanged at"
    yield f"release {state} {report.release} (build {report.manifest.build[:12]}); workspace {report.workspace}"


def audit_lines(checks: Any) -> Iterator[str]:
    """Give a line for each check, and one for each of its problems."""
    for check in checks:
        mark = {True: "ok", False: "BROKEN", None: "unchecked"}[check.ok]
        yield f"audit {check.name:<14} {mark:<10} {check.evidence}"
        for problem in check.problems:
            yield f"      {problem}"
