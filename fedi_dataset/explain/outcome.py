"""What a release made of a post: what its workspace says of it, and the rows that its keys lead to.

Where a post hangs, and which of its copies was kept, is worked out again from the workspace's links by the code that
a build uses. What became of scrubbed words is not kept post by post. So of one that no row trains by itself the reason
is told where it follows from what is known, and else the reasons that are left.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig
from fedi_dataset.conversations.duplicates import merge_ids, rank_copies
from fedi_dataset.conversations.forest import ANCHORED
from fedi_dataset.conversations.rows import conversation_key, split_of
from fedi_dataset.conversations.threads import make_threads
from fedi_dataset.engines.local import LocalEngine
from fedi_dataset.errors import UsageError
from fedi_dataset.persons import Persons
from fedi_dataset.preview.find import find_rows
from fedi_dataset.privacy.keys import key, key_hex
from fedi_dataset.reasons import STRATEGY
from fedi_dataset.release.manifest import Manifest, read_manifest
from fedi_dataset.release.store import recover
from fedi_dataset.workspace import Workspace, default_workspace

__all__ = ["Made", "Outcome", "Place", "open_made", "outcome_of"]

Answers = Literal["nothing", "admitted", "refused", "deleted", "not_exported", "cut"]
"""What a post answers: nothing, a post that is admitted too, or a gap of this kind (``cut``: a circle)."""

LEFT = (
    "no_other_author",
    "too_short",
    "mostly_placeholders",
    "unscrubbed",
    "no_detector_for_language",
)
"""Reasons that hang on the scrubbed words or the talk around them."""


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
    conversation: str | None
    """Key of its conversation."""
    split: str | None
    places: tuple[Place, ...]
    reason: str | None
    """Why it is not kept, or trained by no row, where that is certain."""
    possible: tuple[str, ...]
    """What else it can be: those reasons, or it is part of a turn that an earlier post begins."""


def open_made(release: Path, work: Path | None) -> Made:
    """Open a release and its workspace. Raises UsageError where there is none."""
    recover(release)
    manifest = read_manifest(release)
    if manifest is None:
        raise UsageError(f"no release at {release}; build one first")
    workspace = Workspace(work or default_workspace(release))
    config = BuildConfig.from_dict(workspace.state().config, where=str(workspace.path))
    return Made(release, manifest, workspace, workspace.secret(), config)


def outcome_of(made: Made, uri: str, untrained: str | None) -> Outcome:
    """Say what became of the post with this id; ``untrained`` is what its own words say against training it."""
    thread = _threaded(made, key(made.secret, "post", uri))
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
            conversation=None,
            split=None,
            places=(),
            reason=reason,
            possible=(),
        )
    answers: Answers = mine["gap"] or ("admitted" if mine["parent_key"] else "nothing")
    conversation = conversation_key(made.secret, mine["anchor"])
    split = split_of(made.secret, mine["anchor"], made.config)
    places = tuple(_places(made, thread.posts, mine, conversation, split))
    certain: str | None = None
    possible: tuple[str, ...] = ()
    if not any(place.what == "trained" for place in places):
        speaking = {one["person_key"] for one in thread.posts if one["standing"] == "admitted"}
        alone = len(speaking) == 1
        certain = untrained or _reason(answers, made.config, alone=alone)
        possible = () if certain else _possible(made.config)
    return Outcome(
        build=made.manifest.build,
        verdicts=verdicts,
        ids=len(thread.ids),
        kept=thread.kept,
        answers=answers,
        conversation=conversation,
        split=split,
        places=places,
        reason=certain,
        possible=possible,
    )


def _reason(answers: Answers, config: BuildConfig, *, alone: bool) -> str | None:
    """Say what follows from what a post answers; ``alone``: nobody else was admitted to its conversation."""
    if answers == "admitted" or (answers == "nothing" and alone):
        return None
    if answers == "nothing":
        return "first_of_tree"
    by_policy = {"cut": "first_of_fragment", "drop": "below_gap", "placeholder": None}
    return "reply_without_context" if alone else by_policy[config.gap_policy]


def _possible(config: BuildConfig) -> tuple[str, ...]:
    return (*LEFT, *(STRATEGY if config.leaves_out else ()))


def _verdicts(made: Made, ids: Sequence[bytes]) -> Iterator[str | None]:
    for path in made.workspace.table("verdicts"):
        found = pq.read_table(path, columns=["reason"], filters=[("post_key", "in", ids)])
        yield from found["reason"].to_pylist()


@dataclass(frozen=True, slots=True)
class _Thread:
    """What is worked out again of a post's conversation."""

    ids: tuple[bytes, ...]
    kept: tuple[str, int] | None
    posts: list[dict[str, Any]]
    """With where they hang; ``mine`` marks the one asked for."""

    @property
    def mine(self) -> dict[str, Any] | None:
        """The post asked for, if it was kept."""
        marked = (one for one in self.posts if one["mine"] and one["standing"] == "admitted")
        return next(marked, None)


def _threaded(made: Made, post: bytes) -> _Thread:
    """Put the workspace's posts into threads, and take what concerns this one."""
    with tempfile.TemporaryDirectory() as folder, LocalEngine(Path(folder)) as engine:

        def rows_of(name: str, query: str) -> list[dict[str, Any]]:
            engine.sql(name, query)
            engine.commit(name, Path(folder) / f"{name}.parquet")
            rows: list[dict[str, Any]] = pq.read_table(Path(folder) / f"{name}.parquet").to_pylist()
            return rows

        for name in ("posts", "verdicts", "links", "aliases"):
            engine.read(name, made.workspace.table(name))
        engine.read("persons", [Persons(made.workspace.path).sound_file()])
        merge_ids(engine)
        rank_copies(engine)
        make_threads(engine)
        engine.sql("mine", MINE.format(post=post.hex()))
        ids = [one["post_key"] for one in rows_of("ids", IDS)]
        kept = next(((one["export_id"], one["position"]) for one in rows_of("kept", KEPT)), None)
        return _Thread(tuple(ids), kept, rows_of("thread", THREAD))


MINE = """
select coalesce(same.same_key, asked.post_key) as post_key
from (select unhex('{post}') as post_key) asked
left join same on same.post_key = asked.post_key"""
"""The id under which the post goes, if several mean it."""

IDS = """
select post_key from mine
union
select same.post_key from same join mine on mine.post_key = same.same_key"""

KEPT = """
select posts.export_id, posts.position
from posts
left join same on same.post_key = posts.post_key
join mine on mine.post_key = coalesce(same.same_key, posts.post_key)
where not exists (
  select 1 from ranked_posts
  where (ranked_posts.copy > 1 or ranked_posts.denied)
    and ranked_posts.export_id = posts.export_id and ranked_posts.position = posts.position)"""

THREAD = f"""
select seen.post_key, seen.parent_key, coalesce(persons.person_key, seen.account_key) as person_key,
       case when anchored.gap = 1 then 'refused' when anchored.gap = 2 then 'deleted'
            when anchored.gap = 3 then 'not_exported' when anchored.gap = 4 then 'cut' end as gap,
       case when seen.standing = 0 then 'admitted' when seen.standing = 2 then 'deleted'
            else 'refused' end as standing,
       anchored.anchor, mine.post_key is not null as mine
from ({ANCHORED.format(which=">= 0")}) anchored
join seen on seen.post_key = anchored.post_key
left join mine on mine.post_key = anchored.post_key
left join persons on persons.account_key = seen.account_key
where anchored.anchor in (
  select asked.anchor from ({ANCHORED.format(which=">= 0")}) asked
  join mine on mine.post_key = asked.post_key)"""  # noqa: S608 - our own text


def _places(
    made: Made, thread: list[dict[str, Any]], mine: dict[str, Any], conversation: str, split: str
) -> Iterator[Place]:
    """Rows by key: of the post itself, else of its author's posts directly above; and the conversation's."""
    by_key = {one["post_key"]: one for one in thread}
    own: dict[str, Any] | None = mine
    seen: set[bytes] = set()
    while own is not None and own["post_key"] not in seen:
        seen.add(own["post_key"])
        found = list(_keyed_by(made, own["post_key"], split))
        for table, path, row in found:
            yield Place(table, path, row, "trained" if own is mine else "author's turn above")
        above = by_key.get(own["parent_key"])
        same = above is not None and above["person_key"] == mine["person_key"]
        own = above if same and not found else None
    for path in _paths(made, "conversations", split):
        if any(find_rows([made.folder / path], ["conversation_key"], [conversation])):
            yield Place("conversations", path, conversation, "conversation")


def _keyed_by(made: Made, post: bytes, split: str) -> Iterator[tuple[str, str, str]]:
    """Rows of which this post is the first that is trained."""
    for table, column, row in (
        ("dialogues", "dialogue_key", key_hex(made.secret, "dialogue", post)),
        ("posts", "post_key", key_hex(made.secret, "row", post)),
    ):
        for path in _paths(made, table, split):
            if any(find_rows([made.folder / path], [column], [row])):
                yield table, path, row


def _paths(made: Made, table: str, split: str) -> list[str]:
    return sorted(made.manifest.tables().get(table, {}).get(split, {}))
