"""What a release made of a post: what its workspace says of it, and the rows that its keys lead to.

What became of scrubbed words is not kept post by post. So of one that no row trains by itself the reason is told where
it follows from where it hangs and what it says (reason.py), and else the reasons that are left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig
from fedi_dataset.conversations.rows import conversation_key, split_of
from fedi_dataset.errors import UsageError
from fedi_dataset.explain.reason import is_shown, possible_reasons, reason_of
from fedi_dataset.explain.thread import Thread, thread_of
from fedi_dataset.preview.find import find_rows
from fedi_dataset.privacy.keys import key, key_hex
from fedi_dataset.release.manifest import Manifest, read_manifest
from fedi_dataset.release.store import recover
from fedi_dataset.release.token_checks import token_schema
from fedi_dataset.workspace import Workspace, default_workspace

__all__ = ["Made", "Outcome", "Place", "open_made", "outcome_of"]

Answers = Literal["nothing", "admitted", "refused", "deleted", "not_exported", "cut"]
"""What a post answers: nothing, a post that is admitted too, or a gap of this kind (``cut``: a circle)."""


@dataclass(frozen=True)
class Made:
    """A release with its workspace."""

    folder: Path
    manifest: Manifest
    workspace: Workspace
    secret: bytes
    config: BuildConfig


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the release."""

    table: str
    path: str
    key: str
    what: Literal["trained", "conversation", "author's turn above"]
    """It is trained there; its conversation is this row; or the post above it, by the same author, begins the turn that
    is trained there, and it stands in there if it joined that turn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a post in a build."""

    build: str
    verdicts: tuple[str | None, ...]
    """Of each time that the build met it, under whatever id: None for admitted, else the reason."""
    ids: int
    """Ids that were found to mean this post, the one asked for among them."""
    kept: tuple[str, int] | None
    """Export and position of the copy that stands for all; None, as all that follows but the reason, if none does."""
    answers: Answers | None
    goes_on: bool
    """Whether it answers a post of its own author, so that it may be part of a turn which that one begins."""
    conversation: str | None
    """Key of its conversation."""
    split: str | None
    places: tuple[Place, ...]
    reason: str | None
    """Why it is not kept, or trained by no row, where that is certain."""
    possible: tuple[str, ...]
    """Where no reason is certain: those that may hold, of what the build counted; with ``goes_on``, or it is part of
    its author's turn."""


def open_made(release: Path, work: Path | None) -> Made:
    """Open a release and its workspace. Raises UsageError where there is none."""
    recover(release)
    manifest = read_manifest(release)
    if manifest is None:
        raise UsageError(f"no release at {release}; build one first")
    workspace = Workspace(work or default_workspace(release))
    config = BuildConfig.from_dict(workspace.state().config, where=str(workspace.path))
    return Made(release, manifest, workspace, workspace.secret(), config)


def outcome_of(
    made: Made, uri: str, untrained: Mapping[tuple[str, int], str | None] = MappingProxyType({})
) -> Outcome:
    """Say what became of the post with this id.

    ``untrained``: of each copy that was read, by export and position, what its own words say against training it.
    """
    thread = thread_of(made.workspace, key(made.secret, "post", uri), made.config)
    verdicts = tuple(_verdicts(made, thread.ids))
    mine = thread.mine
    if mine is None:
        refused = next((one for one in verdicts if one is not None), None)
        reason = "denied_by_copy" if None in verdicts else refused
        return Outcome(
            build=made.manifest.build,
            verdicts=verdicts,
            ids=len(thread.ids),
            kept=None,
            answers=None,
            goes_on=False,
            conversation=None,
            split=None,
            places=(),
            reason=reason,
            possible=(),
        )
    answers: Answers = mine["gap"] or ("admitted" if mine["parent_key"] else "nothing")
    above = thread.above(mine)
    goes_on = above is not None and above["person_key"] == mine["person_key"]
    split = split_of(made.secret, mine["anchor"], made.config)
    conversation = conversation_key(made.secret, mine["anchor"])
    against = untrained.get(thread.kept) if thread.kept else None
    places = list(_trained(made, thread, mine, split))
    if is_shown(thread, mine, against):
        places += _whole(made, conversation, split)
    certain: str | None = None
    possible: tuple[str, ...] = ()
    if not any(place.what == "trained" for place in places):
        law = made.workspace.state().law
        counted = {reason for step in ("texts", "turns") for reason in law[step].dropped}
        certain = reason_of(thread, mine, against, counted)
        if certain is None:
            read = thread.kept in untrained
            possible = possible_reasons(thread, mine, made.config, counted, read=read)
        if len(possible) == 1 and not goes_on:
            (certain,), possible = possible, ()
    return Outcome(
        build=made.manifest.build,
        verdicts=verdicts,
        ids=len(thread.ids),
        kept=thread.kept,
        answers=answers,
        goes_on=goes_on,
        conversation=conversation,
        split=split,
        places=tuple(places),
        reason=certain,
        possible=possible,
    )


def _verdicts(made: Made, ids: Sequence[bytes]) -> Iterator[str | None]:
    for path in made.workspace.table("verdicts"):
        found = pq.read_table(path, columns=["reason"], filters=[("post_key", "in", ids)])
        yield from found["reason"].to_pylist()


def _trained(made: Made, thread: Thread, mine: dict[str, Any], split: str) -> Iterator[Place]:
    """Rows by key that train the post itself, else one of its author's posts directly above."""
    own: dict[str, Any] | None = mine
    while own is not None:
        found = list(_keyed_by(made, own["post_key"], split))
        for table, path, row in found:
            yield Place(table, path, row, "trained" if own is mine else "author's turn above")
        above = thread.above(own)
        same = above is not None and above["person_key"] == mine["person_key"]
        own = above if same and not found else None


def _whole(made: Made, conversation: str, split: str) -> Iterator[Place]:
    """Rows that hold the conversation: above some size, several."""
    for path in _paths(made, "conversations", split):
        if any(find_rows([made.folder / path], ["conversation_key"], [conversation])):
            yield Place("conversations", path, conversation, "conversation")


def _keyed_by(made: Made, post: bytes, split: str) -> Iterator[tuple[str, str, str]]:
    """Rows of which this post is the first that is trained, or of several responses one; tokens by their dialogue."""
    dialogue = key_hex(made.secret, "dialogue", post)
    of_tokens = token_schema(made.manifest).names[0]
    for table, columns, row in (
        ("dialogues", ["dialogue_key"], dialogue),
        ("multi_turn", ["dialogue_keys", "multi_turn_key"], dialogue),
        ("tokens", [of_tokens], dialogue),
        ("posts", ["post_key"], key_hex(made.secret, "row", post)),
    ):
        for path in _paths(made, table, split):
            for found in find_rows([made.folder / path], columns, [row]):
                yield table, path, found.get("multi_turn_key", row)


def _paths(made: Made, table: str, split: str) -> list[str]:
    return sorted(made.manifest.tables().get(table, {}).get(split, {}))
