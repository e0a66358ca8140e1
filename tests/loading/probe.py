"""A training script in small: loads what its job says in a process of its own, and prints the rows as JSON.

Not imported by the tests but run, so that environment and order of imports are those of a fresh process.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import sys
from typing import Any


def rows_of(dataset: Any) -> list[dict[str, Any]]:
    """Read every row."""
    return list(dataset)


def load(call: dict[str, Any]) -> dict[str, Any]:
    """Load once; give the rows by split, the features and where the rows are cached."""
    from datasets import load_dataset

    spawn = call.pop("spawn", False)
    found = load_dataset(*call.pop("args"), **call)
    rows: dict[str, Any] = {}
    for split, dataset in found.items():
        if spawn:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                rows[str(split)] = pool.apply(rows_of, (dataset,))
        else:
            rows[str(split)] = rows_of(dataset)
    return {
        "rows": rows,
        "features": {split: dataset.features.to_dict() for split, dataset in found.items()},
    }


def main(job: dict[str, Any]) -> None:
    """Do a job: block and import modules, then make its calls, one after the other."""
    for name in job.get("block", []):
        sys.modules[name] = None  # type: ignore[assignment]  # what makes an import fail
    for name in job.get("import", []):
        importlib.import_module(name)
    results = [load(call) for call in job["calls"]]
    imported = sorted(name for name in sys.modules if name.split(".")[0] == "fedi_dataset")
    print(json.dumps({"results": results, "imported": imported}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
