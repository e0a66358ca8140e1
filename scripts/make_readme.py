"""Puts what the demo prints into README.md, shortened, so that what is shown there is what comes out.

python -m scripts.make_readme
"""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from click.testing import CliRunner

from fedi_dataset.cli import main as fedi_dataset

__all__ = ["README", "demo_output", "main", "shortened"]

README = Path(__file__).parents[1] / "README.md"

MOST_REASONS = 4
"""Reasons shown of each step."""
MOST_MESSAGES = 4
"""Messages shown of the dialogue."""

_BLOCK = re.compile(r"(?<=^```text\n).*?(?=^```$)", re.M | re.S)
_REASON = re.compile(r" +\d+  [a-z_]+ ")
_MESSAGE = re.compile(r" +(?:user|assistant)  ")


def main() -> None:
    """Run the demo, and write its output into README.md's first block of text."""
    block = "\n".join([*shortened(demo_output()), ""])
    readme = _BLOCK.sub(lambda _: block, README.read_text("utf-8"), count=1)
    README.write_text(readme, "utf-8")


def demo_output() -> list[str]:
    """Run the demo in a temporary folder; give the lines that it prints on stdout."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        done = CliRunner().invoke(fedi_dataset, ["demo"], catch_exceptions=False)
    if done.exit_code != 0:
        sys.exit(f"the demo failed ({done.exit_code}): {done.stderr}")
    return done.stdout.splitlines()


def shortened(printed: Iterable[str]) -> list[str]:
    """Leave out what a first look can do without, with ``...`` in its place.

    That is: of each step all but the first reasons, where the release lies, the end of the dialogue, and how to
    load it, which README.md shows itself.
    """
    shown: list[str] = []
    reasons = messages = 0
    for line in printed:
        if line == "Load it:":
            break
        reasons = reasons + 1 if _REASON.match(line) else 0
        messages += bool(_MESSAGE.match(line))
        if reasons > MOST_REASONS or messages > MOST_MESSAGES or line.startswith("release "):
            line = "..."
        if line != "..." or shown[-1:] != ["..."]:
            shown.append(line.rstrip())
    return shown


if __name__ == "__main__":
    main()
