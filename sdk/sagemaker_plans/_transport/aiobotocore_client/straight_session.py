"""The HTTP session over aiohttp that this package gives to its clients.

It follows no redirects: a server that redirects already has the request and may carry it out.
It reads no certificates where none are needed. And it lets reads go past what aiobotocore does
around each request, where nobody would notice.
"""

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from operator import is_
from types import FunctionType, MappingProxyType
from typing import Any, Final, NoReturn, cast

from aiohttp import ClientResponse, ClientSession, TraceConfig, TraceRequestRedirectParams
from attrs import frozen
from botocore.httpsession import ProxyConfiguration

from sagemaker_plans._transport.aiobotocore_client.parts import AIOHTTPSession
from sagemaker_plans._transport.evidence import WholeReply
from sagemaker_plans._wire.redaction import redacted

Handed = tuple[str, Mapping[str, Any]]
"""What aiohttp was asked to send: the method, and the settings of its ``request``."""

_HANDED: Final[ContextVar[list[Handed] | None]] = ContextVar("_HANDED", default=None)
"""Where each request that is handed to aiohttp is noted; None if nobody wants to know."""


class RedirectError(Exception):
    """The endpoint redirected the request.

    Args:
        status: The HTTP status.
        location: The address in the Location header.
    """

    def __init__(self, status: int, location: str) -> None:
        super().__init__(f"the endpoint redirects to {redacted(location)}")
        self.status = status
        self.location = location


async def _refuse_redirect(
    _session: ClientSession, _context: object, told: TraceRequestRedirectParams
) -> None:
    reply = told.response
    reply.close()
    raise RedirectError(reply.status, reply.headers.get("Location", "an unnamed address"))


NO_REDIRECTS: Final = TraceConfig()
"""Makes aiohttp raise instead of following a redirect. httpx follows none by default."""
NO_REDIRECTS.on_request_redirect.append(_refuse_redirect)
NO_REDIRECTS.freeze()


class _Straight:
    """An HTTP client of aiohttp that is asked to follow no redirect.

    That costs less than a trace, which aiohttp calls at each step of each request.

    Args:
        opened: The HTTP client.
    """

    def __init__(self, opened: ClientSession) -> None:
        self.__wrapped__ = opened

    def __getattr__(self, name: str) -> Any:  # any attribute of the client
        return getattr(self.__wrapped__, name)

    async def request(self, method: str, **settings: Any) -> ClientResponse:
        """Send a request.

        Args:
            method: The HTTP method.
            settings: Everything else about the request.

        Returns:
            The response, be it a redirect or another one.
        """
        settings["allow_redirects"] = False
        handed = _HANDED.get()
        if handed is not None:
            handed.append((method, {**settings, "headers": settings["headers"].copy()}))
        send: Callable[..., Awaitable[ClientResponse]] = self.__wrapped__.request
        return await send(method, **settings)


@contextmanager
def noting(handed: list[Handed]) -> Generator[None]:
    """Note what our sessions hand to aiohttp.

    Args:
        handed: Gets each request that is sent meanwhile.

    Yields:
        While it is noted.
    """
    before = _HANDED.set(handed)
    try:
        yield
    finally:
        _HANDED.reset(before)


class StraightSession(AIOHTTPSession):
    """aiobotocore's session over aiohttp, without redirects.

    aiohttp would send a redirected POST again, up to ten times. If it cannot connect to the
    next address, its exception looks as if the request had not been sent at all.

    For an endpoint without encryption, such as the emulator's, it loads no certificates.
    That takes longer than everything else that a first request needs.
    """

    _encrypts: bool = False
    _straight: Mapping[str | None, _Straight] = MappingProxyType({})

    async def send(self, request: Any) -> Any:  # overrides such a method
        self._encrypts = self._encrypts or not request.url.startswith("http:")
        return await super().send(request)

    def _build_ssl_contexts(self, proxy_url: str | None) -> tuple[object, object]:
        if self._encrypts or proxy_url is not None:
            build = cast("Any", super())._build_ssl_contexts  # noqa: SLF001  # the overridden one
            return cast("tuple[object, object]", build(proxy_url))
        # True is aiohttp's default context. It verifies, should an encrypted request follow.
        return True, None

    async def _get_session(self, proxy_url: str | None) -> _Straight:
        # Any, because the type stubs do not have this method.
        opened = await cast("Any", super())._get_session(proxy_url)  # noqa: SLF001  # overridden
        straight = self._straight.get(proxy_url)
        if straight is None or straight.__wrapped__ is not opened:
            straight = _Straight(opened)
            self._straight = {**self._straight, proxy_url: straight}
        return straight


@frozen(eq=False, repr=False, kw_only=True)
class PlainRequest:
    """A request as our session hands it to aiohttp, and as aiobotocore's session was given it."""

    opened: ClientSession
    """The HTTP client of aiohttp that sends it."""
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    settings: Mapping[str, Any]
    """The settings of aiohttp's ``request``."""


async def exchange(request: PlainRequest) -> WholeReply:
    """Send a request as a session does, but past what aiobotocore does around it.

    Args:
        request: The request, signed.

    Returns:
        The whole reply.

    Raises:
        Exception: Whatever aiobotocore's session would raise.
    """
    try:
        send: Callable[..., Awaitable[ClientResponse]] = request.opened.request
        response = await send(request.method, **request.settings)
        headers = {name.decode().lower(): value.decode() for name, value in response.raw_headers}
        raw = await response.read()
    except Exception as error:  # noqa: BLE001  # raised, as aiobotocore raises it
        return cast("WholeReply", await cast("Any", _Failed(error)).send(request))
    return WholeReply(status=response.status, headers=headers, raw=raw)


class _Failed(AIOHTTPSession):
    """A session whose request has failed already. It tells as what aiobotocore raises that.

    Args:
        error: What was raised.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def _get_session(self, _proxy_url: str | None) -> NoReturn:
        raise self._error


_OWN: Final = tuple(vars(StraightSession))
_AS_WRITTEN: Final = tuple(vars(StraightSession).values())
_ORDER: Final = StraightSession.__mro__
_METHODS: Final = frozenset(
    name for cls in _ORDER for name, value in vars(cls).items() if isinstance(value, FunctionType)
)
_INHERITED: Final = _METHODS.difference(_OWN)


def way_past(session: StraightSession) -> ClientSession | None:
    """Find what sends the next request of a session, if no method of the session is replaced.

    What the session inherits from aiobotocore is not looked at here.

    Args:
        session: The session.

    Returns:
        The HTTP client of aiohttp; None if the session has to send the request itself: there
        is no HTTP client yet, there may be a proxy, or somebody has changed the session.
    """
    own, held = vars(StraightSession), vars(session)
    proxies: Any = held["_proxy_config"]
    is_as_written = (
        all(map(is_, map(own.get, _OWN), _AS_WRITTEN))
        # Others may be added: the module copy notes something in a class.
        and _INHERITED.isdisjoint(own)
        and StraightSession.__mro__ is _ORDER
        and _METHODS.isdisjoint(held)
        and type(held["_proxy_config"]) is ProxyConfiguration
        and not proxies._proxies  # noqa: SLF001  # it has no public name
    )
    sessions: Mapping[str | None, ClientSession] | None = held["_sessions"]
    return sessions.get(None) if is_as_written and sessions else None
