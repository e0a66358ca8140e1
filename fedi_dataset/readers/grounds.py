"""Whose a post is, by where it lies: below its author's actor or profile page, on the same server.

An archive is written by whoever hands it in. That its posts name the owner as author proves nothing, and on a
server with many people neither does the host; but an id says itself below which actor it was made. Mastodon's
``tag_manager.rb`` gives ``ACTOR/statuses/NUMBER``, with actors ``/users/NAME`` and, in its numeric scheme,
``/ap/users/NUMBER``; pages are ``/@NAME/NUMBER``, of GoToSocial ``/@NAME/statuses/ID``; ids of Atom feeds, which old
posts still carry, ``/users/NAME/updates/NUMBER``. So an id has exactly two steps below its actor, or one or two
below its page, and none of them is another account's page. That holds for accounts that moved, too: their old
posts stay where they were, and the archive of each account has its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from fedi_dataset.posts import Account
from fedi_dataset.readers.values import host_of

__all__ = ["Grounds", "is_numeric", "is_page_of"]

_NUMERIC = ["ap", "users"]
"""Before the number of an actor whose id does not say its name."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """Where the posts of one account lie."""

    host: str | None
    actor: list[str]
    """Segments of the path."""
    pages: list[list[str]]

    @classmethod
    def of(cls, owner: Account) -> Grounds:
        """Give the grounds of an account: below its actor, and below its pages on the same server."""
        pages = [_segments(alias) for alias in owner.aliases]
        return cls(host_of(owner.uri), _segments(owner.uri), pages)

    def hold(self, uri: str | None) -> bool:
        """Tell whether a post of this id can be the account's.

        A page counts only where the actor's id says whose it is: with a number it could be anybody's.
        """
        return self._below(uri, self.actor, (2,)) or (
            not _is_numeric(self.actor) and self.hold_page(uri)
        )

    def hold_page(self, uri: str | None) -> bool:
        """Tell whether a post of the account can go by this name, too."""
        return self._below(uri, self.actor, (2,)) or any(
            self._below(uri, page, (1, 2)) for page in self.pages
        )

    def _below(self, uri: str | None, ground: list[str], steps: tuple[int, ...]) -> bool:
        if uri is None or self.host is None or host_of(uri) != self.host:
            return False
        segments = _segments(uri)
        rest = segments[len(ground) :]
        return (
            segments[: len(ground)] == ground
            and len(rest) in steps
            and not any(one.startswith("@") for one in rest)
        )


def is_page_of(url: str, actor: str, name: str | None) -> bool:
    """Tell whether a page can be an actor's: on its server, and by its name.

    ``name`` is what the actor document says, and counts only where the actor's id does not say one.
    """
    page, own = _segments(url), _segments(actor)
    if host_of(url) is None or host_of(url) != host_of(actor) or not page or not own:
        return False
    called = name if _is_numeric(own) else own[-1]
    return (
        called is not None
        and page[-1].removeprefix("@").lower() == called.removeprefix("@").lower()
    )


def is_numeric(actor: str) -> bool:
    """Tell whether an actor's id is a number, which does not say whose page is its page."""
    return _is_numeric(_segments(actor))


def _is_numeric(actor: list[str]) -> bool:
    return actor[:-1] == _NUMERIC


def _segments(uri: str) -> list[str]:
    """Give the steps of a path, without empty ones at its end."""
    try:
        path = urlsplit(uri).path
    except ValueError:
        return []
    return path.strip("/").split("/") if path.strip("/") else []
