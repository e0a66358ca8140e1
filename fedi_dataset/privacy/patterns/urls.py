"""Links: which of them lead to a person, to something that a person posted, or to nobody.

An ordinary link stays as words of the text. Masked are links to a profile (PROFILE_URL), to a post
(POST_URL), and to a site of somebody's own (WEBSITE): an address without a path that is not one of
the sites everybody knows, or any page of a site that the text calls the writer's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final
from urllib.parse import unquote

from presidio_analyzer import LocalRecognizer
from presidio_analyzer import RecognizerResult as Result

from fedi_dataset.privacy.patterns.handles import HOST
from fedi_dataset.privacy.patterns.rules import words
from fedi_dataset.privacy.patterns.sites import (
    BEFORE_NAME,
    BEFORE_POST,
    HANDLE_DOMAINS,
    NAME_FIRST,
    NAME_HOST,
    NO_NAME,
    PACKAGES,
    PERSONAL_PROJECTS,
    PROJECTS,
    WIKI_USERS,
    is_listed,
    is_public_site,
)

__all__ = ["LinkRecognizer", "entity_of_host", "is_own", "link_entity", "links"]

_CLOSING = ".,;:!?)]}>'\"*’”»…"
_LINK = re.compile(
    rf"https?://[^\s<>\"]++|(?<![\w@./:-])(?:www\.)?{HOST}/[^\s<>\"]++"
    rf"|(?<![\w@./:-])www\.{HOST}/?(?![\w-])",
    re.IGNORECASE,
)
_LONGEST_HOST: Final = 253
"""Characters of a host's name (RFC 1035, section 2.3.4)."""
# Servers of software that has its profiles at the first part of the path, on whatever domain.
_PIXELFED = ("pixelfed.", "pix.")
_OWN = words("own_site")
_OWN_BEFORE: Final = 60
_PREFIXES = (
    "www.",
    "m.",
    "mobile.",
    "old.",
    "new.",
    "en.",
    "de.",
    "fr.",
    "es.",
    "it.",
    "pt.",
    "nl.",
)


def links(text: str) -> Iterator[tuple[int, int]]:
    """Give begin and end of every link, without what closes the sentence around it."""
    for match in _LINK.finditer(text):
        link = _without_closing(match.group())
        if link:
            yield match.start(), match.start() + len(link)


def link_entity(link: str, *, own: bool = False) -> str | None:
    """Say whether a link leads to a person (PROFILE_URL), a person's post (POST_URL), somebody's
    own site (WEBSITE), or none of them.

    ``link`` is an absolute URL, or host and path without a scheme. Links with a user name in their
    authority lead to a person. ``own``: the text says that the site is somebody's own.
    """
    rest = link.split("://", 1)[-1]
    authority, _, path = rest.partition("/")
    authority, mark, query = authority.partition("?")
    host = authority.lower().rpartition("@")[2].partition(":")[0].rstrip(".")
    parts = [
        part
        for part in unquote(path + mark + query).replace("?", "/").replace("#", "/").split("/")
        if part
    ]
    if "@" in authority:
        return "PROFILE_URL"
    if len(host) > _LONGEST_HOST:
        return None
    return (
        None
        if _is_package(host)
        else _by_path(_bare(host), parts, own)
        or entity_of_host(host, parts)
        or _by_ownership(host, parts, own)
    )


def _bare(host: str) -> str:
    for prefix in _PREFIXES:
        host = host.removeprefix(prefix)
    return host


def _is_package(host: str) -> bool:
    return any(host == site or host.endswith("." + site) for site in PACKAGES)


def _by_path(host: str, parts: list[str], own: bool) -> str | None:
    for index, part in enumerate(parts):
        if _is_account(part):
            return _with_post(parts[index + 1 :])
        if part.startswith(("@", "~")) and len(part) > 1:
            return _with_post(parts[index + 1 :])
        named = part.lower() in BEFORE_NAME or (part == "in" and host.endswith("linkedin.com"))
        if named and index + 1 < len(parts) and _is_name(parts[index + 1]):
            return _with_post(parts[index + 2 :])
    site = next((site for site in NAME_FIRST if host == site or host.endswith("." + site)), None)
    if site is None and host.startswith(_PIXELFED):
        site = host
    if site and parts and parts[0].lower() not in NO_NAME:
        if site in PROJECTS and len(parts) > 1 and not host.startswith("gist."):
            owned = own or _is_personal_project(parts[0], parts[1])
            return "PROFILE_URL" if owned else None
        return _with_post(parts[1:])
    if parts[:1] == ["p"] and len(parts) > 1 and (site or _looks_like_id(parts[-1])):
        return "POST_URL" if site or len(parts) == 3 else None
    # On any server: a post by its number alone, /notice/AbC123, /post/987.
    if any(
        part.lower() in BEFORE_POST and _looks_like_id(following)
        for part, following in pairwise(parts)
    ):
        return "POST_URL"
    return None


def _is_account(part: str) -> bool:
    """Say whether a part of a path names an account on whatever site: a handle that is a domain, a DID, a key
    of Nostr, the page of somebody who writes in a wiki."""
    lower = part.lower()
    return (
        lower.endswith(HANDLE_DOMAINS)
        or lower.startswith(("did:plc:", "did:web:", "npub1", "nprofile1"))
        or (lower.partition(":")[0] in WIKI_USERS and ":" in lower)
    )


def entity_of_host(host: str, parts: Sequence[str] = ()) -> str | None:
    """Say whether a host is of one person: PROFILE_URL, or POST_URL if parts of a path follow."""
    if not host.endswith(NAME_HOST):
        return None
    name = next(host[: -len(end)] for end in NAME_HOST if host.endswith(end))
    if name in ("www", "blog", "help", "support", "status", "about"):
        return None
    return None if is_listed(host) else _with_post(parts)


def _by_ownership(host: str, parts: list[str], own: bool) -> str | None:
    """Tell somebody's own site by what is known of it: no path, and not known to everybody."""
    if "." not in host or not host.rpartition(".")[2].isalpha() or is_public_site(host):
        return None
    return "WEBSITE" if own or not parts else None


def _is_personal_project(owner: str, project: str) -> bool:
    name = project.lower()
    return name in PERSONAL_PROJECTS or name == f"{owner.lower()}.github.io"


def _with_post(following: Sequence[str]) -> str:
    return "POST_URL" if following else "PROFILE_URL"


def _is_name(part: str) -> bool:
    """Tell a name from a page (login) and from the words of a headline."""
    return part.lower() not in NO_NAME and (part.count("-") < 3 or any(map(str.isdigit, part)))


def _looks_like_id(part: str) -> bool:
    """An id of a post holds a digit, no hyphened words and no dot, unlike an article's page."""
    return (
        "." not in part
        and any(char.isdigit() for char in part)
        and (part.count("-") == 0 or (part.count("-") == 4 and len(part) == 36))
    )


def is_own(text: str, begin: int) -> bool:
    """Say whether the words before a link call it somebody's own."""
    return _OWN.is_near(text, begin, begin, _OWN_BEFORE, 0)


class LinkRecognizer(LocalRecognizer):  # type: ignore[misc]  # Presidio is untyped
    """Finds links to persons, their posts and sites, trailing punctuation left outside."""

    def __init__(self) -> None:
        super().__init__(supported_entities=["PROFILE_URL", "POST_URL", "WEBSITE"], name="Links")

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: Any = None,  # noqa: ARG002  # Presidio passes it by name
    ) -> list[Result]:
        """Give a result for every link that leads to a person."""
        results: list[Result] = []
        if "/" not in text and "www." not in text.lower():
            return results
        for begin, end in links(text):
            entity = link_entity(text[begin:end], own=is_own(text, begin))
            if entity in entities:
                results.append(Result(entity, begin, end, 1.0))
        return results


def _without_closing(link: str) -> str:
    """Cut what closes the sentence around a link; a bracket only if the link does not open it."""
    closing = _CLOSING.replace(")", "") if "(" in link else _CLOSING
    return link.rstrip(closing)
