"""Where the exports of people who withdrew lie, kept so that only who names the account can read it.

A path may name the person, so that the workspace must not hold it once they withdrew; and still a second
withdrawal must find a file that the first one left. So each path is sealed under the workspace's secret and the
account's name, which is not in the workspace: whoever asks for the erasure states it. Deterministic, after the
synthetic initialization vector of RFC 5297: the tag is a MAC of the path, and seeds the key stream.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from fedi_dataset.privacy.keys import KEY_BYTES, key

__all__ = ["seal_place", "unseal_place"]


def seal_place(path: str, account: str, secret: bytes) -> str:
    """Seal a path for who can name ``account``; lower-case hex."""
    raw = os.fsencode(path)
    tag = key(secret, "account", "place", account, raw)
    return (tag + _mixed(raw, account, tag, secret)).hex()


def unseal_place(sealed: str, accounts: Iterable[str], secret: bytes) -> str | None:
    """Give back the path, if it was sealed for one of these accounts."""
    content = bytes.fromhex(sealed)
    tag, mixed = content[:KEY_BYTES], content[KEY_BYTES:]
    for account in accounts:
        raw = _mixed(mixed, account, tag, secret)
        if key(secret, "account", "place", account, raw) == tag:
            return os.fsdecode(raw)
    return None


def _mixed(content: bytes, account: str, tag: bytes, secret: bytes) -> bytes:
    """Add the key stream to a content; adding it again takes it off."""
    blocks = range(-(-len(content) // KEY_BYTES))
    stream = b"".join(
        key(secret, "account", "place stream", account, tag, str(block)) for block in blocks
    )
    return bytes(one ^ other for one, other in zip(content, stream, strict=False))
