"""A loopback Hub, and somebody who may write there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hub import Hub, hub, loopback
from tests.push.conftest import Person

__all__ = ["hub", "loopback"]


@pytest.fixture
def owner(loopback: Hub, tmp_path: Path) -> Person:
    """Somebody who may write, with the switch set that the documents ask for."""
    found = Person(loopback, tmp_path / "owner", loopback.token("owner"))
    found.environment["HF_UPDATE_DOWNLOAD_COUNTS"] = "0"
    return found
