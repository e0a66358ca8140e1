"""The real detector, loaded once for all tests of the room."""

from __future__ import annotations

import pytest

from fedi_dataset.errors import MissingExtra
from fedi_dataset.privacy.detector import Detector, load_detector


@pytest.fixture(scope="session")
def detector() -> Detector:
    """Rampart and all patterns; skips without the privacy extra."""
    try:
        return load_detector()
    except MissingExtra as error:
        pytest.skip(str(error))
