"""Redirects are not followed: whatever redirects has had the request already."""

from typing import Any, Final, cast

from aiobotocore.httpsession import AIOHTTPSession
from aiohttp import ClientSession, TraceConfig, TraceRequestRedirectParams


class RedirectError(Exception):
    """The endpoint told to send the request elsewhere.

    Args:
        status: The HTTP status.
        location: Where to.
    """

    def __init__(self, status: int, location: str) -> None:
        super().__init__(f"it redirects to {location}")
        self.status = status
        self.location = location


async def _refuse_redirect(
    _session: ClientSession, _context: object, told: TraceRequestRedirectParams
) -> None:
    reply = told.response
    reply.close()
    raise RedirectError(reply.status, reply.headers.get("Location", "nowhere"))


NO_REDIRECTS: Final = TraceConfig()
"""Makes aiohttp raise where it would send a request again elsewhere. httpx never does."""
NO_REDIRECTS.on_request_redirect.append(_refuse_redirect)
NO_REDIRECTS.freeze()


class StraightSession(AIOHTTPSession):
    """aiobotocore's session over aiohttp, which follows no redirect.

    aiohttp sends a redirected POST again, up to ten times, and where it cannot connect to
    the next place it says that the request could not be sent.

    To an endpoint without encryption (an emulator) it brings no certificates: reading them
    takes longer than everything else that a first request needs.
    """

    _encrypts: bool = False

    async def send(self, request: Any) -> Any:  # noqa: ANN401  # as the stubs have it
        self._encrypts = self._encrypts or not request.url.startswith("http:")
        return await super().send(request)

    def _build_ssl_contexts(self, proxy_url: str | None) -> tuple[object, object]:
        if self._encrypts or proxy_url is not None:
            build = cast("Any", super())._build_ssl_contexts  # noqa: SLF001  # its own
            return cast("tuple[object, object]", build(proxy_url))
        # aiohttp's own context, which verifies, should an encrypted request come after all.
        return True, None

    async def _get_session(self, proxy_url: str | None) -> object:
        # Any: the stubs do not have it.
        session = await cast("Any", super())._get_session(proxy_url)  # noqa: SLF001  # its own
        if NO_REDIRECTS not in session.trace_configs:
            session.trace_configs.append(NO_REDIRECTS)
        return cast("object", session)
