"""Running commands in this process, as a shell would, and looking at what they left."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from fedi_dataset.cli import main

__all__ = ["Ran", "content_of", "run"]


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        data = json.loads(self.out)
        assert isinstance(data, dict)
        return data

    @property
    def error(self) -> str:
        """The message of a command that failed: one on stderr, nothing on stdout, no traceback."""
        assert self.out == ""
        assert "Traceback" not in self.err
        begins = list(re.finditer(r"^[Ee]rror: ", self.err, re.MULTILINE))
        assert len(begins) == 1, self.err
        return self.err[begins[0].end() :].strip()


def run(*arguments: object) -> Ran:
    """Run a command; whatever is raised and is no exit is raised here."""
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def content_of(folder: Path) -> dict[str, str]:
    """Every file below a folder with its SHA-256, and every folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in folder.rglob("*")
    }
