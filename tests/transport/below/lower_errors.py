"""The exceptions of the libraries below, made one by one and sent through aiobotocore."""

import ssl
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from inspect import getmembers, isclass
from string import Formatter
from types import ModuleType, SimpleNamespace
from typing import Any

import aiobotocore.httpxsession
import aiohttp
import aiohttp.client_exceptions
import aiohttp.http_exceptions
import botocore.discovery
import botocore.exceptions as boto
import pytest
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

ENDPOINT = "http://sagemaker.invalid"

HTTPX_MODULES = tuple(name for name in ("httpx2", "httpx") if find_spec(name))
"""The httpx that aiobotocore prefers, and the one that it uses instead, if installed."""


def _classes(*modules: ModuleType, of: tuple[type[Exception], ...]) -> Iterator[type[Exception]]:
    found = {cls.__name__: cls for module in modules for _, cls in getmembers(module, isclass)}
    for _, cls in sorted(found.items()):
        if issubclass(cls, of) and not issubclass(cls, Warning):
            yield cls


def botocore_classes() -> tuple[type[Exception], ...]:
    return tuple(
        _classes(
            boto, botocore.discovery, of=(boto.BotoCoreError, boto.UndefinedModelAttributeError)
        )
    )


def client_error_classes() -> tuple[type[Exception], ...]:
    return tuple(_classes(boto, of=(boto.ClientError,)))


def aiohttp_classes() -> tuple[type[Exception], ...]:
    of = (aiohttp.ClientError, aiohttp.http_exceptions.HttpProcessingError)
    return tuple(_classes(aiohttp, aiohttp.http_exceptions, aiohttp.client_exceptions, of=of))


def httpx_classes(name: str) -> tuple[type[Exception], ...]:
    return tuple(_classes(import_module(name), of=(Exception,)))


def made_by_botocore(cls: type[Exception]) -> Exception:
    """Make an exception of botocore, with a value for each field of its message."""
    fmt = str(getattr(cls, "fmt", ""))
    words: dict[str, Any] = {name: f"<{name}>" for _, name, _, _ in Formatter().parse(fmt) if name}
    if issubclass(cls, boto.WaiterError):
        words["last_response"] = {}
    return cls(**words)


_KEY = SimpleNamespace(host="sagemaker.invalid", port=80, is_ssl=False, ssl=True)
_INFO = aiohttp.RequestInfo(
    URL(ENDPOINT), "POST", CIMultiDictProxy(CIMultiDict[str]()), URL(ENDPOINT)
)
_REFUSED = ConnectionRefusedError(111, "Connection refused")

_AIOHTTP_MAKERS: dict[type[Exception], Callable[[Any], Exception]] = {
    aiohttp.ClientConnectorCertificateError: lambda cls: cls(_KEY, ssl.CertificateError("self")),
    aiohttp.client_exceptions.UnixClientConnectorError: lambda cls: cls("/socket", _KEY, _REFUSED),
    aiohttp.ClientConnectorError: lambda cls: cls(_KEY, _REFUSED),
    aiohttp.ClientResponseError: lambda cls: cls(_INFO, ()),
    aiohttp.ServerFingerprintMismatch: lambda cls: cls(b"expected", b"got", "host", 80),
    # aiohttp's own text, which aiobotocore looks for.
    aiohttp.ConnectionTimeoutError: lambda cls: cls(f"Connection timeout to host {ENDPOINT}"),
    aiohttp.SocketTimeoutError: lambda cls: cls("Timeout on reading data from socket"),
    aiohttp.http_exceptions.LineTooLong: lambda cls: cls(b"line", 8190),
    aiohttp.http_exceptions.InvalidHeader: lambda cls: cls("header"),
    aiohttp.http_exceptions.BadStatusLine: lambda cls: cls("line"),
    aiohttp.http_exceptions.HttpProcessingError: lambda cls: cls(message="words"),
    aiohttp.InvalidURL: lambda cls: cls("url"),
}


def made_by_aiohttp(cls: type[Exception]) -> Exception:
    for kind, maker in _AIOHTTP_MAKERS.items():
        if issubclass(cls, kind):
            return maker(cls)
    return cls("words")


def made_by_httpx(cls: Any) -> Exception:
    if cls.__name__ == "HTTPStatusError":
        httpx: Any = import_module(cls.__module__.partition(".")[0])
        request = httpx.Request("POST", ENDPOINT)
        return cls("words", request=request, response=httpx.Response(500))  # type: ignore[no-any-return]  # httpx need not be installed
    try:
        return cls("words")  # type: ignore[no-any-return]  # httpx need not be installed
    except TypeError:
        return cls()  # type: ignore[no-any-return]  # httpx need not be installed


class _Raising:
    """An HTTP client for which every request ends in one exception."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def request(self, *_: object, **__: object) -> object:
        raise self._error


def _request() -> Any:
    return AWSPreparedRequest(
        method="POST", url=f"{ENDPOINT}/", headers=HTTPHeaders(), body=b"{}", stream_output=False
    )


async def through_aiohttp(error: BaseException) -> Exception:
    """Return the exception of aiobotocore for an exception of aiohttp."""

    class Session(AIOHTTPSession):
        async def _get_session(self, proxy_url: str | None) -> object:
            assert proxy_url is None
            return _Raising(error)

    return await _raised_by(Session())


async def through_httpx(module: str, error: BaseException, **settings: Any) -> Exception:
    """Return the exception of aiobotocore for an exception of httpx."""
    httpx: Any = import_module(module)

    class Transport(httpx.AsyncBaseTransport):  # type: ignore[misc]  # httpx need not be installed
        async def handle_async_request(self, request: object) -> object:
            assert request is not None
            raise error

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(action="ignore"):
        patch.setattr(aiobotocore.httpxsession, "httpx", httpx)
        async with httpx.AsyncClient(transport=Transport()) as client:

            class Session(HttpxSession):
                async def _get_session(self, url: str) -> object:
                    assert url.startswith(ENDPOINT)
                    return client

            return await _raised_by(Session(**settings))


async def _raised_by(session: Any) -> Exception:
    try:
        await session.send(_request())
    except Exception as raised:  # noqa: BLE001  # which one is the question
        return raised
    raise AssertionError("aiobotocore kept the exception to itself")
