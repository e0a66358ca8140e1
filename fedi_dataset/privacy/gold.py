"""Gold files: texts of which it is known what identifies whom in them.

They have the format of microsoft/presidio-research: a JSON list of records (or one record a line) with ``full_text``
and ``spans`` of ``entity_type``, ``entity_value``, ``start_position`` and ``end_position``, in code points, the end
exclusive.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedi_dataset.errors import UsageError

__all__ = ["Gold", "GoldSpan", "read_gold"]


@dataclass(frozen=True, slots=True, order=True)
class GoldSpan:
    """What a text really holds, by a label of the gold file. Offsets in code points, end exclusive."""

    begin: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Gold:
    """A text with everything that it holds; ``language`` is what the file says, if it does."""

    text: str
    spans: tuple[GoldSpan, ...] = ()
    language: str | None = None


def read_gold(path: Path) -> list[Gold]:
    """Read a gold file.

    A record's language is ``metadata.language``, ``metadata.Language`` or ``language``.

    Raises UsageError, with the number of the record (from 1) and never its text, for what is not such a file: a
    field that lacks, an offset outside of the text, a value that is not what stands at its offsets.
    """
    try:
        content = path.read_text("utf-8")
        records = _records(content)
    except (OSError, ValueError) as error:
        # neither error's own words: a decoder's may quote what it read
        raise UsageError(
            f"cannot read the gold file {path} ({type(error).__name__}): it must be a JSON list of"
            " records, or one record a line, in UTF-8"
        ) from None
    if not records:
        raise UsageError(f"{path} holds no record")
    return [_gold(record, f"{path}: record {number}") for number, record in enumerate(records, 1)]


def _records(content: str) -> list[Any]:
    if content.lstrip().startswith("["):
        whole: list[Any] = json.loads(content)
        return whole
    return [json.loads(line) for line in content.split("\n") if line.strip()]


def _gold(record: Any, where: str) -> Gold:
    if not isinstance(record, dict) or not isinstance(text := record.get("full_text"), str):
        raise UsageError(f"{where} has no full_text: it is not in presidio-research's format")
    if not isinstance(spans := record.get("spans") or [], list):
        raise UsageError(f"{where}: its spans are not a list")
    read = (_span(one, text, f"{where}, span {n}") for n, one in enumerate(spans, 1))
    return Gold(text, tuple(sorted(read)), _language(record, where))


def _span(span: Any, text: str, where: str) -> GoldSpan:
    match span:
        case {"entity_type": str(label), "start_position": int(begin), "end_position": int(end)}:
            pass
        case _:
            raise UsageError(f"{where}: it needs entity_type, start_position and end_position")
    if not 0 <= begin < end <= len(text):
        raise UsageError(f"{where}: [{begin}, {end}) is not within {len(text)} characters")
    if span.get("entity_value", text[begin:end]) != text[begin:end]:
        raise UsageError(
            f"{where}: entity_value is not what stands at [{begin}, {end}); offsets count code points"
        )
    if not text[begin:end].strip():
        raise UsageError(f"{where}: [{begin}, {end}) holds nothing but blanks")
    return GoldSpan(begin, end, label)


def _language(record: dict[str, Any], where: str) -> str | None:
    metadata = record.get("metadata")
    inner = metadata if isinstance(metadata, dict) else {}
    said = inner.get("language") or inner.get("Language") or record.get("language")
    if said is not None and not isinstance(said, str):
        raise UsageError(f"{where}: its language is not a tag such as 'en'")
    return said
