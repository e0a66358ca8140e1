"""A post before any platform wrote it down, and the truth about it afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from tests.mst import tid
from tests.world.ledger import GIVEN_FROM
from tests.world.people import Person

__all__ = [
    "Block",
    "Draft",
    "Entity",
    "Like",
    "Private",
    "Run",
    "Talk",
    "TruthMention",
    "TruthPost",
    "Visibility",
    "plain",
    "truth",
]

Entity = Literal["PERSON", "HANDLE", "EMAIL_ADDRESS", "PHONE_NUMBER", "STREET_ADDRESS", "URL"]
Visibility = Literal["public", "unlisted", "followers", "direct"]


class Private(NamedTuple):
    """Something that was planted in a text and must not survive."""

    entity: Entity
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text on one line, as readers of the post see it; a link unshortened."""

    text: str
    kind: Literal["text", "mention", "link"] = "text"
    person: Person | None = None
    """Who is mentioned."""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph and its lines, a list and its items, code, or words quoted from somebody else."""

    lines: tuple[tuple[Run, ...], ...]
    kind: Literal["paragraph", "list", "code", "quote"] = "paragraph"


@dataclass(frozen=True, slots=True)
class Draft:
    """One post or boost, as its author made it."""

    talk: int
    number: int
    """Of the post in its talk, from 0."""
    author: Person
    created_at: datetime
    language: str
    blocks: tuple[Block, ...] = ()
    parent: Draft | None = None
    outside: str | None = None
    """URI of what it answers, where that is in no export."""
    addressed: tuple[Person, ...] = ()
    """Mentioned at the start, as Mastodon does in answers."""
    visibility: Visibility = "public"
    tags: tuple[str, ...] = ()
    """The block of hashtags at the end, without #."""
    warning: str | None = None
    options: tuple[str, ...] = ()
    """Of a poll."""
    quote_of: Draft | None = None
    boost_of: Draft | None = None
    edited_at: datetime | None = None
    alt_texts: tuple[str, ...] = ()
    private: tuple[Private, ...] = ()

    @property
    def status(self) -> int:
        """Mastodon's id: milliseconds since 1970, and 16 bits that are anybody's."""
        return (int(self.created_at.timestamp() * 1000) << 16) | (
            (self.talk * 37 + self.number) & 0xFFFF
        )

    @property
    def rkey(self) -> str:
        """AT Protocol's record key."""
        return tid(round(self.created_at.timestamp() * 1_000_000), self.author.number)

    @property
    def collection(self) -> str:
        """AT Protocol's collection."""
        return "app.bsky.feed.post" if self.boost_of is None else "app.bsky.feed.repost"

    @property
    def uri(self) -> str:
        """The id that everybody else refers to; of a boost on Mastodon, the activity's id."""
        if self.author.platform == "bluesky":
            return f"at://{self.author.uri}/{self.collection}/{self.rkey}"
        suffix = "" if self.boost_of is None else "/activity"
        return f"{self.author.uri}/statuses/{self.status}{suffix}"

    @property
    def root(self) -> Draft:
        """The first post of its tree."""
        post = self
        while post.parent is not None:
            post = post.parent
        return post

    @property
    def mentioned(self) -> tuple[Person, ...]:
        """Everybody named by a Mention tag or facet, in order, once."""
        inline = (run.person for block in self.blocks for line in block.lines for run in line)
        return tuple(dict.fromkeys([*self.addressed, *(one for one in inline if one)]))


@dataclass(frozen=True, slots=True)
class Like:
    """Somebody liked a post."""

    person: Person
    post: Draft
    at: datetime


@dataclass(frozen=True, slots=True)
class Talk:
    """What some people did around one topic: one or a few trees of posts, boosts, likes."""

    number: int
    posts: tuple[Draft, ...]
    likes: tuple[Like, ...]


class TruthMention(NamedTuple):
    """A mention in a text: the account, and where (code points, end exclusive)."""

    account: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class TruthPost:
    """What is true about a post of an export, whoever reads it."""

    talk: int
    uri: str
    author: Person
    reply_to: str | None
    created_at: datetime
    edited_at: datetime | None
    visibility: Visibility
    kind: Literal["post", "boost"]
    language: str
    text: str
    """The author's own words: paragraphs apart by an empty line, a line break by one newline, an item
    of a list led by ``- ``. Without addressing mentions, trailing hashtags, quoted words, the content
    warning and the options of a poll, which have fields of their own. A link stands in full,
    where its platform leaves out no more than the scheme without it."""
    warning: str | None
    options: tuple[str, ...]
    tags: tuple[str, ...]
    mentions: tuple[TruthMention, ...]
    """In ``text``."""
    addressed: tuple[str, ...]
    """Accounts mentioned before the text begins."""
    quoted: tuple[str, ...]
    """Words of others inside the post: they are not the author's to give."""
    quote_of: str | None
    alt_texts: tuple[str, ...]
    private: tuple[Private, ...]
    """In ``text``; none of these may survive."""
    reason: str | None
    """The gate's reason under the world's ledger and the default config; None: admitted."""


def plain(blocks: Sequence[Block]) -> tuple[str, tuple[TruthMention, ...]]:
    """Text of all blocks but quotes, and the mentions in it."""
    text = ""
    mentions = []
    for block in blocks:
        if block.kind == "quote":
            continue
        text += "\n\n" if text else ""
        for number, line in enumerate(block.lines):
            text += "\n" if number else ""
            text += "- " if block.kind == "list" else ""
            for run in line:
                if run.person is not None:
                    end = len(text) + len(run.text)
                    mentions.append(TruthMention(run.person.uri, len(text), end))
                text += run.text
    return text, tuple(mentions)


def truth(draft: Draft) -> TruthPost:
    """The truth about a post."""
    text, mentions = plain(draft.blocks)
    quotes = (block for block in draft.blocks if block.kind == "quote")
    return TruthPost(
        talk=draft.talk,
        uri=draft.uri,
        author=draft.author,
        reply_to=draft.parent.uri if draft.parent else draft.outside,
        created_at=draft.created_at,
        edited_at=draft.edited_at,
        visibility=draft.visibility,
        kind="post" if draft.boost_of is None else "boost",
        language=draft.language,
        text=text,
        warning=draft.warning,
        options=draft.options,
        tags=draft.tags,
        mentions=mentions,
        addressed=tuple(person.uri for person in draft.addressed),
        quoted=tuple("".join(run.text for run in line) for block in quotes for line in block.lines),
        quote_of=draft.quote_of.uri if draft.quote_of else None,
        alt_texts=draft.alt_texts,
        private=draft.private,
        reason=_reason(draft),
    )


def _reason(draft: Draft) -> str | None:
    """The gate's order: kind, visibility, then what the author's consent and account say."""
    if draft.boost_of is not None:
        return "not_a_post"
    if draft.visibility != "public":
        return "not_public"
    match draft.author.role:
        case "none":
            return "no_consent"
        case "withdrawn":
            return "consent_withdrawn"
        case "expired":
            return "consent_expired"
        case "dated":
            return "outside_dates" if draft.created_at < GIVEN_FROM else None
        case "weak":
            return "weak_evidence"
        case "under_age":
            return "under_age"
        case "no_ai" | "deny":
            return "signal_denied"
        case "noncommercial":
            return "license_refused"
        case "plain" | "context" | "bot":
            return None
