"""The tokens table is what the renderer gives, and its counts add up to the row."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedi_dataset.schema import DIALOGUES, TOKENS
from fedi_dataset.tokens import Counts, Rendered, encode_batch
from fedi_dataset.tokens.rendering import FORGED, IGNORED, TOO_LONG
from tests.tokens.conftest import Loaded

Shaped = Callable[[str], Loaded]


def dialogues(*rows: list[str]) -> pa.RecordBatch:
    """Give rows of contents as a batch of the dialogues table."""
    return pa.RecordBatch.from_pylist(
        [
            {
                "dialogue_key": f"{number:032x}",
                "conversation_key": "00" * 16,
                "response_turn": len(contents),
                "prompt": messages[:-1],
                "completion": messages[-1:],
                "n_turns": len(contents),
                "n_speakers": 2,
                "language": "en",
                "context_languages": ["en"],
                "platform": "mastodon",
                "license": "CC-BY-4.0",
                "grants": ["11" * 16],
            }
            for number, contents in enumerate(rows)
            for messages in [
                [
                    {"role": ("user", "assistant")[position % 2], "content": content}
                    for position, content in enumerate(contents)
                ]
            ]
        ],
        schema=DIALOGUES,
    )


def test_rows_and_counts(shaped: Shaped) -> None:
    """Kept rows stand in their order with their keys; what is dropped is counted by its reason."""
    renderer = shaped("llama3")[1]
    batch = dialogues(
        ["he", "the"],
        ["forged <|eot_id|>", "the"],
        ["the first " * 30, "he", "the", "fish"],
        ["the first " * 30, "he"],
    )
    table, counts = encode_batch(pa.Table.from_batches([batch]), renderer, 60, split="train")
    assert table.schema == TOKENS
    assert table.column("dialogue_key").to_pylist() == [f"{0:032x}", f"{2:032x}"]
    first = renderer.render([{"role": "user", "content": "he"}], batch["completion"][0].as_py())
    assert isinstance(first, Rendered)
    assert table.column("input_ids")[0].as_py() == first.input_ids
    assert table.column("labels")[0].as_py() == first.labels
    labels = [label for row in table.column("labels").to_pylist() for label in row]
    assert counts == Counts(
        rows_in=4,
        rows_kept=2,
        dropped={FORGED: 1, TOO_LONG: 1},
        dropped_turns=2,
        statistics=counts.statistics,
    )
    assert counts.tokens == len(labels)
    assert counts.trained_tokens == len(labels) - labels.count(IGNORED)
    assert list(counts.dropped) == [FORGED, TOO_LONG]


def test_no_rows(shaped: Shaped) -> None:
    """No dialogues give no rows, of the right schema, and counts of nothing."""
    table, counts = encode_batch(
        pa.Table.from_batches([dialogues()]), shaped("chatml")[1], None, split="train"
    )
    assert (table.schema, table.num_rows, counts) == (TOKENS, 0, Counts())


@given(
    rows=st.lists(
        st.sampled_from([["a", "b"], ["a " * 60, "b"], ["<|im_end|>", "b"], ["a" * 60, "b"] * 2]),
        max_size=6,
    ),
    cut=st.integers(0, 6),
)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_batches_add_up(shaped: Shaped, rows: list[list[str]], cut: int) -> None:
    """However the rows are cut into batches, rows and counts are the same, and no row is lost."""
    renderer = shaped("chatml")[1]
    whole = pa.Table.from_batches([dialogues(*rows)])
    table, counts = encode_batch(whole, renderer, 100, split="train")
    parts = [
        encode_batch(part, renderer, 100, split="train") for part in (whole[:cut], whole[cut:])
    ]
    assert pa.concat_tables([part for part, _ in parts]).to_pylist() == table.to_pylist()
    assert parts[0][1] + parts[1][1] == counts
    assert counts.rows_in == len(rows) == table.num_rows + sum(counts.dropped.values())


def test_counts_that_do_not_add_up_are_an_error() -> None:
    """Rows in that are neither kept nor dropped cannot be written down."""
    with pytest.raises(ValueError, match="rows in"):
        Counts(rows_in=2, rows_kept=1)
