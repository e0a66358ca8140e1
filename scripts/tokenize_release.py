# /// script
# requires-python = ">=3.11"
# dependencies = ["fedi_dataset[demo]"]
#
# [tool.uv.sources]
# fedi_dataset = { path = "..", editable = true }
# ///
"""Encode a release as a job: `python scripts/tokenize_release.py RELEASE --tokenizer NAME_OR_DIR`.

Takes what `fedi-dataset tokenize` takes and ends with its JSON object on stdout; `--help` lists it. With uv:
`uv run scripts/tokenize_release.py ...`, which installs this checkout with what is needed.
"""

from __future__ import annotations

import sys

from fedi_dataset.commands.tokenize import tokenize

if __name__ == "__main__":
    tokenize.main(["--json", *sys.argv[1:]])
