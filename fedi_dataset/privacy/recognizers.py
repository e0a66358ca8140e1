"""Presidio's recognizers as this project loads them, and our own for what names a person in the
fediverse.

The list is stated, nothing is loaded by default. Left out on purpose: DATE_TIME, US_BANK_NUMBER and
US_DRIVER_LICENSE, which are noise in prose, and URL: an ordinary link stays as words of the text;
only links to a person, or to something that a person posted, are masked.

Patterns take time in proportion to the text (repetition is possessive, bounded, or cannot overlap
with what follows): Presidio drops a pattern that runs out of time and goes on, which would let
identifiers through. E-mail addresses are not checked against the public suffix list:
``alice@box.internal`` reaches somebody too, and Presidio's check would ask the network for the
list.

Importing this module imports Presidio, which takes seconds; :mod:`fedi_dataset.privacy.detector`
does it late.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Final
from urllib.parse import unquote

from presidio_analyzer import EntityRecognizer, LocalRecognizer, Pattern, PatternRecognizer
from presidio_analyzer import RecognizerResult as Result
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    CryptoRecognizer,
    DeTaxIdRecognizer,
    EsNieRecognizer,
    EsNifRecognizer,
    FiPersonalIdentityCodeRecognizer,
    IbanRecognizer,
    InAadhaarRecognizer,
    IpRecognizer,
    ItFiscalCodeRecognizer,
    NhsRecognizer,
    PhoneRecognizer,
    UsSsnRecognizer,
)

__all__ = ["PHONE_REGIONS", "LinkRecognizer", "link_entity", "recognizers"]

PHONE_REGIONS: Final = ("US", "GB", "DE", "FR", "ES", "IT", "PT", "BR", "NL")
"""Regions whose national numbers are read; numbers with a + and a country code are read from
anywhere."""

_MINIMUM_PHONE_DIGITS = 6

_HOST = r"(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{0,62}"
_TIME = r"\d{1,2}(?:[:.]\d\d)?\s?(?:am|pm|h|uhr)?\b(?![@.])"

_NAMED: Final[tuple[tuple[str, str, float, str], ...]] = (
    # @alice@mastodon.example, @alice.bsky.social, @alice; a time ("@5pm") is none
    (
        "fediverse handle",
        "HANDLE",
        1.0,
        rf"(?<![a-z0-9_])@(?!{_TIME})\w++(?:[.-]++\w++)*+(?:@[\w-]++(?:\.[\w-]++)*+)?+",
    ),
    # @alice:matrix.example
    ("Matrix id", "HANDLE", 1.0, rf"(?<![a-z0-9_])@[\w=-]++(?:[.+]++[\w=-]++)*+:{_HOST}"),
    # alice.bsky.social, alice.mastodon.example.ap.brid.gy: domains under which every name is a
    # handle
    (
        "handle domain",
        "HANDLE",
        1.0,
        r"(?<![\w.-])(?:[\w-]{1,63}\.){1,6}(?:bsky\.social|brid\.gy)\b(?!-|\.\w)",
    ),
    ("Reddit user", "HANDLE", 0.9, r"(?<![\w/.])/?u/[\w-]{3,20}\b"),
    (
        "DID",
        "DID",
        1.0,
        r"\bdid:(?:plc|web|webvh|key|ion|ethr|pkh|jwk|peer):(?:[\w%-]++|[.:]++(?=[\w%-]))++",
    ),
    ("AT URI", "AT_URI", 1.0, r"\bat://(?:[\w%~-]++|[.:/]++(?=[\w%~-]))++"),
    # A Lemmy community (!gardening@lemmy.example) is a place, not a person.
    (
        "e-mail address",
        "EMAIL_ADDRESS",
        0.95,
        rf"(?<![\w.%+-])(?<!(?<!\w)!)(?:[\w.%+-]|(?<=\w)'(?=\w))*+(?<=\w)@{_HOST}",
    ),
    (
        "disguised e-mail address",
        "EMAIL_ADDRESS",
        0.9,
        r"(?<![\w.+-])[\w.+-]{1,64}\s?[\[({<]\s?(?:at|ät|arroba|@)\s?[\])}>]\s?[\w-]{1,63}"
        r"(?:\s?(?:\.|[\[({<]\s?(?:dot|punkt|punto|point|\.)\s?[\])}>])\s?[\w-]{2,63}){1,4}",
    ),
)

_CLOSING = ".,;:!?)]}>'\"*’”»…"
_LINK = re.compile(rf"https?://[^\s<>\"]++|(?<![\w@./-]){_HOST}/[^\s<>\"]++", re.IGNORECASE)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Sites where the first part of the path names a person.
_NAME_FIRST: Final = _set(
    """
    x.com twitter.com facebook.com fb.com instagram.com threads.net threads.com tiktok.com
    twitch.tv github.com gitlab.com codeberg.org t.me telegram.me wa.me paypal.me ko-fi.com
    patreon.com liberapay.com linktr.ee keybase.io about.me soundcloud.com flickr.com vk.com
    venmo.com cash.app orcid.org keyoxide.org snapchat.com buymeacoffee.com
    """
)
# What stands there instead of a name.
_NO_NAME: Final = _set(
    """
    home search explore i intent share sharer sharer.php hashtag settings login signup about
    help privacy tos watch groups events pages marketplace topics features pricing orgs
    directory
    """
)
# Sites that give every person a host of their own.
_NAME_HOST: Final = (
    ".bsky.social",
    ".tumblr.com",
    ".livejournal.com",
    ".dreamwidth.org",
    ".carrd.co",
)
# Parts of a path after which a person's name or number follows: Mastodon, Pleroma, Misskey, Lemmy,
# PeerTube, Friendica, Pixelfed, Bluesky, Reddit.
_BEFORE_NAME: Final = _set(
    """
    users user u profile profiles accounts actors actor people author members video-channels
    """
)
# Parts of a path after which one post follows.
_BEFORE_POST: Final = _set(
    """
    status statuses notes notice objects post posts comment comments p reel reels activities
    display
    """
)
# Sites of code and payments: a second part of the path is a project, not a post.
_PROJECTS: Final = frozenset({"github.com", "gitlab.com", "codeberg.org"})


def link_entity(link: str) -> str | None:
    """Say whether a link leads to a person (PROFILE_URL), a person's post (POST_URL), or neither.

    ``link`` is an absolute URL, or host and path without a scheme. Links with a user name in their
    authority lead to a person.
    """
    rest = link.split("://", 1)[-1]
    authority, _, path = rest.partition("/")
    host = authority.lower().removeprefix("www.").removeprefix("m.").removeprefix("mobile.")
    parts = [part for part in unquote(path).replace("?", "/").replace("#", "/").split("/") if part]
    if "@" in authority or host.endswith(_NAME_HOST):
        return "PROFILE_URL"
    for index, part in enumerate(parts):
        if part.startswith(("@", "~")) and len(part) > 1:
            return _with_post(parts[index + 1 :])
        named = part.lower() in _BEFORE_NAME or (part == "in" and host.endswith("linkedin.com"))
        if named and index + 1 < len(parts):
            return _with_post(parts[index + 2 :])
    site = next((site for site in _NAME_FIRST if host == site or host.endswith("." + site)), None)
    if site and parts and parts[0].lower() not in _NO_NAME:
        if site in _PROJECTS and len(parts) > 1:
            return None
        return _with_post(parts[1:])
    # On any server: a post by its number alone, /notice/AbC123, /post/987.
    if any(
        part.lower() in _BEFORE_POST and _looks_like_id(following)
        for part, following in pairwise(parts)
    ):
        return "POST_URL"
    return None


def _with_post(following: list[str]) -> str:
    return "POST_URL" if following else "PROFILE_URL"


def _looks_like_id(part: str) -> bool:
    """An id of a post holds a digit and no hyphened words, unlike the slug of an article."""
    return any(char.isdigit() for char in part) and (
        part.count("-") == 0 or (part.count("-") == 4 and len(part) == 36)
    )


class LinkRecognizer(LocalRecognizer):  # type: ignore[misc]  # Presidio is untyped
    """Finds links to persons and to their posts, trailing punctuation left outside."""

    def __init__(self) -> None:
        super().__init__(supported_entities=["PROFILE_URL", "POST_URL"])

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: Any = None,  # noqa: ARG002  # Presidio passes it by name
    ) -> list[Result]:
        """Give a result for every link that leads to a person or a person's post."""
        results = []
        for match in _LINK.finditer(text):
            link = _without_closing(match.group())
            entity = link_entity(link)
            if entity in entities:
                results.append(Result(entity, match.start(), match.start() + len(link), 1.0))
        return results


def _without_closing(link: str) -> str:
    """Cut what closes the sentence around a link; a bracket only if the link does not open it."""
    while link and link[-1] in _CLOSING and not (link[-1] == ")" and "(" in link):
        link = link[:-1]
    return link


class _GatedPhoneRecognizer(PhoneRecognizer):  # type: ignore[misc]  # Presidio is untyped
    """Presidio's, which tries every region in turn, spared texts with too few digits for any
    number."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Result]:
        if sum(map(str.isdigit, text)) < _MINIMUM_PHONE_DIGITS:
            return []
        results: list[Result] = super().analyze(text, entities, nlp_artifacts)
        return results


def recognizers() -> list[EntityRecognizer]:
    """Give all recognizers that need no model, ours first; the national ids are one entity."""
    named = [
        PatternRecognizer(
            entity,
            name=name,
            patterns=[Pattern(name, pattern, score)],
            global_regex_flags=re.IGNORECASE,
        )
        for name, entity, score, pattern in _NAMED
    ]
    official = [
        kind(supported_entity="GOVERNMENT_ID")
        for kind in (
            UsSsnRecognizer,
            NhsRecognizer,
            EsNifRecognizer,
            EsNieRecognizer,
            ItFiscalCodeRecognizer,
            DeTaxIdRecognizer,
            FiPersonalIdentityCodeRecognizer,
            InAadhaarRecognizer,
        )
    ]
    return [
        *named,
        LinkRecognizer(),
        _GatedPhoneRecognizer(supported_regions=PHONE_REGIONS),
        CreditCardRecognizer(),
        IbanRecognizer(),
        IpRecognizer(),
        CryptoRecognizer(),
        *official,
    ]
