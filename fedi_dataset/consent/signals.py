"""Signals by which an account denies the use of its posts: in bio, actor document or repo.

A signal only narrows. Its absence denies nothing and its presence grants nothing; what the ledger
says comes first, and any one of these names refuses. What cannot be understood denies as well: a
preference that is written down wrongly was still written down. Being automated is not a signal.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

__all__ = ["actor_signals", "bio_signals", "repo_signals"]

_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u2060\ufe0f\ufeff]")
_BLOCK_TAG: Final = re.compile(r"</?(?:p|br|div|li|ul|ol|h[1-6]|blockquote|pre)\b[^<>]*>", re.I)
_TAG: Final = re.compile(r"<[^<>]*>")

_HASHTAGS: Final = re.compile(
    r"(?<!\w)#(no_?ai(?:training)?|nogenai|nollms?|noml|nobots?|noindex|nosearch)(?!\w)"
)
_SENTENCES: Final = (
    (
        "no-ai-training",
        re.compile(
            r"\bno[\s-]+(?:gen(?:erative)?[\s-]?)?(?:ai|llm|ml|machine[\s-]learning)[\s-]+(?:use|training|scraping)\b"
            r"|\b(?:do\s+not|don['’]t)\s+train\s+(?:\w+\s+)?(?:ai|llms?|models?|on)\b"
            r"|\banti[\s-]commercial[\s-]ai\b"
        ),
    ),
    ("non-commercial-license", re.compile(r"\bby-nc\b|\bcc[\s-]+by[\s-]+nc\b")),
)

_SET_ON_ACTOR: Final = (
    "memorial",
    "suspended",
    "hidesToPublicFromUnauthedWeb",
    "_misskey_requireSigninToViewContents",
    "_misskey_makeNotesFollowersOnlyBefore",
    "_misskey_makeNotesHiddenBefore",
    "preventAiLearning",
    "noCrawle",
    "noindex",
)
"""Fields of an actor document (or of Misskey's own account JSON) that deny when they are set."""

_PREFERENCE: Final = "community.lexicon.preference.ai"
_WIDE_SCOPES: Final = frozenset(
    f"{base}#{name}" for base in ("", _PREFERENCE) for name in ("globalScope", "collectionScope")
)
_ENTITY_SCOPES: Final = frozenset({"#entityScope", f"{_PREFERENCE}#entityScope"})
_INTENTS: Final = ("org.user-intents.declaration", "org.user-intents.demo.declaration")
_DENYING_INTENTS: Final = ("syntheticContentGeneration", "bulkDataset")
_PROFILE: Final = "app.bsky.actor.profile"
_SELF_LABELS: Final = ("!no-unauthenticated",)


def bio_signals(text: str) -> tuple[str, ...]:
    """Find denying hashtags and footers in a bio or display name, plain or HTML.

    Names such as ``bio:#noai``, sorted. Matched after HTML to text, NFKC and case folding, as
    bridges do it. A hashtag ends where Mastodon ends one: ``#NoAI-please`` holds ``#NoAI``.
    """
    found: set[str] = set()
    for spelling in (text, _TAG.sub("", _BLOCK_TAG.sub("\n", text))):
        folded = _INVISIBLE.sub(
            "", unicodedata.normalize("NFKC", html.unescape(spelling))
        ).casefold()
        found.update(f"bio:#{tag}" for tag in _HASHTAGS.findall(folded))
        found.update(f"bio:{name}" for name, pattern in _SENTENCES if pattern.search(folded))
    return tuple(sorted(found))


def actor_signals(actor: Mapping[str, object]) -> tuple[str, ...]:
    """Find what denies in an ActivityPub actor: document, bio, name, profile fields and hashtags.

    Names such as ``actor:memorial``, sorted. Sources: Mastodon's actor serializer, GoToSocial's
    federation docs (``hidesToPublicFromUnauthedWeb``), Misskey's extensions, FEP-5e53
    (``xRobotsTag``). ``hidesCcPublicFromUnauthedWeb`` is no signal: GoToSocial sets it for all.
    """
    found = {f"actor:{name}" for name in _SET_ON_ACTOR if _is_set(actor.get(name))}
    if any("noai" in text.casefold() for text in _strings(actor.get("xRobotsTag"))):
        found.add("actor:xRobotsTag")
    for name in ("summary", "name", "attachment", "tag"):
        for text in _strings(actor.get(name)):
            found.update(bio_signals(text))
    return tuple(sorted(found))


def repo_signals(records: Mapping[str, object]) -> tuple[str, ...]:
    """Find what denies in an AT Protocol repo; keys are repo paths, ``collection/rkey``.

    Names such as ``record:community.lexicon.preference.ai``, sorted. Read are the AI preference of
    lexicon-community, the user intents of Bluesky's proposal 0008 and of its demo, and the profile
    with its self-labels. A deny for one entity binds that entity and is passed over; a deny for one
    collection denies everything, until collections are told apart.
    """
    found: set[str] = set()
    for path, record in records.items():
        collection = path.partition("/")[0]
        if collection == _PROFILE:
            found.update(_profile_signals(record))
        elif (collection == _PREFERENCE and _preference_denies(record)) or (
            collection in _INTENTS and _intents_deny(record)
        ):
            found.add(f"record:{collection}")
    return tuple(sorted(found))


def _preference_denies(record: object) -> bool:
    if not isinstance(record, Mapping):
        return True
    scope, preferences = record.get("scope"), record.get("preferences")
    if not isinstance(scope, Mapping) or not isinstance(preferences, Mapping):
        return True
    kind = scope.get("$type")
    if kind in _ENTITY_SCOPES:
        return not isinstance(scope.get("entity"), str)
    return kind not in _WIDE_SCOPES or _denies(preferences, "training", optional_allow=False)


def _intents_deny(record: object) -> bool:
    return not isinstance(record, Mapping) or any(
        _denies(record, intent, optional_allow=True) for intent in _DENYING_INTENTS
    )


def _denies(fields: Mapping[str, object], name: str, *, optional_allow: bool) -> bool:
    """Tell whether ``name`` is there and is not a well-formed permission or silence."""
    if name not in fields:
        return False
    preference = fields[name]
    if not isinstance(preference, Mapping):
        return True
    if optional_allow and "allow" not in preference:
        return False
    return preference.get("allow") is not True


def _profile_signals(record: object) -> Iterator[str]:
    if not isinstance(record, Mapping):
        yield f"record:{_PROFILE}"
        return
    for name in ("displayName", "description"):
        for text in _strings(record.get(name)):
            yield from bio_signals(text)
    labels = set(_strings(record.get("labels")))
    yield from (f"label:{label}" for label in _SELF_LABELS if label in labels)


def _is_set(value: object) -> bool:
    return value not in (None, False, 0, "", "false", "False", [], {})


def _strings(value: object) -> Iterator[str]:
    """Every string in a JSON value of any depth: properties may be one, many, or objects."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)
