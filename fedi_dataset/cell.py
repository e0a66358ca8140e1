"""The work on one cell: from its rows to encoded Parquet, as one pure function.

What a cell comes out as depends on its rows (texts, verdicts, people), the config, the detector, the
code and pyarrow's version, and on nothing else; their digest names a finished cell, so that a build
takes up where an earlier one stopped, and a withdrawal re-runs only the cells that it touches. What was
detected in a text before comes along with its row, and spares running the detector, not more.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig
from fedi_dataset.conversations.rows import Outcome, Words, make_rows, split_of
from fedi_dataset.conversations.turns import Utterance
from fedi_dataset.engines import CellFunction
from fedi_dataset.privacy.detector import Detector, load_detector
from fedi_dataset.privacy.keys import key
from fedi_dataset.privacy.placeholders import mostly_placeholders
from fedi_dataset.privacy.scrub import Said, Scrubbed, scrub
from fedi_dataset.privacy.spans import Mark, Person, Span
from fedi_dataset.schema import CELL_OUTPUT, DETECTIONS, RELEASE_TABLES
from fedi_dataset.text.marked import cut
from fedi_dataset.text.markup import quoted_words
from fedi_dataset.text.quality import is_empty, untrained_reason

__all__ = ["CellFactory", "CellReport", "encode_table"]

Row = dict[str, Any]

KEPT_CELL = ("kept", "", 0, b"")
"""What a cell gives back that was worked on before."""

CACHED = ("detected_by", "detected_text", "detected")
"""Columns of an earlier detection. They decide how long the work takes, not what comes of it."""


class CellReport(msgspec.Struct, frozen=True):
    """A cell's counts. People are subject keys in hex; it stays in the workspace."""

    posts: dict[str, list[str]]
    """Reason, or "" for kept: the person behind each post, one entry a post."""
    turns: dict[str, list[str]]
    """The same for turns: "" for a response."""
    entities: dict[str, int]
    """Placeholders by entity, over the texts that were kept, each text once."""
    quoted_words: int
    """Stretches of other people's words that were taken out."""
    gaps: dict[str, int]
    """Posts that answer something which is not in the dataset, by why it is not."""


@dataclass(frozen=True)
class CellFactory:
    """Makes a worker's function. ``done`` are digests of finished cells: those are not worked on again."""

    config: BuildConfig
    secret: bytes = field(repr=False)
    detector_version: str
    code_version: str
    done: frozenset[str] = frozenset()

    def __call__(self) -> CellFunction:
        """Give the function; its detector is loaded with the first cell that needs work."""
        return _Worker(self)

    def digests(self) -> CellFunction:
        """Give a function that only names each cell's outcome."""
        return self._named

    def _named(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        return _output(rows["cell"][0].as_py(), self.digest(rows), [KEPT_CELL])

    def name_digest(self, words: tuple[str, ...]) -> bytes:
        """Hash a name's words, as people who withdrew are kept."""
        return key(self.secret, "form", *words)

    def digest(self, rows: pa.RecordBatch) -> str:
        """Name the outcome of a cell: SHA-256 over its rows and all that its outcome depends on."""
        about = [self.config.digest, self.detector_version, self.code_version, pa.__version__]
        content = rows.drop_columns(["cell", *CACHED]).to_pylist()
        return hashlib.sha256(msgspec.msgpack.encode([about, content])).hexdigest()


class _Worker:
    """A cell function with its model, in one process."""

    def __init__(self, factory: CellFactory) -> None:
        self._factory = factory
        self._detector: Detector | None = None

    def __call__(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        cell, digest = rows["cell"][0].as_py(), self._factory.digest(rows)
        if digest in self._factory.done:
            return _output(cell, digest, [KEPT_CELL])
        tally = _Tally()
        for anchor, group in groupby(rows.to_pylist(), key=lambda row: row["anchor"]):
            self._conversation(anchor, list(group), tally)
        return _output(cell, digest, list(tally.results()))

    def _conversation(self, anchor: bytes, rows: list[Row], tally: _Tally) -> None:
        config, secret = self._factory.config, self._factory.secret
        people = _people(row for row in rows if row["rank"] == 0)
        posts = [row for row in rows if row["rank"] == 1]
        said = _without_quotes(posts, tally)
        detections = _Detections(posts, said, self._factory, self._load)
        scrubbed = scrub(said, people, detections.of, self._factory.name_digest)
        tally.detections += detections.rows()
        reasons = {
            row["post_key"]: "empty_text" if is_empty(one.text) else clean.refused
            for row, one, clean in zip(posts, said, scrubbed, strict=True)
        }
        kept = {
            row["post_key"]: (row, clean)
            for row, clean in zip(posts, scrubbed, strict=True)
            if reasons[row["post_key"]] is None
        }
        utterances = [_utterance(row, clean, kept.keys(), config) for row, clean in kept.values()]
        words = {post: _words(row, clean) for post, (row, clean) in kept.items()}
        outcome = make_rows(anchor, utterances, words, config=config, secret=secret)
        tally.add(split_of(secret, anchor, config), outcome, posts, reasons, scrubbed)

    def _load(self) -> Detector:
        if self._detector is None:
            self._detector = load_detector(self._factory.config.detector)
            if self._detector.version != self._factory.detector_version:
                raise RuntimeError("a worker's detector differs from the build's")
        return self._detector


class _Detections:
    """What is detected in a conversation's texts: taken from earlier, or found now."""

    def __init__(
        self,
        posts: Sequence[Row],
        said: Sequence[Said],
        factory: CellFactory,
        load: Callable[[], Detector],
    ) -> None:
        self._posts = posts
        self._said = said
        self._version = factory.detector_version
        self._load = load
        self._keys = [key(factory.secret, "text", one.language, one.text) for one in said]
        self._found: dict[int, tuple[Span, ...] | None] = {}

    def of(self, index: int) -> tuple[Span, ...] | None:
        """Give what is in one text; None if no detector covers it."""
        row, said = self._posts[index], self._said[index]
        if (row["detected_by"], row["detected_text"]) == (self._version, self._keys[index]):
            spans = row["detected"]
            self._found[index] = None if spans is None else tuple(Span(**one) for one in spans)
        else:
            detector = self._load()
            covered = detector.covers(said.text, said.language)
            self._found[index] = detector.detect(said.text, said.language) if covered else None
        return self._found[index]

    def rows(self) -> list[Row]:
        """Give rows of DETECTIONS for all texts that did not raise."""
        return [
            {
                "post_key": self._posts[index]["post_key"],
                "detector": self._version,
                "text_key": self._keys[index],
                "spans": None if spans is None else [asdict(one) for one in spans],
            }
            for index, spans in self._found.items()
        ]


@dataclass
class _Tally:
    """What the conversations of a cell became, collected."""

    rows: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    posts: dict[str, list[str]] = field(default_factory=dict)
    turns: dict[str, list[str]] = field(default_factory=dict)
    entities: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    detections: list[Row] = field(default_factory=list)
    quoted_words: int = 0

    def add(
        self,
        split: str,
        outcome: Outcome,
        posts: Sequence[Row],
        reasons: dict[bytes, str | None],
        scrubbed: Sequence[Scrubbed],
    ) -> None:
        """Add one conversation."""
        for table, rows in outcome.rows.items():
            self.rows.setdefault((table, split), []).extend(rows)
        for post, clean in zip(posts, scrubbed, strict=True):
            reason = reasons[post["post_key"]] or outcome.posts[post["post_key"]]
            self.posts.setdefault(reason or "", []).append(post["subject_key"].hex())
            if reason is None:
                self.entities.update(mark.entity for mark in clean.marks)
                self.gaps.update([post["gap"]] if post["gap"] else [])
        for author, reason in outcome.turns:
            self.turns.setdefault(reason or "", []).append(author.hex())

    def results(self) -> Iterator[tuple[str, str, int, bytes]]:
        """Encode what there is: a file a table and split that has rows, then the report."""
        for (table, split), rows in sorted(self.rows.items()):
            if rows:
                encoded = encode_table(pa.Table.from_pylist(rows, RELEASE_TABLES[table]))
                yield table, split, len(rows), encoded
        encoded = encode_table(pa.Table.from_pylist(self.detections, DETECTIONS))
        yield "detections", "", len(self.detections), encoded
        report = CellReport(
            self.posts, self.turns, dict(self.entities), self.quoted_words, dict(self.gaps)
        )
        yield "report", "", 0, msgspec.json.encode(report, order="sorted")


def encode_table(table: pa.Table) -> bytes:
    """Encode a table as a Parquet file of one row group, the same bytes wherever it runs."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", row_group_size=max(1, table.num_rows))
    return buffer.getvalue()


def _output(cell: int, digest: str, results: list[tuple[str, str, int, bytes]]) -> pa.RecordBatch:
    rows = [
        {
            "cell": cell,
            "digest": digest,
            "table": table,
            "split": split,
            "rows": rows,
            "payload": payload,
        }
        for table, split, rows, payload in results
    ]
    return pa.RecordBatch.from_pylist(rows, CELL_OUTPUT)


def _people(rows: Iterable[Row]) -> list[Person]:
    """Collect the forms that name each person, in the order of accounts."""
    forms: dict[bytes, dict[str, list[str]]] = {}
    for row in rows:
        forms.setdefault(row["account_key"], {}).setdefault(row["kind"], []).append(row["form"])
    return [
        Person(
            referent=account.hex(),
            handles=tuple(sorted(known.get("handle", ()))),
            names=tuple(sorted(known.get("name", ()))),
            urls=tuple(sorted(known.get("url", ()))),
            hidden=tuple(sorted(known.get("hidden", ()))),
        )
        for account, known in sorted(forms.items())
    ]


def _without_quotes(posts: Sequence[Row], tally: _Tally) -> list[Said]:
    """Take out other people's words, unless they are those of an admitted post of this conversation."""
    spoken = {_folded(row["text"]): row["post_key"] for row in posts}
    result = []
    for row in posts:
        mentions = tuple(
            Mark(one["begin"], one["end"], "HANDLE", one["account_key"].hex())
            for one in row["mentions"]
        )
        foreign = [
            (one["begin"], one["end"])
            for one in row["quoted"]
            if spoken.get(_quoted(row["text"], one), row["post_key"]) == row["post_key"]
        ]
        text, mentions = cut(row["text"], foreign, mentions)
        tally.quoted_words += len(foreign)
        result.append(Said(text, row["language"], mentions))
    return result


def _quoted(text: str, where: Row) -> str:
    return _folded(quoted_words(text[where["begin"] : where["end"]]))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _utterance(row: Row, clean: Scrubbed, kept: Container[bytes], config: BuildConfig) -> Utterance:
    parent = row["parent_key"] if row["parent_key"] in kept else None
    return Utterance(
        key=row["post_key"],
        author=row["subject_key"],
        at=row["created_at"],
        parent=parent,
        gap=parent is None and (row["gap"] is not None or row["parent_key"] is not None),
        untrained=_untrained(row, clean, config),
    )


def _untrained(row: Row, clean: Scrubbed, config: BuildConfig) -> str | None:
    """Say why a post is context only. Permission first, then kind, then what it says."""
    if row["use"] != "train":
        return "context_only"
    if row["is_bot"] and not config.bots:
        return "bot"
    if row["sensitive"] and not config.sensitive:
        return "sensitive"
    if config.languages and row["language"] not in config.languages:
        return "other_language"
    if mostly_placeholders(clean.text, clean.marks):
        return "mostly_placeholders"
    return untrained_reason(clean.text, minimum_words=config.minimum_words)


def _words(row: Row, clean: Scrubbed) -> Words:
    return Words(
        text=clean.text,
        marks=clean.marks,
        language=row["language"],
        platform=row["platform"],
        license=row["license"],
        event_id=row["event_id"],
    )
