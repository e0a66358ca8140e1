"""From exports to the workspace's tables: read, judge, clean, key. The only place where raw ids are met.

Each export becomes one part: a folder of Parquet tables and its counts. A part is named by the export and
by all that decides what it holds, so that an export whose author's consent did not change is not read again.
Streams: whatever the size of an export, a few thousand rows are held at a time. Of whoever is not
admitted, keys and the reason are written, and no word is read.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.gate import Gate, Grant, Verdict
from fedi_dataset.consent.ledger import spelling
from fedi_dataset.console import Ticker
from fedi_dataset.files import sync_folder
from fedi_dataset.part import (
    DamagedPart,
    Part,
    QuarantineRecord,
    Row,
    Source,
    Write,
    Writers,
    read_part,
    seal,
)
from fedi_dataset.posts import Account, Body, Export, Mention, Post, PostKind, Quarantined
from fedi_dataset.privacy.keys import key, key_hex
from fedi_dataset.readers.values import host_of
from fedi_dataset.release.law import KEPT
from fedi_dataset.text.clean import Clean, clean
from fedi_dataset.text.marked import Range
from fedi_dataset.version import code_digest

__all__ = ["ingest"]


def ingest(
    exports: Sequence[Export],
    gate: Gate,
    *,
    secret: bytes,
    config: BuildConfig,
    folder: Path,
    tick: Ticker,
) -> list[Part]:
    """Read every export through the gate into a part below ``folder``, in export order.

    A part that is there is taken as it is, unless it was damaged; one is there whole or not at all.
    """
    parts: list[Part] = []
    items = 0
    for export in exports:
        name = _part_name(export, gate, config, secret)
        try:
            parts.append(read_part(folder / name))
        except DamagedPart:  # or not there yet
            parts.append(_read(export, gate, folder / name, secret=secret, config=config))
        items += parts[-1].items
        tick("reading", items, None)
    tick("reading", items, items)
    return parts


def _part_name(export: Export, gate: Gate, config: BuildConfig, secret: bytes) -> str:
    about = [
        code_digest(),
        config.digest,
        export.export_id,
        gate.digest(export),
        key_hex(secret, "fingerprint"),
    ]
    digest = hashlib.sha256(msgspec.json.encode(about)).hexdigest()
    return f"{export.export_id[:32]}-{digest[:32]}"


def _read(export: Export, gate: Gate, folder: Path, *, secret: bytes, config: BuildConfig) -> Part:
    """Write the part of one export, its record last."""
    scratch = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    tally: dict[str, Counter[str]] = {}
    quarantined: list[QuarantineRecord] = []
    with Writers(scratch) as write:
        for item in export.posts():
            code, author = _take(item, export, gate, write, secret, config)
            tally.setdefault(code or KEPT, Counter()).update([author.hex()])
            if isinstance(item, Quarantined) or code == "bad_item":
                quarantined.append(QuarantineRecord(export.export_id, item.position, str(code)))
        for row in _identities(export.owner, secret):
            write("identities", row)
    part = Part(
        name=folder.name,
        export_id=export.export_id,
        tally={code: dict(by) for code, by in tally.items()},
        quarantined=tuple(quarantined),
        decided=gate.digest(export),
        source=_source(export) if KEPT in tally else None,
        account=key_hex(secret, "account", spelling(export.owner.uri)),
        signals=export.owner.signals,
    )
    sealed = seal(scratch, part)
    scratch.replace(folder)
    sync_folder(folder.parent)
    return sealed


def _source(export: Export) -> Source:
    return Source(
        export.export_id, export.format, export.platform, export.acquisition, export.owner
    )


def _take(
    item: Post | Quarantined,
    export: Export,
    gate: Gate,
    write: Write,
    secret: bytes,
    config: BuildConfig,
) -> tuple[str | None, bytes]:
    """Take one item; give the code of why it is not admitted (None: it is) and its author's key."""
    if isinstance(item, Quarantined):
        return item.code, key(secret, "account", export.owner.uri)
    verdict = gate.judge(item, export)
    if verdict.grant is not None:
        verdict, row, mentions = _with_words(item, export, gate, verdict, secret, config)
        if row is not None:
            write("posts", row)
            for mention in _mentioned(row, mentions, secret):
                write("mentioned", mention)
    author = key(secret, "account", item.account)
    write(
        "verdicts",
        {
            "post_key": key(secret, "post", item.uri),
            "account_key": author,
            "export_id": export.export_id,
            "position": item.position,
            "reason": verdict.reason,
            "detail": verdict.detail,
        },
    )
    for table, link in _links(item, item.account == export.owner.uri, secret):
        write(table, link)
    return verdict.reason, author


def _with_words(
    post: Post, export: Export, gate: Gate, verdict: Verdict, secret: bytes, config: BuildConfig
) -> tuple[Verdict, Row | None, Sequence[Mention]]:
    """Read the words of an admitted post: the verdict on them, and if it stands their row."""
    try:
        body = post.body()
        verdict = gate.judge_words(post, body, export, verdict)
        if verdict.grant is None:
            return verdict, None, ()
        row = _admitted(post, body, export, verdict.grant, secret, config)
    except (KeyError, TypeError, ValueError, AttributeError):  # the item's own shape is wrong
        return Verdict("bad_item", None), None, ()
    return verdict, row, body.mentions


def _links(post: Post, own: bool, secret: bytes) -> Iterator[tuple[str, Row]]:
    """Say where a post hangs and what else it goes by, of everything seen that is a post."""
    if post.kind is not PostKind.POST:
        return
    post_key = key(secret, "post", post.uri)
    parent = key(secret, "post", post.reply_to) if post.reply_to else None
    yield "links", {"post_key": post_key, "reply_to_key": parent, "own": own}
    ground = host_of(post.uri)
    for alias in post.aliases if own else ():  # nobody names other people's posts
        yield (
            "aliases",
            {
                "alias_key": key(secret, "post", alias),
                "post_key": post_key,
                "account_key": key(secret, "account", post.account),
                # what lies on another server is a claim, until both are known to be one person's
                "own_ground": ground is not None and host_of(alias) == ground,
            },
        )


def _admitted(
    post: Post, body: Body, export: Export, grant: Grant, secret: bytes, config: BuildConfig
) -> Row:
    said = clean(body, alt_texts=config.alt_texts)
    return {
        "post_key": key(secret, "post", post.uri),
        "reply_to_key": key(secret, "post", post.reply_to) if post.reply_to else None,
        "root_hint_key": key(secret, "post", post.root_hint) if post.root_hint else None,
        "quote_of_key": key(secret, "post", body.quote_of) if body.quote_of else None,
        "account_key": key(secret, "account", post.account),
        "subject_key": key(secret, "account", "subject", grant.subject),
        "platform": export.platform,
        "instance": host_of(post.account),
        "created_at": post.created_at,
        "edited_at": post.edited_at,
        "text": said.text,
        "mentions": [
            {"account_key": key(secret, "account", one.account), "begin": one.begin, "end": one.end}
            for one in said.mentions
        ],
        "quoted": [{"begin": begin, "end": end} for begin, end in said.quoted],
        "headings": [{"begin": begin, "end": end} for begin, end in _untrained(said, config)],
        "language": said.language,
        "languages": list(body.languages),
        "sensitive": body.sensitive or bool(body.summary),
        "is_bot": export.owner.is_bot,
        "tags": list(post.tags),
        "license": grant.license,
        "use": grant.use,
        "terms": grant.terms,
        "event_id": grant.event_id,
        "expires": grant.expires,
        "acquisition": export.acquisition,
        "export_id": export.export_id,
        "position": post.position,
    }


def _untrained(said: Clean, config: BuildConfig) -> Iterator[Range]:
    """Give where the headings stand that are to be read and not trained."""
    if said.warning is not None and config.content_warnings == "context":
        yield said.warning
    if said.title is not None and config.titles == "context":
        yield said.title


def _identities(owner: Account, secret: bytes) -> Iterator[Row]:
    """Give what names the owner of an export, each form once, in order."""
    forms = {
        *(("handle", form) for form in owner.handles),
        *(("name", form) for form in owner.names),
        *(("url", form) for form in (owner.uri, *owner.aliases, *owner.urls)),
    }
    account = key(secret, "account", owner.uri)
    return (_identity(account, kind, form, secret) for kind, form in sorted(forms))


def _mentioned(post: Row, mentions: Sequence[Mention], secret: bytes) -> Iterator[Row]:
    """Give whom a post mentions and by what, each form once, in order."""
    named: set[tuple[bytes, str, str]] = set()
    for one in mentions:
        account = key(secret, "account", one.account)
        named.add((account, "url", one.account))
        if one.name:
            named.add((account, "handle", one.name if one.name.startswith("@") else f"@{one.name}"))
    for account, kind, form in sorted(named):
        yield {"post_key": post["post_key"], **_identity(account, kind, form, secret)}
    for account in sorted(
        {one["account_key"] for one in post["mentions"]} - {one[0] for one in named}
    ):
        form_key = key(secret, "form", account)
        yield {"post_key": post["post_key"], "account_key": account, "form_key": form_key}


def _identity(account: bytes, kind: str, form: str, secret: bytes) -> Row:
    return {
        "form_key": key(secret, "form", account, kind, form),
        "account_key": account,
        "kind": kind,
        "form": form,
    }
