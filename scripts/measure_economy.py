"""Measure what `multi_turn` saves: `python -m scripts.measure_economy [RELEASE] [--conversations N] [--write]`.

Counts the tokens of a release's dialogues, one response a row, and of its `multi_turn` rows, which train the same
responses. Without RELEASE one is built from a generated world of invented people, in which two people in turns are the
commonest shape, as they are where people talk. With --write what comes out goes into docs/dialogues.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
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

PAGE = Path(__file__).resolve().parent.parent / "docs" / "dialogues.md"
BEGIN = "<!-- economy: written by python -m scripts.measure_economy --write -->"
END = "<!-- end of economy -->"
CONVERSATIONS = 200
SEED = 7

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


def sentence_of(found: Mapping[str, int]) -> str:
    """Say of the generated world what was measured."""
    return (
        f"On a generated world of {CONVERSATIONS} conversations {found['dialogues']:,} dialogues of "
        f"{found['tokens_of_dialogues']:,} tokens become {found['multi_turn']:,} rows of "
        f"{found['tokens_of_multi_turn']:,}, which is {100 * saved(found):.0f} % less."
    )


def saved(found: Mapping[str, int]) -> float:
    """Give the share of tokens that need not be read."""
    return 1 - found["tokens_of_multi_turn"] / found["tokens_of_dialogues"]


def written(document: str, sentence: str) -> str:
    """Put the sentence between its marks in a document, in lines of 120 characters."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the document lacks the marks {BEGIN} and {END}")
    return f"{before}{begin}\n\n{textwrap.fill(sentence, 120)}\n\n{end}{after}"


def main() -> None:
    """Measure and print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", type=Path, nargs="?", help="a release built with multi_turn")
    parser.add_argument(
        "--conversations", type=int, default=CONVERSATIONS, help="of the generated world"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--tokenizer", help="with its own template; default: the demo's of both")
    parser.add_argument("--write", action="store_true", help="write the figures into the document")
    options = parser.parse_args()
    measures_default = (options.release, options.conversations, options.seed, options.tokenizer)
    if options.write and measures_default != (None, CONVERSATIONS, SEED, None):
        parser.error("--write is for what is measured by default")
    with tempfile.TemporaryDirectory(prefix="economy-") as folder, samples() as shipped:
        release = options.release or built_world(Path(folder), options.conversations, options.seed)
        template = None if options.tokenizer else shipped.chat_template
        found = measured(release, options.tokenizer or DEMO_TOKENIZER, template)
    for name, count in found.items():
        print(f"{name:<22} {count:>9}")
    if found["responses"] != found["dialogues"] or not found["dialogues"]:
        sys.exit("the release has no multi_turn rows for its dialogues: build it with multi_turn")
    print(f"{'tokens saved':<22} {saved(found):>9.1%}")
    if options.write:
        PAGE.write_text(written(PAGE.read_text("utf-8"), sentence_of(found)), "utf-8")


if __name__ == "__main__":
    main()
