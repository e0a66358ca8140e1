"""Tokens are counted by split, language, license and platform, and add up."""

from __future__ import annotations

import pyarrow as pa

from fedi_dataset.release.statistics import Share, Statistics
from fedi_dataset.schema import DIALOGUES, MULTI_TURN_TOKENS, TOKENS
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


def test_no_rows_are_no_statistics() -> None:
    """Where nothing was kept there is nothing to count."""
    tokens, dialogues = rows((3, 1, "en"))
    assert statistics_of(tokens.slice(1), dialogues.slice(1), "test") == Statistics()


def test_a_row_counts_as_many_dialogues_as_it_trains() -> None:
    """Of several responses in a row all are counted, the row's length once."""
    tokens, about = rows((3, 1, "en"), (40, 20, "de"))
    keys = pa.array([["a"], ["b", "c", "d"]], pa.list_(pa.string()))
    several = pa.table([keys, tokens["input_ids"], tokens["labels"]], schema=MULTI_TURN_TOKENS)
    counted = statistics_of(several, about, "train")
    assert counted.by["language"] == {"de": Share(3, 40, 20), "en": Share(1, 3, 1)}
    assert counted.total == Share(4, 43, 21)
    assert counted.lengths == {"4": 1, "64": 1}


def test_parts_add_up() -> None:
    """The statistics of two halves are those of the whole."""
    tokens, dialogues = rows((3, 1, "en"), (4, 2, "de"), (50, 2, "en"))
    halves = [
        statistics_of(tokens[part], dialogues[part], "train") for part in (slice(1), slice(1, None))
    ]
    assert halves[0] + halves[1] == statistics_of(tokens, dialogues, "train")
