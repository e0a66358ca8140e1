"""Handles: names of accounts, the leading @ included.

What only looks like a handle is spared: places on a server (``!community@host``, ``#room:host``),
times (``@5pm``), decorators, annotations and directives of code, scoped packages (``@scope/name``),
and words that address everybody (``@everyone``).
"""

from __future__ import annotations

import re
from typing import Final

from presidio_analyzer import EntityRecognizer

from fedi_dataset.privacy.patterns.rules import (
    Rule,
    RuleRecognizer,
    Words,
    both,
    contains,
    gate,
    word_set,
    words,
)

__all__ = ["HOST", "handle_recognizers"]

HOST: Final = r"(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{0,62}"
"""A host's name, as a regular expression; begin it only where no part of a host goes before."""


# Decorators, annotations, directives and doc tags of languages, and words that address everybody.
_NO_HANDLES: Final = word_set(
    """
    all channel channels everyone everybody here team todos todas alle tous tutti iedereen latest
    media import charset font font-face keyframes supports layer namespace page include mixin extend
    container property starting-style tailwind apply use forward screen return content function
    staticmethod classmethod dataclass dataclasses.dataclass property abstractmethod override
    overload cached_property functools.cache functools.lru_cache functools.wraps lru_cache wraps
    cache contextmanager pytest.fixture pytest.mark fixture final app.route app.get app.post
    app.task click.command click.option click.group given when then
    deprecated test before after beforeeach aftereach autowired bean component controller entity
    getter setter inject injectable input output nullable nonnull notnull service repository
    restcontroller requestmapping getmapping postmapping pathvariable requestbody transactional
    configuration springbootapplication suppresswarnings functionalinterface safevarargs data
    builder id column table onetomany manytoone composable preview published observable
    observedobject stateobject state binding environment mainactor escaping objc discardableresult
    main available ngmodule viewchild hostlistener directive pipe
    param params returns throws link see author since version typedef type example internal
    private public protected readonly todo fixme ignore ts-ignore ts-expect-error ts-nocheck
    inheritdoc code literal value exception
    echo off if else endif foreach endforeach extends section yield csrf media-query
    """
)
# Names of nobody, by which people explain what a handle is
_STAND_INS: Final = word_set("user username yourname your_name yourhandle handle name you someone")
_STAND_IN_HOST: Final = re.compile(r"example\.(?:com|org|net)|instance|server|domain|host$|tld$")
_QUANTITY = re.compile(
    r"\d+(?:[.:,]\d+)*(?:am|pm|a\.m|p\.m|h|hrs?|uhr|x|k|p|fps|[gmk]?hz|[gmk]b|%|°|c|v|w|€|\$)?",
    re.IGNORECASE,
)

_AT = re.compile(r"(?<![\w@])@(?P<name>\w++(?:[.-]\w++)*+)(?P<host>@[\w-]++(?:\.[\w-]++)*+)?+")


def _is_handle(match: re.Match[str]) -> bool:
    name, text, end = match["name"].lower(), match.string, match.end()
    host = (match["host"] or "").lower()
    if name in _STAND_INS and (not host or _STAND_IN_HOST.search(host)):
        return False
    bare = name.strip("_")
    if host:
        return bool(bare)
    if not bare or bare in _NO_HANDLES or _QUANTITY.fullmatch(name):
        return False
    after = text[end : end + 2]
    if after[:1] == "/" and after[1:] not in ("", "@", " "):
        return False  # @scope/package
    begins = match.start() == 0 or text[match.start() - 1] == "\n"
    return not (after[:1] == "(" and begins)  # @decorator(...)


_HANDLES: Final = (
    # @alice@mastodon.example, @alice.bsky.social, @alice
    Rule("handle", "HANDLE", _AT, check=_is_handle),
    # @alice:matrix.example
    Rule(
        "Matrix id",
        "HANDLE",
        re.compile(rf"(?<![\w@])@[\w=-]++(?:[.+/][\w=-]++)*+:{HOST}(?::\d{{2,5}})?", re.ASCII),
    ),
    # Secure Scuttlebutt: a key of 32 bytes
    Rule("SSB id", "HANDLE", re.compile(r"@[A-Za-z0-9+/]{43}=\.ed25519\b")),
)

_REDDIT: Final = (
    # u/alice, /u/alice, u/alice@lemmy.example
    Rule(
        "Reddit or Lemmy user",
        "HANDLE",
        re.compile(rf"(?<![\w/.:])/?u/[\w-]{{3,26}}(?![\w/-])(?:@{HOST})?", re.IGNORECASE),
        0.95,
    ),
)

_REDDIT_PATH: Final = (
    Rule(
        "path of a Reddit user",
        "HANDLE",
        re.compile(r"(?<![\w/.:])/?user/[\w-]{3,26}(?![\w/-])", re.IGNORECASE),
        0.9,
        near=Words(["reddit"]),
    ),
)
_SIGNAL: Final = (
    # alice.42, near the word Signal
    Rule(
        "Signal username",
        "HANDLE",
        re.compile(r"(?<![\w.@/-])[a-z_]\w{2,31}\.\d{2,9}(?![\w.,]*\d)(?!\w)", re.IGNORECASE),
        0.9,
        near=Words(["signal"]),
    ),
)
_DISCORD: Final = (
    # alice#1234, near Discord and the like: elsewhere it is the number of an issue
    Rule(
        "Discord tag",
        "HANDLE",
        re.compile(r"(?<![\w.@/#-])\w[\w.]{1,31}#\d{4,5}(?!\w)"),
        0.9,
        near=words("tagged_platforms"),
    ),
)
_NOSTR: Final = (
    Rule(
        "Nostr key",
        "HANDLE",
        re.compile(r"(?<![\w])(?:nostr:)?(?:npub|nprofile)1[02-9ac-hj-np-z]{50,200}(?!\w)"),
    ),
)
_DIDS: Final = (
    Rule(
        "DID",
        "DID",
        re.compile(
            r"(?<!\w)did:(?:plc|web|webvh|key|ion|ethr|pkh|jwk|peer|tdw|dht):"
            r"(?:[\w%-]++|[.:]++(?=[\w%-]))++",
            re.IGNORECASE,
        ),
    ),
    Rule(
        "AT URI",
        "AT_URI",
        re.compile(r"(?<!\w)at://(?:[\w%~-]++|[.:/]++(?=[\w%~-]))++", re.IGNORECASE),
    ),
)


def handle_recognizers() -> list[EntityRecognizer]:
    """Give the recognizers of handles and of decentralized identifiers."""
    return [
        RuleRecognizer("Handles", contains("@"), _HANDLES),
        RuleRecognizer("Reddit users", gate("u/"), _REDDIT),
        RuleRecognizer("Paths of Reddit users", contains("user/"), _REDDIT_PATH),
        RuleRecognizer("Signal usernames", both(gate(r"\.\d\d"), gate("signal")), _SIGNAL),
        RuleRecognizer("Discord tags", gate(r"#\d"), _DISCORD),
        RuleRecognizer("Nostr keys", gate("npub1|nprofile1"), _NOSTR),
        RuleRecognizer("Decentralized identifiers", gate("did:|at://"), _DIDS),
    ]
