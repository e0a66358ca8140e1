"""build(): the corridor in reading order. The only file that knows the order.

exports -> readers -> consent -> text -> conversations -> privacy -> dialogues -> release
(ingest: the first three)      (forest: SQL)   (cells: the next three)   (publish)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from fedi_dataset.accounting import duplicates_in, law_of, nothing_left, summed, tallies_of
from fedi_dataset.cell import CellFactory
from fedi_dataset.cells import Foreseen, cells_to_do, detections, work_on_cells
from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.gate import Gate
from fedi_dataset.consent.ledger import Head, Ledger
from fedi_dataset.consent.unmatched import unmatched_posts
from fedi_dataset.console import Ticker
from fedi_dataset.conversations.columns import attach_columns
from fedi_dataset.conversations.forest import make_forest
from fedi_dataset.conversations.roles import without_names
from fedi_dataset.engines.local import LocalEngine
from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.exports import OpenedExports, choose_exports, expand, recorded_exports
from fedi_dataset.part import TABLES, QuarantineRecord
from fedi_dataset.parts import (
    Gathering,
    digest_of_files,
    earliest_expiry,
    files_of,
    gather_parts,
    owners_of,
    records_of,
    speaking,
)
from fedi_dataset.persons import Persons
from fedi_dataset.posts import Export
from fedi_dataset.recorded import LostDetector, Tools, keep_terms, tools_of, tools_recorded
from fedi_dataset.release.attribution import stage_terms
from fedi_dataset.release.caches import Purged, purge, purge_is_due
from fedi_dataset.release.draft import Known, draft
from fedi_dataset.release.law import Step
from fedi_dataset.release.legal import standings_of
from fedi_dataset.release.manifest import Manifest, read_manifest
from fedi_dataset.release.publish import FormerCells, publish, stage_shards
from fedi_dataset.release.removed import stage_removed_keys
from fedi_dataset.release.revisions import note_revision
from fedi_dataset.release.store import is_interrupted, recover, staging
from fedi_dataset.samples import check_demo_secret
from fedi_dataset.suppression import Suppressed
from fedi_dataset.tokens.origin import recorded_place
from fedi_dataset.tokens.tokenize import renew_tokens
from fedi_dataset.version import code_digest
from fedi_dataset.withdrawn import Withdrawn
from fedi_dataset.workspace import (
    LedgerRecord,
    State,
    Workspace,
    default_workspace,
    fingerprint,
)

__all__ = ["BuildReport", "Foreseen", "build", "check_recorded", "no_tick"]


def no_tick(step: str, done: int, total: int | None) -> None:
    """Tell nobody how far it is."""


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
    threads: dict[str, int]
    """What was met when posts were put into threads: names merged, links cut, and their like (Forest.met)."""
    quarantined: tuple[QuarantineRecord, ...]
    problems: tuple[str, ...]
    """A sentence for each export that could not be read at all."""
    cells_run: int
    cells_reused: int
    removed: tuple[tuple[str, str], ...] = ()
    """Table and key of every row of the former revision that is gone or has other content now."""
    recovered: str | None = None
    """An interrupted earlier command was first brought to this state: ``former`` or ``new``."""
    shortfalls: tuple[str, ...] = ()
    """A sentence for each thing that was lost or damaged, and what was left out for it."""
    unmatched_posts: tuple[str, ...] = ()
    """Posts that the ledger names one by one, and that are in no export of this build."""
    caches: Purged = field(default_factory=Purged)
    """Caches of former revisions on this machine, which hold rows that this one has not."""


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
    purge_caches: bool = True,
    tick: Ticker = no_tick,
    foresee: Callable[[Foreseen], None] | None = None,
    through: Callable[[Export], Export] | None = None,
) -> BuildReport:
    """Build the release ``out`` from ``exports`` under the ledger ``consent``.

    The list of exports is the whole input: one that was recorded and is not named again stops the build, unless
    ``prune`` lets it go or ``add`` takes the recorded ones along. ``as_of`` (default: now) dates grants and
    expiries only. ``fresh`` forgets finished cells. ``secret`` is for a new workspace (default: random).
    ``recorded`` builds from the recorded exports, and of those whose files are gone from what was read of them.
    ``purge_caches``: where rows are gone, delete the caches that datasets made of former revisions on this machine.
    ``foresee`` is told which cells will be worked on, before they are. ``through`` is what exports are read through,
    for releases that are only looked at: what it does to them is not recorded.

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
        config = config or BuildConfig()
        setting = _Setting(
            release=release,
            workspace=workspace,
            config=config,
            as_of=(as_of or datetime.now(UTC)).astimezone(UTC),
            workers=workers,
            secret=workspace.secret_or_new(secret),
            tools=tools_recorded(config, workspace, old) if recorded else tools_of(config),
            tick=tick,
            fresh=fresh,
            purge_caches=purge_caches,
            foresee=foresee,
        )
        paths = expand([Path(path) for path in exports], beside=ledger.path)
        while True:
            check_recorded(workspace, state, old, ledger)
            withdrawn = Withdrawn.of(
                ledger, state.exports, as_of=setting.as_of, secret=setting.secret
            )
            excused = withdrawn.export_ids(state.exports)
            if recorded:
                opened = recorded_exports(state.exports, excused=excused)
            else:
                opened = choose_exports(paths, state.exports, add=add, prune=prune, excused=excused)
            withdrawn = withdrawn.meeting(
                opened.exports, ledger, as_of=setting.as_of, secret=setting.secret
            )
            if through is not None:
                opened.exports = [through(export) for export in opened.exports]
            check_demo_secret(setting.secret, [record.export_id for record in opened.records])
            owners = [export.owner for export in opened.exports]
            if not recorded:  # else it has a key, and no withdrawal fails because that is of nobody
                known = {one for record in state.exports for one in record.account_keys}
                keyed = without_names(config, ledger, owners, known, setting.secret)
                setting = replace(setting, config=keyed)
            report = _attempt(setting, opened, withdrawn, ledger, state, old)
            if report is not None:
                caches = purge(workspace.path, release) if purge_caches else Purged()
                return replace(report, recovered=recovered, caches=caches)
            ledger = Ledger.load(ledger.path)  # it grew while we worked: somebody withdrew, perhaps


def check_recorded(
    workspace: Workspace, state: State, old: Manifest | None, ledger: Ledger
) -> None:
    """Refuse to go on from a record that cannot be relied on: UsageError or LedgerError.

    The ledger must extend the one that was used before, and who was hidden must still be.
    """
    if state.ledger is not None:
        ledger.check_extends(Head(state.ledger.lines, state.ledger.sha256))
    if old is not None:
        ledger.check_extends(Head(old.ledger.lines, old.ledger.sha256))
    if state.parts:
        Suppressed(workspace.path, workspace.secret()).check()


@dataclass(frozen=True)
class _Setting:
    """What stays the same however often a build has to begin again."""

    release: Path
    workspace: Workspace
    config: BuildConfig
    as_of: datetime
    workers: int
    secret: bytes = field(repr=False)
    tools: Tools
    tick: Ticker
    fresh: bool
    purge_caches: bool
    foresee: Callable[[Foreseen], None] | None


def _attempt(
    setting: _Setting,
    opened: OpenedExports,
    withdrawn: Withdrawn,
    ledger: Ledger,
    state: State,
    old: Manifest | None,
) -> BuildReport | None:
    """Build once; None if the ledger grew meanwhile, and then nothing is published."""
    workspace, config, tools = setting.workspace, setting.config, setting.tools
    workspace.drop_damaged_cells()
    if setting.fresh:
        workspace.forget_cells(frozenset())
        workspace.forget_parts(frozenset(record.part for record in [*opened.excused, *opened.kept]))
    suppressed = Suppressed(workspace.path, setting.secret)
    gate = Gate(
        ledger,
        config,
        setting.as_of,
        tools.terms,
        speaking(opened, workspace, setting.secret),
    )
    persons = Persons(workspace.path)
    forgotten = persons.learn(
        ledger,
        [export.owner for export in opened.exports],
        owners_of([*opened.excused, *opened.kept]),
        setting.secret,
        expected=bool(state.parts),
    )
    parts, lost = gather_parts(
        opened, Gathering(workspace, gate, suppressed, setting.secret, config, setting.tick)
    )
    if not parts:
        raise FediDatasetError(nothing_left({}, opened.problems))
    suppressed.update(
        [workspace.parts / part.name for part in parts], withdrawn.gone, withdrawn.consenting
    )
    with LocalEngine(workspace.scratch, workers=setting.workers) as engine:
        for name in TABLES:
            engine.read(name, files_of(parts, name, workspace))
        hidden, mentioned = suppressed.lay_out(workspace.scratch)
        engine.read("identities", [*files_of(parts, "identities", workspace), hidden])
        engine.read("mentioned", [*files_of(parts, "mentioned", workspace), mentioned])
        engine.read("persons", [persons.file])
        engine.read("detections", detections(workspace, state.cells))
        forest = make_forest(engine)
        attach_columns(engine, config)
        duplicates = duplicates_in(engine, workspace.scratch)
        factory = CellFactory(
            config,
            setting.secret,
            tools.detector.version,
            code_digest(),
            workspace.finished_cells(),
            detector_at_hand=not isinstance(tools.detector, LostDetector),
        )
        foreseen = None
        if setting.foresee is not None:
            foreseen = cells_to_do(engine, factory)
            setting.foresee(foreseen)
        cells = work_on_cells(engine, forest.cells, workspace, factory, setting.tick, foreseen)
    tallies = tallies_of(parts, forest, duplicates, cells.reports)
    law = law_of(tallies)
    seen = files_of(parts, "verdicts", workspace)
    verdicts = digest_of_files(seen)
    standings = standings_of(files_of(parts, "posts", workspace), ledger)
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
            raise FediDatasetError(nothing_left(law, opened.problems))
        known = Known(
            config=config,
            as_of=setting.as_of,
            valid_until=earliest_expiry(files_of(parts, "posts", workspace)),
            detector=tools.detector.describe(),
            head=ledger.head,
            secret=setting.secret,
            forest=forest,
            tallies=tallies,
            legal=standings.legal(config),
        )
        new = draft(stage, shards.files, known)
        new = stage_terms(stage, new, standings.named, setting.secret)
        tokenizer = recorded_place(state.tokenizer, old)
        new = renew_tokens(stage, setting.release, old, new, tokenizer, tick=setting.tick)
        former = FormerCells(workspace, state.cells, state.shards)
        new, removed = stage_removed_keys(stage, setting.release, old, new, former)
        if Ledger.load(ledger.path).head != ledger.head:
            return None
        if old is not None:
            note_revision(workspace.path, old, setting.release)
        if removed and setting.purge_caches:
            purge_is_due(workspace.path, everything=bool(removed.unlisted))
        published = publish(stage, old, new, force=state.verdicts != verdicts)
    keep_terms(config, workspace)
    workspace.record(
        State(
            exports=records_of(opened, parts, withdrawn, setting.secret, state.exports),
            ledger=LedgerRecord(str(ledger.path.resolve()), ledger.head.lines, ledger.head.sha256),
            config=config.to_dict(),
            law=law,
            parts=tuple(part.name for part in parts),
            cells={done.digest: done.cell for done in cells.done},
            shards=shards.made_of,
            verdicts=verdicts,
            tokenizer=tokenizer if new.tokens is not None else "",
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
        entities=summed(report.entities for report in cells.reports),
        gaps=summed(report.gaps for report in cells.reports),
        threads={**forest.met, "backdated": sum(report.backdated for report in cells.reports)},
        quarantined=(*opened.quarantined, *(one for part in parts for one in part.quarantined)),
        problems=tuple(opened.problems),
        cells_run=cells.run,
        cells_reused=len(cells.done) - cells.run,
        removed=removed.keys,
        shortfalls=(*tools.shortfalls, *forgotten, *lost, *removed.shortfalls()),
        unmatched_posts=unmatched_posts(
            gate.named_posts(), seen, files_of(parts, "aliases", workspace), setting.secret
        ),
    )


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
