# /// script
# requires-python = ">=3.11"
# dependencies = ["fedi_dataset[proofs]"]
#
# [tool.uv.sources]
# fedi_dataset = { path = "..", editable = true }
# ///
"""Push a release as a job: `python scripts/push_release.py RELEASE ORG/NAME`.

Takes what `fedi-dataset push` takes and ends with its JSON object on stdout; `--help` lists it. With uv:
`uv run scripts/push_release.py ...`, which installs this checkout with what is needed.
"""

from __future__ import annotations

import sys

from fedi_dataset.commands.push import push

if __name__ == "__main__":
    push.main(["--json", *sys.argv[1:]])
