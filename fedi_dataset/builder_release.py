"""What the datasets builder builds, and where: one private folder for each pair of exports and ledger."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import datasets
from filelock import FileLock

from fedi_dataset.config import SPLITS, BuildConfig
from fedi_dataset.consent.ledger import Given, Ledger
from fedi_dataset.errors import UsageError
from fedi_dataset.exports import digest_of, expand
from fedi_dataset.pipeline import build

__all__ = ["content_digest", "prepared_release", "workspaces"]


def workspaces() -> Path:
    """Folder of all releases that the builder made on this machine: ``fedi_dataset-work`` in the datasets cache."""
    return Path(datasets.config.HF_DATASETS_CACHE) / "fedi_dataset-work"


def content_digest(
    data_dir: str | None, consent: str | None, config_file: str | None, as_of: str | None
) -> str:
    """Digest of all that decides the rows: exports, ledger, config, and which of its dates have come.

    An expiry that passes changes the rows though no file changed; so it changes the digest.
    """
    exports, ledger_path = _inputs(data_dir, consent)
    ledger = Ledger.load(ledger_path)
    now = _time(as_of)
    dates = [one.expires for one in ledger.events if isinstance(one, Given) and one.expires]
    passed = sum(date <= now for date in [*dates, *(one.at for one in ledger.events)])
    digest = hashlib.sha256(_config(config_file).digest.encode())
    for part in [*sorted(digest_of(path) for path in exports), ledger.head.sha256, str(passed)]:
        digest.update(part.encode() + b"\n")
    return digest.hexdigest()


def prepared_release(
    table: str,
    data_dir: str | None,
    consent: str | None,
    config_file: str | None,
    as_of: str | None,
) -> dict[str, list[str]]:
    """Build (or find unchanged) the release of these inputs; give split → shards of ``table``.

    One process builds, others wait: the ranks of a training run all come here at once.
    """
    exports, ledger = _inputs(data_dir, consent)
    place = "\n".join(str(path.resolve()) for path in (Path(data_dir or ""), ledger))
    folder = workspaces() / hashlib.sha256(place.encode()).hexdigest()[:32]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    with FileLock(folder / "lock"):
        report = build(
            exports,
            consent=ledger,
            out=folder / "release",
            config=_config(config_file),
            as_of=_time(as_of),
            prune=True,  # the folder's content is the list of exports
        )
    tables = report.manifest.tables()
    if table not in tables:
        have = ", ".join(name for name in tables) or "none"
        raise UsageError(f"there are no rows in {table!r}; configs with rows: {have}")
    return {
        split: [str(report.release / path) for path in sorted(tables[table][split])]
        for split in SPLITS
        if split in tables[table]
    }


def _inputs(data_dir: str | None, consent: str | None) -> tuple[list[Path], Path]:
    if data_dir is None:
        raise UsageError(
            'load_dataset("fedi_dataset", ...) needs data_dir, the folder of exports: '
            'load_dataset("fedi_dataset", "dialogues", data_dir="exports/", consent="ledger.jsonl")'
        )
    if consent is None:
        raise UsageError(
            "load_dataset(\"fedi_dataset\", ...) needs consent, the ledger's path: without it nobody's posts are read"
        )
    ledger = Path(consent)
    return expand([Path(data_dir)], beside=ledger), ledger


def _config(config_file: str | None) -> BuildConfig:
    return BuildConfig.from_yaml(Path(config_file)) if config_file else BuildConfig()


def _time(as_of: str | None) -> datetime:
    if as_of is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError as error:
        raise UsageError(
            f"as_of is not a time: {as_of!r}; write it as 2026-06-01T00:00:00Z"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
