"""URIs of accounts and posts in a ledger: which are valid, and under which spelling they are compared.

An account is an ActivityPub actor id, a profile's URL or a DID. A post is what its platform calls it:
the URL of an object, ``at://DID/COLLECTION/RKEY``, or a ``tag:`` URI of OStatus. Names that can be
given to somebody else tomorrow (an AT Protocol handle) are no ids.
"""

from __future__ import annotations

import re
from typing import Final

from fedi_dataset.errors import LedgerError, UsageError

__all__ = ["ACCOUNT_PATTERN", "END", "check_account", "check_post", "spelling"]

# (?![\s\S]) ends the text in every dialect: Python's $ takes a newline before it, and \Z is Python's.
END: Final = r"(?![\s\S])"
ACCOUNT_PATTERN: Final = rf"^(?:did:[a-z0-9]+:|[Hh][Tt][Tt][Pp][Ss]?://|[Aa][Tt]://)[^\s]+{END}"

_ACCOUNTS: Final = re.compile(ACCOUNT_PATTERN)
_POSTS: Final = re.compile(
    r"https?://[^/?#\s]+[/?#][^\s]+|at://did:[a-z0-9]+:[^/?#\s]+/[^/?#\s]+/[^/?#\s]+|tag:[^\s]+",
    re.I,
)
_PAGE_OF_A_HANDLE: Final = re.compile(r"https?://(?:www\.)?bsky\.app/profile/(?!did:).*", re.I)

_PLAIN: Final = re.compile(r"https://[^/?#A-Z]+(?:/[^/?#A-Z]+)+|did:[a-z0-9]+:[^/?#\s]+")
"""What is spelled as it is compared; most accounts are, and this finds out soonest."""
_URI: Final = re.compile(r"(https?)://([^/?#]*)(.*)", re.I | re.S)
_DID_PAGE: Final = re.compile(
    r"(?:at://|https://bsky\.app/profile/)(?P<did>did:[a-z0-9]+:[^/?#\s]+)"
    r"(?:/post/(?P<post>[^/?#\s]+))?/?",
    re.I,
)


def check_account(account: str) -> None:
    """Raise :class:`LedgerError` unless a text is an account's URI."""
    if not _ACCOUNTS.match(account):
        raise LedgerError(
            f"not an event that this version knows: {account!r} is no account's URI. Write the actor id "
            "or the DID, as `fedi-dataset inspect` prints it"
        )


def check_post(post: str) -> None:
    """Raise :class:`UsageError` unless a text can be a post's id.

    Asked of what is recorded, not of what is read: an id that matches nothing withdraws nothing, and
    whoever wrote it must hear so while they are there.
    """
    if not _POSTS.fullmatch(post) or _PAGE_OF_A_HANDLE.fullmatch(post):
        raise UsageError(
            f"{post!r} is no post's id: write the post's own URL, as its export has it, or "
            "at://DID/app.bsky.feed.post/RKEY with the account's DID, not its handle"
        )


def spelling(uri: str) -> str:
    """Give the spelling under which a URI is compared.

    Scheme and host in lower case and one trailing slash gone; of ``at://DID`` and
    ``https://bsky.app/profile/DID`` the DID, of a post's page there its ``at://`` URI. Everything else
    stays exact.
    """
    if _PLAIN.fullmatch(uri) and not uri.startswith("https://bsky.app/"):
        return uri
    if page := _DID_PAGE.fullmatch(uri):
        did, post = page["did"], page["post"]
        return did if post is None else f"at://{did}/app.bsky.feed.post/{post}"
    if parts := _URI.fullmatch(uri):
        return f"{parts[1].lower()}://{parts[2].lower()}{parts[3].removesuffix('/')}"
    return uri
