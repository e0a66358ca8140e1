"""What a gated repository asks of whoever wants in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from fedi_dataset.pipeline import BuildReport


def head(release: Path) -> dict[str, Any]:
    """The YAML of a release's card."""
    found: dict[str, Any] = yaml.safe_load(
        (release / "README.md").read_text("utf-8").split("---\n")[1]
    )
    return found


def test_the_gate_names_the_duty_to_follow_withdrawals(published: BuildReport) -> None:
    """Purpose, no identification, the newest revision, and what to drop within how long."""
    card = head(published.release)
    prompt = card["extra_gated_prompt"]
    for words in (
        "pseudonymised personal data, not anonymous data",
        "its use for llm-fine-tuning, and who may withdraw at any time",
        "do not try to identify anyone",
        "`removed_keys.jsonl` of the newest revision names their rows",
        "older revisions with all caches and copies made of them, within 30 days",
    ):
        assert words in prompt
    assert card["extra_gated_fields"] == {
        "What I use it for": "text",
        "Where word of a withdrawal reaches me": "text",
        "I do not try to identify anyone": "checkbox",
        "I drop withdrawn rows and older copies within 30 days": "checkbox",
    }


def test_a_private_release_has_no_gate(built: BuildReport) -> None:
    """Its card is what it was."""
    assert not [name for name in head(built.release) if name.startswith("extra_gated")]
