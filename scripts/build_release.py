# /// script
# requires-python = ">=3.11"
# dependencies = ["fedi_dataset[privacy,proofs]"]
#
# [tool.uv.sources]
# fedi_dataset = { path = "..", editable = true }
# ///
"""Build a release as a job: `python scripts/build_release.py EXPORT... --consent LEDGER --out RELEASE`.

Takes what `fedi-dataset build` takes and ends with its JSON object on stdout; `--help` lists it. With uv:
`uv run scripts/build_release.py ...`, which installs this checkout with what is needed.
"""

from __future__ import annotations

import sys

from fedi_dataset.commands.build import build

if __name__ == "__main__":
    build.main(["--json", *sys.argv[1:]])
