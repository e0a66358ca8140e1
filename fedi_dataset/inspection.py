"""What `inspect` tells about exports before anything is built: what is in them, and what the gate would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.gate import Gate
from fedi_dataset.consent.ledger import Ledger
from fedi_dataset.consent.terms import InstanceTerms
from fedi_dataset.errors import UnreadableExport
from fedi_dataset.exports import expand
from fedi_dataset.posts import Export, Post, Quarantined
from fedi_dataset.readers.detect import open_export
from fedi_dataset.reasons import sentence

__all__ = ["describe", "inspect_exports"]


def inspect_exports(
    paths: Sequence[Path], ledger: Path | None, as_of: datetime | None
) -> list[dict[str, Any]]:
    """Describe each export as plain data; with a ledger, count the default build's verdicts too."""
    found = [(path, _open(path)) for path in expand(paths, beside=ledger or Path())]
    gate = None
    if ledger is not None:
        gate = Gate(
            Ledger.load(ledger),
            BuildConfig(),
            as_of or datetime.now(UTC),
            InstanceTerms.load(),
            [one for _, one in found if not isinstance(one, UnreadableExport)],
        )
    return [_inspect(path, one, gate) for path, one in found]


def _open(path: Path) -> Export | UnreadableExport:
    try:
        return open_export(path)
    except UnreadableExport as error:
        return error


def _inspect(path: Path, export: Export | UnreadableExport, gate: Gate | None) -> dict[str, Any]:
    if isinstance(export, UnreadableExport):
        return {"path": str(path), "unreadable": export.code, "problem": str(export)}
    kinds: Counter[str] = Counter()
    visibilities: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    details: dict[str, Counter[str]] = {}
    for item in export.posts():
        if isinstance(item, Quarantined):
            kinds["unreadable"] += 1
            verdicts[item.code] += 1
            continue
        kinds[item.kind.value] += 1
        visibilities[item.visibility.value] += 1
        if gate is not None:
            reason, detail = _verdict(gate, item, export)
            verdicts[reason or "admitted"] += 1
            if reason is not None and detail is not None:
                details.setdefault(reason, Counter())[detail] += 1
    return {
        "path": str(path),
        "export_id": export.export_id,
        "format": export.format,
        "platform": export.platform,
        "account": export.owner.uri,
        "also_known_as": list(export.owner.aliases),
        "signals": list(dict.fromkeys(one.name for one in export.owner.signals)),
        "is_bot": export.owner.is_bot,
        "items": dict(kinds),
        "visibilities": dict(visibilities),
        **({"verdicts": dict(verdicts), "details": details} if gate is not None else {}),
        "evidence": _evidence(export),
    }


def _verdict(gate: Gate, item: Post, export: Export) -> tuple[str | None, str | None]:
    """Give reason and detail of an item, its words judged too if it is admitted so far."""
    verdict = gate.judge(item, export)
    if verdict.grant is not None:
        try:
            verdict = gate.judge_words(item, item.body(), export, verdict)
        except (KeyError, TypeError, ValueError, AttributeError):  # the item's own shape is wrong
            return "bad_item", None
    return verdict.reason, verdict.detail


def _evidence(export: Export) -> str:
    """Say what evidence of consent this export asks for."""
    if export.format == "mastodon-archive":
        return "self-asserted"
    return "account-field, with a ref"


def describe(one: Mapping[str, Any]) -> Iterator[str]:
    """Tell a person what was found in one export."""
    yield f"{one['path']}"
    if "unreadable" in one:
        yield f"  cannot be read: {one['problem']} ({one['unreadable']})"
        return
    yield f"  format    {one['format']}"
    yield f"  account   {one['account']}   (as the ledger takes it)"
    for alias in one["also_known_as"]:
        yield f"            {alias}"
    yield f"  evidence  {one['evidence']}"
    if one["signals"]:
        yield f"  denies    {', '.join(one['signals'])}"
    yield "  items     " + ", ".join(f"{count} {kind}" for kind, count in one["items"].items())
    yield "  visible   " + ", ".join(
        f"{count} {kind}" for kind, count in one["visibilities"].items()
    )
    for reason, count in sorted(one.get("verdicts", {}).items(), key=lambda pair: -pair[1]):
        told = "would be admitted" if reason == "admitted" else f"{reason}: {sentence(reason)}"
        yield f"  {count:>8}  {told}"
        for detail, of_it in sorted(one["details"].get(reason, {}).items()):
            yield f"            {of_it} {detail}"
