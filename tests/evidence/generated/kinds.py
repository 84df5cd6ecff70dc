"""Every kind of exception that user code may raise during a call of this package."""

import asyncio
import socket
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import botocore.exceptions as boto

from evidence.counting_server import EXTEND
from sagemaker_plans import ConfigurationError, ConnectionFailedError, ThrottledError

ELSEWHERE: Final = "http://elsewhere.invalid"
CANCELLED: Final = "cancelled"
"""No exception: the caller's own task is cancelled."""
NOTHING: Final = "nothing"
"""No exception: the user code succeeds."""

_KEY: Any = SimpleNamespace(host="elsewhere.invalid", port=80, is_ssl=False, ssl=True)
_OS_ERROR: Final = ConnectionRefusedError(111, "Connection refused")


def _connector_error() -> Exception:
    return aiohttp.ClientConnectorError(_KEY, _OS_ERROR)


def _httpx_error(name: str) -> Exception:
    module = next(name for name in ("httpx2", "httpx") if find_spec(name))
    made: Exception = getattr(import_module(module), name)("All connection attempts failed")
    return made


def _client_error(code: str, operation: str, status: int = 400) -> Exception:
    said: Any = {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "theirs"},
    }
    return boto.ClientError(said, operation)


KINDS: Final[dict[str, Callable[[], BaseException]]] = {
    "our-throttled": lambda: ThrottledError("no", code="ThrottlingException", operation=EXTEND),
    "our-unsent": lambda: ConnectionFailedError("no", request_sent=False, operation=EXTEND),
    "our-configuration": lambda: ConfigurationError("no", operation=EXTEND),
    "throttled-elsewhere": lambda: _client_error("ThrottlingException", "PutItem"),
    "throttled-here": lambda: _client_error("ThrottlingException", EXTEND),
    "denied-here": lambda: _client_error("AccessDeniedException", EXTEND, 403),
    "bad-params": lambda: boto.ParamValidationError(report="no"),
    "no-credentials": boto.NoCredentialsError,
    "no-endpoint": lambda: boto.EndpointConnectionError(
        endpoint_url=ELSEWHERE, error=_connector_error()
    ),
    "no-proxy": lambda: boto.ProxyConnectionError(proxy_url=ELSEWHERE, error=_connector_error()),
    "no-tls": lambda: boto.SSLError(endpoint_url=ELSEWHERE, error=_connector_error()),
    "no-connection-in-time": lambda: boto.ConnectTimeoutError(
        endpoint_url=ELSEWHERE, error=_httpx_error("ConnectTimeout")
    ),
    "read-timeout": lambda: boto.ReadTimeoutError(endpoint_url=ELSEWHERE),
    "aiohttp-connector": _connector_error,
    "aiohttp-timeout": lambda: aiohttp.ConnectionTimeoutError("Connection timeout to host"),
    "httpx-connect": lambda: _httpx_error("ConnectError"),
    "no-address": lambda: socket.gaierror(-2, "Name or service not known"),
    "type-error": lambda: TypeError("no"),
    "runtime-error": lambda: RuntimeError("no"),
    "timeout-error": lambda: TimeoutError("no"),
    "stray-cancellation": asyncio.CancelledError,
    "stray-in-a-group": lambda: BaseExceptionGroup("no", [asyncio.CancelledError(), OSError()]),
}
"""The factory of each exception, by name."""

ALL_KINDS: Final = (*KINDS, CANCELLED, NOTHING)
