"""A Hub on the loopback interface, good enough for the real clients, with a log that tests read.

Three servers on three ports: the Hub; its storage, which signed URLs lead to; and a trap. A process that takes the
trap for its proxy shows there every request that was meant for another host.

What the real Hub does where its clients do not show it (how long it keeps what no ref reaches, whether storage is
emptied at once) is not known. Here that is a switch of the repository, so that both can be tested.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.hub.api import Api
from tests.hub.http import Dropped, Reply, Request, Server, error
from tests.hub.repos import Repo, large_file, small_file

__all__ = [
    "OTHER",
    "Dropped",
    "Hub",
    "OtherHub",
    "Reply",
    "Repo",
    "Request",
    "error",
    "hub",
    "large_file",
    "loopback",
    "small_file",
]

OTHER = "FEDI_TEST_HUB"
"""Names another implementation by its URL. It knows the organization ``lab``, which ``owner`` may write and
``reader`` may read, and ``stranger``, who is not in it; their tokens are ``hf_`` and the name."""


class Tokens:
    """Who there is."""

    organization = "lab"

    def token(self, user: str) -> str:
        """Give a user's token."""
        return f"hf_{user}"


@dataclass(frozen=True)
class OtherHub(Tokens):
    """A Hub that somebody else runs: nobody can look into it."""

    url: str

    def environment(self) -> dict[str, str]:
        """Give the environment of a process that talks to it."""
        return {"HF_ENDPOINT": self.url, "HF_HUB_DISABLE_XET": "1"}


class Hub(Tokens):
    """A Hub of one test."""

    def __init__(self) -> None:
        self.log: list[Request] = []
        """Every request, in the order in which they came."""
        self._api = Api({self.token(name): name for name in ("owner", "reader", "stranger")})
        self._api.members = {self.organization: {"owner": "write", "reader": "read"}}
        self._storage = Server(self._api.store, self._before, self.log)
        self._api.storage_url = self._storage.url
        self._front = Server(self._api.answer, self._before, self.log)
        self._trap = Server(self._elsewhere, self._before, self.log)
        self.url = self._api.url = self._front.url

    def interfere(self, request: Request) -> Reply | None:
        """Tests put a function here that sees each request before it is read: see http.Interfere."""

    def _before(self, request: Request) -> Reply | None:
        return self.interfere(request)

    def _elsewhere(self, request: Request) -> Reply:
        request.who = "elsewhere"
        return error(502, "this is a trap")

    @property
    def repos(self) -> dict[str, Repo]:
        """All repositories by id."""
        return self._api.repos

    def environment(self) -> dict[str, str]:
        """Give the environment of a process that talks to it, and that cannot talk to anybody else."""
        traps = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), self._trap.url)
        return {
            "HF_ENDPOINT": self.url,
            "HF_HUB_DISABLE_XET": "1",
            "NO_PROXY": "127.0.0.1",
            **traps,
        }

    def asked(self, method: str, part: str = "") -> list[Request]:
        """Give the requests of a method whose path has a part."""
        return [one for one in self.log if one.method == method and part in one.path]

    def close(self) -> None:
        """Shut it down."""
        for server in (self._front, self._storage, self._trap):
            server.close()


@pytest.fixture
def loopback() -> Iterator[Hub]:
    """A fresh Hub that the test can look into and interfere with. Skips if another one is to be tested."""
    if OTHER in os.environ:
        pytest.skip("looks into the Hub")
    hub = Hub()
    try:
        yield hub
    finally:
        hub.close()


@pytest.fixture
def hub(request: pytest.FixtureRequest) -> Hub | OtherHub:
    """The Hub to be tested: a fresh one, or the one that FEDI_TEST_HUB names."""
    if OTHER in os.environ:
        return OtherHub(os.environ[OTHER])
    found: Hub = request.getfixturevalue("loopback")
    return found
