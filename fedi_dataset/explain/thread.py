"""Where a post hangs: its conversation, put together again from the workspace's links by the code that a build uses.

The workspace keeps links, verdicts and texts, and not what a build made of them. Beside the conversation it is told
which of the post's copies was kept, and whether its author may be the assistant.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from fedi_dataset.config import KEYED, BuildConfig
from fedi_dataset.conversations.columns import VOICES
from fedi_dataset.conversations.duplicates import merge_ids, rank_copies
from fedi_dataset.conversations.forest import ANCHORED
from fedi_dataset.conversations.threads import make_threads
from fedi_dataset.engines.local import LocalEngine
from fedi_dataset.persons import Persons
from fedi_dataset.workspace import Workspace

__all__ = ["Thread", "thread_of"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Thread:
    """A post's conversation."""

    ids: tuple[bytes, ...]
    """Under which the post was seen."""
    kept: tuple[str, int] | None
    """Export and position of the copy that stands for all."""
    posts: tuple[Row, ...]
    """All of the conversation, with where they hang; ``mine`` marks the one asked for."""
    gap_policy: str
    voice: bool
    """Whether its author may be the assistant."""

    @property
    def mine(self) -> Row | None:
        """The post asked for, if it was kept."""
        return next((one for one in self._admitted if one["mine"]), None)

    def above(self, post: Row) -> Row | None:
        """Give what a post answers, if that was admitted and the link was not cut."""
        return None if post["gap"] else self._by_key.get(post["parent_key"])

    def is_below_gap(self, post: Row) -> bool:
        """Whether what a post answers, or anything above that, is not in the dataset."""
        return post["post_key"] in self._below_gap

    def is_own_gap(self, post: Row) -> bool:
        """Whether what a post answers is not in the dataset, and is by the same person, as far as was seen."""
        missing = self._by_key.get(post["parent_key"])
        return missing is not None and missing["person_key"] == post["person_key"]

    @cached_property
    def is_of_one_voice(self) -> bool:
        """Whether nobody speaks but one person, so that there are no dialogues: what of it is trained is in posts.

        A placeholder speaks, for somebody else; what is dropped does not.
        """
        dropping, filling = self.gap_policy == "drop", self.gap_policy == "placeholder"
        there = [one for one in self._admitted if not (dropping and self.is_below_gap(one))]
        filled = filling and any(
            one["gap"] not in (None, "cut") and not self.is_own_gap(one) for one in there
        )
        return not filled and len({one["person_key"] for one in there}) < 2

    @cached_property
    def _by_key(self) -> Mapping[bytes, Row]:
        return {one["post_key"]: one for one in self.posts}

    @property
    def _admitted(self) -> list[Row]:
        return [one for one in self.posts if one["standing"] == "admitted"]

    @cached_property
    def _below_gap(self) -> frozenset[bytes]:
        answers: dict[bytes, list[bytes]] = {}
        for post in self._admitted:
            if (parent := self.above(post)) is not None:
                answers.setdefault(parent["post_key"], []).append(post["post_key"])
        below: set[bytes] = set()
        waiting = [post["post_key"] for post in self._admitted if post["gap"]]
        while waiting:
            post_key = waiting.pop()
            below.add(post_key)
            waiting += answers.get(post_key, ())
        return frozenset(below)


def thread_of(workspace: Workspace, post: bytes, config: BuildConfig) -> Thread:
    """Put the workspace's posts into threads, and take what concerns the post of this key."""
    with tempfile.TemporaryDirectory() as folder, LocalEngine(Path(folder)) as engine:

        def rows_of(name: str, query: str) -> list[Row]:
            engine.sql(name, query)
            engine.commit(name, Path(folder) / f"{name}.parquet")
            rows: list[Row] = pq.read_table(Path(folder) / f"{name}.parquet").to_pylist()
            return rows

        for name in ("posts", "verdicts", "links", "aliases"):
            engine.read(name, workspace.table(name))
        engine.read("persons", [Persons(workspace.path).sound_file()])
        merge_ids(engine)
        rank_copies(engine)
        make_threads(engine)
        engine.sql("mine", MINE.format(post=post.hex()))
        ids = [one["post_key"] for one in rows_of("ids", IDS)]
        kept = next(iter(rows_of("kept", KEPT)), None)
        voice = config.voice is None
        if config.voice is not None:
            engine.sql("narrow_posts", "select post_key, account_key, subject_key from posts")
            account = config.voice.removeprefix(KEYED).upper()
            engine.sql("voices", VOICES.format(account=account))
            voice = any(one["is_voice"] for one in rows_of("voice", VOICE))
        return Thread(
            ids=tuple(ids),
            kept=None if kept is None else (kept["export_id"], kept["position"]),
            posts=tuple(rows_of("thread", THREAD)),
            gap_policy=config.gap_policy,
            voice=voice,
        )


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

VOICE = """
select voices.is_voice from voices
left join same on same.post_key = voices.post_key
join mine on mine.post_key = coalesce(same.same_key, voices.post_key)"""

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
