"""build(): the corridor in reading order. The only file that knows the order.

exports -> readers -> consent -> text -> conversations -> privacy -> dialogues -> release
(ingest: the first three)      (forest: SQL)   (cells: the next three)   (publish)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from fedi_dataset.accounting import duplicates_in, law_of, nothing_left, summed, tallies_of
from fedi_dataset.cell import CellFactory
from fedi_dataset.cells import Foreseen, cells_to_do, detections, work_on_cells
from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.gate import Gate
from fedi_dataset.consent.ledger import Head, Ledger
from fedi_dataset.consent.licenses import components
from fedi_dataset.consent.terms import InstanceTerms
from fedi_dataset.console import Ticker
from fedi_dataset.conversations.forest import Forest, make_forest
from fedi_dataset.engines.local import LocalEngine
from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.exports import OpenedExports, choose_exports, expand, recorded_exports
from fedi_dataset.ingest import TABLES, QuarantineRecord
from fedi_dataset.parts import (
    digest_of_files,
    earliest_expiry,
    files_of,
    gather_parts,
    records_of,
)
from fedi_dataset.privacy.detector import Detector, load_detector
from fedi_dataset.release.attribution import stage_terms
from fedi_dataset.release.law import Step, Tally, released
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
    default_config,
    distinct,
    publish,
    stage_shards,
)
from fedi_dataset.release.removed import stage_removed_keys
from fedi_dataset.release.store import Staging, is_interrupted, recover, staging
from fedi_dataset.samples import check_demo_secret
from fedi_dataset.suppression import Suppressed, Withdrawn
from fedi_dataset.tokens.tokenize import renew_tokens
from fedi_dataset.version import code_digest
from fedi_dataset.workspace import (
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


def _attempt(
    setting: _Setting,
    opened: OpenedExports,
    withdrawn: Withdrawn,
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
    gate = Gate(ledger, config, setting.as_of, terms, opened.exports)
    suppressed = Suppressed(workspace.path, setting.secret)
    parts = gather_parts(
        workspace,
        opened,
        gate,
        suppressed,
        secret=setting.secret,
        config=config,
        tick=setting.tick,
    )
    if not parts:
        raise FediDatasetError(nothing_left({}, opened.problems))
    suppressed.update(
        [workspace.parts / part.name for part in parts], withdrawn.gone, withdrawn.consenting
    )
    with LocalEngine(workspace.scratch, workers=setting.workers) as engine:
        for name in TABLES:
            engine.read(name, files_of(parts, name, workspace))
        identities = files_of(parts, "identities", workspace)
        engine.read("identities", [*identities, suppressed.identities])
        engine.read("mentioned", [*files_of(parts, "mentioned", workspace), suppressed.mentioned])
        engine.read("detections", detections(workspace, state.cells))
        forest = make_forest(engine)
        duplicates = duplicates_in(engine, workspace.scratch)
        factory = CellFactory(
            config, setting.secret, detector.version, code_digest(), workspace.finished_cells()
        )
        foreseen = None
        if setting.foresee is not None:
            foreseen = cells_to_do(engine, factory)
            setting.foresee(foreseen)
        cells = work_on_cells(engine, forest.cells, workspace, factory, setting.tick, foreseen)
    tallies = tallies_of(parts, forest, duplicates, cells.reports)
    law = law_of(tallies)
    verdicts = digest_of_files(files_of(parts, "verdicts", workspace))
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
        new = _manifest(
            stage,
            shards.files,
            config=config,
            as_of=setting.as_of,
            valid_until=earliest_expiry(files_of(parts, "posts", workspace)),
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
            exports=records_of(opened, parts, withdrawn, setting.secret),
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
        entities=summed(report.entities for report in cells.reports),
        gaps=summed(report.gaps for report in cells.reports),
        quarantined=(*opened.quarantined, *(one for part in parts for one in part.quarantined)),
        problems=tuple(opened.problems),
        cells_run=cells.run,
        cells_reused=len(cells.done) - cells.run,
        removed=tuple(removed),
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


def _check_ledger(ledger: Ledger, state: State, old: Manifest | None) -> None:
    if state.ledger is not None:
        ledger.check_extends(Head(state.ledger.lines, state.ledger.sha256))
    if old is not None:
        ledger.check_extends(Head(old.ledger.lines, old.ledger.sha256))


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
