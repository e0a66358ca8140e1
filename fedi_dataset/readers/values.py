"""What every reader shares: times, hashtags and hosts as platforms write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from fedi_dataset.posts import Body

__all__ = ["hashtags", "host_of", "no_words", "parse_time", "text_of"]

_TIME: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,30}))?(?:Z|([+-])(\d{2}:\d{2}))", re.ASCII
)


def parse_time(value: object) -> datetime | None:
    """Read an RFC 3339 time in the stricter form of AT Protocol's datetime; None if it is not one.

    Capital T and Z, seconds and a zone are required, ``-00:00`` (zone unknown) is refused. Any
    number of decimals is read and cut to microseconds. The result is aware and in UTC. A time that
    Python cannot hold (the year 0, a leap second) is None: a date is never made up.
    """
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None or (found[3] == "-" and found[4] == "00:00"):
        return None
    micros = (found[2] or "")[:6].ljust(6, "0")
    zone = f"{found[3]}{found[4]}" if found[3] else "+00:00"
    try:
        return datetime.fromisoformat(f"{found[1]}.{micros}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def text_of(value: object) -> str | None:
    """Give a string that holds more than white space, as it stands; None for anything else."""
    return value if isinstance(value, str) and value.strip(" \t\r\n\u200b") else None


def hashtags(names: Iterable[object]) -> tuple[str, ...]:
    """Casefold hashtags and take off the leading #; each once, in the given order."""
    texts = (name.strip().lstrip("#").casefold() for name in names if isinstance(name, str))
    return tuple(dict.fromkeys(text for text in texts if text))


def host_of(uri: str | None) -> str | None:
    """Give host and port of an http(s) URI, lower-cased; None for any other or a broken one."""
    try:
        parts = urlsplit(uri or "")
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return None
    return (
        f"{parts.hostname}{port}" if parts.scheme in ("http", "https") and parts.hostname else None
    )


def no_words() -> Body:
    """Give the body of an item that has no words of its own: a boost, a deletion."""
    return Body(content="", content_type="text/plain")
