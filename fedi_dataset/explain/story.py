"""The story of one post: every copy of it in some exports, and of each the way through the gate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.gate import Gate
from fedi_dataset.consent.ledger import Ledger
from fedi_dataset.consent.terms import InstanceTerms
from fedi_dataset.errors import UnreadableExport, UsageError
from fedi_dataset.explain.copies import find_copies
from fedi_dataset.explain.evidence import Case
from fedi_dataset.explain.gates import Step, steps_of
from fedi_dataset.explain.outcome import Made, Outcome, open_made, outcome_of
from fedi_dataset.explain.words import Words, words_of
from fedi_dataset.exports import expand
from fedi_dataset.posts import Export
from fedi_dataset.readers.detect import open_export
from fedi_dataset.reasons import sentence

__all__ = ["Copy", "Story", "explain", "told"]


@dataclass(frozen=True, slots=True)
class Copy:
    """The post as one export has it."""

    path: str
    export_id: str
    format: str
    position: int
    account: str
    answers: str | None
    """Id of what it answers."""
    steps: tuple[Step, ...]
    reason: str | None
    """The gate's verdict: None for admitted."""
    detail: str | None
    words: Words | None
    """None of what is not admitted, whose words are not read."""


@dataclass(frozen=True, slots=True)
class Story:
    """Every copy of a post in the exports given, and what became of it in a release, if one was given."""

    post: str
    """Its id, as the exports have it."""
    as_of: datetime
    copies: tuple[Copy, ...]
    outcome: Outcome | None

    def data(self) -> dict[str, Any]:
        """Give everything as plain data."""
        return {**asdict(self), "as_of": self.as_of.isoformat().replace("+00:00", "Z")}


def explain(
    paths: Sequence[Path],
    ledger: Path | None,
    post: str,
    *,
    now: datetime,
    as_of: datetime | None = None,
    release: Path | None = None,
    work: Path | None = None,
) -> Story:
    """Tell the way of one post, named by its id or URL, through all gates.

    It is judged as a default build would, as of ``as_of`` or else ``now``; with ``release``, as that build did (its
    config, terms and time), and what became of it there is told too. ``ledger`` None: the one that the release's
    workspace recorded. Raises UsageError for a post that is in none of the exports, and where no ledger is known.
    """
    made = open_made(release, work) if release is not None else None
    ledger = ledger or _recorded_ledger(made)
    config = made.config if made is not None else BuildConfig()
    time = as_of or (made.manifest.as_of if made is not None else now)
    terms = _terms(made) if made is not None else InstanceTerms.load()
    loaded = Ledger.load(ledger)
    exports, unread = _opened(expand(paths, beside=ledger))
    gate = Gate(loaded, config, time, terms, [export for _, export in exports])
    copies_of = find_copies([export for _, export in exports], post, loaded)
    if copies_of is None:
        raise UsageError(_unknown(post, len(exports), unread))
    copies = []
    for at, item in copies_of.found:
        path, export = exports[at]
        case = Case(item, export, loaded, config, time, terms)
        copies.append(_copy(path, case, gate))
    first = copies_of.named
    untrained = {
        (one.export_id, one.position): one.words.untrained
        for one in copies
        if one.words is not None
    }
    outcome = outcome_of(made, first, untrained) if made is not None else None
    return Story(first, time, tuple(copies), outcome)


def _recorded_ledger(made: Made | None) -> Path:
    recorded = made.workspace.state().ledger if made is not None else None
    if recorded is None:
        raise UsageError("no ledger is recorded; name it with --consent")
    return Path(recorded.path)


def _terms(made: Made) -> InstanceTerms:
    """Load the terms that a release was built with: the workspace keeps a steward's files as they were."""
    config = made.config
    kept = (made.workspace.terms_file(digest) for digest in config.terms_sha256)
    places = [
        str(file) if file.is_file() else path
        for file, path in zip(kept, config.terms_files, strict=True)
    ]
    return InstanceTerms.load(places, config.terms_sha256)


def _opened(paths: Sequence[Path]) -> tuple[list[tuple[Path, Export]], int]:
    exports, unread = [], 0
    for path in paths:
        try:
            exports.append((path, open_export(path)))
        except UnreadableExport:
            unread += 1
    return exports, unread


def _unknown(post: str, exports: int, unread: int) -> str:
    beside = f"; {unread} more cannot be read" if unread else ""
    return (
        f"no post {post} in these exports ({exports} looked through{beside}). Name it by its id or URL, "
        "as the export has it: the id of a note, its page, or an at:// address"
    )


def _copy(path: Path, case: Case, gate: Gate) -> Copy:
    post, export = case.post, case.export
    steps = steps_of(case, gate)
    verdict = gate.judge(post, export)
    reason, detail, words = verdict.reason, verdict.detail, None
    if verdict.grant is not None:
        try:
            body = post.body()
            verdict = gate.judge_words(post, body, export, verdict)
            reason, detail = verdict.reason, verdict.detail
            if verdict.grant is not None:
                words = words_of(body, export, verdict.grant, case.config)
        except (KeyError, TypeError, ValueError, AttributeError):  # the item's own shape is wrong
            reason, detail, words = "bad_item", None, None
    return Copy(
        path=str(path),
        export_id=export.export_id,
        format=export.format,
        position=post.position,
        account=post.account,
        answers=post.reply_to,
        steps=steps,
        reason=reason,
        detail=detail,
        words=words,
    )


# --- for a person ---------------------------------------------------------------------------------

_ANSWERS = {
    "nothing": "it answers nothing: it opens its thread",
    "admitted": "what it answers is admitted too",
    "refused": "what it answers was refused: a gap",
    "deleted": "what it answers was deleted: a gap",
    "not_exported": "what it answers is in no export: a gap",
    "cut": "its link was cut: it answers itself, or a circle of posts",
}


def told(story: Story) -> Iterator[str]:
    """Tell a person the story, a line at a time."""
    yield story.post
    for number, copy in enumerate(story.copies, start=1):
        of_several = f"copy {number} of {len(story.copies)}, " if len(story.copies) > 1 else ""
        yield f"  {of_several}position {copy.position} of {copy.path} ({copy.format})"
        yield from _steps(copy)
        yield f"  verdict     {_verdict(copy.reason, copy.detail)}"
        if copy.words is not None:
            yield from _words(copy.words)
    if story.outcome is not None:
        yield from _outcome(story.outcome, story.copies)


def _steps(copy: Copy) -> Iterator[str]:
    for step in copy.steps:
        mark = step.answer.upper() if step.answer == "refused" else step.answer
        yield f"  {mark:<11} {step.code:<24} {step.evidence}"


def _verdict(reason: str | None, detail: str | None) -> str:
    if reason is None:
        return "admitted"
    return f"refused, {reason}: {sentence(reason)}" + (f" ({detail})" if detail else "")


def _words(words: Words) -> Iterator[str]:
    yield f"  text        {words.count} words, language {words.language}, license {words.license}"
    yield f"  quoted      {words.quoted} stretches of other people's words, which are taken out"
    may = "may be trained, if it answers somebody and stands up to scrubbing"
    if words.untrained is not None:
        may = f"not trained, {words.untrained}: {sentence(words.untrained)}"
    yield f"  training    {may}"


def _outcome(outcome: Outcome, copies: Sequence[Copy]) -> Iterator[str]:
    yield f"  build       {outcome.build}"
    if not outcome.verdicts:
        yield "  met         never: the build did not take this export in"
        return
    met = ", ".join(one or "admitted" for one in outcome.verdicts)
    times = (
        f" ({len(outcome.verdicts)} times; one copy is kept)" if len(outcome.verdicts) > 1 else ""
    )
    yield f"  met         {met}{times if outcome.answers is not None else ''}"
    if outcome.ids > 1:
        yield f"  merged      {outcome.ids} ids, which are one post of one person"
    for number, copy in enumerate(copies if len(copies) > 1 else (), start=1):
        if (copy.export_id, copy.position) == outcome.kept:
            yield f"  kept        copy {number} of {len(copies)}"
    if outcome.answers is not None:
        yield f"  thread      {_ANSWERS[outcome.answers]}"
        yield f"  talk        conversation {outcome.conversation}, split {outcome.split}"
    for place in outcome.places:
        yield f"  row         {place.table} {place.key} in {place.path}: {place.what}"
    if outcome.reason is not None:
        kept = "not trained" if outcome.answers is not None else "not kept"
        yield f"  {kept:<11} {outcome.reason}: {sentence(outcome.reason)}"
    elif outcome.answers is not None and all(one.what != "trained" for one in outcome.places):
        may = ["it went on with its author's turn"] if outcome.goes_on else []
        if outcome.possible:
            may.append(f"one of {', '.join(outcome.possible)}")
        yield f"  by itself   not trained: {', or '.join(may)}"
