"""The command line: one command, one call. Each command is a module of `commands`."""

from __future__ import annotations

import click

from fedi_dataset.commands.audit import audit
from fedi_dataset.commands.build import build
from fedi_dataset.commands.consent import consent
from fedi_dataset.commands.demo import demo
from fedi_dataset.commands.export import export
from fedi_dataset.commands.inspect import inspect
from fedi_dataset.commands.lookup import lookup
from fedi_dataset.commands.preview import preview
from fedi_dataset.commands.purge_local import purge_local
from fedi_dataset.commands.push import push
from fedi_dataset.commands.tokenize import tokenize
from fedi_dataset.commands.withdraw import withdraw
from fedi_dataset.version import __version__

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="fedi-dataset")
def main() -> None:
    """Turn what people of the fediverse hand over, with their consent, into a dataset to train on."""


for command in (
    inspect,
    consent,
    build,
    preview,
    tokenize,
    export,
    audit,
    withdraw,
    lookup,
    push,
    purge_local,
    demo,
):
    main.add_command(command)
