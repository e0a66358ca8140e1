"""build(): the corridor in reading order. The only file that knows the order.

exports -> readers -> consent -> text -> conversations -> privacy -> dialogues -> release
(ingest: the first three)      (forest: SQL)   (cells: the next three)   (publish)
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fedi_dataset.cell import CellFactory, CellReport
from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.gate import Gate
from fedi_dataset.consent.ledger import Head, Ledger, spelling
from fedi_dataset.consent.licenses import components
from fedi_dataset.consent.terms import InstanceTerms
from fedi_dataset.console import Ticker
from fedi_dataset.conversations.forest import Forest, make_forest
from fedi_dataset.engines import Engine
from fedi_dataset.engines.local import LocalEngine
from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.exports import OpenedExports, choose_exports, expand, recorded_exports
from fedi_dataset.files import sha256_of
from fedi_dataset.ingest import TABLES, Part, QuarantineRecord, ingest, read_part
from fedi_dataset.privacy.detector import Detector, load_detector
from fedi_dataset.privacy.keys import key
from fedi_dataset.reasons import sentence
from fedi_dataset.release.attribution import stage_terms
from fedi_dataset.release.law import KEPT, Step, Tally, broken, exact, released, tally_of
from fedi_dataset.release.legal import standings_of
from fedi_dataset.release.manifest import (
    FORMAT,
    FileRecord,
    LedgerHead,
    Legal,
    Manifest,
    build_id,
    read_manifest,
    versions,
)
from fedi_dataset.release.publish import (
    DoneCell,
    default_config,
    distinct,
    payload,
    publish,
    read_reports,
    stage_shards,
)
from fedi_dataset.release.removed import stage_removed_keys
from fedi_dataset.release.store import Staging, is_interrupted, recover, staging
from fedi_dataset.samples import check_demo_secret
from fedi_dataset.schema import CELL_OUTPUT, DETECTIONS
from fedi_dataset.suppression import Suppressed, accounts_standing, retire
from fedi_dataset.tokens.tokenize import renew_tokens
from fedi_dataset.version import code_digest
from fedi_dataset.workspace import (
    ExportRecord,
    LedgerRecord,
    State,
    Workspace,
    default_workspace,
    fingerprint,
)

__all__ = ["BuildReport", "Foreseen", "build", "no_tick"]


def no_tick(step: str, done: int, total: int | None) -> None:
    """Tell nobody how far it is."""


@dataclass(frozen=True)
class Foreseen:
    """Which cells a build is about to work on, by their digests; the others are taken as they are."""

    cells: dict[int, str]
    """Every cell of the next state: its number and digest."""
    to_do: frozenset[int]


@dataclass(frozen=True)
class BuildReport:
    """What a build did. Its numbers are exact: for the steward, not for publication."""

    release: Path
    workspace: Path
    written: bool
    """False: nothing changed, and nothing was written."""
    manifest: Manifest
    law: dict[str, Step]
    entities: dict[str, int]
    """Placeholders by entity, each text counted once."""
    gaps: dict[str, int]
    """Posts kept that answer something which is not in the dataset, by why it is not."""
    quarantined: tuple[QuarantineRecord, ...]
    problems: tuple[str, ...]
    """A sentence for each export that could not be read at all."""
    cells_run: int
    cells_reused: int
    removed: tuple[tuple[str, str], ...] = ()
    """Table and key of every row of the former revision that is gone or has other content now."""
    recovered: str | None = None
    """An interrupted earlier command was first brought to this state: ``former`` or ``new``."""


@dataclass(frozen=True)
class _Cells:
    """What the work on all cells came to."""

    done: list[DoneCell]
    run: int
    reports: list[CellReport]


def build(
    exports: Sequence[Path | str],
    *,
    consent: Path | str,
    out: Path | str,
    work: Path | str | None = None,
    config: BuildConfig | None = None,
    as_of: datetime | None = None,
    workers: int = 1,
    add: bool = False,
    prune: bool = False,
    fresh: bool = False,
    secret: bytes | None = None,
    recorded: bool = False,
    tick: Ticker = no_tick,
    foresee: Callable[[Foreseen], None] | None = None,
) -> BuildReport:
    """Build the release ``out`` from ``exports`` under the ledger ``consent``.

    The list of exports is the whole input: one that was recorded and is not named again stops the build, unless
    ``prune`` lets it go or ``add`` takes the recorded ones along. ``as_of`` (default: now) dates grants and
    expiries only. ``fresh`` forgets finished cells. ``secret`` is for a new workspace (default: random).
    ``recorded`` builds from the recorded exports, and of those whose files are gone from what was read of them.
    ``foresee`` is told which cells will be worked on, before they are.

    Raises UsageError for what can be put right on the command line, LedgerError for a broken ledger, and
    FediDatasetError when no row is left and there is no former release. Same exports, ledger, config,
    workspace state and ``as_of``: the same bytes, whatever the number of workers.
    """
    release = Path(out)
    workspace = Workspace(Path(work) if work is not None else default_workspace(release))
    ledger = Ledger.load(Path(consent))
    if not is_interrupted(release):
        _check_workspace(workspace, read_manifest(release), release)
    with workspace.locked(wait=recorded):
        recovered = recover(release)
        old = read_manifest(release)
        _check_workspace(workspace, old, release)
        state = workspace.state()
        setting = _Setting(
            release=release,
            workspace=workspace,
            config=config or BuildConfig(),
            as_of=(as_of or datetime.now(UTC)).astimezone(UTC),
            workers=workers,
            secret=workspace.secret_or_new(secret),
            tick=tick,
            fresh=fresh,
            foresee=foresee,
        )
        paths = expand([Path(path) for path in exports], beside=ledger.path)
        while True:
            _check_ledger(ledger, state, old)
            withdrawn = _Withdrawn.of(ledger, setting, state)
            excused = withdrawn.export_ids(state)
            if recorded:
                opened = recorded_exports(state.exports, excused=excused)
            else:
                opened = choose_exports(paths, state.exports, add=add, prune=prune, excused=excused)
            check_demo_secret(setting.secret, [record.export_id for record in opened.records])
            report = _attempt(setting, opened, withdrawn, ledger, state, old)
            if report is not None:
                return replace(report, recovered=recovered)
            ledger = Ledger.load(ledger.path)  # it grew while we worked: somebody withdrew, perhaps


@dataclass(frozen=True)
class _Setting:
    """What stays the same however often a build has to begin again."""

    release: Path
    workspace: Workspace
    config: BuildConfig
    as_of: datetime
    workers: int
    secret: bytes = field(repr=False)
    tick: Ticker
    fresh: bool
    foresee: Callable[[Foreseen], None] | None


@dataclass(frozen=True)
class _Withdrawn:
    """Who has withdrawn, and who consents, as account keys."""

    gone: frozenset[bytes]
    consenting: frozenset[bytes]

    @classmethod
    def of(cls, ledger: Ledger, setting: _Setting, state: State) -> _Withdrawn:
        """Read it off the ledger. A withdrawal under another spelling of an account reaches the account."""
        withdrawn, consenting = accounts_standing(ledger, setting.as_of)

        def keys(accounts: set[str]) -> set[bytes]:
            spelled = {*accounts, *map(spelling, accounts)}
            return {key(setting.secret, "account", account) for account in spelled}

        gone, back = keys(withdrawn), keys(consenting)
        for record in state.exports:
            spellings = {bytes.fromhex(spelled) for spelled in record.account_keys}
            if spellings & gone:
                gone |= spellings
        return cls(frozenset(gone), frozenset(back - gone))

    def export_ids(self, state: State) -> frozenset[str]:
        """Give the recorded exports of those who are gone: their files may be gone too."""
        return frozenset(
            record.export_id
            for record in state.exports
            if self.gone.intersection(map(bytes.fromhex, record.account_keys))
        )


def _attempt(
    setting: _Setting,
    opened: OpenedExports,
    withdrawn: _Withdrawn,
    ledger: Ledger,
    state: State,
    old: Manifest | None,
) -> BuildReport | None:
    """Build once; None if the ledger grew meanwhile, and then nothing is published."""
    workspace, config = setting.workspace, setting.config
    if setting.fresh:
        workspace.forget_cells(frozenset())
        workspace.forget_parts(frozenset(record.part for record in [*opened.excused, *opened.kept]))
    detector = load_detector(config.detector)
    terms = InstanceTerms.load(config.terms_files, config.terms_sha256)
    gate = Gate(ledger, config, setting.as_of, terms)
    suppressed = Suppressed(workspace.path, setting.secret)
    parts = _parts(setting, opened, gate, suppressed)
    if not parts:
        raise FediDatasetError(_nothing_left({}, opened.problems))
    suppressed.update(
        [workspace.parts / part.name for part in parts], withdrawn.gone, withdrawn.consenting
    )
    with LocalEngine(workspace.scratch, workers=setting.workers) as engine:
        for name in TABLES:
            engine.read(name, _files_of(parts, name, workspace))
        identities = _files_of(parts, "identities", workspace)
        engine.read("identities", [*identities, *suppressed.identities])
        engine.read("mentioned", [*_files_of(parts, "mentioned", workspace), suppressed.mentioned])
        engine.read("detections", _detections(workspace, state.cells))
        forest = make_forest(engine)
        duplicates = _duplicates(engine, workspace.scratch)
        factory = CellFactory(
            config, setting.secret, detector.version, code_digest(), workspace.finished_cells()
        )
        if setting.foresee is not None:
            setting.foresee(_foreseen(engine, factory))
        cells = _work_on_cells(engine, forest, workspace, factory, setting.tick)
    tallies = _tallies(parts, forest, duplicates, cells.reports)
    law = _law(tallies)
    verdicts = _digest(_files_of(parts, "verdicts", workspace))
    standings = standings_of(_files_of(parts, "posts", workspace), ledger)
    with staging(setting.release) as stage:
        shards = stage_shards(
            stage,
            cells.done,
            workspace,
            bits=forest.bits,
            limit=config.shard_bytes,
            old=old,
            made_of={} if setting.fresh else state.shards,
        )
        if not shards.files and old is None:
            raise FediDatasetError(_nothing_left(law, opened.problems))
        new = _manifest(
            stage,
            shards.files,
            config=config,
            as_of=setting.as_of,
            valid_until=_earliest_expiry(_files_of(parts, "posts", workspace)),
            detector=detector,
            head=ledger.head,
            secret=setting.secret,
            forest=forest,
            tallies=tallies,
            legal=standings.legal(config),
        )
        new = stage_terms(stage, new, standings.named, setting.secret)
        new = renew_tokens(stage, setting.release, old, new, tick=setting.tick)
        new, removed = stage_removed_keys(stage, setting.release, old, new)
        if Ledger.load(ledger.path).head != ledger.head:
            return None
        published = publish(stage, old, new, force=state.verdicts != verdicts)
    workspace.record(
        State(
            exports=_records(opened, parts, withdrawn, setting.secret),
            ledger=LedgerRecord(str(ledger.path.resolve()), ledger.head.lines, ledger.head.sha256),
            config=config.to_dict(),
            law=law,
            parts=tuple(part.name for part in parts),
            cells={done.digest: done.cell for done in cells.done},
            shards=shards.made_of,
            verdicts=verdicts,
        )
    )
    workspace.forget_cells(frozenset(done.digest for done in cells.done))
    workspace.forget_parts(frozenset(part.name for part in parts))
    return BuildReport(
        release=setting.release,
        workspace=workspace.path,
        written=published is not None,
        manifest=published or old or new,
        law=law,
        entities=_summed(report.entities for report in cells.reports),
        gaps=_summed(report.gaps for report in cells.reports),
        quarantined=(*opened.quarantined, *(one for part in parts for one in part.quarantined)),
        problems=tuple(opened.problems),
        cells_run=cells.run,
        cells_reused=len(cells.done) - cells.run,
        removed=tuple(removed),
    )


def _parts(
    setting: _Setting, opened: OpenedExports, gate: Gate, suppressed: Suppressed
) -> list[Part]:
    """Read what was opened, and take along what is kept of people who withdrew: keys and reasons."""
    folder = setting.workspace.parts
    parts = ingest(
        opened.exports,
        gate,
        secret=setting.secret,
        config=setting.config,
        folder=folder,
        tick=setting.tick,
    )
    parts += [read_part(folder / record.part) for record in opened.kept]
    for record in opened.excused:
        owner = [bytes.fromhex(spelled) for spelled in record.account_keys]
        parts.append(retire(folder / record.part, owner, suppressed))
    return sorted(parts, key=lambda part: part.name)


def _records(
    opened: OpenedExports, parts: Sequence[Part], withdrawn: _Withdrawn, secret: bytes
) -> tuple[ExportRecord, ...]:
    """Record the exports with their parts; of people who withdrew no path, for it may name them."""
    accounts = {
        export.export_id: [
            key(secret, "account", spelled).hex()
            for spelled in (export.owner.uri, *export.owner.aliases)
        ]
        for export in opened.exports
    }
    names = {part.export_id: part.name for part in parts}
    records = [
        msgspec.structs.replace(
            record,
            account_keys=tuple(accounts.get(record.export_id, ())),
            part=names.get(record.export_id, ""),
        )
        for record in opened.records
    ]
    records += [
        msgspec.structs.replace(record, part=names[record.export_id])
        for record in [*opened.excused, *opened.kept]
    ]
    return tuple(
        msgspec.structs.replace(record, path="")
        if withdrawn.gone.intersection(map(bytes.fromhex, record.account_keys))
        else record
        for record in sorted(records, key=lambda record: record.export_id)
    )


def _detections(workspace: Workspace, cells: Iterable[str]) -> list[Path]:
    """Lay out what was detected in the cells of the last build, as tables; one without rows if none."""
    folder = workspace.scratch / "detections"
    folder.mkdir(exist_ok=True)
    files = [folder / "none.parquet"]
    pq.write_table(DETECTIONS.empty_table(), files[0])
    for digest in sorted(workspace.finished_cells().intersection(cells)):
        files.append(folder / f"{digest}.parquet")
        files[-1].write_bytes(payload(workspace, digest, "detections", ""))
    return files


def _check_workspace(workspace: Workspace, old: Manifest | None, release: Path) -> None:
    """Refuse to build over a release that another secret made: none of its keys could be kept."""
    if old is None:
        return
    if not workspace.exists:
        raise UsageError(
            f"{release} was built with a workspace that is not at {workspace.path}; name it with --work"
        )
    if fingerprint(workspace.secret()) != old.secret_fingerprint:
        raise UsageError(
            f"{release} was made with another secret than that of {workspace.path}; "
            "name its own workspace with --work, or another folder for --out"
        )


def _check_ledger(ledger: Ledger, state: State, old: Manifest | None) -> None:
    if state.ledger is not None:
        ledger.check_extends(Head(state.ledger.lines, state.ledger.sha256))
    if old is not None:
        ledger.check_extends(Head(old.ledger.lines, old.ledger.sha256))


def _duplicates(engine: Engine, scratch: Path) -> list[str]:
    """Give the persons behind posts met again, one entry a copy."""
    engine.sql("copies", "select subject_key from ranked_posts where copy > 1")
    engine.commit("copies", scratch / "copies.parquet")
    people = pq.read_table(scratch / "copies.parquet")["subject_key"].to_pylist()
    return [person.hex() for person in people]


def _foreseen(engine: Engine, factory: CellFactory) -> Foreseen:
    """Digest every cell without working on any."""
    results = engine.map_cells("cell_rows", factory.digests, CELL_OUTPUT)
    cells = {one["cell"][0].as_py(): one["digest"][0].as_py() for one in results}
    to_do = (cell for cell, digest in cells.items() if digest not in factory.done)
    return Foreseen(cells, frozenset(to_do))


def _work_on_cells(
    engine: Engine, forest: Forest, workspace: Workspace, factory: CellFactory, tick: Ticker
) -> _Cells:
    """Have every cell worked on that is not finished, and keep each as it comes."""
    done: list[DoneCell] = []
    run = 0
    for result in engine.map_cells("cell_rows", factory, CELL_OUTPUT):
        digest = result["digest"][0].as_py()
        if result["table"][0].as_py() != "kept":
            workspace.keep_cell(digest, result)
            run += 1
        done.append(DoneCell(result["cell"][0].as_py(), digest))
        tick("cells", len(done), forest.cells)
    return _Cells(done, run, read_reports(done, workspace))


def _files_of(parts: Sequence[Part], table: str, workspace: Workspace) -> list[Path]:
    return [workspace.parts / part.name / f"{table}.parquet" for part in parts]


def _digest(files: Sequence[Path]) -> str:
    return hashlib.sha256("".join(map(sha256_of, files)).encode()).hexdigest()


def _tallies(
    parts: Sequence[Part], forest: Forest, duplicates: Sequence[str], reports: Sequence[CellReport]
) -> dict[str, Tally]:
    """Account for every row at every step: reason → person → rows."""
    return {
        "items": _joined([part.tally for part in parts]),
        "posts": {
            KEPT: {"": forest.unique},
            **({"duplicate": Counter(duplicates)} if duplicates else {}),
        },
        "texts": _joined([tally_of(report.posts) for report in reports]),
        "turns": _joined([tally_of(report.turns) for report in reports]),
    }


def _joined(tallies: Sequence[Tally]) -> Tally:
    joined: dict[str, Counter[str]] = {}
    for tally in tallies:
        for reason, persons in tally.items():
            joined.setdefault(reason, Counter()).update(persons)
    return joined


def _law(tallies: Mapping[str, Tally]) -> dict[str, Step]:
    law = {name: exact(tally) for name, tally in tallies.items()}
    passed_on = (
        law["items"].kept == law["posts"].rows_in and law["posts"].kept == law["texts"].rows_in
    )
    if broken(law) or not passed_on:
        raise FediDatasetError(f"rows were lost or doubled between steps, a bug of ours: {law}")
    return law


def _manifest(
    stage: Staging,
    files: dict[str, FileRecord],
    *,
    config: BuildConfig,
    as_of: datetime,
    valid_until: datetime | None,
    detector: Detector,
    head: Head,
    secret: bytes,
    forest: Forest,
    tallies: Mapping[str, Tally],
    legal: Legal,
) -> Manifest:
    default = default_config(files)
    languages = {*distinct(stage, files, "language")} - {"und"}
    licenses = distinct(stage, files, "license")
    return Manifest(
        format=FORMAT,
        build=build_id(files),
        as_of=as_of,
        valid_until=valid_until,
        versions=versions(),
        config=config.released(),
        detector=detector.describe(),
        ledger=LedgerHead(head.lines, head.sha256),
        secret_fingerprint=fingerprint(secret),
        cell_bits=forest.bits,
        cells=forest.cells,
        law={name: released(tally) for name, tally in tallies.items()},
        files=files,
        default_config=default,
        licenses=tuple(sorted({one for spdx in licenses for one in components(spdx)})),
        languages=tuple(sorted(languages)),
        legal=legal,
        notes=_notes(default),
    )


def _notes(default: str | None) -> tuple[str, ...]:
    if default == "dialogues":
        return ()
    if default is None:
        return ("No rows: nothing in the exports is covered by a consent that stands.",)
    return (
        f"There are no dialogues, so {default} is the default config: nobody in these exports answers "
        "somebody else who is in them. Exports of the people they talk with help.",
    )


def _earliest_expiry(files: Sequence[Path]) -> datetime | None:
    """Give the day on which the first consent that the release rests on runs out."""
    expiries = (pc.min(pq.read_table(path, columns=["expires"])["expires"]) for path in files)
    known: list[datetime] = [one.as_py() for one in expiries if one.is_valid]
    return min(known).replace(hour=0, minute=0, second=0, microsecond=0) if known else None


def _nothing_left(law: Mapping[str, Step], problems: Sequence[str]) -> str:
    """Say why there is no row, most frequent reason first."""
    dropped = Counter[str]()
    for step in law.values():
        dropped.update(step.dropped)
    why = "".join(f"\n  {rows} × {sentence(reason)}" for reason, rows in dropped.most_common(8))
    unread = "".join(f"\n  {problem}" for problem in problems)
    return f"no rows: nothing was written.{why}{unread}\n`fedi-dataset inspect` shows it for each export"


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))
