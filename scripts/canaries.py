"""Count canaries: `python -m scripts.canaries [--write]`.

Sentences are planted in every kind of text that must not come out of a build, and in every kind that must; then
releases are built, and every byte and every cell of them is searched. Prints how many of each kind were planted and
came out. With --write the table by groups goes into README.md, and the one by kinds into docs/canaries.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.world.canaries import build_all
from tests.world.canaries.table import by_group, by_kind, rendered

__all__ = ["PAGE", "README", "main", "marked", "with_table"]

README = Path(__file__).parents[1] / "README.md"
PAGE = Path(__file__).parents[1] / "docs" / "canaries.md"
BEGIN = "<!-- written by python -m scripts.canaries --write -->"
END = "<!-- end of what scripts.canaries writes -->"


def main() -> int:
    """Build, count, print; 1 if anything came out that must not, or did not that must."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the tables into the documents")
    write = parser.parse_args().write
    with tempfile.TemporaryDirectory() as folder:
        made = build_all(Path(folder))
    groups = by_group(made.world.canaries, made.outcomes)
    kinds = by_kind(made.world.canaries, made.outcomes)
    print(rendered(kinds, "kind"), rendered(groups, "text"), sep="\n\n")
    if write:
        for path, table in ((README, rendered(groups, "text")), (PAGE, rendered(kinds, "kind"))):
            path.write_text(with_table(path.read_text("utf-8"), table), "utf-8")
    whole = list(groups.values())[-1]
    return int(whole.leaked > 0 or whole.arrived < whole.expected)


def with_table(document: str, table: str) -> str:
    """Put a table between the marks of a document."""
    before, _, rest = document.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"the document lacks the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def marked(document: str) -> str:
    """Give the table that stands between the marks of a document."""
    return document.partition(BEGIN)[2].partition(END)[0].strip()


if __name__ == "__main__":
    sys.exit(main())
