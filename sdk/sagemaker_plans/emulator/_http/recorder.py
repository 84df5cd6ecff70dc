"""Records every request that reaches the server, from the moment of its arrival."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final, final

import attrs

_SECRET_HEADERS: Final = frozenset({"authorization", "x-amz-security-token"})


@final
class Headers(Mapping[str, str]):
    """Request headers. Names are found in any case. The value of a secret is `redacted`.

    Args:
        headers: Values by name in lower case.
    """

    __slots__ = ("_values",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._values = {
            name: "redacted" if name in _SECRET_HEADERS else value
            for name, value in headers.items()
        }

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({self._values!r})"


@attrs.frozen(kw_only=True)
class RecordedRequest:
    """One request that reached the AWS side of the server."""

    request_id: str
    """The `x-amzn-RequestId` of its reply."""

    operation: str
    """The operation of its target header; empty if it had none."""

    body: Mapping[str, object] | None
    """The parsed body; None if it was not a JSON object."""

    headers: Headers
    region: str | None
    """The region of its credential scope."""

    received_at: float
    """Epoch seconds of the emulator's clock."""

    fault: str | None = None
    """The name of the fault that was injected into it; None if none was."""

    committed: bool = False
    """Whether the operation was carried out, even if no reply was sent."""

    status: int | None = None
    """The HTTP status of the reply; None if no reply was sent so far."""

    error_code: str | None = None
    """The AWS error code of the reply."""


@final
class Recorder:
    """The requests in the order of their arrival. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[str, RecordedRequest] = {}

    def add(self, request: RecordedRequest) -> None:
        """Record a request, before anything else happens to it."""
        with self._lock:
            self._requests[request.request_id] = request

    def mark_committed(self, request_id: str) -> None:
        """Record that the operation was carried out."""
        self._change(request_id, lambda one: attrs.evolve(one, committed=True))

    def mark_fault(self, request_id: str, fault: str) -> None:
        """Record which fault is injected into the request."""
        self._change(request_id, lambda one: attrs.evolve(one, fault=fault))

    def mark_reply(self, request_id: str, status: int, error_code: str | None) -> None:
        """Record the reply, before its first byte is sent."""
        self._change(
            request_id, lambda one: attrs.evolve(one, status=status, error_code=error_code)
        )

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._requests.clear()

    def snapshot(self) -> tuple[RecordedRequest, ...]:
        """Return all requests so far."""
        with self._lock:
            return tuple(self._requests.values())

    def _change(
        self, request_id: str, change: Callable[[RecordedRequest], RecordedRequest]
    ) -> None:
        with self._lock:
            # A reset may have removed the request since it arrived.
            if request_id in self._requests:
                self._requests[request_id] = change(self._requests[request_id])
