"""Redirects are not followed: whatever redirects has had the request already."""

from typing import Final

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
