"""What it costs to take one person out of a release, and to load a large ledger."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from fedi_dataset.consent.ledger import Ledger
from fedi_dataset.pipeline import build
from fedi_dataset.release.erasure import withdraw
from scripts.benchmarks.common import Result, timed
from tests.world import World

__all__ = ["configure", "measure"]

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
EVENT = "urn:uuid:00000000-0000-4000-8000-00000000000e"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--authors", type=int, default=500)
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument(
        "--subjects", type=int, default=100_000, help="of the ledger that is loaded"
    )


def measure(folder: Path, options: argparse.Namespace) -> Result:
    """Withdraw one typical author from a release: time against the full build, and bytes that change.

    The detections that the build cached are at hand, as they are for a steward. ``ledger_load_s`` is the time to load
    and verify a ledger of ``subjects`` subjects with ten events each.
    """
    authors, posts, subjects = options.authors, options.posts, options.subjects
    world = World(11, people=authors, conversations=max(60, round(posts / 5.65)))
    written = world.write(folder / "world")
    release = folder / "release"
    full = timed(
        lambda: build(written.exports, consent=written.ledger, out=release, as_of=AS_OF, workers=2)
    )
    before = dict(row_groups(release))
    author = typical_author(world)
    alone = timed(lambda: withdraw(release, [author], now=AS_OF, event_id=EVENT))
    after = dict(row_groups(release))
    changed = sum(size for digest, size in before.items() if digest not in after)
    agree = equals_fresh_build(folder, release, written.ledger)
    return {
        "name": "erasure",
        "ratios": {
            "time_share": alone / full,
            "bytes_share": changed / sum(before.values()),
            "ledger_load_s": ledger_load(folder, subjects),
        },
        "agree": agree,
        "figures": {"authors": authors, "full_build_s": full, "withdraw_s": alone},
    }


def typical_author(world: World) -> str:
    """Give the consenting author with the median number of posts."""
    counts: dict[str, int] = {}
    for post in world.posts():
        if post.reason is None:
            counts[post.author.uri] = counts.get(post.author.uri, 0) + 1
    ranked = sorted(counts, key=lambda uri: (counts[uri], uri))
    return ranked[len(ranked) // 2]


def row_groups(release: Path) -> Iterator[tuple[str, int]]:
    """Give each row group of a release's data files: a digest of its rows, and its bytes."""
    for path in sorted(release.glob("*/*.parquet")):
        with pq.ParquetFile(path) as file:
            for index in range(file.num_row_groups):
                rows = repr(file.read_row_group(index).to_pylist())
                group = file.metadata.row_group(index)
                size = sum(
                    group.column(column).total_compressed_size
                    for column in range(group.num_columns)
                )
                yield hashlib.sha256(f"{path.parent.name}{rows}".encode()).hexdigest(), size


def equals_fresh_build(folder: Path, release: Path, ledger: Path) -> bool:
    """Whether building again under the new ledger, from the same workspace, gives the same data files."""
    fresh = folder / "fresh"
    shutil.copytree(release.with_name("release.work"), folder / "fresh.work")
    build([], consent=ledger, out=fresh, as_of=AS_OF, workers=2, recorded=True)
    files = [
        {
            path.relative_to(one).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in one.glob("*/*.parquet")
        }
        for one in (release, fresh)
    ]
    return files[0] == files[1]


def ledger_load(folder: Path, subjects: int) -> float:
    """Write a ledger of ``subjects`` subjects with ten events each, and time its loading."""
    path = folder / "large.jsonl"
    write_ledger(path, subjects)
    return timed(lambda: Ledger.load(path))


def write_ledger(path: Path, subjects: int) -> None:
    """Write given and renewed events of invented accounts, chained."""
    previous = "0" * 64
    with path.open("wb") as file:
        for number in range(subjects * 10):
            subject = number % subjects
            line = json.dumps(
                {
                    "id": f"urn:uuid:{number:032x}",
                    "event": "given" if number < subjects else "renewed",
                    "at": f"2026-05-{1 + number % 28:02d}T10:00:00Z",
                    "subject": f"urn:uuid:{subject:032x}",
                    "accounts": [f"https://h{subject % 50}.example/users/u{subject}"],
                    "controller": "https://steward.example",
                    "recipients": "private",
                    "purposes": ["llm-fine-tuning"],
                    "license": "CC-BY-4.0",
                    "age_at_least": 16,
                    "visibilities": ["public"],
                    "use": "train",
                    "acquisition": ["own-export"],
                    "notice": {
                        "uri": "https://steward.example/notice",
                        "lang": "en",
                        "version": "1",
                        "sha256": "0" * 64,
                    },
                    "evidence": {"method": "self-asserted", "ref": ""},
                    "prev": previous,
                },
                separators=(",", ":"),
            ).encode()
            file.write(line + b"\n")
            previous = hashlib.sha256(line).hexdigest()
