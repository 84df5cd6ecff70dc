"""Supports sessions whose ``send`` was patched on the instance, for example by a tracer.

Such a patch always calls the session on which it was put, never a copy. So while a request is
sent on its own connection, the patched session takes that connection from the copy.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, cast

_STAND_IN: Final[ContextVar[tuple[Any, Any] | None]] = ContextVar("_STAND_IN", default=None)


class _Route:
    """Replaces a session's ``_get_session`` while requests are sent on their own connections."""

    def __init__(self, session: Any) -> None:  # HTTP sessions share no type
        self.users = 0
        self._session = session
        self._get_session = session._get_session  # noqa: SLF001  # no public method opens one

    async def __call__(self, target: object) -> object:
        """Open the HTTP client that sends a request.

        Args:
            target: The argument of the session's ``_get_session``.

        Returns:
            Inside ``standing_in`` the copy's HTTP client, elsewhere the session's own.
        """
        pair = _STAND_IN.get()
        if pair is not None and pair[0] is self._session:
            return await pair[1]._get_session(target)  # noqa: SLF001  # likewise
        return await self._get_session(target)


@contextmanager
def standing_in(session: Any, alone: Any) -> Generator[None]:  # no common type
    """Let a session use the connection of its copy, if its ``send`` was patched.

    Args:
        session: The session.
        alone: The copy.

    Yields:
        While the session uses it.
    """
    held = cast("dict[str, object]", vars(session))
    if "send" not in held or not hasattr(session, "_get_session"):
        yield
        return
    route = held.get("_get_session")
    if not isinstance(route, _Route):
        route = session._get_session = _Route(session)  # noqa: SLF001  # likewise
    route.users += 1
    before = _STAND_IN.set((session, alone))
    try:
        yield
    finally:
        _STAND_IN.reset(before)
        route.users -= 1
        if route.users == 0 and held.get("_get_session") is route:
            del session._get_session  # noqa: SLF001  # likewise


def forget_routes(copied: Any) -> None:  # HTTP sessions share no type
    """Let a copy of a session open its own connections.

    Args:
        copied: The copy.
    """
    held = cast("dict[str, object]", vars(copied))
    if isinstance(held.get("_get_session"), _Route):
        del copied._get_session  # noqa: SLF001  # likewise
