"""For whom a release was made, and that every consent behind it covers those whom it is pushed to.

The gate admitted only posts whose consent covers the build's recipients. Before a release leaves for more people than
its owner's own, that is asked again of the ledger as it is now.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.compute as pc
import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig, Recipients
from fedi_dataset.consent.ledger import Given, Ledger
from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.workspace import Workspace

__all__ = ["check_recipients"]

_REACH: tuple[Recipients, ...] = ("private", "gated", "public")
"""From the fewest to the most."""


def check_recipients(
    wanted: Recipients, config: BuildConfig, workspace: Workspace, ledger: Ledger
) -> None:
    """Check that a release may go to ``wanted``.

    Raises UsageError if it was built for fewer, and FediDatasetError if a consent that it rests on covers fewer.
    """
    if _REACH.index(config.recipients) < _REACH.index(wanted):
        raise UsageError(
            f"this release was built for recipients {config.recipients}, and is not for {wanted} ones. "
            f"Build it with --recipients {wanted}: whoever did not agree to that is left out then"
        )
    if wanted == "private":
        return
    if uncovered := sorted(_uncovered(wanted, config, workspace, ledger)):
        raise FediDatasetError(
            f"{len(uncovered)} consents do not cover {wanted} recipients: {', '.join(uncovered[:5])}. "
            "Nothing was sent. Build again"
        )


def _uncovered(
    wanted: Recipients, config: BuildConfig, workspace: Workspace, ledger: Ledger
) -> Iterator[str]:
    rested_on: set[str] = set()
    for path in workspace.table("posts"):
        rested_on.update(pc.unique(pq.read_table(path, columns=["event_id"])[0]).to_pylist())
    events = ledger.with_ids(rested_on)
    for event_id in rested_on:
        consent = events.get(event_id)
        if (
            not isinstance(consent, Given)
            or _REACH.index(consent.recipients) < _REACH.index(wanted)
            or not {config.purpose, "dataset-publication"} <= set(consent.purposes)
            or not consent.special_categories
        ):
            yield event_id
