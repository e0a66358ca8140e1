"""Signed consent: the published test vectors, and every way in which a proof does not count."""

from __future__ import annotations

import builtins
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import base58
import msgspec
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fedi_dataset.consent import proofs
from fedi_dataset.consent.events import Evidence, Given
from fedi_dataset.consent.proofs import (
    document_to_sign,
    evidence_grade,
    proof_flaw,
    statements_in,
)
from fedi_dataset.errors import MissingExtra, UsageError
from tests.consent.events import ALICE, CAROL, day, given, renewed

# The key pair of the test vectors of W3C vc-di-eddsa, FEP-8b32 and FEP-c390.
PUBLIC = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
DID = f"did:key:{PUBLIC}"
PRIVATE = Ed25519PrivateKey.from_private_bytes(
    base58.b58decode("3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq")[2:]
)
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
OPTIONS = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-jcs-2022",
    "created": "2023-02-24T23:36:38Z",
    "verificationMethod": DID,
    "proofPurpose": "assertionMethod",
}
AT = datetime(2026, 5, 1, tzinfo=UTC)
PAGE = Evidence(method="proof", ref="https://mastodon.example/@alice", keys={ALICE: DID})


def did_of(key: Ed25519PrivateKey) -> str:
    """The did:key of a private key's public half."""
    raw = b"\xed\x01" + key.public_key().public_bytes_raw()
    return "did:key:z" + base58.b58encode(raw).decode()


def signature(
    options: dict[str, Any], document: dict[str, Any], key: Ed25519PrivateKey = PRIVATE
) -> str:
    """A proofValue, worked out from the specification and nothing of ours."""
    digests = [hashlib.sha256(rfc8785.dumps(part)).digest() for part in (options, document)]
    return "z" + base58.b58encode(key.sign(b"".join(digests))).decode()


def signed(
    event: Given, options: dict[str, Any] | None = None, key: Ed25519PrivateKey = PRIVATE
) -> Given:
    """The event with a proof by the key over it as it is."""
    chosen = {**OPTIONS, "verificationMethod": did_of(key), **(options or {})}
    document = json.loads(msgspec.json.encode(event))
    document.pop("prev")
    proof = {**chosen, "proofValue": signature(chosen, document, key)}
    return msgspec.structs.replace(event, proof=proof)


def statement(
    account: str = ALICE, key: Ed25519PrivateKey = PRIVATE, **changes: Any
) -> dict[str, Any]:
    """An identity statement (FEP-c390), signed by its own subject."""
    fields = {"type": "VerifiableIdentityStatement", "subject": did_of(key), "alsoKnownAs": account}
    fields |= changes
    options = {**OPTIONS, "verificationMethod": did_of(key)}
    return {**fields, "proof": {**options, "proofValue": signature(options, fields, key)}}


CONTEXT = [
    "https://www.w3.org/ns/credentials/v2",
    "https://www.w3.org/ns/credentials/examples/v2",
]
CREDENTIAL: dict[str, Any] = {
    "@context": CONTEXT,
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
}
CREDENTIAL_PROOF: dict[str, Any] = {
    **OPTIONS,
    "verificationMethod": f"{DID}#{PUBLIC}",
    "@context": CONTEXT,
    "proofValue": "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX",
}


def test_the_vector_of_the_w3c_verifies() -> None:
    """Data Integrity EdDSA Cryptosuites v1.0, representation eddsa-jcs-2022."""
    assert proofs._flaw(CREDENTIAL, CREDENTIAL_PROOF, AT) is None


def test_the_hashes_of_the_w3c_vector_are_those_that_are_signed() -> None:
    """The combined hashes and the signature that the specification prints."""
    options = {k: v for k, v in CREDENTIAL_PROOF.items() if k != "proofValue"}
    digests = [hashlib.sha256(rfc8785.dumps(part)).hexdigest() for part in (options, CREDENTIAL)]
    assert digests == [
        "66ab154f5c2890a140cb8388a22a160454f80575f6eae09e5a097cabe539a1db",
        "59b7cb6251b8991add1ce0bc83107e3db9dbbab5bd2c28f687db1a03abc92f19",
    ]
    assert signature(options, CREDENTIAL) == CREDENTIAL_PROOF["proofValue"]


def test_a_context_may_be_extended_but_not_changed() -> None:
    """The document's context starts with the one that was signed."""
    longer = {**CREDENTIAL, "@context": [*CONTEXT, "https://more.example"]}
    assert proofs._flaw(longer, CREDENTIAL_PROOF, AT) is None
    for context in (CONTEXT[::-1], CONTEXT[:1], None):
        other = {**CREDENTIAL, "@context": context}
        assert proofs._flaw(other, CREDENTIAL_PROOF, AT) is not None


def test_the_vector_of_fep_8b32_is_what_our_rule_signs() -> None:
    """Its key is named by URL, so that only the signature is compared."""
    document = {
        "@context": [
            "https://www.w3.org/ns/activitystreams",
            "https://w3id.org/security/data-integrity/v1",
        ],
        "type": "Create",
        "actor": "https://server.example/users/alice",
        "object": {"type": "Note", "content": "Hello world"},
    }
    options = {
        **OPTIONS,
        "verificationMethod": "https://server.example/users/alice#ed25519-key",
    }
    assert signature(options, document) == (
        "z3sXaxjKs4M3BRicwWA9peyNPJvJqxtGsDmpt1jjoHCjgeUf71TRFz56osPSfDErszyLp5Ks1EhYSgpDaNM977Rg2"
    )


@pytest.mark.parametrize(
    ("suite", "value"),
    [
        (
            "jcs-eddsa-2022",
            "zYqr4eFzrnUWiBDaa7SmBhfaSBiv6BFRsDRGkmaCJpXArPBspFWNM6NXu77R7JakdzbUdjZihBa28LuWscZxSfRk",
        ),
        (
            "eddsa-jcs-2022",
            "z26W7TfJYD9DrGqnem245zNbeCbTwjb8avpduzi1JPhFrwML99CpP6gGXSKSXAcQdpGFBXF4kx7VwtXKhu7VDZJ54",
        ),
    ],
)
def test_the_vectors_of_fep_c390_bind_the_key(suite: str, value: str) -> None:
    """Under the suite's present name and under its old one, and only for the account they name."""
    alice = "https://server.example/users/alice"
    found = {
        "type": "VerifiableIdentityStatement",
        "subject": DID,
        "alsoKnownAs": alice,
        "proof": {**OPTIONS, "cryptosuite": suite, "proofValue": value},
    }
    evidence = Evidence(method="proof", ref=alice, statements=(found,))
    assert evidence_grade(signed(given(accounts=(alice,), evidence=evidence))) == "proof"
    assert evidence_grade(signed(given(evidence=evidence))) == "self-asserted"


def test_a_proof_by_a_key_that_the_steward_knows_counts() -> None:
    """For given and renewed, in either name of the suite, with the key once more as a fragment."""
    assert evidence_grade(signed(given(evidence=PAGE))) == "proof"
    assert evidence_grade(signed(renewed(evidence=PAGE))) == "proof"
    assert (
        evidence_grade(signed(given(evidence=PAGE), {"cryptosuite": "jcs-eddsa-2022"})) == "proof"
    )
    method = {"verificationMethod": f"{DID}#{PUBLIC}"}
    assert evidence_grade(signed(given(evidence=PAGE), method)) == "proof"


def test_the_place_in_the_chain_is_not_signed_and_everything_else_is() -> None:
    """prev may change; no other field may."""
    event = signed(given(evidence=PAGE))
    assert proof_flaw(msgspec.structs.replace(event, prev="ab" * 32)) is None
    for changes in (
        {"id": "urn:uuid:9"},
        {"at": day(2)},
        {"license": "CC0-1.0"},
        {"age_at_least": 19},
        {"recipients": "public"},
        {"special_categories": True},
        {"until": day(9)},
        {"terms_override": ("mastodon.example",)},
    ):
        flaw = proof_flaw(msgspec.structs.replace(event, **changes))
        assert flaw == "its signature is not that of the key over this event"
    assert set(document_to_sign(event)) == {
        {"from_": "from"}.get(name, name)
        for name in Given.__struct_fields__
        if name not in ("prev", "proof")
    } | {"event"}


@pytest.mark.parametrize(
    ("options", "flaw"),
    [
        ({"type": "Ed25519Signature2020"}, "no DataIntegrityProof"),
        ({"cryptosuite": "eddsa-rdfc-2022"}, "no DataIntegrityProof"),
        ({"proofPurpose": "authentication"}, "purpose"),
        ({"expires": "2026-04-30T00:00:00Z"}, "expired"),
        ({"expires": "soon"}, "expired"),
        ({"@context": CONTEXT}, "@context"),
        ({"verificationMethod": f"{DID}#zOther"}, "no did:key"),
        ({"verificationMethod": "https://mastodon.example/@alice#key"}, "no did:key"),
        ({"verificationMethod": "did:key:u7QE"}, "multibase"),
        (
            {"verificationMethod": "did:key:zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP"},
            "Ed25519",
        ),
        ({"verificationMethod": None}, "no did:key"),
        ({"created": float("nan")}, "cannot be read"),
    ],
    ids=str,
)
def test_a_proof_of_another_kind_does_not_count(options: dict[str, Any], flaw: str) -> None:
    """Whatever is not this suite, this purpose, this kind of key, or in force, is self-asserted."""
    event = given(evidence=PAGE)
    proof = {**OPTIONS, **options, "proofValue": signature(OPTIONS, document_to_sign(event))}
    event = msgspec.structs.replace(event, proof=proof)
    assert flaw in (proof_flaw(event) or "")
    assert evidence_grade(event) == "self-asserted"


@pytest.mark.parametrize("value", [None, "", "z", "z11", "u7QE", "z0OIl"])
def test_a_signature_that_is_none_does_not_count(value: str | None) -> None:
    """No value, no multibase, no 64 bytes."""
    event = msgspec.structs.replace(given(evidence=PAGE), proof={**OPTIONS, "proofValue": value})
    assert evidence_grade(event) == "self-asserted"


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(method="proof", ref="https://mastodon.example/@alice"),
        Evidence(method="proof", ref=" ", keys={ALICE: DID}),
        Evidence(method="account-field", ref="https://mastodon.example/@alice", keys={ALICE: DID}),
        Evidence(method="proof", ref="x", keys={CAROL: DID}),
        Evidence(method="proof", ref="x", keys={ALICE: did_of(STRANGER)}),
        Evidence(method="proof", ref="x", statements=(statement(CAROL),)),
        Evidence(method="proof", ref="x", statements=(statement(key=STRANGER),)),
        Evidence(method="proof", ref="x", statements=(statement(subject=did_of(STRANGER)),)),
        Evidence(method="proof", ref="x", statements=({**statement(), "proof": None},)),
        Evidence(method="proof", ref="x", statements=({**statement(CAROL), "alsoKnownAs": ALICE},)),
    ],
    ids=str,
)
def test_a_key_that_nothing_binds_to_the_account_does_not_count(evidence: Evidence) -> None:
    """A signature by just any key is worth the word of whoever wrote the line."""
    event = signed(given(evidence=evidence))
    assert proof_flaw(event) is not None
    assert evidence_grade(event) == "self-asserted"


def test_every_account_of_the_event_must_be_bound() -> None:
    """One account's key does not speak for another account."""
    both = given(accounts=(ALICE, CAROL), evidence=PAGE)
    assert f"nothing binds the key {DID} to {CAROL}" == proof_flaw(signed(both))
    evidence = msgspec.structs.replace(PAGE, statements=(statement(CAROL),))
    assert evidence_grade(signed(given(accounts=(ALICE, CAROL), evidence=evidence))) == "proof"


def test_accounts_are_compared_as_they_are_spelled() -> None:
    """A trailing slash and the host's case make no other account."""
    evidence = Evidence(
        method="proof", ref="x", keys={"https://MASTODON.example/users/alice/": DID}
    )
    assert evidence_grade(signed(given(evidence=evidence))) == "proof"


def test_without_a_proof_the_method_decides_and_never_gives_proof() -> None:
    """account-field needs its ref; proof without a signature is a word."""
    for method, ref, grade in (
        ("self-asserted", "", "self-asserted"),
        ("account-field", "https://mastodon.example/@alice", "account-field"),
        ("account-field", "  ", "self-asserted"),
        ("proof", "https://mastodon.example/@alice", "self-asserted"),
    ):
        evidence = msgspec.convert({"method": method, "ref": ref}, Evidence)
        assert evidence_grade(given(evidence=evidence)) == grade
    with pytest.raises(ValueError, match="no proof"):
        proof_flaw(given())


@pytest.mark.parametrize("missing", ["cryptography", "rfc8785", "base58"])
def test_without_the_extra_a_proof_is_self_asserted_and_says_so(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be verified is never a proof."""
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == missing:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    event = signed(given(evidence=PAGE))
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.warns(RuntimeWarning, match="counts as self-asserted.*proofs"):
        assert evidence_grade(event) == "self-asserted"
    with pytest.raises(MissingExtra, match="proofs"):
        proof_flaw(event)


def test_statements_are_found_in_an_actor_document() -> None:
    """Attached to the actor, alone, or not there."""
    one, field = statement(), {"type": "PropertyValue", "name": "x", "value": "y"}
    assert statements_in({"type": "Person", "attachment": [field, one]}) == (one,)
    assert statements_in({"type": "Person", "attachment": one}) == (one,)
    assert statements_in(one) == (one,)
    without: tuple[object, ...] = ({"type": "Person"}, {"attachment": [field]}, [], None)
    for document in without:
        with pytest.raises(UsageError, match="no VerifiableIdentityStatement"):
            statements_in(document)
