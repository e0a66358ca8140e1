"""What a canary is: a sentence, whose it is, where it was planted, and what must become of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from tests.world.canaries.words import Language
from tests.world.people import Platform

__all__ = [
    "ALONE",
    "BUILDS",
    "CONTEXT",
    "NEVER",
    "TRAINED",
    "Build",
    "Canary",
    "Fate",
    "Fates",
    "Part",
    "Plant",
    "by_build",
]

Fate = Literal["never", "context", "trained", "alone"]
"""``never``: nowhere in the release. ``context``: in it, and trained nowhere. ``trained``: in a
completion. ``alone``: in the table of posts, which is trained on as it is."""

Build = Literal["gated", "wide", "english"]
"""``gated``: for a gated repository, every default else. ``wide``: on own machines, with all that the
config can let in. ``english``: on own machines, trained on English only."""

BUILDS: Final[tuple[Build, ...]] = get_args(Build)
Fates = Mapping[Build, Fate]


def by_build(gated: Fate, *, wide: Fate | None = None, english: Fate | None = None) -> Fates:
    """Give the fate in each build; the others' is that of ``gated`` if nothing else is said."""
    return {"gated": gated, "wide": wide or gated, "english": english or gated}


NEVER: Final = by_build("never")
CONTEXT: Final = by_build("context")
TRAINED: Final = by_build("trained")
ALONE: Final = by_build("alone")


@dataclass(frozen=True, slots=True)
class Canary:
    """A sentence that was planted once."""

    group: str
    kind: str
    """What it is a case of; unique."""
    text: str
    pieces: tuple[str, ...]
    """Casefolded; any of them tells the whole."""
    fates: Fates
    account: str | None
    """Whose words they are; None: of somebody who has no export."""
    raw: bool
    """It stands in the workspace, though in no release: in the raw text of an admitted post."""


@dataclass(frozen=True, slots=True)
class Plant:
    """A kind of place in a post. ``{}`` in ``fields`` stands for the sentence, anywhere in it."""

    group: str
    kind: str
    fields: Mapping[str, Any]
    """Take the place of the usual properties of the post; None: the post lacks it."""
    fates: Fates = field(default_factory=lambda: NEVER)
    activity: Mapping[str, Any] = field(default_factory=dict)
    """The same for the activity around it. ActivityPub only."""
    own: bool = True
    """The sentence is the author's, not somebody else's."""
    raw: bool = False
    language: Language = "en"

    @property
    def closed(self) -> bool:
        """Whether somebody else has to answer it, so that what stands around it is a talk."""
        refused = self.own and self.fates["gated"] == "never" and self.group != "hidden in markup"
        return refused or not {"inReplyTo", "reply"}.isdisjoint(self.fields)


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody who plays a part that a consent or an account can have, and says one sentence."""

    group: str
    kind: str
    fates: Fates = field(default_factory=lambda: NEVER)
    platform: Platform = "mastodon"
    consent: Mapping[str, Any] | None = field(default_factory=dict)
    """What differs from a consent that covers everything; None: none was given."""
    later: tuple[Mapping[str, Any], ...] = ()
    """Events after it, without their accounts."""
    actor: Mapping[str, Any] = field(default_factory=dict)
    """What differs in actor.json, or in the profile record."""
    records: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """More records of a repo."""
    post: Mapping[str, Any] = field(default_factory=dict)
    host: str | None = None
    """Of their server, if it matters."""
