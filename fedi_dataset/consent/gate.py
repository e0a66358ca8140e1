"""The gate: the one place where a post meets its verdict. Default deny.

Each test refuses with one reason of :data:`fedi_dataset.reasons.GATE`; the first that fails names
it. What hangs on the account alone (its consent, evidence, age and license, what it signals) is
settled once for each export; what hangs on the post is tested post by post. :meth:`Gate.judge` reads
no words; of a post that it admits, :meth:`Gate.judge_words` then reads what the post itself says
about its use, which can only narrow. An error in here is raised, so that it admits nobody.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.admission import (
    Admission,
    Coverage,
    Grant,
    Refusal,
    TermsStanding,
    Verdict,
    day_of,
    overruled,
    server_of,
)
from fedi_dataset.consent.ledger import Given, Ledger, spelling
from fedi_dataset.consent.licenses import parse_license
from fedi_dataset.consent.proofs import evidence_grade
from fedi_dataset.consent.signals import (
    consumer_names,
    denies_consumer,
    footer_signals,
    sorted_signals,
)
from fedi_dataset.consent.targets import narrowed, spoken, target_of, verdict
from fedi_dataset.consent.terms import InstanceTerms
from fedi_dataset.errors import UsageError
from fedi_dataset.posts import Account, Body, Export, Post, PostKind, Signal, Visibility
from fedi_dataset.text.footers import footer_of, license_mentions
from fedi_dataset.text.html import to_marked

__all__ = ["Gate", "Grant", "TermsStanding", "Verdict", "spellings_of"]

_HASHTAG: Final = re.compile(r"#(\w+)")
_REACH: Final = ("private", "gated", "public")
"""Recipients from the fewest to the most: consent to more covers less."""

_ONLY_BY_LOGIN: Final = frozenset({"mastodon-archive"})
"""Formats that a server gives to the account's owner only, so that holding one is evidence."""


class Gate:
    """Judges posts against one ledger and one config as of one time."""

    def __init__(
        self,
        ledger: Ledger,
        config: BuildConfig,
        as_of: datetime,
        terms: InstanceTerms,
        exports: Iterable[Export] = (),
    ) -> None:
        """``exports`` are all of the build: what one of an account's exports denies, all of them deny.

        ``as_of`` must be aware. Licenses that no build can take are a :class:`UsageError`."""
        if as_of.tzinfo is None:
            raise UsageError("as_of needs a time zone, as in 2026-05-01T10:00:00Z")
        self._ledger = ledger
        self._config = config
        self._as_of = as_of
        self._terms = terms
        self._target = target_of(config.allow_licenses)
        self._exports = tuple(exports)
        self._signals: dict[str, tuple[Signal, ...]] = {}
        for export in self._exports:
            self._signals[spelling(export.owner.uri)] = self._signals_of(export.owner)
        self._settled: dict[tuple[str, str], Verdict | Admission] = {}

    def judge(self, post: Post, export: Export) -> Verdict:
        """Judge one post of an export, without its words; the first test that fails names the reason."""
        if reason := self._post_reason(post, export):
            return Verdict(reason, None)
        settled = self.settled(export)
        return settled if isinstance(settled, Verdict) else settled.judge(post)

    def judge_words(self, post: Post, body: Body, export: Export, former: Verdict) -> Verdict:
        """Judge what an admitted post says of its own use: a refusal, or ``former`` with the row's license.

        A hashtag that the author leaves out counts in the words too, where no platform made a tag of it.
        A "no AI" in its footer is a signal. A license that it states, in a property or a footer,
        narrows the author's grant in the ledger (see :func:`fedi_dataset.consent.targets.narrowed`).
        """
        settled = self.settled(export)
        if former.grant is None or isinstance(settled, Verdict):
            return former
        if settled.coverage.excluded_tags and settled.coverage.excludes_one_of(_tags_in(body)):
            return Verdict("excluded_by_author", None)
        footer = footer_of(body)
        if denied := settled.denied(post, footer_signals(footer)):
            return Verdict("signal_denied", None, denied)
        license_ = former.grant.license
        for stated in (*filter(None, [body.license]), *license_mentions(footer)):
            joined = narrowed(license_, stated, self._target)
            if joined is None:
                return Verdict("license_refused", None, spoken(stated))
            license_ = joined
        return Verdict(None, replace(former.grant, license=license_))

    def digest(self, export: Export) -> str:
        """Digest of all that decides the verdicts of an export, beside the export and the config.

        As long as it is the same, so are the verdicts: lower-case hex SHA-256.
        """
        settled = self.settled(export)
        about: list[object] = [settled if isinstance(settled, Verdict) else settled.told()]
        about += [term for term in self._terms.terms if term.holds(day_of(self._as_of))]
        if any(signal.older_than is not None for signal in self._signals_of(export.owner)):
            about.append(day_of(self._as_of))
        return hashlib.sha256(msgspec.json.encode(about, order="sorted")).hexdigest()

    def settled(self, export: Export) -> Verdict | Admission:
        """Give what hangs on the account alone: a verdict for all of its posts, or what is left to test of each."""
        key = (export.export_id, export.acquisition)
        if key not in self._settled:
            self._settled[key] = self._settle(export)
        return self._settled[key]

    def named_posts(self) -> frozenset[str]:
        """Give the posts that the owners of the build's exports excluded or took back one by one."""
        settled = (one for one in map(self.settled, self._exports) if isinstance(one, Admission))
        return frozenset().union(
            *(one.withdrawn_posts | one.coverage.excluded_posts for one in settled)
        )

    def _signals_of(self, account: Account) -> tuple[Signal, ...]:
        return sorted_signals([*account.signals, *self._signals.get(spelling(account.uri), ())])

    def _post_reason(self, post: Post, export: Export) -> str | None:
        if post.account != export.owner.uri:
            return "not_own"
        if post.kind is not PostKind.POST:
            withdrawn = post.deleted and post.kind is PostKind.OTHER  # a Delete activity
            return "deleted" if withdrawn else "not_a_post"
        if post.visibility is not Visibility.PUBLIC and not (
            post.visibility is Visibility.UNLISTED and self._config.unlisted
        ):
            return "not_public"
        return "deleted" if post.deleted else None

    def _settle(self, export: Export) -> Verdict | Admission:
        """Settle an export: with a verdict for all its posts, or with what is left to test."""
        standing = self._ledger.standing(spellings_of(export.owner), self._as_of)
        if (consent := standing.deciding) is None:
            return Verdict("no_consent", None)
        if standing.withdrawn:
            return Verdict("consent_withdrawn", None)
        us = consumer_names([consent.controller, self._config.controller])
        return Admission(
            export=export,
            as_of=self._as_of,
            terms=self._terms,
            withdrawn_posts=standing.withdrawn_posts,
            scope_reason=self._scope_reason(consent),
            coverage=Coverage.of(consent),
            account_reason=self._account_reason(consent, export),
            signals=tuple(
                one
                for one in self._signals_of(export.owner)
                if denies_consumer(one, us) and not overruled(one.name, one.declared_at, consent)
            ),
            license_reason=self._license_reason(consent),
            grant=_grant(consent, standing.subject),
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
        return "under_age" if consent.age_at_least < self._config.minimum_age else None

    def _license_reason(self, consent: Given) -> Refusal | None:
        license_ = parse_license(consent.license)
        refused = verdict(license_, self._target) == "refuse"
        return ("license_refused", license_) if refused else None


def _evidence_suffices(consent: Given, export: Export) -> bool:
    """What only a login gives is evidence in itself; what anyone can fetch asks for a public word."""
    if export.acquisition == "own-export" and export.format in _ONLY_BY_LOGIN:
        return True
    return evidence_grade(consent) in ("account-field", "proof")


def _tags_in(body: Body) -> list[str]:
    """Hashtags as they stand in the words, without #."""
    content = to_marked(body.content).text if body.content_type == "text/html" else body.content
    said = [content, body.title or "", body.summary or "", *body.poll_options]
    return _HASHTAG.findall(unicodedata.normalize("NFKC", "\n".join(said)))


def spellings_of(account: Account) -> tuple[str, ...]:
    """The account's URI, and its aliases on the same host: no other server speaks for it."""
    host = server_of(account.uri)
    return (account.uri, *(a for a in account.aliases if host is not None and server_of(a) == host))


def _grant(consent: Given, subject: str) -> Grant:
    return Grant(
        event_id=consent.id,
        license=parse_license(consent.license),
        use=consent.use,
        expires=consent.expires,
        subject=subject,
        attribution=consent.attribution,
        terms="unchecked",
    )
