"""A small fediverse with known truth: people, what they wrote, what they agreed to, and their exports."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from tests.world import bluesky, mastodon
from tests.world.draft import Talk, TruthPost, truth
from tests.world.grammar import WORDS
from tests.world.ledger import ledger_lines
from tests.world.people import Person, Platform, cast
from tests.world.plans import SIZES, Plan, plan_for
from tests.world.spool import Spool
from tests.world.stage import Company
from tests.world.talk import play_talk

__all__ = ["World", "WrittenWorld"]

BEGIN = datetime(2025, 1, 6, tzinfo=UTC)
SPAN = timedelta(days=450)
"""Talks begin in it; the last of them end before May 2026."""


class WrittenWorld(NamedTuple):
    """Where a world was written."""

    exports: list[Path]
    """One a person, in the order of the people."""
    ledger: Path


class World:
    """A fediverse that follows from its arguments alone. Nothing of it is kept: talks are made anew.

    At least twelve people, because the first twelve play every part. The first ``len(PLANS)`` of
    ``conversations`` show every case once; ``sizes`` gives the posts of a two-person exchange (from 2)
    with their weights.
    """

    def __init__(
        self,
        seed: int,
        people: int = 12,
        conversations: int = 60,
        *,
        platforms: Sequence[Platform] = ("mastodon", "bluesky"),
        sizes: Mapping[int, int] = SIZES,
    ) -> None:
        if people < 12:
            raise ValueError(f"a world has at least 12 people, got {people}")
        self.seed = seed
        self.conversations = conversations
        self.people: tuple[Person, ...] = cast(seed, people, platforms)
        self._company = Company(self.people, platforms)
        self._sizes = dict(sizes)

    def talks(self) -> Iterator[Talk]:
        """Everything that happens, talk by talk, in the order in which talks begin."""
        return map(self._talk, range(self.conversations))

    def posts(self) -> Iterator[TruthPost]:
        """The truth about every post and boost, in the order of the talks."""
        return (truth(post) for talk in self.talks() for post in talk.posts)

    def ledger_lines(self, withdrawn: Iterable[str] = ()) -> list[str]:
        """The ledger, without newlines; ``withdrawn`` are accounts that withdraw at its end."""
        return ledger_lines(self.seed, self.people, withdrawn)

    def write(self, folder: Path) -> WrittenWorld:
        """Write everybody's export to ``folder``/exports and the ledger to ``folder``/ledger.jsonl."""
        exports = folder / "exports"
        exports.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as scratch:
            spool = Spool(Path(scratch))
            for talk in self.talks():
                platform = talk.posts[0].author.platform
                (mastodon if platform == "mastodon" else bluesky).spool_talk(talk, spool)
            paths = [
                mastodon.write_archive(person, spool, exports)
                if person.platform == "mastodon"
                else bluesky.write_repo(person, spool, exports)
                for person in self.people
            ]
        ledger = folder / "ledger.jsonl"
        ledger.write_text("".join(f"{line}\n" for line in self.ledger_lines()), "utf-8")
        return WrittenWorld(paths, ledger)

    def _talk(self, number: int) -> Talk:
        rng = random.Random(f"{self.seed}/talk/{number}")
        plan = plan_for(rng, number)
        if plan.needs_mastodon and "mastodon" not in self._company.platforms:
            plan = Plan("exchange")
        begin = BEGIN + SPAN * ((number + rng.random()) / self.conversations)
        begin = begin.replace(microsecond=begin.microsecond // 1000 * 1000)
        topic = self._topic(number)
        return play_talk(rng, self._company, plan, topic, self._sizes, number, begin)

    def _topic(self, number: int) -> str:
        """Every topic comes up once before any comes up again."""
        topics = list(WORDS["en"].scenes)
        again, place = divmod(number, len(topics))
        random.Random(f"{self.seed}/topics/{again}").shuffle(topics)
        return topics[place]
