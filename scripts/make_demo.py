"""Writes the sample exports of the demo into the package: invented people, always the same bytes.

python -m scripts.make_demo
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.world import World

__all__ = ["FOLDER", "SECRET", "demo_world", "main"]

FOLDER = Path(__file__).parents[1] / "fedi_dataset" / "data" / "demo"
SECRET = "5ec2e70000000000000000000000000000000000000000000000000000000000"
"""In hex. Everybody has it, so it keys nothing but these samples."""


def demo_world() -> World:
    """The fediverse of the demo."""
    return World(seed=2031, people=16, conversations=92)


def main(folder: Path = FOLDER) -> None:
    """Write exports, ledger and secret; what was there before goes."""
    shutil.rmtree(folder, ignore_errors=True)
    demo_world().write(folder)
    (folder / "secret.hex").write_text(f"{SECRET}\n", "ascii")


if __name__ == "__main__":
    main()
