"""A server on real sockets that counts what it accepted, and loses replies on demand.

It shares no code with the package and none with the emulator. The same offering can be
bought again and again, so that a second purchase is accepted, and counted, too.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Final, Self

from attrs import define, field, frozen

from evidence.generated.fates import (
    LOST_AT_FIRST,
    PROXY_STATUS,
    REDIRECT_STATUS,
    REFUSAL_CODES,
    Fate,
    Lookup,
)

EXTEND: Final = "ExtendTrainingPlan"
CREATE: Final = "CreateEdgeDeploymentPlan"
HISTORY: Final = "DescribeTrainingPlanExtensionHistory"
DESCRIBE: Final = "DescribeEdgeDeploymentPlan"
ARN: Final = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/big"
PLAN_ARN: Final = "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/rollout"
_LONGEST: Final = 30.0


@frozen
class Request:
    """One request that the server received."""

    target: str
    """The operation; empty if the request named none."""
    method: str
    path: str
    members: dict[str, Any]
    connection: int
    """The number of the connection on which the request came."""

    @property
    def subject(self) -> object:
        """The offering or the plan that the request names."""
        named = ("TrainingPlanExtensionOfferingId", "EdgeDeploymentPlanName")
        return next((self.members[name] for name in named if name in self.members), None)


@define(eq=False)
class Connection:
    """One connection."""

    number: int
    wire: socket.socket
    requests: list[Request] = field(factory=list[Request])
    closed_by_client: bool = False
    unread: bytes = b""


class Gone(Exception):  # noqa: N818  # it only ends the handler
    """The connection is over."""


class CountingServer:
    """Serves on loopback while its context lasts.

    Args:
        fate: What becomes of each purchase and each create.
        lookup: How it answers who looks for one.
        tls: Encrypts, if given.
        garbage: Sends this in the place of replies, once a request was accepted.
        tunnel: Is a proxy, and with this encryption also what lies behind its tunnels; a
            proxy without it refuses them.
    """

    def __init__(
        self,
        fate: Fate = Fate.ACCEPT,
        lookup: Lookup = Lookup.TRUE,
        *,
        tls: ssl.SSLContext | None = None,
        garbage: bytes | None = None,
        tunnel: ssl.SSLContext | None = None,
    ) -> None:
        self.connections: list[Connection] = []
        self.requests: list[Request] = []
        self.bought: list[dict[str, Any]] = []
        self.created: list[dict[str, Any]] = []
        self.ever_bought: list[str] = []
        self._tls = tls
        self._garbage = garbage
        self._tunnel = tunnel
        self._lock = Lock()
        self._over = Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.settimeout(0.02)
        self._port: int = self._listener.getsockname()[1]
        self._threads = [Thread(target=self._listen, daemon=True)]
        self.fate, self.lookup = fate, lookup
        self._subject: str | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    def count(self, operation: str) -> int:
        """Tell how many requests of an operation came."""
        return sum(one.target == operation for one in self.requests)

    def accepted(self, subject: str) -> int:
        """Tell how often an offering was bought, or a plan created."""
        bought = [one["TrainingPlanExtensionOfferingId"] for one in self.bought]
        return [*bought, *(one["EdgeDeploymentPlanName"] for one in self.created)].count(subject)

    def accepted_twice(self) -> set[str]:
        """Return what was bought twice."""
        return {each for each in self.ever_bought if self.ever_bought.count(each) > 1}

    def targets_of(self, subject: str) -> list[str]:
        """List the operations of the requests for an offering or a plan."""
        return [one.target for one in self.requests if one.subject == subject]

    def begin(self, fate: Fate, lookup: Lookup = Lookup.TRUE, subject: str | None = None) -> None:
        """Forget all requests, and treat the next ones in another way.

        A request for another subject than this one came late, and hides nothing.
        """
        with self._lock:
            self.fate, self.lookup, self._subject = fate, lookup, subject
            for record in (self.requests, self.bought, self.created):
                record.clear()

    def stop_listening(self) -> None:
        """Refuse new connections from now on."""
        self._listener.close()
        # Close it last, because the thread may still wait on it.
        self._threads[0].join(_LONGEST)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._listener.close()
        for connection in [*self.connections]:
            with suppress(OSError):
                connection.wire.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + _LONGEST
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                wire, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            thread = Thread(target=self._serve, args=(wire,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        plain.settimeout(_LONGEST)
        connection = Connection(len(self.connections), plain)
        self.connections.append(connection)
        with suppress(OSError, Gone):
            if self._tls is not None:
                connection.wire = self._tls.wrap_socket(plain, server_side=True)
            while not self._over.is_set():
                request = self._read(connection)
                connection.requests.append(request)
                if request.method == "CONNECT":
                    self._open_tunnel(connection)
                else:
                    self._answer(connection, request)
        with suppress(OSError):
            connection.wire.close()

    def _open_tunnel(self, connection: Connection) -> None:
        if self._tunnel is None:
            said(407, b"", ours=False)(connection.wire)
            close(connection.wire)
        connection.wire.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        assert self._tunnel is not None
        connection.wire = self._tunnel.wrap_socket(connection.wire, server_side=True)

    def _more(self, connection: Connection) -> None:
        got = connection.wire.recv(65536)
        if not got:
            connection.closed_by_client = True
            raise Gone
        connection.unread += got

    def _read(self, connection: Connection) -> Request:
        while b"\r\n\r\n" not in connection.unread:
            self._more(connection)
        head, _, connection.unread = connection.unread.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        length = int(headers.get("content-length", "0"))
        while len(connection.unread) < length:
            self._more(connection)
        body, connection.unread = connection.unread[:length], connection.unread[length:]
        method, path, _ = first.split(" ")
        return Request(
            target=headers.get("x-amz-target", "").rpartition(".")[2],
            method=method,
            path=path,
            members=json.loads(body or b"{}"),
            connection=connection.number,
        )

    # what it knows

    def _answer(self, connection: Connection, request: Request) -> None:
        with self._lock:
            same = (request.target, request.subject)
            before = sum((one.target, one.subject) == same for one in self.requests)
            self.requests.append(request)
            fate, lookup = self.fate, self.lookup
            act = self._act(request, fate, lookup, before)
        act(connection.wire)

    def _act(
        self, request: Request, fate: Fate, lookup: Lookup, before: int
    ) -> Callable[[socket.socket], None]:
        if request.target not in {EXTEND, CREATE}:
            return said(*self._looked_up(request, lookup))
        is_later = before > 0
        if fate in LOST_AT_FIRST and not is_later:
            self._accept(request)
            return reset
        if fate in {Fate.THROTTLE_THEN_RESET, Fate.THROTTLE_TWICE_OVER} and not is_later:
            copies = 2 if fate is Fate.THROTTLE_TWICE_OVER else 1
            return said(400, refusal("ThrottlingException"), copies=copies)
        if fate in REFUSAL_CODES:
            return said(400, refusal(REFUSAL_CODES[fate]))
        reply = self._accept(request)
        if self._garbage is not None:
            return self._send_garbage
        return self._told(fate, reply)

    def _accept(self, request: Request) -> dict[str, Any]:
        if request.target == EXTEND:
            self.bought.append(extension(request, len(self.bought)))
            self.ever_bought.append(request.members["TrainingPlanExtensionOfferingId"])
            return {"TrainingPlanExtensions": [*self.bought]}
        self.created.append(request.members)
        return {"EdgeDeploymentPlanArn": PLAN_ARN}

    def _told(self, fate: Fate, reply: dict[str, Any]) -> Callable[[socket.socket], None]:
        if fate in PROXY_STATUS:
            return said(PROXY_STATUS[fate], b"<html>the proxy is sorry</html>", ours=False)
        if fate in REDIRECT_STATUS:
            return said(REDIRECT_STATUS[fate], b"", ours=False, Location=f"{self.url}/")
        return {
            Fate.ACCEPT_RESET: reset,
            Fate.THROTTLE_THEN_RESET: reset,
            Fate.ACCEPT_CLOSE: close,
            Fate.ACCEPT_CUT: said(200, reply, cut=True),
            Fate.ACCEPT_HANG: self._hang,
            Fate.SWITCHING: said(101, b"", ours=False, Connection="upgrade", Upgrade="h2c"),
            Fate.EMPTY: said(204, b"", ours=False),
            Fate.PORTAL: said(200, b"<html>please log in</html>", ours=False),
            Fate.ERROR_IN_200: said(200, refusal("ThrottlingException")),
        }.get(fate, said(200, reply))

    def _looked_up(self, request: Request, lookup: Lookup) -> tuple[int, dict[str, Any]]:
        subjects = {one.subject for one in self.requests if one.target in {EXTEND, CREATE}}
        has_come = self._subject in subjects if self._subject else bool(subjects)
        if lookup is Lookup.GONE and has_come:
            return 500, refusal("InternalFailure")
        shows = lookup is Lookup.TRUE
        if request.target == HISTORY:
            return 200, {"TrainingPlanExtensions": self.bought if shows else []}
        made = [one for one in self.created if one["EdgeDeploymentPlanName"] == request.subject]
        if request.target == DESCRIBE and shows and made:
            return 200, plan_of(made[0])
        return 400, refusal("ResourceNotFound")

    def _hang(self, _: socket.socket) -> None:
        self._over.wait(_LONGEST)
        raise Gone

    def _send_garbage(self, wire: socket.socket) -> None:
        # Use the plain socket, also below encryption.
        with socket.socket(fileno=socket.dup(wire.fileno())) as below:
            below.sendall(self._garbage or b"")
        close(wire)


def extension(request: Request, number: int) -> dict[str, Any]:
    """Return an extension in the service's wire form."""
    return {
        "TrainingPlanExtensionOfferingId": request.members["TrainingPlanExtensionOfferingId"],
        "ExtendedAt": time.time() + number,
        "StartDate": time.time(),
        "EndDate": time.time() + 86400,
        "Status": "Active",
        "PaymentStatus": "Completed",
        "UpfrontFee": "100.00",
        "CurrencyCode": "USD",
        "DurationHours": 24,
    }


def plan_of(request: dict[str, Any]) -> dict[str, Any]:
    """Return a plan in the service's wire form."""
    status = {
        "StageStatus": "READYTODEPLOY",
        "EdgeDeploymentSuccessInStage": 0,
        "EdgeDeploymentPendingInStage": 0,
        "EdgeDeploymentFailedInStage": 0,
    }
    default = {"DeploymentConfig": {"FailureHandlingPolicy": "ROLLBACK_ON_FAILURE"}}
    stages = [{**default, **stage, "DeploymentStatus": status} for stage in request["Stages"]]
    named = ("EdgeDeploymentPlanName", "ModelConfigs", "DeviceFleetName")
    return {
        "EdgeDeploymentPlanArn": PLAN_ARN,
        **{name: request[name] for name in named},
        "Stages": stages,
    }


def refusal(code: str) -> dict[str, Any]:
    """Return the body of an error reply of the service."""
    return {"__type": code, "message": "no"}


def said(
    status: int,
    body: bytes | dict[str, Any],
    *,
    copies: int = 1,
    cut: bool = False,
    ours: bool = True,
    **headers: str,
) -> Callable[[socket.socket], None]:
    """Return the function that sends the service's reply, or that of a proxy."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {**headers} if status in {101, 204} else {**headers, "Content-Length": len(content)}
    if ours:
        lines |= {"x-amzn-RequestId": "id-1", "Content-Type": "application/x-amz-json-1.1"}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    whole = f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + content

    def send(wire: socket.socket) -> None:
        wire.sendall(whole[: -len(content) // 2] if cut else whole * copies)
        if cut or status == 101:
            close(wire)

    return send


def reset(wire: socket.socket) -> None:
    """Reset a connection."""
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.close()
    raise Gone


def close(wire: socket.socket) -> None:
    """Close a connection."""
    with suppress(OSError):
        wire.shutdown(socket.SHUT_WR)
    wire.close()
    raise Gone
