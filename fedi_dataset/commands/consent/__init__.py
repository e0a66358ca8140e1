"""``fedi-dataset consent``: the commands that write and read the ledger of consent.

Nothing but click and the console is imported before a command runs, so that ``--help`` stays quick.
"""

from __future__ import annotations

import click

from fedi_dataset.commands.consent.give import give, renew
from fedi_dataset.commands.consent.list import list_
from fedi_dataset.commands.consent.notice import notice
from fedi_dataset.commands.consent.receipt import receipt
from fedi_dataset.commands.consent.redact import redact
from fedi_dataset.commands.consent.verify import verify
from fedi_dataset.commands.consent.withdraw import object_, withdraw

__all__ = ["consent"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def consent() -> None:
    """Record who agreed to what, and who took it back."""


for command in (give, renew, withdraw, object_, list_, verify, redact, receipt, notice):
    consent.add_command(command)
