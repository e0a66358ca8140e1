"""Where a talk is played: who can speak, what time it is, and what has been posted so far."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.world.asides import AsideKind, aside
from tests.world.draft import Block, Draft, Like, Run, plain
from tests.world.people import LANGUAGES, Person, Platform, Role
from tests.world.plans import Plan, Shape

__all__ = ["Company", "Stage", "paragraph"]

LEADING: frozenset[Role] = frozenset({"plain"})
PLAIN_SHAPES: frozenset[Shape] = frozenset({"exchange", "branching", "deep"})
LONGEST_ON_BLUESKY = 300
"""Characters (AT Protocol counts graphemes, of which there are never more)."""
LANGUAGE_WEIGHTS = {"en": 4, "de": 3, "fr": 2, "es": 2}


def paragraph(*texts: str) -> Block:
    """A paragraph of plain text, a line for each argument."""
    return Block(tuple((Run(text),) for text in texts))


class Company:
    """Everybody of a world, found by what they speak and where."""

    def __init__(self, people: Sequence[Person], platforms: Sequence[Platform]) -> None:
        self.platforms = tuple(platforms)
        self._people = people
        self._speakers: dict[tuple[Platform, str], list[Person]] = {
            (platform, language): [
                person
                for person in people
                if person.platform == platform
                and language in person.languages
                and person.role != "bot"
            ]
            for platform in platforms
            for language in LANGUAGES
        }

    def platform(self, rng: random.Random, plan: Plan) -> Platform:
        """A platform that has what the plan takes, the larger one more often."""
        if plan.needs_mastodon:
            return "mastodon"
        role: Role | None = "bot" if plan.shape == "bot" else plan.role
        if role is not None and (players := self.players(role)):
            return rng.choice(players).platform
        return rng.choice([p for p in self.platforms for _ in range(2 if p == "mastodon" else 1)])

    def players(self, role: Role, platform: Platform | None = None) -> list[Person]:
        """Everybody who plays a part."""
        return [
            person
            for person in self._people
            if person.role == role and platform in {None, person.platform}
        ]

    def speakers(self, platform: Platform, language: str) -> list[Person]:
        """Everybody on a platform who speaks a language, bots apart."""
        return self._speakers[platform, language]

    def languages(self, platform: Platform, among: Sequence[str]) -> list[str]:
        """Those of ``among`` in which two can talk, each as often as its weight."""
        return [
            language
            for language in among
            if len(self.speakers(platform, language)) > 1
            and any(person.role in LEADING for person in self.speakers(platform, language))
            for _ in range(LANGUAGE_WEIGHTS[language])
        ]


class Stage:
    """One talk while it is being played. Every ``say`` is a post, a little later than the one before."""

    def __init__(
        self, rng: random.Random, company: Company, plan: Plan, number: int, begin: datetime
    ) -> None:
        self.rng = rng
        self.plan = plan
        self.number = number
        self.posts: list[Draft] = []
        self.likes: list[Like] = []
        self.platform = company.platform(rng, plan)
        self.now = begin
        players = company.players(plan.role, self.platform) if plan.role else []
        self.guest = rng.choice(players) if players else None
        among = self.guest.languages if self.guest else LANGUAGES
        self.language = rng.choice(company.languages(self.platform, among) or ["en"])
        self._bots = company.players("bot", self.platform)
        self._others = [
            person
            for person in company.speakers(self.platform, self.language)
            if person is not self.guest
        ]
        self.lead = self._draw(LEADING)

    # --- who ---------------------------------------------------------------------------------------

    def partner(self) -> Person:
        """Somebody to talk with: mostly somebody who consents, always where the case is a special one."""
        special = self.plan.spice is not None or self.plan.shape not in PLAIN_SHAPES
        choosy = special or self.rng.random() < 0.8
        return self._draw(LEADING if choosy else None)

    def crowd(self, count: int) -> list[Person]:
        """Up to ``count`` different people, whoever comes."""
        return [self._draw(None) for _ in range(min(count, len(self._others)))]

    def bot(self) -> Person | None:
        """An automated account, if there is one."""
        return self.rng.choice(self._bots) if self._bots else None

    def _draw(self, roles: frozenset[Role] | None) -> Person:
        """Take somebody who has not been taken; the lead once more when everybody has.

        Where nobody has one of ``roles``, whoever may be read comes before whoever may not.
        """
        fit = (
            [one for one in self._others if roles is None or one.role in roles]
            or [one for one in self._others if one.role == "context"]
            or self._others
        )
        if not fit:
            return self.guest or self.lead
        person = self.rng.choice(fit)
        self._others.remove(person)
        return person

    # --- what --------------------------------------------------------------------------------------

    def say(
        self,
        author: Person,
        blocks: Sequence[Block],
        parent: Draft | None = None,
        *,
        aside_of: AsideKind | None = None,
        **more: Any,
    ) -> Draft:
        """Post something; an answer mentions whom its parent mentions, as Mastodon's apps do."""
        draft = Draft(
            talk=self.number,
            number=len(self.posts),
            author=author,
            created_at=self._tick(),
            language=more.pop("language", self.language),
            blocks=tuple(blocks),
            parent=parent,
            addressed=more.pop("addressed", _addressed(author, parent)),
            **more,
        )
        if aside_of is not None:
            draft = self._with_aside(draft, aside_of)
        self.posts.append(draft)
        return draft

    def boost(self, author: Person, post: Draft) -> None:
        """Pass a post on."""
        self.say(author, (), addressed=(), boost_of=post)

    def wait(self, days: float) -> None:
        """Let time pass."""
        self.now += timedelta(days=days)

    def applaud(self) -> None:
        """Let those who took part like some of each other's posts."""
        present = list(dict.fromkeys(post.author for post in self.posts))
        for post in self.posts:
            for person in present:
                if (
                    person is not post.author
                    and post.boost_of is None
                    and post.visibility == "public"
                    and self.rng.random() < 0.25
                ):
                    self.likes.append(Like(person, post, self._tick()))

    def _tick(self) -> datetime:
        """Minutes or hours later; whole seconds on Mastodon, milliseconds on Bluesky."""
        minutes = min(1 + self.rng.expovariate(1 / 70), 700)
        self.now += timedelta(milliseconds=round(minutes * 60_000))
        return self.now.replace(microsecond=0) if self.platform == "mastodon" else self.now

    def _with_aside(self, draft: Draft, kind: AsideKind) -> Draft:
        """Add a sentence to a post: to its last paragraph, or as one of its own."""
        addressee = draft.parent.author if draft.parent else self.lead
        bystanders = [one for one in self._others if one is not draft.author] or [self.lead]
        said = aside(self.rng, kind, draft.language, addressee, self.rng.choice(bystanders))
        *before, last = draft.blocks
        if self.rng.random() < 0.6:
            *lines, line = last.lines
            blocks = (*before, Block((*lines, (*line, Run(" "), *said.runs))))
        else:
            blocks = (*draft.blocks, Block((said.runs,)))
        if self.platform == "bluesky" and len(plain(blocks)[0]) > LONGEST_ON_BLUESKY:
            blocks = (Block((said.runs,)),)
        return replace(draft, blocks=blocks, private=(*draft.private, *said.private))


def _addressed(author: Person, parent: Draft | None) -> tuple[Person, ...]:
    if parent is None:
        return ()
    people: Mapping[Person, None] = dict.fromkeys((parent.author, *parent.addressed))
    return tuple(person for person in people if person is not author)
