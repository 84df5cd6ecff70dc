"""Prevents redirects: a server that redirects already has the request and may carry it out."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NoReturn, cast

from aiohttp import ClientResponse, ClientSession, TraceConfig, TraceRequestRedirectParams
from attrs import frozen
from yarl import URL

from sagemaker_plans._transport.aiobotocore_client.parts import AIOHTTPSession
from sagemaker_plans._transport.evidence import WholeReply


class RedirectError(Exception):
    """The endpoint redirected the request.

    Args:
        status: The HTTP status.
        location: The address in the Location header.
    """

    def __init__(self, status: int, location: str) -> None:
        super().__init__(f"the endpoint redirects to {location}")
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
        send: Callable[..., Awaitable[ClientResponse]] = self.__wrapped__.request
        return await send(method, **settings)


@frozen(eq=False, repr=False, kw_only=True)
class PlainRequest:
    """A request as aiobotocore's session over aiohttp hands it to aiohttp."""

    method: str
    url: str
    address: URL
    """The URL for aiohttp, which does not parse it again."""
    headers: Mapping[str, str]
    body: bytes


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

    async def exchange(self, request: PlainRequest) -> WholeReply:
        """Send a request as ``send`` does, but past what aiobotocore does around it.

        It costs a third less. ``is_straight`` tells whether nobody would notice.

        Args:
            request: The request, signed.

        Returns:
            The whole reply.

        Raises:
            Exception: Whatever ``send`` would raise.
        """
        try:
            # Nobody has to wait for one that is open.
            sessions: Mapping[str | None, ClientSession] | None = vars(self)["_sessions"]
            opened: ClientSession | None = None if sessions is None else sessions.get(None)
            if opened is None:
                self._encrypts = self._encrypts or not request.url.startswith("http:")
                opened = (await self._get_session(None)).__wrapped__
            response: ClientResponse = await opened.request(
                request.method,
                request.address,
                data=request.body,
                headers=request.headers,
                allow_redirects=False,
            )
            headers = {
                name.decode().lower(): value.decode() for name, value in response.raw_headers
            }
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


def address_of(url: str) -> URL:
    """Parse a URL, and keep it as it was signed.

    Args:
        url: The URL.

    Returns:
        It, for aiohttp.
    """
    return URL(url, encoded=True)


_SEND: Final = StraightSession.send
_GET_SESSION: Final = vars(StraightSession)["_get_session"]
_PASSED_BY: Final = frozenset({"send", "_get_session", "_chunked", "_get_request_timeout"})


def is_straight(session: object) -> bool:
    """Tell whether a session may be asked to ``exchange``, and nobody would notice.

    Args:
        session: A client's HTTP session.

    Returns:
        Whether it is our own, as we have made it, without a proxy. What it inherits from
        aiobotocore is not looked at here.
    """
    if type(session) is not StraightSession:
        return False
    own, held = vars(StraightSession), vars(session)
    return (
        own["send"] is _SEND
        and own["_get_session"] is _GET_SESSION
        and _PASSED_BY.isdisjoint(held)
        and not held["_proxy_config"]._proxies  # noqa: SLF001  # it has no public name
    )
