"""What one consent and one account say about the posts of one export, ready to be asked post by post."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Final, Literal
from urllib.parse import urlsplit

from fedi_dataset.consent.ledger import Given, Renewed, spelling
from fedi_dataset.consent.signals import denies, tag_signals
from fedi_dataset.consent.terms import HostTerms, InstanceTerms, host_name
from fedi_dataset.posts import Account, Export, Post, Signal
from fedi_dataset.reasons import SINGLE

__all__ = [
    "Admission",
    "Coverage",
    "Grant",
    "Refusal",
    "TermsStanding",
    "Verdict",
    "day_of",
    "overruled",
    "server_of",
    "servers_of",
]

TermsStanding = Literal["checked", "crossed", "unchecked", "no_server"]
"""What is known of the terms of a post's server: looked up and allowing, or forbidding and overruled
by the author's word, or in no list; or the post is of a DID, which names no server."""

_UNTOLD: Final = "(no server can be told)"

Refusal = tuple[str, str | None]
"""A reason and its detail."""


@dataclass(frozen=True, slots=True)
class Grant:
    """On what an admitted post rests: one event of the ledger, and what it allows."""

    event_id: str
    license: str
    """SPDX, canonical."""
    use: str
    """``train``, or ``context``: to be read and not trained on."""
    expires: datetime | None
    subject: str
    """Equal for all accounts that the ledger joins to this one, whichever event decides for each."""
    attribution: str
    """``none``, or the words by which the author wants to be named."""
    terms: TermsStanding


@dataclass(frozen=True, slots=True)
class Verdict:
    """Admitted, with the grant and no reason, or refused, with a reason and no grant."""

    reason: str | None
    grant: Grant | None
    detail: str | None = None
    """Of a refusal: which signals, which host, which license. Never a post's words."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one consent says about single posts, ready to be compared."""

    consent: Given
    excluded_posts: frozenset[str]
    excluded_tags: frozenset[str]

    @classmethod
    def of(cls, consent: Given) -> Coverage:
        """Prepare the exclusions of a consent."""
        return cls(
            consent,
            frozenset(map(spelling, consent.exclude.posts)),
            frozenset(map(_folded_tag, consent.exclude.tags)),
        )

    def refuses(self, post: Post) -> str | None:
        """Give the reason for which it does not cover a post; None if it does."""
        if not all(map(self._covers_time, filter(None, (post.created_at, post.edited_at)))):
            return "outside_dates"
        if post.visibility.value not in self.consent.visibilities:
            return "visibility_not_covered"
        if _names_post(self.excluded_posts, post) or self.excludes_one_of(post.tags):
            return "excluded_by_author"
        return "no_date" if post.created_at is None else None

    def excludes_one_of(self, tags: Iterable[str]) -> bool:
        """Tell whether the author left out one of these hashtags, in whatever case and width."""
        return bool(self.excluded_tags) and not self.excluded_tags.isdisjoint(
            map(_folded_tag, tags)
        )

    def _covers_time(self, time: datetime) -> bool:
        begin, end = self.consent.from_, self.consent.until
        return (begin is None or begin <= time) and (end is None or time < end)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What the terms of servers come to for one consent."""

    too_young_for: str | None
    forbidden_by: str | None
    standing: TermsStanding


@dataclass(frozen=True, slots=True)
class Admission:
    """What the ledger and the account settle for all posts of an export, in the tests' order."""

    export: Export
    as_of: datetime
    terms: InstanceTerms
    withdrawn_posts: frozenset[str]
    scope_reason: str | None
    """Consent that has expired, or does not reach this build."""
    coverage: Coverage
    account_reason: str | None
    """Acquisition, evidence, age."""
    signals: tuple[Signal, ...]
    """Those of the account that deny us, whatever they ask of a post."""
    license_reason: Refusal | None
    grant: Grant
    weighed: dict[tuple[str, ...], _Terms] = field(default_factory=dict)

    @property
    def consent(self) -> Given:
        """The consent that decides."""
        return self.coverage.consent

    def told(self) -> tuple[object, ...]:
        """Give all that decides, as data for a digest."""
        return (
            self.consent,
            sorted(self.withdrawn_posts),
            self.scope_reason,
            self.account_reason,
            self.signals,
            self.license_reason,
            self.grant,
        )

    def judge(self, post: Post) -> Verdict:
        """Judge one post: the first refusal, or the grant."""
        for reason, detail in self.refusals(post):
            return Verdict(reason, None, detail)
        return Verdict(None, replace(self.grant, terms=self._terms(post).standing))

    def refusals(self, post: Post) -> Iterator[Refusal]:
        """Give all that refuses a post, in the tests' order. Of tests that ask the same the first one speaks."""
        if _names_post(self.withdrawn_posts, post):
            yield "consent_withdrawn", SINGLE
        if self.scope_reason:
            yield self.scope_reason, None
        if reason := self.coverage.refuses(post):
            yield reason, None
        if self.account_reason:
            yield self.account_reason, None
        terms = self._terms(post)
        if terms.too_young_for:
            yield "under_age", terms.too_young_for
        if denied := self.denied(post, (*post.signals, *tag_signals(post.tags))):
            yield "signal_denied", denied
        if terms.forbidden_by:
            yield "instance_terms", terms.forbidden_by
        if self.license_reason:
            yield self.license_reason

    def denied(self, post: Post, own: Iterable[Signal]) -> str | None:
        """Name the signals of the account, and the post's ``own``, that deny it."""
        said_at = post.edited_at or post.created_at
        of_post = (one for one in own if not overruled(one.name, said_at, self.consent))
        names = {one.name for one in (*self.signals, *of_post) if denies(one, post, self.as_of)}
        return ", ".join(sorted(names)) or None

    def _terms(self, post: Post) -> _Terms:
        hosts = servers_of(self.export.owner, post)
        if hosts not in self.weighed:
            found = {host: self.terms.of(host, day_of(self.as_of)) for host in hosts}
            self.weighed[hosts] = _weighed(found, self.consent, self.export)
        return self.weighed[hosts]


def overruled(name: str, said_at: datetime | None, consent: Given) -> bool:
    """Whether the subject knew of a signal and renewed in spite of it; one said since stands."""
    return (
        isinstance(consent, Renewed)
        and name in consent.acknowledged
        and (said_at is None or said_at <= consent.at)
    )


def _weighed(found: Mapping[str, HostTerms], consent: Given, export: Export) -> _Terms:
    """Weigh the terms of all servers that a post comes from: each of them must allow it."""
    too_young = (host for host, one in found.items() if consent.age_at_least < one.minimum_age)
    forbidding = {host: one for host, one in found.items() if one.forbidding}
    closed = (
        host for host, one in forbidding.items() if not _overrides(consent, export, host, one)
    )
    standing: TermsStanding = "no_server"
    if forbidding:
        standing = "crossed"
    elif found:
        standing = "checked" if all(one.known for one in found.values()) else "unchecked"
    forbidden_by = _UNTOLD if _UNTOLD in found else next(closed, None)
    return _Terms(next(too_young, None), forbidden_by, standing)


def _overrides(consent: Given, export: Export, host: str, terms: HostTerms) -> bool:
    """Whether the author handed the posts over and named this host, or the service that it is of."""
    named = {host_name(server_of(one) or one) for one in consent.terms_override}
    return export.acquisition == "own-export" and all(
        not named.isdisjoint({host_name(host), *term.hosts}) for term in terms.forbidding
    )


def servers_of(owner: Account, post: Post) -> tuple[str, ...]:
    """Give the hosts whose terms bind a post: the account's, or, of a DID, those it was bridged from.

    An account whose server cannot be told is refused as if its terms forbade it.
    """
    if owner.uri.startswith("did:"):
        return tuple(host for one in post.aliases if (host := server_of(one)) is not None)
    return (server_of(owner.uri) or _UNTOLD,)


def day_of(time: datetime) -> date:
    """Give the day (UTC) of an aware time."""
    return time.astimezone(UTC).date()


def server_of(uri: str) -> str | None:
    """Give the host of an account or post, in lower case; None for a DID and for what is broken."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None  # no host can be told: matches nothing, and the terms refuse it
    return parts.hostname if parts.scheme in ("http", "https") else None


def _names_post(ids: frozenset[str], post: Post) -> bool:
    return bool(ids) and any(spelling(name) in ids for name in (post.uri, *post.aliases))


def _folded_tag(tag: str) -> str:
    return unicodedata.normalize("NFKC", tag).removeprefix("#").casefold()
