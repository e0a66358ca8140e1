"""Signed consent: Data Integrity proofs on events, verified, and the grade that evidence earns by it.

A ``proof`` on an event is of the cryptosuite ``eddsa-jcs-2022`` (W3C Data Integrity EdDSA
Cryptosuites v1.0; FEP-8b32 once called it ``jcs-eddsa-2022``): Ed25519 over SHA-256 of the proof's
options ‖ SHA-256 of the document, both in the canonical JSON of RFC 8785. The document is the event
with every field as the ledger stores it, without ``proof`` and without ``prev``, which nobody knows
before the line is appended. ``id`` stays in it, and a ledger takes an id once, so that a signature
cannot be used again.

A signature shows who holds a key; that the key is the account's must be known apart from it: from an
identity statement (FEP-c390), which the account's own page shows, or from the steward. Either way
``evidence.ref`` says where: a statement alone is only the key's word, not the account's.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET

from fedi_dataset.consent.events import Given
from fedi_dataset.consent.uris import spelling
from fedi_dataset.errors import MissingExtra, UsageError

__all__ = ["Grade", "document_to_sign", "evidence_grade", "proof_flaw", "statements_in"]

Grade = Literal["proof", "account-field", "self-asserted"]

_SUITES: Final = ("eddsa-jcs-2022", "jcs-eddsa-2022")
_ED25519_PUBLIC: Final = b"\xed\x01"
"""The multicodec prefix of an Ed25519 public key."""


def evidence_grade(event: Given) -> Grade:
    """Say what the evidence of a consent is worth; ``proof`` only when its signature verified.

    A proof that does not verify, or that cannot be verified because the extra ``proofs`` is not
    installed (a warning says so), makes the consent ``self-asserted``, whatever else it claims.
    """
    if event.proof is not UNSET:
        try:
            return "self-asserted" if proof_flaw(event) else "proof"
        except MissingExtra as error:
            warnings.warn(
                f"a signed consent counts as self-asserted: {error}", RuntimeWarning, stacklevel=2
            )
            return "self-asserted"
    if event.evidence.method == "account-field" and event.evidence.ref.strip():
        return "account-field"
    return "self-asserted"


def document_to_sign(event: Given) -> dict[str, Any]:
    """Give the document that the proof of an event signs."""
    document: dict[str, Any] = msgspec.to_builtins(event)
    document.pop("prev")
    document.pop("proof", None)
    return document


def proof_flaw(event: Given) -> str | None:
    """Say why the proof of an event does not count; None when it does.

    It counts when the signature is the key's, and the key is bound to every account of the event.
    Raises :class:`MissingExtra` when the libraries that verify are not installed, and ValueError
    for an event without a proof.
    """
    if event.proof is UNSET:
        raise ValueError("the event has no proof")
    evidence = event.evidence
    if evidence.method != "proof" or not evidence.ref.strip():
        return 'its evidence does not say "proof", with a ref where the key can be seen'
    if flaw := _flaw(document_to_sign(event), event.proof, event.at):
        return flaw
    signer = _did(event.proof)
    for account in event.accounts:
        if not (_steward_knows(event, account, signer) or _statement_binds(event, account, signer)):
            return f"nothing binds the key {signer} to {account}"
    return None


def statements_in(document: Any) -> tuple[dict[str, Any], ...]:
    """Give the identity statements (FEP-c390) of an actor document, or the one that it is itself.

    Raises :class:`UsageError` when there is none.
    """
    attached = document.get("attachment", ()) if isinstance(document, dict) else ()
    each = [document, *(attached if isinstance(attached, list) else [attached])]
    found = tuple(one for one in each if _is_statement(one))
    if not found:
        raise UsageError(
            "there is no VerifiableIdentityStatement in it: give an actor document or a statement"
        )
    return found


def _is_statement(value: object) -> bool:
    return isinstance(value, dict) and value.get("type") == "VerifiableIdentityStatement"


def _steward_knows(event: Given, account: str, signer: str) -> bool:
    keys = event.evidence.keys
    return keys is not UNSET and any(
        did == signer and spelling(name) == spelling(account) for name, did in keys.items()
    )


def _statement_binds(event: Given, account: str, signer: str) -> bool:
    statements = event.evidence.statements
    return statements is not UNSET and any(
        _states(statement, account, signer, event.at) for statement in statements
    )


def _states(statement: Mapping[str, Any], account: str, signer: str, at: datetime) -> bool:
    """Whether a statement says, over its own signature, that the key is the account's."""
    proof, known_as = statement.get("proof"), statement.get("alsoKnownAs")
    if not (_is_statement(statement) and isinstance(proof, dict) and isinstance(known_as, str)):
        return False
    if spelling(known_as) != spelling(account) or statement.get("subject") != signer:
        return False
    document = {name: value for name, value in statement.items() if name != "proof"}
    return _flaw(document, proof, at) is None and _did(proof) == signer


def _flaw(document: dict[str, Any], proof: Mapping[str, Any], at: datetime) -> str | None:
    """Say why a proof does not verify over a document at a time; None when it does."""
    if proof.get("type") != "DataIntegrityProof" or proof.get("cryptosuite") not in _SUITES:
        return "its proof is no DataIntegrityProof of eddsa-jcs-2022"
    if proof.get("proofPurpose") != "assertionMethod":
        return "its proof's purpose is not assertionMethod"
    if not _in_force(proof, at):
        return "its proof had expired when it was used"
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    if "@context" in options:
        if not _begins(document.get("@context"), options["@context"]):
            return "its @context is not the one that was signed"
        document = {**document, "@context": options["@context"]}
    return _signature_flaw(options, document, proof)


def _signature_flaw(
    options: dict[str, Any], document: dict[str, Any], proof: Mapping[str, Any]
) -> str | None:
    try:
        import rfc8785
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise MissingExtra("proofs", "verifying a signature") from error
    try:
        key = Ed25519PublicKey.from_public_bytes(_public_key(_did(proof)))
        signature = _multibase(proof.get("proofValue"))
        signed = b"".join(
            hashlib.sha256(rfc8785.dumps(part)).digest() for part in (options, document)
        )
        key.verify(signature, signed)
    except InvalidSignature:
        return "its signature is not that of the key over this event"
    except (rfc8785.CanonicalizationError, ValueError) as error:
        return f"its proof cannot be read: {error}"
    return None


def _did(proof: Mapping[str, Any]) -> str:
    """The ``did:key`` of a verification method, which may name the key once more as a fragment."""
    method = proof.get("verificationMethod")
    if not isinstance(method, str):
        return ""
    did, _, fragment = method.partition("#")
    return did if not fragment or did == f"did:key:{fragment}" else ""


def _public_key(did: str) -> bytes:
    """The 32 bytes of the Ed25519 key that a ``did:key`` is."""
    if not did.startswith("did:key:"):
        raise ValueError("its verificationMethod is no did:key")
    key = _multibase(did.removeprefix("did:key:"))
    if not key.startswith(_ED25519_PUBLIC):
        raise ValueError("its key is not of Ed25519")
    return key.removeprefix(_ED25519_PUBLIC)


def _multibase(text: object) -> bytes:
    """Decode multibase, of which did:key and proofs use base58btc alone."""
    try:
        import base58
    except ImportError as error:
        raise MissingExtra("proofs", "verifying a signature") from error
    if not isinstance(text, str) or not text.startswith("z"):
        raise ValueError("a value is not multibase in base58btc")
    return bytes(base58.b58decode(text[1:]))


def _in_force(proof: Mapping[str, Any], at: datetime) -> bool:
    if "expires" not in proof:
        return True
    try:
        expires = msgspec.convert(proof["expires"], datetime)
    except msgspec.ValidationError:
        return False
    return expires.tzinfo is not None and at < expires


def _begins(context: object, signed: object) -> bool:
    """Whether a document's context starts with the one in its proof, in the same order."""
    whole, part = _listed(context), _listed(signed)
    return context is not None and whole[: len(part)] == part


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
