"""From exports to the workspace's tables: read, judge, clean, key. The only place where raw ids are met.

Streams: whatever the size of an export, a few thousand rows are held at a time. Of whoever is not
admitted, keys and the reason are written, and no word is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.gate import Gate, Grant
from fedi_dataset.console import Ticker
from fedi_dataset.posts import Account, Body, Export, Mention, Post, PostKind, Quarantined
from fedi_dataset.privacy.keys import key
from fedi_dataset.release.law import KEPT
from fedi_dataset.schema import ALIASES, IDENTITIES, LINKS, MENTIONED, POSTS, VERDICTS
from fedi_dataset.text.clean import clean

__all__ = ["Ingested", "QuarantineRecord", "ingest"]

FLUSH_ROWS = 5_000

Row = dict[str, Any]

TABLES = {
    "posts": POSTS,
    "verdicts": VERDICTS,
    "links": LINKS,
    "aliases": ALIASES,
    "mentioned": MENTIONED,
    "identities": IDENTITIES,
}


@dataclass(frozen=True, slots=True)
class QuarantineRecord:
    """What could not be read: the export, the item's position there (None: all of it), a code."""

    export_id: str
    position: int | None
    code: str


@dataclass(slots=True)
class Ingested:
    """What was met: items seen, those admitted and refused by person, and what could not be read."""

    seen: int = 0
    tally: dict[str, Counter[str]] = field(default_factory=dict)
    """Reason ("" for admitted) → account key in hex → items."""
    quarantined: list[QuarantineRecord] = field(default_factory=list)


def ingest(
    exports: Sequence[Export],
    gate: Gate,
    *,
    secret: bytes,
    config: BuildConfig,
    folder: Path,
    tick: Ticker,
) -> Ingested:
    """Read every export through the gate into ``folder``'s Parquet tables (schema.py), in export order."""
    result = Ingested()
    with _Writers(folder) as write:
        people = _People(secret)
        for export in exports:
            people.add(export.owner)
            for item in export.posts():
                result.seen += 1
                if result.seen % 1000 == 0:
                    tick("reading", result.seen, None)
                _take(item, export, gate, result, people, write, secret, config)
        for row in people.rows():
            write("identities", row)
    tick("reading", result.seen, result.seen)
    return result


def _take(
    item: Post | Quarantined,
    export: Export,
    gate: Gate,
    result: Ingested,
    people: _People,
    write: Callable[[str, Row], None],
    secret: bytes,
    config: BuildConfig,
) -> None:
    if isinstance(item, Quarantined):
        result.quarantined.append(QuarantineRecord(export.export_id, item.position, item.code))
        _count(result, item.code, key(secret, "account", export.owner.uri))
        return
    verdict = gate.judge(item, export)
    reason = verdict.reason
    if verdict.grant is not None and reason is None:
        try:
            row, mentions = _admitted(item, item.body(), export, verdict.grant, secret, config)
        except (KeyError, TypeError, ValueError, AttributeError):  # an item's own shape is wrong
            reason = "bad_item"
            result.quarantined.append(QuarantineRecord(export.export_id, item.position, reason))
        else:
            write("posts", row)
            people.mention(mentions)
            for account in sorted(
                {one["account_key"] for one in row["mentions"]} | people.keys(mentions)
            ):
                write("mentioned", {"post_key": row["post_key"], "account_key": account})
    author = key(secret, "account", item.account)
    _count(result, reason, author)
    write(
        "verdicts",
        {
            "post_key": key(secret, "post", item.uri),
            "account_key": author,
            "export_id": export.export_id,
            "position": item.position,
            "reason": reason,
        },
    )
    for table, row in _links(item, secret):
        write(table, row)


def _count(result: Ingested, reason: str | None, author: bytes) -> None:
    result.tally.setdefault(reason or KEPT, Counter()).update([author.hex()])


def _links(post: Post, secret: bytes) -> Iterator[tuple[str, Row]]:
    """Say where a post hangs and what else it goes by, of everything seen that is a post."""
    if post.kind is not PostKind.POST:
        return
    post_key = key(secret, "post", post.uri)
    parent = key(secret, "post", post.reply_to) if post.reply_to else None
    yield "links", {"post_key": post_key, "reply_to_key": parent}
    for alias in post.aliases:
        if _host(alias) == _host(post.uri):  # nobody claims what lies on another server
            yield "aliases", {"alias_key": key(secret, "post", alias), "post_key": post_key}


def _admitted(
    post: Post, body: Body, export: Export, grant: Grant, secret: bytes, config: BuildConfig
) -> tuple[Row, tuple[Mention, ...]]:
    said = clean(body, alt_texts=config.alt_texts)
    row: Row = {
        "post_key": key(secret, "post", post.uri),
        "reply_to_key": key(secret, "post", post.reply_to) if post.reply_to else None,
        "root_hint_key": key(secret, "post", post.root_hint) if post.root_hint else None,
        "quote_of_key": key(secret, "post", body.quote_of) if body.quote_of else None,
        "account_key": key(secret, "account", post.account),
        "subject_key": key(secret, "account", "subject", grant.subject),
        "platform": export.platform,
        "instance": _host(post.account),
        "created_at": post.created_at,
        "edited_at": post.edited_at,
        "text": said.text,
        "mentions": [
            {"account_key": key(secret, "account", one.account), "begin": one.begin, "end": one.end}
            for one in said.mentions
        ],
        "quoted": [{"begin": begin, "end": end} for begin, end in said.quoted],
        "language": said.language,
        "languages": list(body.languages),
        "sensitive": body.sensitive or bool(body.summary),
        "is_bot": export.owner.is_bot,
        "tags": list(post.tags),
        "license": grant.license,
        "use": grant.use,
        "event_id": grant.event_id,
        "expires": grant.expires,
        "acquisition": export.acquisition,
        "export_id": export.export_id,
        "position": post.position,
    }
    return row, body.mentions


def _host(uri: str) -> str | None:
    return urlsplit(uri).hostname


class _People:
    """Everybody met, by account, with all that names them, each form once."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._known: dict[bytes, tuple[set[str], set[str], set[str]]] = {}

    def add(self, account: Account) -> None:
        handles, names, urls = self._forms(account.uri)
        handles.update(account.handles)
        names.update(account.names)
        urls.update((account.uri, *account.aliases, *account.urls))

    def mention(self, mentions: Sequence[Mention]) -> None:
        for one in mentions:
            handles, _, urls = self._forms(one.account)
            urls.add(one.account)
            if one.name:
                handles.add(one.name if one.name.startswith("@") else f"@{one.name}")

    def keys(self, mentions: Sequence[Mention]) -> set[bytes]:
        return {key(self._secret, "account", one.account) for one in mentions}

    def rows(self) -> Iterator[Row]:
        for account_key, (handles, names, urls) in sorted(self._known.items()):
            yield {
                "account_key": account_key,
                "handles": sorted(handles),
                "names": sorted(names),
                "urls": sorted(urls),
            }

    def _forms(self, uri: str) -> tuple[set[str], set[str], set[str]]:
        return self._known.setdefault(key(self._secret, "account", uri), (set(), set(), set()))


class _Writers:
    """One Parquet file a table, written in batches."""

    def __init__(self, folder: Path) -> None:
        self._rows: dict[str, list[Row]] = {name: [] for name in TABLES}
        self._files = {
            name: pq.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd")
            for name, schema in TABLES.items()
        }

    def __enter__(self) -> Callable[[str, Row], None]:
        return self._write

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name, file in self._files.items():
            if kind is None:
                self._flush(name)
            file.close()

    def _write(self, table: str, row: Row) -> None:
        self._rows[table].append(row)
        if len(self._rows[table]) >= FLUSH_ROWS:
            self._flush(table)

    def _flush(self, table: str) -> None:
        if self._rows[table]:
            self._files[table].write_table(pa.Table.from_pylist(self._rows[table], TABLES[table]))
            self._rows[table] = []
