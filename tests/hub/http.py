"""The wire: an HTTP/1.1 server on the loopback interface that keeps a log of every request it was sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["Dropped", "Reply", "Request", "Server", "error", "reply"]


class Dropped(Exception):
    """Raised before a request is answered: half of its body is read, and the connection is closed."""


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def reply(data: object, status: int = 200, **headers: str) -> Reply:
    """Answer with JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(data).encode(), {"Content-Type": "application/json", **named})


def error(status: int, message: str, code: str | None = None) -> Reply:
    """Answer with an error as the Hub words it: in the body, and in headers that clients look at."""
    headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
    return Reply(status, json.dumps({"error": message}).encode(), headers)


@dataclass
class Request:
    """A request, and once it was answered what became of it: a line of the log."""

    method: str
    path: str
    """As it was sent, without the query."""
    query: dict[str, list[str]]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes = b""
    who: str = "anonymous"
    """The user's name; ``bad token``, ``signed`` for a signed URL, ``elsewhere`` for another host."""
    status: int = 0
    """0: the connection was dropped."""

    @property
    def sent(self) -> int:
        """Bytes of the body."""
        return len(self.body)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


Answer = Callable[[Request], Reply]
Interfere = Callable[[Request], Reply | None]
"""Called before a request's body is read: None lets it go on, a reply answers it; it may raise Dropped."""


class Server:
    """Serves one function on a port of 127.0.0.1, in threads, until it is closed."""

    def __init__(self, answer: Answer, interfere: Interfere, log: list[Request]) -> None:
        handler = _handler(answer, interfere, log)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _handler(
    answer: Answer, interfere: Interfere, log: list[Request]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing: the log is ours."""

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            request = Request(
                self.command,
                self.path if self.command == "CONNECT" else parts.path,
                parse_qs(parts.query),
                {name.lower(): value for name, value in self.headers.items()},
            )
            if parts.netloc:  # sent as to a proxy
                request.path = self.path
            log.append(request)
            try:
                early = interfere(request)
            except Dropped:
                request.body = self._body(0.5)
                self.close_connection = True
                return
            request.body = self._body(1.0)
            given = early or answer(request)
            request.status = given.status
            self.send_response(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in given.headers:
                self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(given.body)

        def _body(self, share: float) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                chunks = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(chunks)
            return self.rfile.read(int(int(self.headers.get("Content-Length", 0)) * share))

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_CONNECT = _serve  # noqa: N815 - their names

    return Handler
