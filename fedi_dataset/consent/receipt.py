"""A receipt: what a person agreed to, grouped as ISO/IEC TS 27560 groups a consent record.

The groups and their JSON keys are those of the W3C's Data Privacy Vocabulary (DPV) and its guide to
TS 27560 (profile ``dpv-27560:receipt``): metadata, subject, controller, notice, processes with
purposes, data, recipients, storage, and rights; then the history of the person's events. What DPV has
no term for stands under ``fedi:``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from fedi_dataset.consent.events import Given, Withdrawn, spelling
from fedi_dataset.consent.ledger import Ledger
from fedi_dataset.consent.proofs import Grade, evidence_grade
from fedi_dataset.errors import UsageError

__all__ = ["Receipt", "as_markdown", "describe"]

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
            "dct:issued": _time(self.issued),
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
            "fedi:history": [{"fedi:line": line, **_event(event)} for line, event in self.history],
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
                            "fedi:from": consent.from_ and _time(consent.from_),
                            "fedi:until": consent.until and _time(consent.until),
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
                    "dct:valid": consent.expires and _time(consent.expires),
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
        raise UsageError(f"no consent in {ledger.path} names {account} as of {_time(at)}")
    owner = ledger.index.of(account)
    history = tuple(
        (line, event)
        for line, event in enumerate(ledger.events, start=1)
        if isinstance(event, Given | Withdrawn)
        and any(ledger.index.of(name) == owner for name in event.accounts)
    )
    expired = consent.expires is not None and consent.expires <= at
    tag = _event(consent)["event"]
    return Receipt(
        account=spelling(account),
        issued=at,
        consent=consent,
        status="withdrawn" if standing.withdrawn else "expired" if expired else str(tag),
        grade=evidence_grade(consent),
        withdrawn_posts=tuple(sorted(standing.withdrawn_posts)),
        history=history,
    )


def as_markdown(receipt: Receipt, lang: str) -> str:
    """Give the receipt for people to read, in English (``en``) or German (``de``)."""
    words = _WORDS[lang]
    return "\n".join(_lines(receipt, words)) + "\n"


def _lines(receipt: Receipt, words: dict[str, str]) -> Iterator[str]:
    consent = receipt.consent
    none = words["none"]

    def values(*items: object) -> str:
        return ", ".join(words.get(str(item), str(item)) for item in items) or none

    def section(name: str, *rows: tuple[str, str]) -> Iterator[str]:
        yield from ("", f"## {words[name]}", "")
        yield from (f"- {words[row]}: {_plain(value)}" for row, value in rows)

    yield f"# {words['receipt']}"
    yield from section(
        "record",
        ("id", consent.id),
        ("issued", _time(receipt.issued)),
        ("status", words[receipt.status]),
        ("evidence", values(receipt.grade)),
    )
    yield from section(
        "subject", ("accounts", values(*consent.accounts)), ("age", str(consent.age_at_least))
    )
    yield from section("controller", ("contact", consent.controller or none))
    notice = consent.notice
    yield from section(
        "notice",
        ("source", notice.uri or none),
        ("language", notice.lang or none),
        ("version", notice.version or none),
        ("digest", notice.sha256),
    )
    yield from section("purposes", ("purpose", values(*consent.purposes)))
    yield from section(
        "processing",
        ("steps", words["what_happens"]),
        ("use", values(consent.use)),
        ("acquisition", values(*consent.acquisition)),
    )
    yield from section(
        "data",
        ("visibilities", values(*consent.visibilities)),
        ("from", _time(consent.from_) if consent.from_ else none),
        ("until", _time(consent.until) if consent.until else none),
        ("excluded_posts", values(*consent.exclude.posts)),
        ("excluded_tags", values(*consent.exclude.tags)),
        ("special", values("yes" if consent.special_categories else "no")),
        ("license", consent.license),
        ("attribution", values(consent.attribution)),
        ("terms_override", values(*consent.terms_override)),
        ("acknowledged", values(*consent.acknowledged)),
    )
    yield from section("recipients", ("recipient", values(consent.recipients)))
    expires = _time(consent.expires) if consent.expires else words["until_withdrawn"]
    yield from section("storage", ("expires", expires))
    yield from section(
        "rights",
        ("withdraw", words["how_to_withdraw"]),
        ("limits", words["what_withdrawal_cannot"]),
        ("others", words["other_rights"]),
        ("withdrawn_posts", values(*receipt.withdrawn_posts)),
    )
    yield from section("history")
    for line, event in receipt.history:
        told = _event(event)
        yield f"{line}. {told['at']}: {words[str(told['event'])]}"


def _plain(text: str) -> str:
    """A person's words in one line that Markdown leaves as they are."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("<", "\\<").replace("[", "\\[")


def _event(event: Given | Withdrawn) -> dict[str, object]:
    """Kind and time of an event, its id and what it takes back."""
    fields: dict[str, Any] = msgspec.to_builtins(event)
    return {name: fields[name] for name in ("event", "id", "at", "posts") if name in fields}


def _without_none(fields: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _time(time: datetime) -> str:
    text: str = msgspec.to_builtins(time)
    return text


_WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "receipt": "Receipt of your consent",
        "record": "Record",
        "id": "Number of the event",
        "issued": "As of",
        "status": "Status",
        "evidence": "Known by",
        "subject": "You",
        "accounts": "Accounts",
        "age": "Age that you stated, in years, at least",
        "controller": "Controller",
        "contact": "Responsible, and whom to write to",
        "notice": "What you were shown",
        "source": "Published at",
        "language": "Language",
        "version": "Version",
        "digest": "SHA-256 of the text",
        "purposes": "Purposes",
        "purpose": "Your posts are used for",
        "processing": "Processing",
        "steps": "What happens",
        "what_happens": "direct identifiers are removed, replies become dialogues, the words stay as written",
        "use": "Your words are",
        "acquisition": "Where they come from",
        "data": "Data",
        "visibilities": "Posts",
        "from": "Written at or after",
        "until": "Written before",
        "excluded_posts": "Posts left out",
        "excluded_tags": "Hashtags left out",
        "special": "Covers what reveals health, faith, politics and the like",
        "license": "License",
        "attribution": "Named as",
        "terms_override": "Servers whose terms you overrule for your own posts",
        "acknowledged": "Signals that you overrule",
        "recipients": "Recipients",
        "recipient": "Who gets the dataset",
        "storage": "How long",
        "expires": "Until",
        "until_withdrawn": "you withdraw",
        "rights": "Your rights",
        "withdraw": "To withdraw, as a whole or for single posts",
        "how_to_withdraw": "write to the controller; no reason is needed",
        "limits": "What withdrawal cannot do",
        "what_withdrawal_cannot": "call back copies that others downloaded, models trained before, "
        "or a Creative Commons license from those who already have it",
        "others": "You also may",
        "other_rights": "ask what is held of you, object, have it erased, and complain to a "
        "data protection authority",
        "withdrawn_posts": "Posts that you withdrew",
        "history": "What the ledger holds of you",
        "given": "given",
        "renewed": "renewed",
        "withdrawn": "withdrawn",
        "objected": "objected",
        "expired": "expired",
        "none": "none",
        "yes": "yes",
        "no": "no",
        "llm-fine-tuning": "training language models",
        "dataset-publication": "publishing a dataset",
        "research": "research",
        "private": "the controller alone",
        "gated": "whoever the controller lets in",
        "public": "public",
        "unlisted": "unlisted",
        "train": "trained on",
        "context": "read by the model, not trained on",
        "own-export": "the export that you handed over",
        "capture": "events that an operator recorded",
        "proof": "your signature",
        "account-field": "a word on your account's page",
        "self-asserted": "your word",
    },
    "de": {
        "receipt": "Beleg über Ihre Einwilligung",
        "record": "Eintrag",
        "id": "Nummer des Ereignisses",
        "issued": "Stand",
        "status": "Status",
        "evidence": "Bekannt durch",
        "subject": "Sie",
        "accounts": "Konten",
        "age": "Alter in Jahren, das Sie angegeben haben, mindestens",
        "controller": "Verantwortlicher",
        "contact": "Verantwortlich, und an wen Sie sich wenden",
        "notice": "Was Ihnen gezeigt wurde",
        "source": "Veröffentlicht unter",
        "language": "Sprache",
        "version": "Fassung",
        "digest": "SHA-256 des Textes",
        "purposes": "Zwecke",
        "purpose": "Ihre Beiträge dienen",
        "processing": "Verarbeitung",
        "steps": "Was geschieht",
        "what_happens": "direkte Kennungen werden entfernt, aus Antworten werden Dialoge, "
        "der Wortlaut bleibt",
        "use": "Ihre Worte",
        "acquisition": "Woher sie kommen",
        "data": "Daten",
        "visibilities": "Beiträge",
        "from": "Geschrieben ab",
        "until": "Geschrieben vor",
        "excluded_posts": "Ausgenommene Beiträge",
        "excluded_tags": "Ausgenommene Hashtags",
        "special": "Umfasst, was Gesundheit, Glauben, politische Meinung und Ähnliches verrät",
        "license": "Lizenz",
        "attribution": "Genannt als",
        "terms_override": "Server, über deren Bedingungen Sie sich für eigene Beiträge hinwegsetzen",
        "acknowledged": "Signale, über die Sie sich hinwegsetzen",
        "recipients": "Empfänger",
        "recipient": "Wer den Datensatz bekommt",
        "storage": "Wie lange",
        "expires": "Bis",
        "until_withdrawn": "zu Ihrem Widerruf",
        "rights": "Ihre Rechte",
        "withdraw": "Widerrufen, ganz oder für einzelne Beiträge",
        "how_to_withdraw": "schreiben Sie dem Verantwortlichen; ein Grund ist nicht nötig",
        "limits": "Was der Widerruf nicht kann",
        "what_withdrawal_cannot": "Kopien zurückholen, die andere heruntergeladen haben, zuvor "
        "trainierte Modelle, oder eine Creative-Commons-Lizenz von denen, die sie schon haben",
        "others": "Außerdem können Sie",
        "other_rights": "Auskunft verlangen, widersprechen, löschen lassen und sich bei einer "
        "Datenschutzaufsicht beschweren",
        "withdrawn_posts": "Widerrufene Beiträge",
        "history": "Was das Verzeichnis von Ihnen enthält",
        "given": "erteilt",
        "renewed": "erneuert",
        "withdrawn": "widerrufen",
        "objected": "widersprochen",
        "expired": "abgelaufen",
        "none": "keine Angabe",
        "yes": "ja",
        "no": "nein",
        "llm-fine-tuning": "dem Training von Sprachmodellen",
        "dataset-publication": "der Veröffentlichung eines Datensatzes",
        "research": "der Forschung",
        "private": "der Verantwortliche allein",
        "gated": "wen der Verantwortliche zulässt",
        "public": "öffentlich",
        "unlisted": "nicht gelistet",
        "train": "werden trainiert",
        "context": "werden vom Modell gelesen, nicht trainiert",
        "own-export": "der Export, den Sie übergeben haben",
        "capture": "Ereignisse, die ein Betreiber aufgezeichnet hat",
        "proof": "Ihre Unterschrift",
        "account-field": "ein Wort auf der Seite Ihres Kontos",
        "self-asserted": "Ihr Wort",
    },
}
