"""A receipt: what a person agreed to, grouped as ISO/IEC TS 27560 groups a consent record.

The groups and their JSON keys are those of the W3C's Data Privacy Vocabulary (DPV) and its guide to
TS 27560 (profile ``dpv-27560:receipt``): metadata, subject, controller, notice, processes with
purposes, data, recipients, storage, and rights; then the history of the person's events. What DPV has
no term for stands under ``fedi:``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from fedi_dataset.consent.events import Given, Withdrawn
from fedi_dataset.consent.ledger import Ledger
from fedi_dataset.consent.proofs import Grade, evidence_grade
from fedi_dataset.consent.uris import spelling
from fedi_dataset.errors import UsageError

__all__ = ["Receipt", "as_time", "describe", "told"]

_STATUS: Final = {
    "given": "dpv:ConsentGiven",
    "renewed": "dpv:RenewedConsentGiven",
    "expired": "dpv:ConsentExpired",
    "withdrawn": "dpv:ConsentWithdrawn",
}
_PURPOSES: Final = {
    "llm-fine-tuning": "dpv:ResearchAndDevelopment",
    "dataset-publication": "dpv:Purpose",
    "research": "dpv:ResearchAndDevelopment",
}
_RECIPIENTS: Final = {
    "private": "dpv:DataController",
    "gated": "dpv:ThirdParty",
    "public": "dpv:ThirdParty",
}
_CONTEXT: Final = {
    "dpv": "https://w3id.org/dpv#",
    "dpv-27560": "https://w3id.org/dpv/schema/dpv-27560#",
    "pd": "https://w3id.org/dpv/pd#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "dct": "http://purl.org/dc/terms/",
    "fedi": "urn:fedi-dataset:consent#",
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the ledger says of one account, and of its owner's other accounts."""

    account: str
    issued: datetime
    consent: Given
    """The newest consent as of ``issued``."""
    status: str
    """``given``, ``renewed``, ``expired`` or ``withdrawn``."""
    grade: Grade
    withdrawn_posts: tuple[str, ...]
    history: tuple[tuple[int, Given | Withdrawn], ...]
    """The owner's events with their line numbers, from 1."""

    def as_dpv(self) -> dict[str, object]:
        """Give the receipt as a JSON-LD object in DPV's terms."""
        consent = self.consent
        return {
            "@context": _CONTEXT,
            "@type": "dpv:ConsentReceipt",
            "dct:conformsTo": "dpv-27560:receipt",
            "dpv:hasIdentifier": consent.id,
            "dct:issued": as_time(self.issued),
            "dpv:hasConsentStatus": _STATUS[self.status],
            "dpv:hasDataSubject": _without_none(
                {
                    "@type": "dpv:DataSubject",
                    "dpv:hasIdentifier": consent.subject,
                    "fedi:accounts": list(consent.accounts),
                    "fedi:ageAtLeast": consent.age_at_least,
                }
            ),
            "dpv:hasDataController": _without_none(
                {"@type": "dpv:DataController", "dpv:hasIdentifier": consent.controller}
            ),
            "dpv:hasNotice": _without_none(
                {
                    "@type": "dpv:ConsentNotice",
                    "dct:source": consent.notice.uri,
                    "dct:language": consent.notice.lang,
                    "dct:hasVersion": consent.notice.version,
                    "fedi:sha256": consent.notice.sha256,
                }
            ),
            "dpv:hasLegalBasis": "dpv:ExplicitlyExpressedConsent"
            if consent.special_categories
            else "dpv:ExpressedConsent",
            "dpv:hasProcess": [self._process(purpose) for purpose in consent.purposes],
            "dpv:hasRight": [
                {"@type": "eu-gdpr:A7-3", "dct:title": "withdraw consent"},
                {"@type": "eu-gdpr:A15", "dct:title": "access"},
                {"@type": "eu-gdpr:A17", "dct:title": "erasure"},
                {"@type": "eu-gdpr:A21", "dct:title": "object"},
            ],
            "fedi:evidence": {
                "fedi:grade": self.grade,
                "fedi:method": consent.evidence.method,
                "dct:source": consent.evidence.ref,
            },
            "fedi:withdrawnPosts": list(self.withdrawn_posts),
            "fedi:history": [{"fedi:line": line, **told(event)} for line, event in self.history],
        }

    def _process(self, purpose: str) -> dict[str, object]:
        consent = self.consent
        return {
            "@type": "dpv:Process",
            "dpv:hasPurpose": {"@type": _PURPOSES[purpose], "dpv:hasIdentifier": purpose},
            "dpv:hasProcessing": [
                "dpv:Collect",
                "dpv:Pseudonymise",
                "dpv:Adapt",
                "dpv:Store",
                *(["dpv:MakeAvailable"] if consent.recipients != "private" else []),
            ],
            "dpv:hasPersonalData": [
                {
                    "@type": "pd:SocialMediaCommunication",
                    **_without_none(
                        {
                            "fedi:visibilities": list(consent.visibilities),
                            "fedi:from": consent.from_ and as_time(consent.from_),
                            "fedi:until": consent.until and as_time(consent.until),
                            "fedi:excludedPosts": list(consent.exclude.posts),
                            "fedi:excludedTags": list(consent.exclude.tags),
                            "fedi:use": consent.use,
                            "dct:license": consent.license,
                            "fedi:attribution": consent.attribution,
                            "fedi:termsOverride": list(consent.terms_override),
                            "fedi:acknowledgedSignals": list(consent.acknowledged),
                        }
                    ),
                },
                *(
                    [{"@type": "dpv:SpecialCategoryPersonalData"}]
                    if consent.special_categories
                    else []
                ),
            ],
            "dpv:hasDataSource": [{"fedi:acquisition": way} for way in consent.acquisition],
            "dpv:hasRecipient": {
                "@type": _RECIPIENTS[consent.recipients],
                "dpv:hasIdentifier": consent.recipients,
            },
            "dpv:hasStorageCondition": _without_none(
                {
                    "@type": "dpv:StorageDuration",
                    "dpv:hasDuration": "dpv:UntilEventDuration"
                    if consent.expires is None
                    else "dpv:UntilTimeDuration",
                    "dct:valid": consent.expires and as_time(consent.expires),
                }
            ),
        }


def describe(ledger: Ledger, account: str, at: datetime) -> Receipt:
    """Say what the owner of an account agreed to, as of ``at`` (aware).

    Raises :class:`UsageError` if no consent as of then names the account.
    """
    standing = ledger.standing([account], at)
    consent = standing.deciding
    if consent is None:
        raise UsageError(f"no consent in {ledger.path} names {account} as of {as_time(at)}")
    expired = consent.expires is not None and consent.expires <= at
    tag = told(consent)["event"]
    return Receipt(
        account=spelling(account),
        issued=at,
        consent=consent,
        status="withdrawn" if standing.withdrawn else "expired" if expired else str(tag),
        grade=evidence_grade(consent),
        withdrawn_posts=tuple(sorted(standing.withdrawn_posts)),
        history=tuple(ledger.naming(ledger.accounts_with(account))),
    )


def told(event: Given | Withdrawn) -> dict[str, object]:
    """Give kind and time of an event, its id and what it takes back."""
    fields: dict[str, Any] = msgspec.to_builtins(event)
    return {name: fields[name] for name in ("event", "id", "at", "posts") if name in fields}


def _without_none(fields: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def as_time(time: datetime) -> str:
    """Give a time as the ledger writes it."""
    text: str = msgspec.to_builtins(time)
    return text
