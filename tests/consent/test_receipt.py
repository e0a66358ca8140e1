"""The receipt: every field of a consent is in it, in DPV's terms and in people's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fedi_dataset.consent import receipt_text as module
from fedi_dataset.consent.events import Event, Evidence, Exclude, Notice
from fedi_dataset.consent.receipt import describe
from fedi_dataset.consent.receipt_text import as_markdown
from fedi_dataset.errors import UsageError
from tests.consent.events import (
    ALICE,
    BOB,
    CAROL,
    day,
    given,
    ledger_of,
    objected,
    renewed,
    withdrawn,
)

POST = "https://mastodon.example/users/alice/statuses/1"
RICH: dict[str, Any] = {
    "accounts": (ALICE, CAROL),
    "subject": "urn:uuid:alice",
    "controller": "https://steward.example",
    "recipients": "gated",
    "purposes": ("llm-fine-tuning", "dataset-publication"),
    "special_categories": True,
    "attribution": "Alice A.",
    "age_at_least": 17,
    "visibilities": ("public", "unlisted"),
    "from_": day(1),
    "until": day(20),
    "expires": day(25),
    "exclude": Exclude(posts=(POST,), tags=("diary",)),
    "use": "context",
    "terms_override": ("mastodon.example",),
    "acknowledged": ("bio:#noai",),
    "notice": Notice(sha256="ab" * 32, uri="https://steward.example/n", lang="en", version="3"),
    "evidence": Evidence(method="account-field", ref="https://mastodon.example/@alice"),
}


def dpv(*events: Event) -> dict[str, Any]:
    """Alice's receipt of 9 May as JSON."""
    told: dict[str, Any] = json.loads(
        json.dumps(describe(ledger_of(*events), ALICE, day(9)).as_dpv())
    )
    return told


def test_json_holds_what_was_agreed_in_the_terms_of_dpv() -> None:
    """Grouped as TS 27560 groups it, one process a purpose."""
    told = dpv(given(**RICH))
    assert {name: told[name] for name in list(told)[1:6]} == {
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": "dpv-27560:receipt",
        "dpv:hasIdentifier": "urn:uuid:0",
        "dct:issued": "2026-05-09T12:00:00Z",
        "dpv:hasConsentStatus": "dpv:ConsentGiven",
    }
    assert told["dpv:hasDataSubject"] == {
        "@type": "dpv:DataSubject",
        "dpv:hasIdentifier": "urn:uuid:alice",
        "fedi:accounts": [ALICE, CAROL],
        "fedi:ageAtLeast": 17,
    }
    assert told["dpv:hasDataController"]["dpv:hasIdentifier"] == "https://steward.example"
    assert told["dpv:hasNotice"] == {
        "@type": "dpv:ConsentNotice",
        "dct:source": "https://steward.example/n",
        "dct:language": "en",
        "dct:hasVersion": "3",
        "fedi:sha256": "ab" * 32,
    }
    assert told["dpv:hasLegalBasis"] == "dpv:ExplicitlyExpressedConsent"
    assert [one["dpv:hasPurpose"]["dpv:hasIdentifier"] for one in told["dpv:hasProcess"]] == [
        "llm-fine-tuning",
        "dataset-publication",
    ]
    process = told["dpv:hasProcess"][0]
    assert process["dpv:hasPersonalData"] == [
        {
            "@type": "pd:SocialMediaCommunication",
            "fedi:visibilities": ["public", "unlisted"],
            "fedi:from": "2026-05-01T12:00:00Z",
            "fedi:until": "2026-05-20T12:00:00Z",
            "fedi:excludedPosts": [POST],
            "fedi:excludedTags": ["diary"],
            "fedi:use": "context",
            "dct:license": "CC-BY-4.0",
            "fedi:attribution": "Alice A.",
            "fedi:termsOverride": ["mastodon.example"],
            "fedi:acknowledgedSignals": ["bio:#noai"],
        },
        {"@type": "dpv:SpecialCategoryPersonalData"},
    ]
    assert process["dpv:hasRecipient"] == {
        "@type": "dpv:ThirdParty",
        "dpv:hasIdentifier": "gated",
    }
    assert process["dpv:hasStorageCondition"]["dct:valid"] == "2026-05-25T12:00:00Z"
    assert told["fedi:evidence"]["fedi:grade"] == "account-field"


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((given(),), "dpv:ConsentGiven"),
        ((given(), renewed()), "dpv:RenewedConsentGiven"),
        ((given(expires=day(8)),), "dpv:ConsentExpired"),
        ((given(), withdrawn()), "dpv:ConsentWithdrawn"),
        ((given(), objected()), "dpv:ConsentWithdrawn"),
        ((given(), withdrawn(posts=(POST,))), "dpv:ConsentGiven"),
    ],
)
def test_the_status_is_what_stands(events: tuple[Event, ...], status: str) -> None:
    """The same answer as the gate's."""
    assert dpv(*events)["dpv:hasConsentStatus"] == status


def test_the_history_is_the_owners_and_nobody_elses() -> None:
    """All events of the person, under any of their accounts, with the posts taken back."""
    told = dpv(
        given(accounts=(BOB,)),
        given(accounts=(ALICE, CAROL)),
        withdrawn(accounts=(CAROL,), posts=(POST,)),
        withdrawn(accounts=(BOB,)),
    )
    assert [(event["fedi:line"], event["event"]) for event in told["fedi:history"]] == [
        (2, "given"),
        (3, "withdrawn"),
    ]
    assert told["fedi:withdrawnPosts"] == [POST]
    assert BOB not in json.dumps(told)


def test_nobody_gets_a_receipt_for_what_was_not_given() -> None:
    """No consent, or none yet."""
    for events in ((), (given(accounts=(BOB,)),), (given(at=day(10)),)):
        with pytest.raises(UsageError, match="no consent in"):
            describe(ledger_of(*events), ALICE, day(9))


@pytest.mark.parametrize("lang", ["en", "de"])
def test_markdown_says_it_all_in_both_languages(lang: str) -> None:
    """Every group is a section, and every value stands in it."""
    events = (given(**RICH), withdrawn(posts=(POST,)))
    text = as_markdown(describe(ledger_of(*events), ALICE, day(9)), lang)
    words = module._WORDS[lang]
    sections = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert sections == [
        words[name]
        for name in (
            "record",
            "subject",
            "controller",
            "notice",
            "purposes",
            "processing",
            "data",
            "recipients",
            "storage",
            "rights",
            "history",
        )
    ]
    for value in (
        ALICE,
        CAROL,
        "https://steward.example",
        "ab" * 32,
        "CC-BY-4.0",
        "Alice A.",
        POST,
    ):
        assert value in text
    for value in ("diary", "bio:#noai", "2026-05-25T12:00:00Z", words["gated"], words["context"]):
        assert value in text
    assert f"1. 2026-05-01T12:00:00Z: {words['given']}" in text
    assert f"2. 2026-05-02T12:00:00Z: {words['withdrawn']}" in text


def test_both_languages_have_the_same_words() -> None:
    """Nothing is said in one language only."""
    assert set(module._WORDS["en"]) == set(module._WORDS["de"])


def test_a_persons_words_make_no_markup() -> None:
    """A name with a line break, a tag or a link stays a name."""
    event = given(attribution="A\n## Rights\n[x](https://h.example) <b>")
    text = as_markdown(describe(ledger_of(event), ALICE, day(9)), "en")
    assert "- Named as: A ## Rights \\[x](https://h.example) \\<b>" in text
