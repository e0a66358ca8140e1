"""Tokens are counted by split, language, license and platform, and add up."""

from __future__ import annotations

import pyarrow as pa

from fedi_dataset.release.statistics import Share, Statistics
from fedi_dataset.schema import DIALOGUES, TOKENS
from fedi_dataset.tokens.statistics import statistics_of


def rows(*about: tuple[int, int, str]) -> tuple[pa.Table, pa.Table]:
    """Tokens and dialogues: length, trained tokens, language."""
    keys = [f"{place:032x}" for place in range(len(about))]
    tokens = pa.table(
        [
            keys,
            [[7] * length for length, _, _ in about],
            [[-100] * (length - trained) + [7] * trained for length, trained, _ in about],
        ],
        schema=TOKENS,
    )
    dialogues = pa.Table.from_pylist(
        [
            {"dialogue_key": key, "language": one[2], "license": "CC0-1.0", "platform": "bluesky"}
            for key, one in zip(keys, about, strict=True)
        ],
        schema=DIALOGUES,
    )
    return tokens, dialogues


def test_tokens_by_group_and_length() -> None:
    """Each group's parts sum to the same whole; lengths are binned by powers of two."""
    tokens, dialogues = rows((3, 1, "en"), (4, 2, "de"), (5, 2, "en"))
    counted = statistics_of(tokens, dialogues, "train")
    whole = Share(3, 12, 5)
    assert counted == Statistics(
        {
            "split": {"train": whole},
            "language": {"de": Share(1, 4, 2), "en": Share(2, 8, 3)},
            "license": {"CC0-1.0": whole},
            "platform": {"bluesky": whole},
        },
        {"4": 2, "8": 1},
    )
    assert counted.total == whole


def test_what_was_dropped_is_not_counted() -> None:
    """A dialogue without tokens counts for nothing."""
    tokens, dialogues = rows((3, 1, "en"), (4, 2, "de"))
    assert statistics_of(tokens.slice(1), dialogues, "test").by["language"] == {
        "de": Share(1, 4, 2)
    }
    assert statistics_of(tokens.slice(2), dialogues, "test") == Statistics()


def test_parts_add_up() -> None:
    """The statistics of two halves are those of the whole."""
    tokens, dialogues = rows((3, 1, "en"), (4, 2, "de"), (50, 2, "en"))
    halves = [
        statistics_of(part, dialogues, "train") for part in (tokens.slice(0, 1), tokens.slice(1))
    ]
    assert halves[0] + halves[1] == statistics_of(tokens, dialogues, "train")
