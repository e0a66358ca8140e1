"""Measure what `multi_turn` saves: `python -m scripts.measure_economy [RELEASE] [--conversations N]`.

Counts the tokens of a release's dialogues, one response a row, and of its `multi_turn` rows, which train the same
responses. Without RELEASE one is built from a generated world of invented people, in which two people in turns are the
commonest shape, as they are where people talk.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fedi_dataset.config import BuildConfig
from fedi_dataset.demo import DEMO_TOKENIZER
from fedi_dataset.pipeline import build
from fedi_dataset.samples import samples
from fedi_dataset.tokens.tokenizer import load_tokenizer
from tests.world import World

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
"""After everything that a generated world's ledger says."""


def rows_of(release: Path, table: str) -> Iterator[dict[str, Any]]:
    """Read the rows of a table, of all splits."""
    for path in sorted((release / table).glob("*.parquet")):
        yield from pq.read_table(path).to_pylist()


def built_world(folder: Path, conversations: int, seed: int) -> Path:
    """Build a release of a generated world with both tables."""
    world = World(seed, conversations=conversations).write(folder)
    config = BuildConfig(multi_turn=True)
    return build(
        world.exports, consent=world.ledger, out=folder / "release", config=config, as_of=AS_OF
    ).release


def measured(release: Path, tokenizer: str, template: Path | None) -> dict[str, int]:
    """Count rows, tokens and responses of both forms."""
    loaded = load_tokenizer(tokenizer, template).tokenizer

    def tokens(messages: list[dict[str, Any]]) -> int:
        said = [{"role": one["role"], "content": one["content"]} for one in messages]
        return len(loaded.apply_chat_template(said, return_dict=False))

    single = [tokens([*row["prompt"], *row["completion"]]) for row in rows_of(release, "dialogues")]
    shared = list(rows_of(release, "multi_turn"))
    return {
        "responses": sum(len(row["dialogue_keys"]) for row in shared),
        "dialogues": len(single),
        "multi_turn": len(shared),
        "tokens_of_dialogues": sum(single),
        "tokens_of_multi_turn": sum(tokens(row["messages"]) for row in shared),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", type=Path, nargs="?", help="a release built with multi_turn")
    parser.add_argument("--conversations", type=int, default=200, help="of the generated world")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--tokenizer", help="with its own template; default: the demo's of both")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="economy-") as folder, samples() as shipped:
        release = options.release or built_world(Path(folder), options.conversations, options.seed)
        template = None if options.tokenizer else shipped.chat_template
        found = measured(release, options.tokenizer or DEMO_TOKENIZER, template)
    for name, count in found.items():
        print(f"{name:<22} {count:>9}")
    if found["responses"] != found["dialogues"] or not found["dialogues"]:
        sys.exit("the release has no multi_turn rows for its dialogues: build it with multi_turn")
    saved = 1 - found["tokens_of_multi_turn"] / found["tokens_of_dialogues"]
    print(f"{'tokens saved':<22} {saved:>9.1%}")


if __name__ == "__main__":
    main()
