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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig
from fedi_dataset.conversations.rows import Outcome, make_rows, split_of
from fedi_dataset.conversations.utterances import spoken_of, utterance_of, words_of
from fedi_dataset.engines import CellFunction
from fedi_dataset.errors import FediDatasetError, PrivacyError
from fedi_dataset.privacy.detector import Detector, load_detector
from fedi_dataset.privacy.keys import key
from fedi_dataset.privacy.operators import Operators
from fedi_dataset.privacy.placeholders import without_removed
from fedi_dataset.privacy.scrub import Said, Scrubbed, scrub
from fedi_dataset.privacy.spans import Person, Span
from fedi_dataset.schema import CELL_OUTPUT, DETECTIONS, RELEASE_TABLES
from fedi_dataset.text.quality import is_empty

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
    backdated: int = 0
    """Posts that are dated before the one that they answer."""


@dataclass(frozen=True)
class CellFactory:
    """Makes a worker's function. ``done`` are digests of finished cells: those are not worked on again."""

    config: BuildConfig
    secret: bytes = field(repr=False)
    detector_version: str
    code_version: str
    done: frozenset[str] = frozenset()
    detector_at_hand: bool = True
    """False: it is lost; what it found before is used, and other texts are refused."""

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
        self._missed = False
        self._failure: Exception | None = None

    def __call__(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        cell, digest = rows["cell"][0].as_py(), self._factory.digest(rows)
        if digest in self._factory.done:
            return _output(cell, digest, [KEPT_CELL])
        tally = _Tally()
        self._missed = False
        for anchor, group in groupby(rows.to_pylist(), key=lambda row: row["anchor"]):
            self._conversation(anchor, list(group), tally)
        if (
            self._failure is not None
        ):  # no text's fault: refusing the texts would pass for an outcome
            raise FediDatasetError(
                f"a worker could not load the build's detector: {self._failure}. Run the same command again; "
                "what is finished is kept."
            ) from self._failure
        if self._missed:  # whoever has the detector must not take this for the cell's outcome
            digest = hashlib.sha256(f"{digest} without the detector".encode()).hexdigest()
        return _output(cell, digest, list(tally.results()))

    def _conversation(self, anchor: bytes, rows: list[Row], tally: _Tally) -> None:
        config, secret = self._factory.config, self._factory.secret
        people = _people(row for row in rows if row["rank"] == 0)
        posts = [row for row in rows if row["rank"] == 1]
        spoken = spoken_of(posts, config)
        said = [one.said for one in spoken]
        tally.quoted_words += sum(one.quoted_words for one in spoken)
        detections = _Detections(posts, said, self._factory, self._load)
        scrubbed = scrub(said, people, detections.of, self._factory.name_digest)
        tally.detections += detections.rows()
        operators = Operators.of(config)
        remains = [
            without_removed(one.text, clean.marks, operators)
            for one, clean in zip(said, scrubbed, strict=True)
        ]
        reasons = {
            row["post_key"]: "empty_text" if is_empty(left) else clean.refused
            for row, left, clean in zip(posts, remains, scrubbed, strict=True)
        }
        rows_by_key = {row["post_key"]: row for row in posts}
        kept = {
            row["post_key"]: (row, one, clean)
            for row, one, clean in zip(posts, spoken, scrubbed, strict=True)
            if reasons[row["post_key"]] is None
        }
        utterances = [utterance_of(*one, rows_by_key, kept, config) for one in kept.values()]
        words = {post: words_of(*one) for post, one in kept.items()}
        outcome = make_rows(anchor, utterances, words, config=config, secret=secret)
        tally.add(split_of(secret, anchor, config), outcome, posts, reasons, scrubbed)

    def _load(self) -> Detector:
        if not self._factory.detector_at_hand:
            self._missed = True
            raise PrivacyError("the detector that reads this text is lost")
        if self._detector is None:
            try:
                self._detector = self._checked()
            except Exception as error:
                self._failure = error
                raise
        return self._detector

    def _checked(self) -> Detector:
        config = self._factory.config
        detector = load_detector(config.detector, config.policy)
        if detector.version != self._factory.detector_version:
            raise FediDatasetError("it is not the one that the build began with")
        return detector


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
    backdated: int = 0

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
        dates = {post["post_key"]: post["created_at"] for post in posts}
        self.backdated += sum(
            dates.get(post["parent_key"], post["created_at"]) > post["created_at"] for post in posts
        )
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
            self.posts,
            self.turns,
            dict(self.entities),
            self.quoted_words,
            dict(self.gaps),
            self.backdated,
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
        for said in row["forms"]:
            kind, _, form = said.partition(" ")
            forms.setdefault(row["account_key"], {}).setdefault(kind, []).append(form)
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
