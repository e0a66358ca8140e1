"""Keys: HMAC-SHA256 under the workspace's secret, 128 bits, apart by domain.

A key says nothing without the secret, and the same value gives different keys in different domains,
so that no two tables can be joined by a key that was not meant for it.
"""

from __future__ import annotations

import hmac
from typing import Literal

__all__ = ["KEY_BYTES", "Domain", "key", "key_hex"]

KEY_BYTES = 16

Domain = Literal[
    "post",
    "account",
    "form",
    "conversation",
    "dialogue",
    "row",
    "split",
    "grant",
    "text",
    "masked",
    "fingerprint",
]


def key(secret: bytes, domain: Domain, *parts: str | bytes) -> bytes:
    """Key of ``parts`` in ``domain``: the first 16 bytes of HMAC-SHA256(secret, domain ‖ parts).

    Parts are joined by their lengths, so that ("ab", "c") and ("a", "bc") differ.
    """
    message = bytearray(domain.encode())
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        message += len(raw).to_bytes(8, "big")
        message += raw
    return hmac.digest(secret, bytes(message), "sha256")[:KEY_BYTES]


def key_hex(secret: bytes, domain: Domain, *parts: str | bytes) -> str:
    """:func:`key` in lower-case hex, as it stands in a release."""
    return key(secret, domain, *parts).hex()
