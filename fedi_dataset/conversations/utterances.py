"""From the rows of a conversation to utterances: what each post says, what it quotes, whether it may be trained.

Before scrubbing, other people's words are taken out of a post, unless they are those of an admitted post of its
conversation; then they stay, or are read as that post (config ``quotes``). After scrubbing, a post's place, its
permission and what the relational plane attached to its row become an :class:`Utterance`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fedi_dataset.config import BuildConfig
from fedi_dataset.conversations.quoted import Sources
from fedi_dataset.conversations.turns import Utterance, Whose
from fedi_dataset.conversations.wording import Words
from fedi_dataset.privacy.placeholders import mostly_placeholders
from fedi_dataset.privacy.scrub import Said, Scrubbed
from fedi_dataset.privacy.spans import Mark
from fedi_dataset.text.marked import Range, cut
from fedi_dataset.text.markup import quoted_words
from fedi_dataset.text.quality import is_empty, untrained_reason

__all__ = ["Spoken", "spoken_of", "utterance_of", "words_of"]

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one post says, to be scrubbed."""

    said: Said
    headings: tuple[Range, ...]
    """Stretches of it that are read and never trained."""
    quotes: tuple[bytes, ...]
    """Other posts of the conversation that it quotes, in the order of their first mention."""
    quoted_words: int
    """Stretches of other people's words that were taken out of it."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    begin: int
    end: int


def spoken_of(posts: Sequence[Row], config: BuildConfig) -> list[Spoken]:
    """Take out other people's words; those of an admitted post of this conversation as ``quotes`` says.

    Under ``text`` they stay only if that post may be trained itself: they would be trained here.
    """
    sources = Sources(posts)
    return [_spoken(row, sources, config) for row in posts]


def _spoken(row: Row, sources: Sources, config: BuildConfig) -> Spoken:
    as_context = config.quotes == "context"
    mentions = tuple(
        Mark(one["begin"], one["end"], "HANDLE", one["account_key"].hex())
        for one in row["mentions"]
    )
    meant = [(one, sources.of(row, _quoted(row["text"], one))) for one in row["quoted"]]
    foreign = [
        (one["begin"], one["end"])
        for one, source in meant
        if source is None or as_context or source["use"] != "train"
    ]
    text, mentions = cut(row["text"], foreign, mentions)
    headings: Sequence[_Stretch] = [
        _Stretch(**one) for one in (row["headings"] if config.splits_headings else ())
    ]
    if headings:
        _, headings = cut(row["text"], foreign, headings)
    quotes: tuple[bytes, ...] = ()
    if as_context:
        named = [row["quote_of_key"]] if sources.before(row, row["quote_of_key"]) else []
        named += [source["post_key"] for _, source in meant if source is not None]
        quotes = tuple(dict.fromkeys(named))
    return Spoken(
        Said(text, row["language"], mentions),
        tuple((one.begin, one.end) for one in headings),
        quotes,
        len(foreign),
    )


def _quoted(text: str, where: Row) -> str:
    return quoted_words(text[where["begin"] : where["end"]])


def utterance_of(
    row: Row,
    spoken: Spoken,
    clean: Scrubbed,
    posts: Mapping[bytes, Row],
    kept: Mapping[bytes, object],
    config: BuildConfig,
) -> Utterance:
    """Make the utterance of a kept post. ``posts`` are all of the conversation, ``kept`` those with words."""
    parent = row["parent_key"] if row["parent_key"] in kept else None
    return Utterance(
        key=row["post_key"],
        author=row["subject_key"],
        at=row["created_at"],
        parent=parent,
        gap=parent is None and (row["gap"] is not None or row["parent_key"] is not None),
        untrained=_untrained(row, spoken, clean, config),
        absent=_absent(row, posts, kept) if config.gap_policy == "placeholder" else None,
        quotes=tuple(one for one in spoken.quotes if one in kept),
        voice=config.voice is None or row["is_voice"],
        over_limit=config.max_per_author is not None and row["over_limit"],
        single_over_limit=config.max_per_author is not None and row["single_over_limit"],
    )


def _absent(row: Row, posts: Mapping[bytes, Row], kept: Mapping[bytes, object]) -> Whose | None:
    """Say whose the missing post above is. A link that was cut, of a cycle, leads to no missing one."""
    parent = row["parent_key"]
    if parent is not None and parent not in kept:  # it has no words that may be shown
        return "own" if posts[parent]["subject_key"] == row["subject_key"] else "other"
    if row["gap"] in (None, "cut"):
        return None
    return "own" if row["own_gap"] else "other"


def _untrained(row: Row, spoken: Spoken, clean: Scrubbed, config: BuildConfig) -> str | None:
    """Say why a post is context only. Permission first, then kind, then what it says."""
    if row["use"] != "train":
        return "context_only"
    if row["is_bot"] and not config.bots:
        return "bot"
    if row["sensitive"] and not config.sensitive:
        return "sensitive"
    if config.languages and row["language"] not in config.languages:
        return "other_language"
    text, marks = clean.text, clean.marks
    if spoken.headings:
        text, marks = cut(text, spoken.headings, marks)
        if is_empty(text):
            return "too_short"
    if mostly_placeholders(text, marks):
        return "mostly_placeholders"
    return untrained_reason(text, minimum_words=config.minimum_words)


def words_of(row: Row, spoken: Spoken, clean: Scrubbed) -> Words:
    """Give what a kept post says, and under what terms."""
    return Words(
        text=clean.text,
        marks=clean.marks,
        headings=spoken.headings,
        language=row["language"],
        platform=row["platform"],
        license=row["license"],
        event_id=row["event_id"],
    )
