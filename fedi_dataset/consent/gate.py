"""The gate: the one place where a post meets its verdict. Default deny.

Each test refuses with one reason of :data:`fedi_dataset.reasons.GATE`; the first that fails names
it. What hangs on the account alone (its consent, evidence, age, signals, server and license) is
settled once for each export; what hangs on the post is tested post by post. No post's words are
read, and an error in here is raised, so that it admits nobody.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.ledger import Given, Ledger, Renewed, spelling
from fedi_dataset.consent.licenses import check_allowable, is_allowed, parse_license
from fedi_dataset.consent.terms import InstanceTerms
from fedi_dataset.errors import UsageError
from fedi_dataset.posts import Account, Export, Post, PostKind, Visibility
from fedi_dataset.reasons import GATE

__all__ = ["Gate", "Grant", "Verdict"]

_REACH: Final = ("private", "gated", "public")
"""Recipients from the fewest to the most: consent to more covers less."""

_ONLY_BY_LOGIN: Final = frozenset({"mastodon-archive"})
"""Formats that a server gives to the account's owner only, so that holding one is evidence."""


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
    """Equal for all accounts of the event's subject."""
    attribution: str
    """``none``, or the words by which the author wants to be named."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Admitted, with the grant and no reason, or refused, with a reason and no grant."""

    reason: str | None
    grant: Grant | None


_REFUSED: Final = {reason: Verdict(reason, None) for reason in GATE}


@dataclass(frozen=True, slots=True)
class _Coverage:
    """What one consent says about single posts, ready to be compared."""

    consent: Given
    excluded_posts: frozenset[str]
    excluded_tags: frozenset[str]

    @classmethod
    def of(cls, consent: Given) -> _Coverage:
        return cls(
            consent,
            frozenset(map(spelling, consent.exclude.posts)),
            frozenset(map(_folded_tag, consent.exclude.tags)),
        )

    def refuses(self, post: Post) -> str | None:
        if post.created_at is not None and not self._covers_time(post.created_at):
            return "outside_dates"
        if post.visibility.value not in self.consent.visibilities:
            return "visibility_not_covered"
        if _names_post(self.excluded_posts, post) or (
            self.excluded_tags and not self.excluded_tags.isdisjoint(map(_folded_tag, post.tags))
        ):
            return "excluded_by_author"
        return "no_date" if post.created_at is None else None

    def _covers_time(self, time: datetime) -> bool:
        begin, end = self.consent.from_, self.consent.until
        return (begin is None or begin <= time) and (end is None or time < end)


@dataclass(frozen=True, slots=True)
class _Admission:
    """What the ledger and the account settle for all posts of an export, in the tests' order."""

    withdrawn_posts: frozenset[str]
    scope_reason: str | None
    """Consent that has expired, or does not reach this build."""
    coverage: _Coverage
    account_reason: str | None
    """Acquisition, evidence, age, signals, terms, license."""
    admitted: Verdict

    def told(self) -> tuple[object, ...]:
        return (
            self.coverage.consent,
            sorted(self.withdrawn_posts),
            self.scope_reason,
            self.account_reason,
            self.admitted,
        )

    def judge(self, post: Post) -> Verdict:
        if _names_post(self.withdrawn_posts, post):
            return _REFUSED["consent_withdrawn"]
        reason = self.scope_reason or self.coverage.refuses(post) or self.account_reason
        return _REFUSED[reason] if reason else self.admitted


class Gate:
    """Judges posts against one ledger and one config as of one time."""

    def __init__(
        self, ledger: Ledger, config: BuildConfig, as_of: datetime, terms: InstanceTerms
    ) -> None:
        """``as_of`` must be aware. A license that can never be taken is a :class:`UsageError`."""
        if as_of.tzinfo is None:
            raise UsageError("as_of needs a time zone, as in 2026-05-01T10:00:00Z")
        self._ledger = ledger
        self._config = config
        self._as_of = as_of
        self._terms = terms
        self._licenses = tuple(check_allowable(spdx) for spdx in config.allow_licenses)
        self._settled: dict[tuple[str, str], Verdict | _Admission] = {}

    def judge(self, post: Post, export: Export) -> Verdict:
        """Judge one post of an export; the first test that fails names the reason."""
        if reason := self._post_reason(post, export):
            return _REFUSED[reason]
        settled = self._of(export)
        return settled if isinstance(settled, Verdict) else settled.judge(post)

    def digest(self, export: Export) -> str:
        """Digest of all that decides the verdicts of an export, beside the export and the config.

        As long as it is the same, so are the verdicts: lower-case hex SHA-256.
        """
        settled = self._of(export)
        about = settled if isinstance(settled, Verdict) else settled.told()
        return hashlib.sha256(msgspec.json.encode(about, order="sorted")).hexdigest()

    def _of(self, export: Export) -> Verdict | _Admission:
        key = (export.export_id, export.acquisition)
        if key not in self._settled:
            self._settled[key] = self._settle(export)
        return self._settled[key]

    def _post_reason(self, post: Post, export: Export) -> str | None:
        if post.account != export.owner.uri:
            return "not_own"
        if post.kind is not PostKind.POST:
            return "not_a_post"
        if post.visibility is not Visibility.PUBLIC and not (
            post.visibility is Visibility.UNLISTED and self._config.unlisted
        ):
            return "not_public"
        return "deleted" if post.deleted else None

    def _settle(self, export: Export) -> Verdict | _Admission:
        """Settle an export: with a verdict for all its posts, or with what is left to test."""
        standing = self._ledger.standing(_spellings(export.owner), self._as_of)
        if (consent := standing.deciding) is None:
            return _REFUSED["no_consent"]
        if standing.withdrawn:
            return _REFUSED["consent_withdrawn"]
        return _Admission(
            withdrawn_posts=standing.withdrawn_posts,
            scope_reason=self._scope_reason(consent),
            coverage=_Coverage.of(consent),
            account_reason=self._account_reason(consent, export),
            admitted=Verdict(None, _grant(consent)),
        )

    def _scope_reason(self, consent: Given) -> str | None:
        if consent.expires is not None and consent.expires <= self._as_of:
            return "consent_expired"
        if self._config.purpose not in consent.purposes:
            return "purpose_not_covered"
        beyond_own_machines = self._config.recipients != "private"
        if _REACH.index(consent.recipients) < _REACH.index(self._config.recipients) or (
            beyond_own_machines
            and not ("dataset-publication" in consent.purposes and consent.special_categories)
        ):
            return "recipients_not_covered"
        return None

    def _account_reason(self, consent: Given, export: Export) -> str | None:
        if export.acquisition not in consent.acquisition:
            return "acquisition_not_covered"
        if not _evidence_suffices(consent, export):
            return "weak_evidence"
        if consent.age_at_least < self._config.minimum_age:
            return "under_age"
        if _standing_signals(consent, export.owner):
            return "signal_denied"
        if self._terms_refuse(export.owner.uri):
            return "instance_terms"
        if not is_allowed(parse_license(consent.license), self._licenses):
            return "license_refused"
        return None

    def _terms_refuse(self, uri: str) -> bool:
        """A DID names no server; any other account whose server cannot be told is refused."""
        if uri.startswith("did:"):
            return False
        host = _host(uri)
        return host is None or self._terms.refuses(host)


def _evidence_suffices(consent: Given, export: Export) -> bool:
    """What only a login gives is evidence in itself; what anyone can fetch asks for a public word.

    A proof counts as much as the author's own word, because no signature is verified here.
    """
    if export.acquisition == "own-export" and export.format in _ONLY_BY_LOGIN:
        return True
    return consent.evidence.method == "account-field" and bool(consent.evidence.ref.strip())


def _standing_signals(consent: Given, owner: Account) -> set[str]:
    """The signals that deny: all but those that the subject knew of and renewed in spite of."""
    overruled = consent.acknowledged if isinstance(consent, Renewed) else ()
    return set(owner.signals).difference(overruled)


def _spellings(account: Account) -> tuple[str, ...]:
    """The account's URI, and its aliases on the same host: no other server speaks for it."""
    host = _host(account.uri)
    return (account.uri, *(a for a in account.aliases if host is not None and _host(a) == host))


def _host(uri: str) -> str | None:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None  # no host can be told: matches nothing, and the terms refuse it
    return parts.hostname if parts.scheme in ("http", "https") else None


def _names_post(ids: frozenset[str], post: Post) -> bool:
    return bool(ids) and any(spelling(name) in ids for name in (post.uri, *post.aliases))


def _folded_tag(tag: str) -> str:
    return unicodedata.normalize("NFKC", tag).removeprefix("#").casefold()


def _grant(consent: Given) -> Grant:
    return Grant(
        event_id=consent.id,
        license=parse_license(consent.license),
        use=consent.use,
        expires=consent.expires,
        subject=consent.subject or min(map(spelling, consent.accounts)),
        attribution=consent.attribution,
    )
