"""Streams the items of an outbox out of JSON of any size, however malformed or hostile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import ijson

from fedi_dataset.errors import UnreadableExport

__all__ = ["has_items", "items"]

_LARGEST_ITEM: Final = 16 << 20
"""Bytes between two items. Mastodon itself takes no activity above 1 MB."""
_DEEPEST: Final = 100
"""Levels of JSON. ijson's memory grows with their square."""

Event = tuple[str, Any]


def items(path: Path, stream: BinaryIO) -> Iterator[object]:
    """Give the members of ``orderedItems``, one at a time; ``path`` is for messages.

    Raises UnreadableExport where the JSON ends (truncated), or breaks, nests too deep, or holds an
    endless item (bad_json); what came before has been given by then.
    """
    metered = _Metered(path, stream)
    for item in ijson.items(ijson.parse(_events(path, metered)), "orderedItems.item"):
        metered.since_item = 0
        yield item


def has_items(path: Path, stream: BinaryIO) -> bool:
    """Tell whether there is an ``orderedItems`` list, reading no further; raises as items does."""
    return any(
        (prefix, event) == ("orderedItems", "start_array")
        for prefix, event, _ in ijson.parse(_events(path, _Metered(path, stream)))
    )


class _Metered:
    """A stream for ijson that ends in an error when an item, or what lies around, is endless."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._path, self._stream = path, stream
        self.since_item = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.since_item += len(data)
        if self.since_item > _LARGEST_ITEM:
            raise _unusable(self._path, "bad_json", f"an item is above {_LARGEST_ITEM} bytes")
        return data


def _events(path: Path, stream: _Metered) -> Iterator[Event]:
    """Parse JSON into events. Errors say which code, never what: ijson quotes people's words."""
    try:
        yield from _shallow(path, ijson.basic_parse(stream, use_float=True))
    except ijson.JSONError as error:
        code = "truncated" if "premature EOF" in str(error) else "bad_json"
    except ValueError:  # half a surrogate pair
        code = "bad_json"
    else:
        return
    raise _unusable(path, code, "it is not whole JSON")


def _shallow(path: Path, events: Iterable[Event]) -> Iterator[Event]:
    depth = 0
    for event in events:
        if event[0] in ("start_map", "start_array"):
            depth += 1
            if depth > _DEEPEST:
                raise _unusable(path, "bad_json", f"it nests deeper than {_DEEPEST} levels")
        elif event[0] in ("end_map", "end_array"):
            depth -= 1
        yield event


def _unusable(path: Path, code: str, why: str) -> UnreadableExport:
    return UnreadableExport(
        code, f"{path}: its outbox cannot be read on: {why}. Ask for a fresh export"
    )
