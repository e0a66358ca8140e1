"""Checks the wheel: builds it, compares what is in it with the package, and runs the demo from it alone.

python -m scripts.check_wheel

The sdist is built first and the wheel from it, so that both are complete. The wheel is installed into a
new virtual environment, and the demo runs in an empty folder outside the checkout, so that nothing can be
found that the wheel does not carry. The two files are left in dist/.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

__all__ = ["main"]

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fedi_dataset"
EXTRAS = "privacy,demo"
NOTICES = ("LICENSE", "NOTICE")

LOAD = """
import fedi_dataset, sys
from datasets import load_dataset
assert fedi_dataset.__file__.startswith(sys.prefix), fedi_dataset.__file__
dialogues = load_dataset("demo-release", "dialogues", split="train")
print(f"loaded {dialogues.num_rows} dialogues")
"""


def main() -> None:
    """Build, compare, install, run; the first step that fails ends it with its own message."""
    with tempfile.TemporaryDirectory(prefix="fedi_dataset-wheel-") as name:
        scratch = Path(name)
        wheel = _build(scratch / "dist")
        _compare(wheel)
        environment = _install(wheel, scratch / "venv")
        _run_demo(environment, scratch / "elsewhere")
        _keep(scratch / "dist")


def _build(folder: Path) -> Path:
    """Build sdist and wheel into ``folder``; give the wheel."""
    print("building the sdist, and the wheel from it ...", flush=True)
    _run(sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT), quiet=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _compare(wheel: Path) -> None:
    """Hold the wheel's files equal to the package's, and the card's template, which lies beside it."""
    expected = {path.relative_to(ROOT).as_posix() for path in _sources()}
    expected.add("fedi_dataset/data/dataset_card.md")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    found = {name for name in names if ".dist-info/" not in name}
    for notice in NOTICES:
        if not any(name.endswith(f".dist-info/licenses/{notice}") for name in names):
            sys.exit(f"{wheel.name} lacks {notice}, which is due wherever it goes")
    if found != expected:
        missing, foreign = sorted(expected - found), sorted(found - expected)
        sys.exit(f"{wheel.name} lacks {missing} and holds {foreign}, which is not of the package")
    print(f"{wheel.name}: {len(found)} files, all of the package and nothing else", flush=True)


def _sources() -> list[Path]:
    return [
        path
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != ".DS_Store"
    ]


def _install(wheel: Path, folder: Path) -> Path:
    """Install the wheel with its extras, at the constraints' versions; give the environment's commands."""
    print("installing it into a new virtual environment ...", flush=True)
    venv.create(folder, with_pip=True)
    commands = folder / "bin"
    constraints = ROOT / "constraints.txt"
    _run(
        *(str(commands / "python"), "-m", "pip", "install", "--disable-pip-version-check"),
        *("--constraint", str(constraints), f"fedi_dataset[{EXTRAS}] @ {wheel.as_uri()}"),
        quiet=True,
    )
    return commands


def _run_demo(commands: Path, folder: Path) -> None:
    """Run the demo in an empty folder, and load what it made as its last lines say."""
    folder.mkdir()
    _run(str(commands / "fedi-dataset"), "demo", folder=folder)
    _run(str(commands / "python"), "-c", LOAD, folder=folder)


def _keep(built: Path) -> None:
    """Leave sdist and wheel in dist/, in the place of former ones of this version."""
    kept = ROOT / "dist"
    kept.mkdir(exist_ok=True)
    for file in sorted(built.iterdir()):
        shutil.copy(file, kept / file.name)
        print(f"dist/{file.name}")


def _run(*command: str, folder: Path = ROOT, quiet: bool = False) -> None:
    """Run a command without a word of this checkout or environment; its failure ends the check."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    environment["HF_HOME"] = str(folder / ".huggingface")
    environment["HF_HUB_OFFLINE"] = "1"
    environment["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    output = subprocess.PIPE if quiet else None
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout or ''}{' '.join(command[:4])} ... failed ({done.returncode})")


if __name__ == "__main__":
    main()
