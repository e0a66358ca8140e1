"""Writes tests/privacy/gold/{social,unseen}.json from the posts beside them: `python -m scripts.make_gold`.

The posts are written by hand. Those in `social.LANGUAGE.txt` were seen while rules were made; those in
`unseen.LANGUAGE.txt` are by people who knew no rule and no list, no weight is fitted on them, and only the
threshold was chosen with them.

One post a line: the platform, a colon, the text. In the text `{{LABEL|words}}` marks what it holds, `⏎` stands
for a line break, and `\\u200b` and the like for characters that one would not see. Lines that begin with `# ` are
headings. The JSON has presidio-research's format, so that offsets are right by construction.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

__all__ = ["GOLD", "NAMES", "main", "record", "records"]

GOLD = Path(__file__).parents[1] / "tests" / "privacy" / "gold"
NAMES = ("social", "unseen")

_MARKED = re.compile(r"\{\{([A-Z_]+)\|(.+?)\}\}")
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})")


def main() -> None:
    """Write the files, one record a line."""
    for name in NAMES:
        lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in records(name))
        (GOLD / f"{name}.json").write_text(f"[\n{lines}\n]\n", "utf-8")


def records(name: str) -> list[dict[str, Any]]:
    """Give all records of a set, by language and in the order of the files."""
    return [
        record(line, path.suffixes[0].removeprefix("."))
        for path in sorted(GOLD.glob(f"{name}.*.txt"))
        for line in path.read_text("utf-8").splitlines()
        if line.strip() and not line.startswith("# ")
    ]


def record(line: str, language: str) -> dict[str, Any]:
    """Turn a line into a record. Raises ValueError for one that does not begin with a platform."""
    platform, colon, source = line.partition(": ")
    if not colon or not platform.isalpha():
        raise ValueError(f"a line of {language} must begin with its platform and a colon")
    source = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), source.replace("⏎", "\n"))
    text, spans = "", []
    position = 0
    for found in _MARKED.finditer(source):
        text += source[position : found.start()]
        spans.append(
            {
                "entity_type": found[1],
                "entity_value": found[2],
                "start_position": len(text),
                "end_position": len(text) + len(found[2]),
            }
        )
        text += found[2]
        position = found.end()
    text += source[position:]
    if "{{" in text or "}}" in text:
        raise ValueError(f"a line of {language} has a mark that cannot be read")
    return {
        "full_text": text,
        "masked": _MARKED.sub(r"{{\1}}", source),
        "spans": spans,
        "template_id": None,
        "metadata": {"language": language, "platform": platform},
    }


if __name__ == "__main__":
    main()
