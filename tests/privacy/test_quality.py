"""How much the default detector finds, and how much it leaves alone, on gold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fedi_dataset.privacy.detector import Detector
from scripts.evaluate_privacy import main
from scripts.make_gold import GOLD, NAMES

SYNTHETIC = (
    Path(__file__).parents[3] / "shared/fixtures/presidio-research/synth_dataset_v2.half.json"
)


def scores(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the script says of a gold file."""
    assert main([str(path), "--json"]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


@pytest.mark.slow
def test_synthetic_letters_and_forms(
    detector: Detector, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of presidio-research's identifying spans at least .98 are found, at a precision of .97."""
    assert detector.version
    if not SYNTHETIC.exists():
        pytest.skip("the fixture is not there")
    identifying = scores(SYNTHETIC, capsys)["identifying"]
    assert identifying["recall"] >= 0.98
    assert identifying["precision"] >= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_social_posts(name: str, detector: Detector, capsys: pytest.CaptureFixture[str]) -> None:
    """Of what identifies people in posts at least .95 is found, .90 in each language; at most 8 % of
    plain posts are touched."""
    assert detector.version
    result = scores(GOLD / f"{name}.json", capsys)
    assert result["identifying"]["recall"] >= 0.95
    assert result["plain_touched"] <= 0.08
    assert all(one["identifying"]["recall"] >= 0.90 for one in result["languages"].values())
