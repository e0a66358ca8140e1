"""Writes the map of the code into CONTRIBUTING.md: every module with the first sentence of its docstring.

python -m scripts.make_map
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["DOCUMENT", "code_map", "main"]

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "CONTRIBUTING.md"
PACKAGE = ROOT / "fedi_dataset"

_TABLE = re.compile(r"^\| file \|.*?(?=^$)", re.M | re.S)
_SENTENCE = re.compile(r".+?[.?](?=\s|$)", re.S)
_ROLE = re.compile(r":\w+:(?=`)")


def main() -> None:
    """Write the table in the place of the former one."""
    text = DOCUMENT.read_text("utf-8")
    DOCUMENT.write_text(_TABLE.sub(lambda _: code_map(), text, count=1), "utf-8")


def code_map() -> str:
    """Give the table: the package's own modules, then each room with its modules, in alphabetical order."""
    rooms = sorted({path.parent for path in PACKAGE.rglob("*.py")})
    rows = [row for room in rooms for row in _room(room)]
    return "\n".join(["| file | what it is for |", "|---|---|", *rows, ""])


def _room(folder: Path) -> Iterator[str]:
    name = folder.relative_to(ROOT).as_posix()
    yield f"| **`{name}/`** | {_first_sentence(folder / '__init__.py')} |"
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            yield f"| `{path.relative_to(PACKAGE).as_posix()}` | {_first_sentence(path)} |"


def _first_sentence(module: Path) -> str:
    """First sentence of a module's docstring, as Markdown; every module has one, lint sees to it."""
    docstring = ast.get_docstring(ast.parse(module.read_text("utf-8"))) or ""
    found = _SENTENCE.match(docstring)
    sentence = " ".join((found.group() if found else docstring).split())
    return _ROLE.sub("", sentence).replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    main()
