"""What it costs to make the forest of a million posts, or of ten, beside ConvoKit and a dictionary in Python."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.conversations.forest import make_forest
from fedi_dataset.engines.local import LocalEngine
from fedi_dataset.errors import UsageError
from scripts.benchmarks.common import Result
from tests.conversations.forest_tables import Population, read_tables, write_population

__all__ = ["configure", "measure"]

TEN_MILLION = 10_000_000
SMALL = 100_000
"""Posts of the trees that ConvoKit is given: it holds all words and takes no forest with holes."""
ROUNDS = 3
"""Of which the fastest counts, for each."""
LARGEST_DICTIONARY = 1_000_000

Anchors = dict[bytes, bytes]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)


def measure(folder: Path, options: argparse.Namespace) -> Result:
    """Make a forest from the tables of a workspace, each way in a process of its own, one after the other.

    Ours is all of ``make_forest``: copies, threads, people, and every post with its words in the row of its cell.
    ``seconds_10m``: its wall time for ten million posts, measured if ``posts`` are that many, else scaled
    (``figures.scaled``). ``peak_mb``: the most that its process held in memory. ``vs_convokit``: ConvoKit's wall time a
    post over ours, on whole trees of 100,000 posts. ``agree``: the same anchor for every admitted post, there as
    ConvoKit has it and in the large forest, up to a million posts, as a plain dictionary does.
    """
    if importlib.util.find_spec("convokit") is None:
        raise UsageError("this is measured beside ConvoKit: pip install 'fedi_dataset[bench]'")
    if options.posts < 1_000:
        raise UsageError(f"--posts {options.posts}: at least 1,000 make a forest worth measuring")
    large, whole = folder / "large", folder / "whole"
    write_population(Population.grow(options.posts, options.seed), large, seed=options.seed)
    ours = in_process("ours", large)
    trees = Population.grow(SMALL, options.seed, whole=True)
    write_population(trees, whole, seed=options.seed)
    rounds = [(in_process("ours", whole), in_process("convokit", whole)) for _ in range(ROUNDS)]
    small, theirs = (min(one, key=lambda ran: ran["seconds"]) for one in zip(*rounds, strict=True))
    agree = anchors_in(whole, "ours") == anchors_in(whole, "convokit")
    plain = None
    if options.posts <= LARGEST_DICTIONARY:
        plain = in_process("dictionary", large)
        agree = agree and equal_where_admitted(large)
    return {
        "name": "conversations",
        "ratios": {
            "seconds_10m": ours["seconds"] * TEN_MILLION / options.posts,
            "peak_mb": ours["peak_mb"],
            "vs_convokit": theirs["seconds"] / small["seconds"],
        },
        "agree": agree,
        "figures": {
            "posts": options.posts,
            "scaled": options.posts != TEN_MILLION,
            "ours": ours,
            "dictionary": plain,
            f"ours_{SMALL}": small,
            f"convokit_{SMALL}": theirs,
        },
    }


def in_process(way: str, folder: Path) -> dict[str, Any]:
    """Take one way in a fresh interpreter; give what it says of itself."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.benchmarks.conversations", way, str(folder)],
        stdout=subprocess.PIPE,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def anchors_in(folder: Path, way: str) -> Anchors:
    """Read what a process left: post → anchor."""
    made = pq.read_table(folder / f"{way}.parquet", columns=["post_key", "anchor"])
    return dict(zip(made["post_key"].to_pylist(), made["anchor"].to_pylist(), strict=True))


def equal_where_admitted(folder: Path) -> bool:
    """Whether the dictionary has our anchor for every post that we place."""
    ours, plain = anchors_in(folder, "ours"), anchors_in(folder, "dictionary")
    return all(plain.get(post) == anchor for post, anchor in ours.items())


def ours(folder: Path) -> tuple[dict[str, Any], Callable[[Path], None]]:
    """Make the forest; the rest is told when the clock has stopped."""
    engine = LocalEngine(folder)
    read_tables(engine, folder)
    forest = make_forest(engine)

    def leave(path: Path) -> None:
        engine.commit("placed", path)
        engine.close()

    return {"forest": asdict(forest)}, leave


def convokit(folder: Path) -> tuple[dict[str, Any], Callable[[Path], None]]:
    """Have ConvoKit make its corpus and the tree of each conversation."""
    from convokit import Corpus, Speaker, Utterance

    names = ["post_key", "reply_to_key", "account_key", "created_at", "text"]
    utterances: dict[bytes, Utterance] = {}
    speakers: dict[bytes, Speaker] = {}
    for path in sorted(folder.glob("*/posts.parquet")):
        table = pq.read_table(path, columns=names)
        for key, parent, account, at, text in zip(
            *(column.to_pylist() for column in table.columns), strict=True
        ):
            speaker = speakers.setdefault(account, Speaker(id=account.hex()))
            utterances[key] = Utterance(
                id=key.hex(),
                speaker=speaker,
                reply_to=parent.hex() if parent else None,
                timestamp=at.timestamp(),
                text=text,
            )
    corpus = Corpus(utterances=list(utterances.values()))
    roots: dict[bytes, bytes] = {}
    for conversation in corpus.iter_conversations():
        conversation.initialize_tree_structure()
        root = bytes.fromhex(conversation.tree.utt.id)
        roots.update((bytes.fromhex(one), root) for one in conversation.get_utterance_ids())
    return {"conversations": len(set(roots.values()))}, lambda path: write_anchors(roots, path)


def dictionary(folder: Path) -> tuple[dict[str, Any], Callable[[Path], None]]:
    """Follow the links in a dictionary, as one would without an engine: no words, no people, no cells."""
    links = [pq.read_table(path) for path in sorted(folder.glob("*/links.parquet"))]
    aliases = [pq.read_table(path) for path in sorted(folder.glob("*/aliases.parquet"))]
    parents: Anchors = {}
    for table in links:
        keys, replies = table["post_key"].to_pylist(), table["reply_to_key"].to_pylist()
        parents.update(zip(keys, replies, strict=True))
    names: Anchors = {}
    for table in aliases:
        names.update(
            zip(table["alias_key"].to_pylist(), table["post_key"].to_pylist(), strict=True)
        )
    anchors: Anchors = {}
    for post in parents:
        way: list[bytes] = []
        here = post
        on_way: set[bytes] = set()
        while here not in anchors:
            if here in on_way:  # a cycle: cut at its smallest key
                anchors[here] = min(way[way.index(here) :])
                break
            way.append(here)
            on_way.add(here)
            parent = parents.get(here)
            if parent is not None and parent not in parents:
                parent = names.get(parent, parent)
            if parent is None or parent == here:
                anchors[here] = here
                break
            here = parent
        top = anchors[here]
        anchors.update(dict.fromkeys(way, top))
    seen = {post: anchors[post] for post in parents}
    return {"conversations": len(set(seen.values()))}, lambda path: write_anchors(seen, path)


def write_anchors(anchors: Anchors, path: Path) -> None:
    """Leave them for the comparison."""
    keys = pa.array(anchors.keys(), pa.binary())
    pq.write_table(
        pa.table({"post_key": keys, "anchor": pa.array(anchors.values(), pa.binary())}), path
    )


WAYS = {"ours": ours, "convokit": convokit, "dictionary": dictionary}


def main() -> None:
    """Take one way, in this process, and say what it cost."""
    way, folder = sys.argv[1], Path(sys.argv[2])
    if way == "convokit":
        importlib.import_module("convokit")  # not on the clock: it loads much else
    begin, cpu = time.perf_counter(), time.process_time()
    told, leave = WAYS[way](folder)
    told |= {
        "seconds": time.perf_counter() - begin,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": peak_mb(),
    }
    leave(folder / f"{way}.parquet")
    print(json.dumps(told))


def peak_mb() -> float:
    """Give the most memory that this process ever held: not getrusage's, which counts its parent's before exec."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel does not tell this process's peak")


if __name__ == "__main__":
    main()
