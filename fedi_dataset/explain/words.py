"""What there is to train on in an admitted post: how much text, in which language, and what would make it context.

Read only once the gate has said yes. Counts and codes come out, never words. What only a build can tell (scrubbing, the
conversation around it) is left to ``outcome``.
"""

from __future__ import annotations

from dataclasses import dataclass

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.admission import Grant
from fedi_dataset.posts import Body, Export
from fedi_dataset.text.clean import clean
from fedi_dataset.text.marked import cut
from fedi_dataset.text.quality import count_words, is_empty

__all__ = ["Words", "words_of"]


@dataclass(frozen=True, slots=True)
class Words:
    """Facts about a text, markup and other people's words taken out."""

    count: int
    """Words, before scrubbing: placeholders are none, so that it can only become less."""
    language: str
    """BCP 47 primary subtag, or und."""
    quoted: int
    """Stretches of other people's words; they go, but for words of admitted posts of the conversation."""
    license: str
    """SPDX: the author's grant, narrowed by what the post states."""
    untrained: str | None
    """The code for which it is context at most, or in no row; None: it may be trained."""


def words_of(body: Body, export: Export, grant: Grant, config: BuildConfig) -> Words:
    """Read a post's words. Raises what a body of the wrong shape raises."""
    said = clean(body, alt_texts=config.alt_texts)
    own, _ = cut(said.text, said.quoted, ())
    count = count_words(own)
    return Words(
        count=count,
        language=said.language,
        quoted=len(said.quoted),
        license=grant.license,
        untrained=_untrained(own, count, said.language, body, export, grant, config),
    )


def _untrained(
    text: str,
    count: int,
    language: str,
    body: Body,
    export: Export,
    grant: Grant,
    config: BuildConfig,
) -> str | None:
    """In the order of the work on a cell (cell.py), as far as it hangs on the post alone."""
    reasons = {
        "empty_text": is_empty(text),
        "context_only": grant.use != "train",
        "bot": export.owner.is_bot and not config.bots,
        "sensitive": (body.sensitive or bool(body.summary)) and not config.sensitive,
        "other_language": bool(config.languages) and language not in config.languages,
        "too_short": count < config.minimum_words,
    }
    return next((code for code, holds in reasons.items() if holds), None)
