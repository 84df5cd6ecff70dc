"""A server that sends the bytes that a test gives it, and records what it receives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

from attrs import field, frozen


@frozen
class Answer:
    """One reply. The defaults are those of the real service."""

    body: bytes = b"{}"
    status: int = 200
    headers: Mapping[str, str] = field(factory=dict[str, str])


@frozen
class Received:
    """One request that the server received."""

    method: str
    headers: Mapping[str, str]
    body: bytes


def error(code: str, message: str, *, status: int = 400, **headers: str) -> Answer:
    """Return an error reply in the service's format."""
    body = json.dumps({"__type": code, "message": message}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(body, status, named)


class ScriptedServer:
    """Serves on loopback while its context lasts; every request gets the same answer."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.received: list[Received] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                headers = {name.lower(): value for name, value in self.headers.items()}
                script.received.append(Received(self.command, headers, self.rfile.read(length)))
                told = script.answer
                self.send_response(told.status)
                for name, value in told.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(told.body)))
                self.end_headers()
                self.wfile.write(told.body)

            do_GET = do_POST  # noqa: N815  # http.server's names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
