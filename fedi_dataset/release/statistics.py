"""How many tokens a release has, as its manifest says it: by split, language, license and platform, and by length."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

__all__ = ["Share", "Statistics"]


class Share(msgspec.Struct, frozen=True):
    """A part of the tokens."""

    dialogues: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    """On which loss is taken."""

    def __add__(self, other: Share) -> Share:
        """Both parts together."""
        return Share(
            self.dialogues + other.dialogues,
            self.tokens + other.tokens,
            self.trained_tokens + other.trained_tokens,
        )


class Statistics(msgspec.Struct, frozen=True):
    """Counts of dialogues before they are packed. They add up."""

    by: Mapping[str, Mapping[str, Share]] = {}
    """Group (split, language, license, platform) -> value -> its part."""
    lengths: Mapping[str, int] = {}
    """Dialogues by length in tokens, in bins that double: "64" counts those of 33 to 64."""

    def __add__(self, other: Statistics) -> Statistics:
        """Both together, in the order of names and of lengths."""
        groups = sorted({*self.by, *other.by})
        bins = sorted({*self.lengths, *other.lengths}, key=int)
        return Statistics(
            {
                group: {
                    value: self.by.get(group, {}).get(value, Share())
                    + other.by.get(group, {}).get(value, Share())
                    for value in sorted({*self.by.get(group, {}), *other.by.get(group, {})})
                }
                for group in groups
            },
            {one: self.lengths.get(one, 0) + other.lengths.get(one, 0) for one in bins},
        )

    @property
    def total(self) -> Share:
        """All of it."""
        return sum(self.by.get("split", {}).values(), Share())
