"""What people can say: templates by language, filled so that a conversation keeps to its topic.

A scene is a topic with steps: somebody opens, somebody answers and asks, the first replies, gets advice,
gives thanks; after that come pairs of a remark and its answer. Every alternative of a step fits every
alternative of the step before. Scenes are parallel over the languages, slot by slot, so that an
answer in another language still speaks of the same thing.
"""

from __future__ import annotations

import random
from pathlib import Path
from string import Template
from typing import Final, Literal

import msgspec
import yaml
from msgspec import Struct

__all__ = ["STEPS", "WORDS", "Play", "Scene", "Step", "Words"]

Step = Literal["open", "answer", "reply", "advice", "thanks"]
STEPS: Final[tuple[Step, ...]] = ("open", "answer", "reply", "advice", "thanks")

Part = tuple[str, ...]
"""Alternatives, one of which is said."""


class Scene(Struct, frozen=True, forbid_unknown_fields=True):
    """A topic in one language."""

    tags: tuple[str, ...]
    slots: dict[str, tuple[str | dict[str, str], ...]]
    """Name to fillers; a filler that is a mapping fills several names at once."""
    open: tuple[Part, ...]
    answer: tuple[Part, ...]
    reply: tuple[Part, ...]
    advice: tuple[Part, ...]
    thanks: tuple[Part, ...]
    pairs: tuple[tuple[str, str], ...]

    def parts(self, step: Step) -> tuple[Part, ...]:
        """The parts of a step, in the order in which they are said."""
        result: tuple[Part, ...] = getattr(self, step)
        return result


class Poll(Struct, frozen=True, forbid_unknown_fields=True):
    """A question with options."""

    question: str
    options: tuple[str, ...]


class Listing(Struct, frozen=True, forbid_unknown_fields=True):
    """A list with what stands before and after it."""

    before: str
    items: tuple[str, ...]
    after: str


class Snippet(Struct, frozen=True, forbid_unknown_fields=True):
    """Code with what stands before and after it."""

    before: str
    text: str
    after: str


class Blockquote(Struct, frozen=True, forbid_unknown_fields=True):
    """Words of somebody else inside one's own."""

    before: str
    quote: str
    after: str


class Words(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be said in one language."""

    scenes: dict[str, Scene]
    reactions: Part
    acknowledgements: Part
    outside: Part
    outside_answers: Part
    direct: Part
    followers: Part
    unlisted: Part
    warnings: Part
    polls: tuple[Poll, ...]
    poll_answers: Part
    lists: tuple[Listing, ...]
    list_answers: Part
    code: tuple[Snippet, ...]
    code_answers: Part
    quote_own: Part
    quote_other: Part
    blockquotes: tuple[Blockquote, ...]
    bot: tuple[Part, ...]
    stories: tuple[Part, ...]
    asides: dict[str, Part]
    """Sentences with one slot, for what identifies somebody."""
    alt_texts: Part
    edited: Part
    first_names: Part
    last_names: Part
    streets: Part
    bios: Part


def _load(language: str) -> Words:
    path = Path(__file__).parent / "words" / f"{language}.yaml"
    return msgspec.convert(yaml.safe_load(path.read_text("utf-8")), Words)


WORDS: Final[dict[str, Words]] = {
    language: _load(language) for language in ("en", "de", "fr", "es")
}


class Play:
    """One scene as it is being said: its slots are filled once, and nothing is said twice if avoidable."""

    def __init__(self, rng: random.Random, topic: str) -> None:
        self.topic = topic
        self._rng = rng
        self._fillers = {
            name: rng.randrange(len(fillers))
            for name, fillers in WORDS["en"].scenes[topic].slots.items()
        }
        self._said: set[tuple[str, int, int]] = set()

    def say(self, step: Step, language: str, *, parts: int | None = None) -> str:
        """Words for a step, of its first ``parts`` parts."""
        spoken = self._scene(language).parts(step)[:parts]
        chosen = [self._choose(step, place, part) for place, part in enumerate(spoken)]
        return " ".join(self._fill(text, language) for text in chosen)

    def pair(self, place: int, half: int, language: str) -> str:
        """A remark (half 0) or its answer (half 1)."""
        pairs = self._scene(language).pairs
        return self._fill(pairs[place % len(pairs)][half], language)

    def pick(self, name: str, part: Part) -> str:
        """One of ``part``, not said before if there is such a one."""
        return self._choose(name, 0, part)

    def tags(self, language: str) -> tuple[str, ...]:
        """Hashtags of the topic."""
        return self._scene(language).tags

    def _scene(self, language: str) -> Scene:
        return WORDS[language].scenes[self.topic]

    def _choose(self, name: str, place: int, part: Part) -> str:
        fresh = [at for at in range(len(part)) if (name, place, at) not in self._said]
        at = self._rng.choice(fresh or range(len(part)))
        self._said.add((name, place, at))
        return part[at]

    def _fill(self, text: str, language: str) -> str:
        values: dict[str, str] = {}
        for name, at in self._fillers.items():
            filler = self._scene(language).slots[name][at]
            values.update(filler if isinstance(filler, dict) else {name: filler})
        return Template(text).substitute(values)
