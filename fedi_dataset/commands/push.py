"""`fedi-dataset push`: a release to the Hub, private and verified so before the first byte leaves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from fedi_dataset.commands.options import FILE, JSON, WORK
from fedi_dataset.console import emit, guarded, progress

__all__ = ["push"]


@click.command(epilog="\b\nExample:\n  fedi-dataset push release lab/conversations")
@click.argument("release", type=FILE)
@click.argument("target", metavar="ORG/NAME")
@click.option("--gated", is_flag=True, help="For people whom you let in by hand, one by one.")
@click.option("--public", is_flag=True, help="For everybody.")
@click.option("--yes", is_flag=True, help="Publish without asking, with --gated or --public.")
@click.option("--purge", is_flag=True, help="Purge former revisions even if no row was taken back.")
@click.option("--consent", "ledger", type=FILE, help="The ledger. [default: the recorded one]")
@WORK
@JSON
@guarded
def push(
    release: Path,
    target: str,
    gated: bool,
    public: bool,
    yes: bool,
    purge: bool,
    ledger: Path | None,
    work: Path | None,
    as_json: bool,
) -> None:
    """Push RELEASE to the dataset repository ORG/NAME, or to the storage bucket buckets/ORG/NAME.

    Private, unless --gated or --public is given and every consent covers it. Whatever was there
    before is purged when rows were taken back since; exit 1 if something of it is still there.
    """
    from fedi_dataset.hub.push import push as run

    if (gated or public) and not yes:
        _confirm(target, "everybody" if public else "whomever you let in")
    with progress() as tick:
        done = run(
            release,
            target,
            public=public,
            gated=gated,
            consent=ledger,
            work=work,
            purge_all=purge,
            tick=tick,
        )
    emit(_data(done), as_json, _lines(done))
    if not done.ok:
        sys.exit(1)


def _confirm(target: str, readers: str) -> None:
    """Ask for the repository's name; what is published cannot be called back."""
    if not sys.stdin.isatty():
        raise click.UsageError(f"this lets {readers} read {target}; confirm it with --yes")
    said = click.prompt(f"This lets {readers} read {target}. Type its name to go on", err=True)
    if said != target:
        raise click.Abort


def _data(done: Any) -> dict[str, object]:
    import msgspec

    return {
        "target": done.target,
        "url": done.url,
        "build": done.build,
        "commit": done.commit,
        "recipients": done.recipients,
        "sent": done.sent,
        "deleted": done.deleted,
        "certificate": msgspec.to_builtins(done.certificate),
        "ok": done.ok,
    }


def _lines(done: Any) -> Iterator[str]:
    yield f"{len(done.sent)} files sent, {len(done.deleted)} deleted"
    at = f" at revision {done.commit}" if done.commit else ""
    yield f"{done.recipients}: {done.url}{at} (build {done.build[:12]})"
    if done.certificate is None:
        return
    purged = done.certificate
    yield (
        f"purged: {len(purged.revisions)} former revisions, {len(purged.objects)} files, "
        f"{len(purged.deleted_refs)} refs"
    )
    for found in purged.still_there:
        yield f"STILL THERE: {found}"
    if purged.still_there:
        yield "run the same command again when that is put right"
    yield "Only the Hub can promise:"
    for line in purged.promised:
        yield f"  {line}"
    yield f"certificate: {done.certificate_path}"
