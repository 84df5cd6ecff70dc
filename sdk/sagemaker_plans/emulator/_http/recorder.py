"""Records the signed requests from the moment of their arrival, and counts all others."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final, final

import attrs

from sagemaker_plans.emulator._http.request_body import parsed_object
from sagemaker_plans.emulator._wire.refusal import Refusal

LOGGER: Final = logging.getLogger("sagemaker_plans.emulator")

_MOST_REQUESTS: Final = 100_000
_MOST_BYTES: Final = 64 * 1024 * 1024
_BYTES_PER_RECORD: Final = 1500
# What a record takes besides its body and its headers' texts, roughly.

_SHOWN: Final = 500
# The longest body that the representation of a request shows.

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


def _shown(body: bytes) -> str:
    return repr(body) if len(body) <= _SHOWN else f"<{len(body)} bytes>"


@attrs.frozen(kw_only=True)
class RecordedRequest:
    """One request with a valid signature that reached the AWS side of the server."""

    request_id: str
    """The `x-amzn-RequestId` of its reply."""

    operation: str
    """The operation of its target header."""

    raw_body: bytes = attrs.field(repr=_shown)
    """The body as it arrived."""

    headers: Headers
    region: str | None
    """The region of its credential scope."""

    account_id: str
    """The account of its access key."""

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

    @property
    def body(self) -> Mapping[str, object] | None:
        """The parsed body; None if it was not a JSON object, or was nested too deeply."""
        try:
            return parsed_object(self.raw_body)
        except Refusal:
            return None


def size_of(request: RecordedRequest) -> int:
    """Return about how many bytes of memory a record takes."""
    headers = sum(len(name) + len(value) for name, value in request.headers.items())
    return _BYTES_PER_RECORD + len(request.raw_body) + headers


@final
class Recorder:
    """The requests in the order of their arrival. Any thread may use it.

    Args:
        most_requests: How many requests are kept. A new one then replaces the oldest.
        most_bytes: How much memory the kept requests may take, roughly.
    """

    def __init__(
        self, *, most_requests: int = _MOST_REQUESTS, most_bytes: int = _MOST_BYTES
    ) -> None:
        self._lock = threading.Lock()
        self._requests: dict[str, RecordedRequest] = {}
        self._most_requests = most_requests
        self._most_bytes = most_bytes
        self._bytes = 0
        self._dropped = 0
        self._turned_away: Counter[str] = Counter()

    def add(self, request: RecordedRequest) -> None:
        """Record a request, before anything else happens to it."""
        with self._lock:
            self._requests[request.request_id] = request
            self._bytes += size_of(request)
            first_drop = self._dropped == 0
            while len(self._requests) > self._most_requests or self._bytes > self._most_bytes:
                oldest = self._requests.pop(next(iter(self._requests)))
                self._bytes -= size_of(oldest)
                self._dropped += 1
        if first_drop and self.dropped:
            LOGGER.warning(
                "The oldest recorded requests are dropped from now on: at most %d requests and "
                "%d bytes are kept. `requests_dropped` counts them.",
                self._most_requests,
                self._most_bytes,
            )

    def turn_away(self, code: str) -> None:
        """Count a request that is refused before it is recorded, by its error code."""
        with self._lock:
            self._turned_away[code] += 1

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
        """Forget all requests, and count from zero."""
        with self._lock:
            self._requests.clear()
            self._turned_away.clear()
            self._bytes = self._dropped = 0

    def snapshot(self) -> tuple[RecordedRequest, ...]:
        """Return all requests that are kept."""
        with self._lock:
            return tuple(self._requests.values())

    @property
    def kept(self) -> int:
        """How many requests are kept."""
        with self._lock:
            return len(self._requests)

    @property
    def kept_bytes(self) -> int:
        """About how many bytes the kept requests take."""
        with self._lock:
            return self._bytes

    @property
    def dropped(self) -> int:
        """How many requests were recorded and are no longer kept."""
        with self._lock:
            return self._dropped

    @property
    def turned_away(self) -> dict[str, int]:
        """How many requests were refused before they were recorded, by error code."""
        with self._lock:
            return dict(self._turned_away)

    def _change(
        self, request_id: str, change: Callable[[RecordedRequest], RecordedRequest]
    ) -> None:
        with self._lock:
            # A reset may have removed the request since it arrived.
            if request_id in self._requests:
                self._requests[request_id] = change(self._requests[request_id])
