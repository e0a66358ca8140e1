"""Writes docs/cli.md from what the commands say of themselves.

python -m scripts.make_cli_docs
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from pathlib import Path

import click

from fedi_dataset.cli import main as fedi_dataset

__all__ = ["PAGE", "cli_page", "commands", "main"]

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"

WIDTH = 100

HEAD = """# The commands

Written by `make docs` from `--help`; change it there.

Results go to stdout, and `--json` makes them one JSON object; progress and everything else go to stderr.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed, or a promise of a release is broken |
| 2 | wrong usage or config |
| 3 | done, but some input could not be read and was quarantined |
"""


def main() -> None:
    """Write the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(cli_page(), "utf-8")


def cli_page() -> str:
    """Give the page: the head, then each command with its help."""
    parts = [f"## {path}\n\n```text\n{_help(path, one)}\n```\n" for path, one in commands()]
    return "\n".join([HEAD, *parts])


def commands() -> Iterator[tuple[str, click.Command]]:
    """Give every command with the words that call it, groups before what is in them."""
    yield from _below("fedi-dataset", fedi_dataset)


def _below(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, one in sorted(command.commands.items()):
            yield from _below(f"{path} {name}", one)


def _help(path: str, command: click.Command) -> str:
    command = copy(command)
    command.params = [_of_any_machine(one) for one in command.params]
    settings = {**fedi_dataset.context_settings, "terminal_width": WIDTH}
    return command.get_help(click.Context(command, info_name=path, **settings))


def _of_any_machine(parameter: click.Parameter) -> click.Parameter:
    """Say "number of cores" where --help says how many there are on the machine that it runs on."""
    if not (isinstance(parameter, click.Option) and parameter.name == "workers"):
        return parameter
    parameter = copy(parameter)
    parameter.show_default = "number of cores"
    return parameter


if __name__ == "__main__":
    main()
