"""`fedi-dataset withdraw`: who withdraws is gone from the release."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from fedi_dataset.commands.options import FILE, JSON, WORK
from fedi_dataset.commands.reporting import tell_recovered
from fedi_dataset.console import emit, guarded, progress, say

__all__ = ["withdraw"]


@click.command(
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
        for revision in plan.hub:
            say(f"on the Hub: {revision}")

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
    tell_recovered(done.recovered)
    certificate = msgspec.to_builtins(done.certificate)
    data = {
        "certificate": certificate,
        "written": done.report.written,
        "deleted_exports": done.deleted_exports,
        "kept_exports": done.kept_exports,
        "notes": done.report.manifest.notes,
    }
    emit(data, as_json, _withdrawal_lines(done))


def _withdrawal_lines(done: Any) -> Iterator[str]:
    certificate = done.certificate
    rows = ", ".join(f"{count} {table}" for table, count in certificate.removed_rows.items())
    yield f"event {certificate.event} stands in the ledger"
    yield f"removed or changed: {rows or 'no rows'}; {len(certificate.changed_files)} files"
    yield f"build {certificate.before['build'][:12]} -> {certificate.after['build'][:12]}"
    yield from done.report.manifest.notes
    for path in done.deleted_exports:
        yield f"deleted export {path}"
    for path in done.kept_exports:
        yield f"their export is still at {path} (--delete-exports)"
    for path in certificate.deleted_caches:
        yield f"deleted cache {path}"
    for path in certificate.caches_in_use:
        yield f"a running process is writing {path}: delete it when it has ended"
    for shortfall in certificate.shortfalls:
        yield f"lost: {shortfall}"
    for revision in certificate.hub:
        yield f"still on the Hub: {revision}"
    for target in dict.fromkeys(one.partition(" ")[0] for one in certificate.hub):
        yield f"purge it there: fedi-dataset push {certificate.release} {target}"
    yield "Out of reach:"
    for line in certificate.out_of_reach:
        yield f"  {line}"
    yield certificate.told
