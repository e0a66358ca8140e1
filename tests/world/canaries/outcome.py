"""Builds of the world of canaries, and what came out of it: every byte and every decoded cell is looked at."""

from __future__ import annotations

import io
import logging
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import yaml
from tokenizers import Tokenizer

from fedi_dataset.console import DONE_WITH_QUARANTINE
from tests.commands import Ran, run
from tests.tokens.shapes import SHAPES, save, template_of
from tests.world.canaries.model import BUILDS, Build, Canary
from tests.world.canaries.world import CanaryWorld, WrittenCanaries

__all__ = [
    "AS_OF",
    "Canaries",
    "Outcome",
    "Row",
    "Seen",
    "build_all",
    "leaves",
    "rows_of",
    "strings_in",
    "table",
]

Row = dict[str, Any]

AS_OF: Final = datetime(2026, 7, 1, tzinfo=UTC)
CONFIGS: Final[dict[Build, dict[str, Any]]] = {
    "gated": {"recipients": "gated"},
    "wide": {
        "unlisted": True,
        "alt_texts": True,
        "sensitive": True,
        "bots": True,
        "allow_licenses": ["CC-BY-NC-4.0"],
    },
    "english": {"languages": ["en"]},
}


class Seen:
    """Text that was looked through; says which canaries are in it."""

    def __init__(self, strings: Iterable[str]) -> None:
        self._text = "\n".join(" ".join(one.split()) for one in strings).casefold()

    def whole(self, canary: Canary) -> bool:
        """Whether the whole sentence stands in it."""
        return canary.text.casefold() in self._text

    def any_piece(self, canary: Canary) -> bool:
        """Whether any telling piece of the sentence stands in it."""
        return any(piece in self._text for piece in canary.pieces)


@dataclass(frozen=True)
class Outcome:
    """One build, looked through."""

    release: Path
    work: Path
    ran: tuple[Ran, ...]
    """Commands that were run on it."""
    everything: Seen
    """Every byte and every cell of the release, token ids as text."""
    completions: Seen
    posts: Seen
    trained_ids: Seen
    """Ids that loss is taken on, as text."""
    loaded: Seen
    """Every cell as a reader of Parquet sees it that knows nothing of this package."""
    workspace: Seen
    printed: Seen

    @classmethod
    def of(cls, release: Path, work: Path, ran: Iterable[Ran], tokenizer: Path) -> Outcome:
        """Look through a release and its workspace."""
        decoder = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))

        def decoded(rows: list[dict[str, Any]], *, trained: bool) -> list[str]:
            ids = [
                [
                    one
                    for one, label in zip(row["input_ids"], row["labels"], strict=True)
                    if label >= 0 or not trained
                ]
                for row in rows
            ]
            return [str(decoder.decode(one, skip_special_tokens=False)) for one in ids]

        tokens = table(release, "tokens")
        commands = tuple(ran)
        return cls(
            release=release,
            work=work,
            ran=commands,
            everything=Seen([*strings_in(release), *decoded(tokens, trained=False)]),
            completions=Seen(
                row["completion"][0]["content"] for row in table(release, "dialogues")
            ),
            posts=Seen(row["text"] for row in table(release, "posts")),
            trained_ids=Seen(decoded(tokens, trained=True)),
            loaded=Seen(_loaded(release)),
            workspace=Seen(strings_in(work)),
            printed=Seen([one.out + one.err for one in commands]),
        )

    def fate(self, canary: Canary) -> str:
        """Say what became of a canary: ``never``, ``context``, ``trained``, ``alone``, ``twice`` or ``in pieces``."""
        if not self.everything.any_piece(canary) and not self.loaded.any_piece(canary):
            return "never"
        if not (self.everything.whole(canary) and self.loaded.whole(canary)):
            return "in pieces"
        trained = self.completions.any_piece(canary)
        if trained != self.trained_ids.any_piece(canary):
            return "trained in one of dialogues and tokens"
        alone = self.posts.any_piece(canary)
        if trained and alone:
            return "twice"
        return "trained" if trained else "alone" if alone else "context"


class Canaries(NamedTuple):
    """The world of canaries, where it was written, and what became of it."""

    world: CanaryWorld
    written: WrittenCanaries
    outcomes: dict[Build, Outcome]
    tokenizer: Path
    logged: str
    """What was logged while it was built, at any level, by anybody."""


def build_all(folder: Path) -> Canaries:
    """Write the world; build, tokenize and look through each build, by the commands that a steward would use."""
    world = CanaryWorld()
    written = world.write(folder / "world")
    tokenizer = save(SHAPES["chatml"], folder / "tokenizer", template_of("chatml"))
    outcomes: dict[Build, Outcome] = {}
    with _logging() as log:
        for name in BUILDS:
            former = next(reversed(outcomes.values()), None)
            outcomes[name] = _build(name, written, folder, tokenizer, former)
    return Canaries(world, written, outcomes, tokenizer, log.getvalue())


@contextmanager
def _logging() -> Iterator[StringIO]:
    """Take in whatever is logged meanwhile."""
    log = StringIO()
    handler, root = logging.StreamHandler(log), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def _build(
    name: Build, written: WrittenCanaries, folder: Path, tokenizer: Path, former: Outcome | None
) -> Outcome:
    """Build in a copy of the former build's workspace: what was detected there is not detected again.

    So the workspace is also looked through for what another config let in before.
    """
    release = folder / name / "release"
    if former is not None:
        shutil.copytree(former.work, release.with_name("release.work"))
    config = folder / f"{name}.yaml"
    config.write_text(
        yaml.safe_dump({**CONFIGS[name], "terms_files": [str(written.terms)]}), "utf-8"
    )
    arguments = ("--consent", written.ledger, "--config", config)
    built = run(
        "build",
        *written.exports,
        *arguments,
        "--out",
        release,
        "--as-of",
        AS_OF.isoformat(),
        "--workers",
        1,
    )
    assert built.code == DONE_WITH_QUARANTINE, built.err
    tokenized = run("tokenize", release, "--tokenizer", tokenizer, "--max-length", 20_000)
    assert tokenized.code == 0, tokenized.err
    work = release.with_name("release.work")
    return Outcome.of(release, work, [built, tokenized], tokenizer)


# --- looking ---------------------------------------------------------------------------------------


def table(release: Path, name: str) -> list[Row]:
    """Read all rows of a table of a release."""
    return [row for path in sorted((release / name).glob("*.parquet")) for row in rows_of(path)]


def rows_of(path: Path) -> list[Row]:
    """Read all rows of a Parquet file."""
    rows: list[Row] = pq.read_table(path).to_pylist()
    return rows


def strings_in(folder: Path) -> Iterator[str]:
    """Give the name and content of every file below a folder, and every decoded cell of its tables."""
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        yield path.relative_to(folder).as_posix()
        yield from strings_of(path.read_bytes())


def strings_of(data: bytes) -> Iterator[str]:
    """Give bytes as text, in the two ways in which text is written; what is a table, cell by cell too."""
    yield data.decode("utf-8", "replace")
    if b"\0" in data:
        yield from (data[begin:].decode("utf-16-le", "replace") for begin in (0, 1))
    if data.startswith(b"PAR1"):
        yield from leaves(pq.read_table(io.BytesIO(data)).to_pylist())
    elif data.startswith(b"ARROW1"):
        yield from leaves(pa.ipc.open_file(pa.BufferReader(data)).read_all().to_pylist())


def leaves(value: object) -> Iterator[str]:
    """Give every string in a cell; bytes are looked into, for finished cells hold Parquet files."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield from strings_of(value)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield str(name)
            yield from leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from leaves(one)


def _loaded(release: Path) -> Iterator[str]:
    for folder in sorted(one for one in release.iterdir() if one.is_dir()):
        if re.fullmatch(r"[a-z]+", folder.name) and any(folder.glob("*.parquet")):
            files = [str(path) for path in sorted(folder.glob("*.parquet"))]
            yield from leaves(pads.dataset(files).to_table().to_pylist())
