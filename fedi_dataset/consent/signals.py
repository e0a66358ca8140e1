"""Signals by which an account or a post denies such use: in a bio, an actor document, a tag, a footer.

A signal only narrows. Its absence denies nothing and its presence grants nothing; what the ledger
says comes first, and any one of these refuses. What cannot be understood denies as well: a
preference that is written down wrongly was still written down. Signals in the records of a repo are
read by :mod:`fedi_dataset.consent.records`.

What is about finding or interacting is not about training and is no signal: ``indexable``,
``discoverable``, ``searchableBy``, ``interactionPolicy``, ``bridgeable``. Nor is being automated, or
having moved.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final
from urllib.parse import urlsplit

from fedi_dataset.posts import Post, Signal, Visibility

__all__ = [
    "actor_signals",
    "bio_signals",
    "consumer_name",
    "consumer_names",
    "denies",
    "denies_consumer",
    "footer_signals",
    "object_signals",
    "sorted_signals",
    "strings_in",
    "tag_signals",
]

_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u2060\ufe0f\ufeff]")
_BLOCK_TAG: Final = re.compile(r"</?(?:p|br|div|li|ul|ol|h[1-6]|blockquote|pre)\b[^<>]*>", re.I)
_TAG: Final = re.compile(r"<[^<>]*>")

_TAG_NAME: Final = r"(?:no_?ai(?:training)?|nogenai|nollms?|noml|nobots?|noindex|nosearch)"
_HASHTAGS: Final = re.compile(rf"(?<!\w)#({_TAG_NAME})(?!\w)")
_AI: Final = (
    r"(?:gen(?:erative)?[\s-]?)?(?:ai|llms?|ml|machine[\s-]learning|artificial\s+intelligence)"
    r"(?:\s*(?:/|&|or|and)\s*(?:ai|llms?|ml|machine[\s-]learning))?"
)
_NOT: Final = r"(?:do\s+not|don['’]?t|never|must\s+not\s+be|may\s+not\s+be|not\s+to\s+be)"
_NO_AI: Final = re.compile(
    rf"\bno[\s-]+(?:to\s+)?{_AI}[\s-]+(?:use|usage|training|scraping|crawling|datasets?)\b"
    rf"|\b{_NOT}\s+train(?:ed)?\s+(?:\w+\s+)?(?:ai|llms?|models?|on)\b"
    rf"|\b{_NOT}\s+(?:scrape|scraped|use|used|feed|fed)\b[^.!?\n]{{0,40}}?\b(?:for|to|by|in)\s+(?:train(?:ing)?\s+)?{_AI}\b"
    rf"|\bnot\s+for\s+(?:training\s+)?{_AI}\b"
    rf"|\b{_AI}[\s-]+(?:training|scraping|use)\s+(?:is\s+)?(?:not\s+(?:allowed|permitted)|prohibited|forbidden|disallowed)\b"
    r"|\bkein(?:e[rnms]?)?\s+(?:ki|ai)[\s-]+(?:training|nutzung|verwendung|scraping)\b"
    r"|\bnicht\s+(?:für|zum?|fürs)\s+(?:das\s+|die\s+)?(?:ki|ai)[\s-]+(?:training|nutzung|verwendung)\b"
    r"|\banti[\s-]commercial[\s-]ai\b"
    r"|\btrain-ai\s*=\s*n\b|\bai-train\s*=\s*no\b"
)
"""In words of English and German, and as the values of Content-Usage (IETF AIPREF) and Content-Signal."""
_LICENSES: Final = {
    "non-commercial-license": re.compile(
        r"\bby-nc\b|\bcc[\s-]+by[\s-]+nc\b|\battribution[\s-]+non[\s-]?commercial\b"
    ),
    "no-derivatives-license": re.compile(
        r"\bby(?:-nc)?-nd\b|\bcc[\s-]+by(?:[\s-]+nc)?[\s-]+nd\b"
        r"|\battribution(?:[\s-]+non[\s-]?commercial)?[\s-]+no[\s-]?deriv(?:ative)?s?\b"
    ),
}

_SET_ON_ACTOR: Final = (
    "memorial",
    "suspended",
    "hidesToPublicFromUnauthedWeb",
    "_misskey_requireSigninToViewContents",
    "preventAiLearning",
    "noCrawle",
    "noindex",
    "SPC",
)
"""Fields of an actor document (or of Misskey's own account JSON) that deny when they are set."""
_HIDES_UNLISTED: Final = "hidesCcPublicFromUnauthedWeb"
_HIDES_OLDER: Final = ("_misskey_makeNotesFollowersOnlyBefore", "_misskey_makeNotesHiddenBefore")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


# --- what denies ----------------------------------------------------------------------------------


def bio_signals(text: str) -> tuple[Signal, ...]:
    """Find denying hashtags and footers in a bio or display name, plain or HTML.

    Names such as ``bio:#noai``, sorted. Matched after HTML to text, NFKC and case folding, as
    bridges do it. A hashtag ends where Mastodon ends one: ``#NoAI-please`` holds ``#NoAI``.
    """
    found: set[str] = set()
    for spelling in (text, _TAG.sub("", _BLOCK_TAG.sub("\n", text))):
        folded = _folded(html.unescape(spelling))
        found.update(f"#{tag}" for tag in _HASHTAGS.findall(folded))
        found.update(["no-ai-training"] if _NO_AI.search(folded) else [])
        found.update(name for name, pattern in _LICENSES.items() if pattern.search(folded))
    return sorted_signals(Signal(f"bio:{name}") for name in found)


def tag_signals(tags: Iterable[str]) -> tuple[Signal, ...]:
    """Find hashtags (without #) on a post that deny it: ``tag:#noai``, sorted."""
    folded = map(_folded, tags)
    return sorted_signals({Signal(f"tag:#{tag}") for tag in folded if re.fullmatch(_TAG_NAME, tag)})


def footer_signals(text: str) -> tuple[Signal, ...]:
    """Find what denies a post in its footer: ``tag:#noai``, ``footer:no-ai-training``; sorted."""
    folded = _folded(text)
    found = {f"tag:#{tag}" for tag in _HASHTAGS.findall(folded)}
    found.update(["footer:no-ai-training"] if _NO_AI.search(folded) else [])
    return sorted_signals(map(Signal, found))


def object_signals(obj: Mapping[str, object]) -> tuple[Signal, ...]:
    """Find what denies one post in its own object, words and tags apart: FEP-5e53's properties.

    ``post:xRobotsTag`` (``noai``) and ``post:SPC`` (set), sorted.
    """
    found = [Signal("post:SPC")] if _is_set(obj.get("SPC")) else []
    if _forbids_robots(obj.get("xRobotsTag")):
        found.append(Signal("post:xRobotsTag"))
    return sorted_signals(found)


def actor_signals(actor: Mapping[str, object]) -> tuple[Signal, ...]:
    """Find what denies in an ActivityPub actor: document, bio, name, profile fields and hashtags.

    Names such as ``actor:memorial``, sorted. Sources: Mastodon's actor serializer, GoToSocial's
    federation docs (``hidesToPublicFromUnauthedWeb``; ``hidesCcPublicFromUnauthedWeb`` denies
    unlisted posts only), Misskey's extensions (``makeNotes…Before``, in milliseconds since 1970 or,
    negative, before now, denies older posts only), FEP-5e53 (``xRobotsTag``, ``SPC``).
    """
    found = {Signal(f"actor:{name}") for name in _SET_ON_ACTOR if _is_set(actor.get(name))}
    if _forbids_robots(actor.get("xRobotsTag")):
        found.add(Signal("actor:xRobotsTag"))
    if _is_set(actor.get(_HIDES_UNLISTED)):
        found.add(Signal(f"actor:{_HIDES_UNLISTED}", visibility=Visibility.UNLISTED))
    found.update(
        _hides_older(name, actor[name]) for name in _HIDES_OLDER if _is_set(actor.get(name))
    )
    for name in ("summary", "name", "attachment", "tag"):
        for text in strings_in(actor.get(name)):
            found.update(bio_signals(text))
    return sorted_signals(found)


# --- whom and what a signal denies ----------------------------------------------------------------


def consumer_names(controllers: Iterable[str | None]) -> frozenset[str]:
    """Give the names under which a record may speak of us: DIDs, and the domains of URLs."""
    return frozenset(consumer_name(one) for one in controllers if one and one.strip())


def consumer_name(entity: str) -> str:
    """Give a DID, a domain or a URL's domain in the spelling in which they are compared."""
    folded = entity.strip().casefold()
    try:
        return urlsplit(folded).hostname or folded
    except ValueError:
        return folded


def denies_consumer(signal: Signal, us: Collection[str]) -> bool:
    """Tell whether a signal is meant for us, as :func:`consumer_names` names us.

    A deny for a domain reaches its subdomains; a permission, its very name only. Whoever does not
    know their own name has to take every deny for their own.
    """
    if signal.entity is None:
        return not any(consumer_name(one) in us for one in signal.spares)
    meant = consumer_name(signal.entity)
    return not us or any(name == meant or name.endswith(f".{meant}") for name in us)


def denies(signal: Signal, post: Post, as_of: datetime) -> bool:
    """Tell whether a signal denies this post. One without a date counts as old.

    Ages are taken at the end of ``as_of``'s day (UTC), so that builds of one day agree.
    """
    if signal.visibility not in (None, post.visibility):
        return False
    before = signal.before
    if signal.older_than is not None:
        tomorrow = datetime.combine(as_of.astimezone(UTC), time(), UTC) + timedelta(days=1)
        before = tomorrow - min(signal.older_than, tomorrow - _EARLIEST)
    return before is None or post.created_at is None or post.created_at < before


def sorted_signals(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Give each signal once, by name."""
    return tuple(sorted(set(signals), key=lambda one: (one.name, repr(one))))


def strings_in(value: object) -> Iterator[str]:
    """Give every string in a JSON value of any depth: properties may be one, many, or objects."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)


def _hides_older(name: str, value: object) -> Signal:
    """Misskey's own: milliseconds since 1970, or, negative, before now; anything else denies all."""
    try:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise TypeError
        span = timedelta(milliseconds=value)
        if value < 0:
            return Signal(f"actor:{name}", older_than=-span)
        return Signal(f"actor:{name}", before=_EPOCH + span)
    except (TypeError, ValueError, OverflowError):
        return Signal(f"actor:{name}")


def _forbids_robots(value: object) -> bool:
    return any("noai" in text.casefold() for text in strings_in(value))


def _is_set(value: object) -> bool:
    return value not in (None, False, 0, "", "false", "False", [], {})


def _folded(text: str) -> str:
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()
