"""Measure what the project promises about cost: `python -m scripts.benchmark NAME [--json]`.

Each benchmark runs our path and what it is compared with in turn, in one run, on a world made for it, and checks that
what must agree does. It prints ratios; absolute times are this machine's.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it also runs as a file: python scripts/benchmark.py

NAMES = sorted(
    path.stem
    for path in Path(__file__).with_name("benchmarks").glob("*.py")
    if path.stem not in ("__init__", "common")
)


def module_of(name: str) -> Any:
    """Load a benchmark: ``configure`` declares its options, ``measure`` runs it."""
    return importlib.import_module(f"scripts.benchmarks.{name}")


def main() -> None:
    """Run the benchmark that is named; exit 1 if outputs do not agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True)
    for name in NAMES:
        command = commands.add_parser(name)
        command.add_argument("--json", action="store_true", help="print one JSON object")
        if name in sys.argv:  # the others are not loaded: they need what other extras bring
            module_of(name).configure(command)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        result = module_of(options.name).measure(Path(folder), options)
    if options.json:
        print(json.dumps(result))
    else:
        for name, ratio in result["ratios"].items():
            print(f"{name:<28} {ratio:.4f}")
        print(f"outputs agree: {result['agree']}; {result['figures']}")
    sys.exit(0 if result["agree"] else 1)


if __name__ == "__main__":
    main()
