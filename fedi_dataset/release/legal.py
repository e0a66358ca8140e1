"""What a release has to say about law, out of the run's own counters: controllers, terms, names.

Counted are the posts that the gate admitted. What is released of it points at nobody: counts with few
people behind them are merged, and servers are counted, never named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.ledger import Given, Ledger
from fedi_dataset.consent.targets import target_of
from fedi_dataset.release.law import SMALLEST_CROWD, released
from fedi_dataset.release.manifest import Legal

__all__ = ["NO_NAME", "Standings", "standings_of"]

NO_NAME = "none"
"""What a consent says whose author does not want to be named."""

_COLUMNS = ["event_id", "subject_key", "terms", "instance"]


@dataclass(frozen=True, slots=True)
class Standings:
    """What the admitted posts rest on. Exact: it stays in the workspace."""

    consents: Mapping[str, Given]
    """The consents that admit posts, by id."""
    terms: Mapping[str, Mapping[str, int]]
    """What is known of the server's terms → person → posts."""
    unchecked: Mapping[str, frozenset[str]]
    """Server whose terms nobody looked up → the persons on it."""

    @property
    def named(self) -> dict[str, str]:
        """Ids of consents whose authors want to be named, with the words."""
        return {
            id_: consent.attribution
            for id_, consent in self.consents.items()
            if consent.attribution.strip() not in ("", NO_NAME)
        }

    def legal(self, config: BuildConfig) -> Legal:
        """Give what may be released of it."""
        stated = {consent.controller or config.controller for consent in self.consents.values()}
        crowd = frozenset[str]().union(*self.unchecked.values())
        return Legal(
            license=target_of(config.allow_licenses).license,
            controllers=tuple(sorted(one for one in stated if one is not None)),
            terms=released(self.terms).dropped,
            unchecked_servers=len(self.unchecked) if len(crowd) >= SMALLEST_CROWD else None,
        )


def standings_of(posts: Sequence[Path], ledger: Ledger) -> Standings:
    """Read the workspace's tables of admitted posts against the ledger that admitted them."""
    events: set[str] = set()
    terms: dict[str, Counter[str]] = {}
    unchecked: dict[str, set[str]] = {}
    for path in posts:
        for row in _counted(pq.read_table(path, columns=_COLUMNS)):
            person = row["subject_key"].hex()
            events.add(row["event_id"])
            terms.setdefault(row["terms"], Counter())[person] += row["posts"]
            if row["terms"] == "unchecked":
                unchecked.setdefault(row["instance"], set()).add(person)
    return Standings(
        consents=_consents(events, ledger),
        terms=terms,
        unchecked={server: frozenset(people) for server, people in unchecked.items()},
    )


def _counted(posts: pa.Table) -> list[dict[str, Any]]:
    groups = posts.group_by(_COLUMNS).aggregate([([], "count_all")])
    rows: list[dict[str, Any]] = groups.rename_columns([*_COLUMNS, "posts"]).to_pylist()
    return rows


def _consents(events: set[str], ledger: Ledger) -> dict[str, Given]:
    return {
        name: event for name, event in ledger.with_ids(events).items() if isinstance(event, Given)
    }
