"""`fedi-dataset purge-local`: this machine keeps no copy of what a repository took back."""

from __future__ import annotations

from dataclasses import asdict

import click

from fedi_dataset.commands.options import JSON
from fedi_dataset.console import emit, guarded

__all__ = ["purge_local"]


@click.command(
    "purge-local",
    epilog="\b\nExample:\n  fedi-dataset purge-local lab/conversations",
)
@click.argument("repository", metavar="ORG/NAME")
@click.option("--dry-run", is_flag=True, help="Delete nothing; tell what would be.")
@JSON
@guarded
def purge_local(repository: str, dry_run: bool, as_json: bool) -> None:
    """Empty the caches of the Hub's client and of datasets of every revision of ORG/NAME but the newest.

    If the repository cannot be seen with this token any more, of all of them.
    """
    from fedi_dataset.copies.purge import purge_local as run

    done = run(repository, dry_run=dry_run)
    verb = "would delete" if dry_run else "deleted"
    lines = [
        f"{verb} {len(done.revisions)} revisions and {len(done.caches)} datasets caches; "
        + (
            f"{done.current} stays"
            if done.current
            else "none stays: the repository cannot be seen any more"
        ),
        *(f"  {one}" for one in (*done.revisions, *done.caches)),
        *(
            f"a running process is writing {one}: delete it when it has ended"
            for one in done.in_use
        ),
    ]
    emit({**asdict(done), "dry_run": dry_run}, as_json, lines)
