"""A world with sentences planted in every kind of text that must stay out, and in every kind that must come out."""

from tests.world.canaries.model import BUILDS, Build, Canary
from tests.world.canaries.outcome import AS_OF, Canaries, Outcome, build_all
from tests.world.canaries.world import CanaryWorld, WrittenCanaries

__all__ = [
    "AS_OF",
    "BUILDS",
    "Build",
    "Canaries",
    "Canary",
    "CanaryWorld",
    "Outcome",
    "WrittenCanaries",
    "build_all",
]
