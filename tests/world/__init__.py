"""Small fediverses with known truth, made from a seed."""

from tests.world.draft import Entity, Private, TruthMention, TruthPost
from tests.world.fediverse import World, WrittenWorld
from tests.world.people import Person, Role
from tests.world.plans import PLANS, SIZES

__all__ = [
    "PLANS",
    "SIZES",
    "Entity",
    "Person",
    "Private",
    "Role",
    "TruthMention",
    "TruthPost",
    "World",
    "WrittenWorld",
]
