"""The public names: what the package offers, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import fedi_dataset

HEAVY = ("datasets", "duckdb", "onnxruntime", "presidio_analyzer", "pyarrow", "transformers")

IMPORTED = """
import sys
{code}
print(" ".join(sorted(set({heavy!r}) & set(sys.modules))))
"""


def heavy_after(code: str) -> list[str]:
    """Run Python code in a new process; give the heavy libraries that are imported after it."""
    program = IMPORTED.format(code=code, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize("name", fedi_dataset.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    """Each name in __all__ is there, and dir() shows it."""
    assert getattr(fedi_dataset, name) is not None
    assert name in dir(fedi_dataset)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    """Asking for what the package does not offer fails as for any module."""
    with pytest.raises(AttributeError, match="no attribute 'scrape'"):
        fedi_dataset.scrape  # noqa: B018 - asking is the test


def test_importing_the_package_is_cheap() -> None:
    """`import fedi_dataset` imports none of the heavy libraries."""
    assert heavy_after("import fedi_dataset") == []


def test_help_is_cheap() -> None:
    """`fedi-dataset --help`, and that of every command, imports none of the heavy libraries."""
    code = """
from click.testing import CliRunner
from fedi_dataset.cli import main
for call in ["--help"], ["build", "--help"], ["consent", "give", "--help"], ["demo", "--help"]:
    assert CliRunner().invoke(main, call).exit_code == 0, call
"""
    assert heavy_after(code) == []


def test_the_check_for_heavy_imports_sees_them() -> None:
    """The check above is not blind: it names what is imported."""
    assert heavy_after("import pyarrow") == ["pyarrow"]


def test_the_command_is_installed_and_helps() -> None:
    """The installed command answers --help with exit code 0 and its commands, and nothing on stderr."""
    command = Path(sys.executable).with_name("fedi-dataset")
    done = subprocess.run([command, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "  build " in done.stdout


def test_the_installed_version_is_the_codes() -> None:
    """The distribution's version is the one that the code says, because it is read from there."""
    assert version("fedi_dataset") == fedi_dataset.__version__
