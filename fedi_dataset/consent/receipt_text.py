"""A receipt for people to read: in Markdown, in the languages that notices come in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fedi_dataset.consent.receipt import Receipt, as_time, told

__all__ = ["as_markdown"]


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
        ("issued", as_time(receipt.issued)),
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
        ("from", as_time(consent.from_) if consent.from_ else none),
        ("until", as_time(consent.until) if consent.until else none),
        ("excluded_posts", values(*consent.exclude.posts)),
        ("excluded_tags", values(*consent.exclude.tags)),
        ("special", values("yes" if consent.special_categories else "no")),
        ("license", consent.license),
        ("attribution", values(consent.attribution)),
        ("terms_override", values(*consent.terms_override)),
        ("acknowledged", values(*consent.acknowledged)),
    )
    yield from section("recipients", ("recipient", values(consent.recipients)))
    expires = as_time(consent.expires) if consent.expires else words["until_withdrawn"]
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
        fields = told(event)
        yield f"{line}. {fields['at']}: {words[str(fields['event'])]}"


def _plain(text: str) -> str:
    """A person's words in one line that Markdown leaves as they are."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("<", "\\<").replace("[", "\\[")


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
