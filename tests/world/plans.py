"""What happens in a talk: its shape, one special thing in it, and whoever must be there.

The first talks of a world go through a list, so that the smallest one has every case; later ones are
drawn at random, with two people in turns as the commonest shape.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from tests.world.asides import ASIDES, AsideKind
from tests.world.people import Role

__all__ = ["PLANS", "SIZES", "Plan", "Shape", "Spice", "plan_for"]

Shape = Literal[
    "exchange",  # two people in turns, sometimes a third
    "star",  # many answers to one post
    "branching",  # two threads under one post, which fork again
    "deep",  # an exchange that does not end
    "thread",  # somebody answers themselves
    "single",  # one post that nobody answers
    "outside",  # an answer to somebody of whom there is no export
    "poll",
    "list",
    "code",
    "bot",
    "quote_own",
    "quote_other",
    "boost",
    "blockquote",
]
Touch = Literal["warning", "edited", "tags", "followers", "direct", "unlisted", "mixed", "alt_text"]
Spice = AsideKind | Touch
MASTODON_ONLY: frozenset[str] = frozenset(
    {"poll", "list", "code", "blockquote"}
    | {"warning", "edited", "followers", "direct", "unlisted", "alt_text"}
)
"""What AT Protocol has no form for."""
SIZES: Mapping[int, int] = {2: 3, 3: 5, 4: 7, 5: 5, 6: 3, 7: 2}
"""Posts of an exchange, with their weights."""
WEIGHTS: Mapping[Shape, int] = {
    "exchange": 60,
    "star": 10,
    "branching": 9,
    "deep": 5,
    "thread": 4,
    "single": 4,
    "outside": 2,
    "poll": 1,
    "list": 1,
    "code": 1,
    "bot": 1,
    "quote_own": 1,
    "quote_other": 1,
    "boost": 2,
    "blockquote": 1,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What one talk will be."""

    shape: Shape
    spice: Spice | None = None
    role: Role | None = None
    """Somebody in this part speaks, in the middle."""

    @property
    def needs_mastodon(self) -> bool:
        """Whether it takes what only Mastodon has."""
        return self.shape in MASTODON_ONLY or self.spice in MASTODON_ONLY


PLANS: tuple[Plan, ...] = (
    *(
        Plan("exchange", role=role)
        for role in get_args(Role)
        if role not in {"plain", "bot", "dated", "weak"}
    ),
    *(Plan("exchange", spice=kind) for kind in ASIDES),
    *(Plan("exchange", spice=touch) for touch in get_args(Touch)),
    *(Plan(shape) for shape in get_args(Shape) if shape != "exchange"),
)
"""One for each case."""


def plan_for(rng: random.Random, number: int) -> Plan:
    """The plan of talk ``number``."""
    if number < len(PLANS):
        return PLANS[number]
    shape = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    spice: Spice | None = None
    if rng.random() < 0.5:
        spice = rng.choice((*ASIDES, *get_args(Touch)))
    return Plan(shape, spice)
