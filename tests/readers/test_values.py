"""Times, hashtags and hosts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fedi_dataset.readers.values import hashtags, host_of, parse_time
from tests.readers.exports import FIXTURES, needs_fixtures

SYNTAX = FIXTURES / "bluesky/interop/syntax"


def vectors(name: str) -> list[str]:
    """The lines of a vector file that are neither empty nor comments."""
    lines = (SYNTAX / name).read_text("utf-8").split("\n")
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2025-03-01T10:00:00Z", datetime(2025, 3, 1, 10, tzinfo=UTC)),
        ("2025-10-01T10:02:00.000+02:00", datetime(2025, 10, 1, 8, 2, tzinfo=UTC)),
        ("1985-04-12T23:20:50.1234567890Z", datetime(1985, 4, 12, 23, 20, 50, 123456, UTC)),
        ("2025-03-01T10:00:00", None),
        ("2025-03-01 10:00:00Z", None),
        ("2025-03-01T10:00:60Z", None),
        ("0001-01-01T00:00:00+07:00", None),
        ("2025-03-01T10:00:00Z\n", None),
        ("٢٠٢٥-03-01T10:00:00Z", None),
        (1740823200, None),
        (None, None),
    ],
)
def test_a_time_is_utc_or_nothing(text: object, time: datetime | None) -> None:
    """A time with a zone becomes UTC, and anything else becomes no date."""
    assert parse_time(text) == time


@needs_fixtures
def test_the_protocol_s_own_valid_times_are_read() -> None:
    """Of AT Protocol's valid datetimes, only the year 0, which Python has not, gives no date."""
    unread = [text for text in vectors("datetime_syntax_valid.txt") if parse_time(text) is None]
    assert unread == ["0000-01-01T00:00:00.000Z"]


@needs_fixtures
@pytest.mark.parametrize("name", ["datetime_syntax_invalid.txt", "datetime_parse_invalid.txt"])
def test_the_protocol_s_own_invalid_times_are_refused(name: str) -> None:
    """None of AT Protocol's invalid datetimes gives a date."""
    assert [text for text in vectors(name) if parse_time(text) is not None] == []


def test_hashtags_are_folded_once() -> None:
    """Hashtags lose their # and their case, keep their order, and come once."""
    assert hashtags(["#Garden", "garden", "STRASSE", "straße", "#", None, "##x"]) == (
        "garden",
        "strasse",
        "x",
    )


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("https://Mastodon.example/@a", "mastodon.example"),
        ("https://user@h.example:8443/x", "h.example:8443"),
        ("tag:h.example,2016:objectId=1", None),
        ("https://[broken/", None),
        ("https://h.example:port/", None),
        ("javascript:alert(1)", None),
        (None, None),
    ],
)
def test_only_web_addresses_have_a_host(uri: str | None, host: str | None) -> None:
    """Hosts are lower-cased with their port; what is not on the web, or broken, has none."""
    assert host_of(uri) == host
