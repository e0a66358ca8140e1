"""Why no row trains a post by itself: what follows from where it hangs and what it says, and else what may hold.

In the order in which a build decides (conversations/rows.py). Some of that hangs on the scrubbed words of this post or
of others; where it does, all that may hold is told, of the reasons that the build counted at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from fedi_dataset.config import BuildConfig
from fedi_dataset.explain.thread import Thread

__all__ = ["is_shown", "possible_reasons", "reason_of"]

WORDLESS: Final = ("empty_text", "unscrubbed", "no_detector_for_language")
"""Reasons for which nothing of a post is shown, so that it is a gap to whatever answers it."""

Row = dict[str, Any]


def is_shown(thread: Thread, post: Row, untrained: str | None) -> bool:
    """Whether a post may stand in the row of its conversation. ``untrained``: what its words say against training."""
    return untrained != "empty_text" and not _is_dropped(thread, post)


def reason_of(
    thread: Thread, post: Row, untrained: str | None, counted: Collection[str]
) -> str | None:
    """Say why no row trains a post, where that is certain; ``counted`` are the reasons that the build counted."""
    if not is_shown(thread, post, untrained):
        return "below_gap" if untrained != "empty_text" else untrained
    if thread.is_of_one_voice and thread.is_below_gap(post):
        return "reply_without_context"
    if untrained is not None:
        return untrained
    place = _by_place(thread, post)
    return place if place in counted else None


def possible_reasons(
    thread: Thread, post: Row, config: BuildConfig, counted: Collection[str], *, read: bool
) -> tuple[str, ...]:
    """Give the reasons that may hold of a post for which none is certain; ``read``: its words were."""
    alone = thread.is_of_one_voice
    removing = "remove" in (config.operator, *config.operators.values())
    found = [] if read and not removing else ["empty_text"]
    found += ["unscrubbed", "no_detector_for_language", *_gaps(thread, post, counted)]
    found += [] if read else ["context_only", "bot", "sensitive", "other_language"]
    found += ["too_short", "mostly_placeholders"]
    if not alone and post["parent_key"] is not None:
        found.append("no_other_author")
    found += _strategies(config, voice=thread.voice, alone=alone)
    return tuple(reason for reason in dict.fromkeys(found) if reason in counted)


def _is_dropped(thread: Thread, post: Row) -> bool:
    return thread.gap_policy == "drop" and thread.is_below_gap(post)


def _by_place(thread: Thread, post: Row) -> str | None:
    """Say what follows from what a post answers, and of a post that nobody else answers, from whose it is."""
    if thread.is_of_one_voice:
        return None if thread.voice else "other_voice"
    if post["gap"] is None:
        return "first_of_tree" if post["parent_key"] is None else None
    filled = thread.gap_policy == "placeholder" and post["gap"] != "cut"
    return None if filled and not thread.is_own_gap(post) else "first_of_fragment"


def _gaps(thread: Thread, post: Row, counted: Collection[str]) -> Iterator[str]:
    """Reasons that hold of a post if nothing is shown of what it answers, or of anybody else in its conversation."""
    if thread.above(post) is not None and any(one in counted for one in WORDLESS):
        yield "below_gap" if thread.gap_policy == "drop" else "first_of_fragment"
        yield "reply_without_context"


def _strategies(config: BuildConfig, *, voice: bool, alone: bool) -> Iterator[str]:
    """Reasons of the config's strategies: of a post that nobody else answers whose it is and how many there are."""
    if not voice:
        yield "other_voice"
        return
    if not alone:
        in_dialogues = {
            "opener": config.roles == "op-as-user",
            "off_path": config.responses != "all",
            "too_few_speakers": config.minimum_speakers > 2,
            "over_max_characters": config.max_characters is not None,
            "other_language": config.language_scope == "dialogue" and bool(config.languages),
        }
        yield from (reason for reason, holds in in_dialogues.items() if holds)
    if config.max_per_author is not None:
        yield "over_author_limit"
