"""Write ``fedi_dataset/data/consent_event.schema.json``: the JSON Schema of a line of the ledger.

    python -m scripts.make_consent_schema

It is made of the types that the ledger itself is read with, so that both say the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from fedi_dataset.consent.events import SHA256_PATTERN, Event, Stub

PLACE: Final = Path(__file__).parents[1] / "fedi_dataset/data/consent_event.schema.json"


def schema() -> dict[str, Any]:
    """Give the schema, with what makes a line of an event: its ``prev``."""
    (events, stub), definitions = msgspec.json.schema_components(
        [Event, Stub], ref_template="#/$defs/{name}"
    )
    for one in definitions.values():
        if "prev" in one["properties"]:
            one["properties"]["prev"] = {"type": "string", "pattern": SHA256_PATTERN}
            one["required"] = sorted({*one["required"], "prev"})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a consent ledger",
        "description": (
            "An event, or the stub that redaction left of one. Beside this, `license` must be one "
            "that SPDX knows, ids are unique, and `prev` is the SHA-256 of the line before."
        ),
        "anyOf": [*events["anyOf"], stub],
        "$defs": dict(sorted(definitions.items())),
    }


def main() -> None:
    """Write the file."""
    PLACE.write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
