"""Wording: how the turns of a conversation are written out in a row.

Scrubbed, joined by blank lines, with labels where several people share a message. Placeholders are numbered anew in
every row, in the order in which the row is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from fedi_dataset.consent.licenses import and_of
from fedi_dataset.conversations.dialogues import Dialogue, Message
from fedi_dataset.conversations.turns import Turn, Utterance
from fedi_dataset.privacy.keys import key_hex
from fedi_dataset.privacy.operators import Operators
from fedi_dataset.privacy.placeholders import Placeholders
from fedi_dataset.privacy.spans import Mark
from fedi_dataset.text.marked import Range, cut

__all__ = ["UNAVAILABLE", "Wording", "Words"]

UNAVAILABLE = "[unavailable]"
"""What a dialogue has in place of a missing post, where the config asks for a placeholder."""


@dataclass(frozen=True, slots=True)
class Words:
    """What an utterance says, and under what terms."""

    text: str
    marks: tuple[Mark, ...]
    language: str
    platform: str
    license: str
    event_id: str
    headings: tuple[Range, ...] = ()
    """Stretches of the text that are read where it is context, and are not in it where it is trained."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a conversation, as its rows write them."""

    words: Mapping[bytes, Words]
    conversation: str
    secret: bytes
    operators: Operators

    def placeholders(self) -> Placeholders:
        """Give the numbering of one row."""
        return Placeholders(self.operators)

    def terms(self, posts: Iterable[Utterance]) -> dict[str, object]:
        """License and grants of a row that holds these posts."""
        said = [self.words[post.key] for post in posts]
        return {
            "license": and_of(one.license for one in said),
            "grants": sorted(
                {key_hex(self.secret, "grant", one.event_id, self.conversation) for one in said}
            ),
        }

    def text(
        self, posts: Iterable[Utterance], placeholders: Placeholders, *, trained: bool = False
    ) -> str:
        """Join a turn's posts by blank lines, scrubbed with the row's numbering; trained without headings."""
        said = (self.words[post.key] for post in posts)
        return "\n\n".join(
            placeholders.render(*cut(one.text, one.headings, one.marks))
            if trained and one.headings
            else placeholders.render(one.text, one.marks)
            for one in said
        )

    def messages(self, dialogue: Dialogue, trained: Collection[int]) -> list[dict[str, str]]:
        """Write out a dialogue, its completion last; ``trained`` are the places of messages that are trained."""
        placeholders = self.placeholders()
        return [
            self._message(message, placeholders, trained=place in trained)
            for place, message in enumerate([*dialogue.prompt, dialogue.completion])
        ]

    def _message(
        self, message: Message, placeholders: Placeholders, *, trained: bool
    ) -> dict[str, str]:
        content = []
        for part in message.parts:
            said = (
                self.text(part.posts, placeholders, trained=trained) if part.posts else UNAVAILABLE
            )
            labeled = message.labels and part.speaker is not None
            content.append(f"Speaker {part.speaker}: {said}" if labeled else said)
        if message.next_speaker is not None:
            content.append(f"Speaker {message.next_speaker}:")
        return {"role": message.role, "content": "\n\n".join(content)}

    def is_whole(self, dialogue: Dialogue) -> bool:
        """Whether its response, where it is trained, says all that its turn says."""
        return not any(self.words[post.key].headings for post in dialogue.said)

    def language(self, turn: Turn) -> str:
        """Language of a turn: that of its first post."""
        return self.words[turn.posts[0].key].language

    def platform(self, turn: Turn) -> str:
        """Platform of a turn."""
        return self.words[turn.posts[0].key].platform
