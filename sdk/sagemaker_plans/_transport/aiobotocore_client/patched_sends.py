"""Sessions whose ``send`` somebody patched on the instance: a fake, a tracer.

Such a patch calls the session that it was put on, and never a copy of that. So for as long
as a request is sent alone, the session that was patched takes its connection from the one
that stands in for it.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, cast

_STAND_IN: Final[ContextVar[tuple[Any, Any] | None]] = ContextVar("_STAND_IN", default=None)


class _Route:
    """Takes the place of a session's ``_get_session``, while requests are sent alone."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401  # of aiobotocore
        self.users = 0
        self._session = session
        self._get_session = session._get_session  # noqa: SLF001  # the one place that opens any

    async def __call__(self, target: object) -> object:
        """Open what requests are sent with.

        Args:
            target: As the session has it.

        Returns:
            What the stand-in opened, in the calls that it stands in for; else the session's own.
        """
        pair = _STAND_IN.get()
        if pair is not None and pair[0] is self._session:
            return await pair[1]._get_session(target)  # noqa: SLF001
        return await self._get_session(target)


@contextmanager
def standing_in(session: Any, alone: Any) -> Generator[None]:  # noqa: ANN401  # of aiobotocore
    """Let a session stand in for another one whose ``send`` was patched.

    Args:
        session: The session.
        alone: What stands in for it.

    Yields:
        While it does.
    """
    held = cast("dict[str, object]", vars(session))
    if "send" not in held or not hasattr(session, "_get_session"):
        yield
        return
    route = held.get("_get_session")
    if not isinstance(route, _Route):
        route = session._get_session = _Route(session)  # noqa: SLF001
    route.users += 1
    before = _STAND_IN.set((session, alone))
    try:
        yield
    finally:
        _STAND_IN.reset(before)
        route.users -= 1
        if route.users == 0 and held.get("_get_session") is route:
            del session._get_session  # noqa: SLF001


def forget_routes(copied: Any) -> None:  # noqa: ANN401  # of aiobotocore
    """Let a copy of a session open connections by itself.

    Args:
        copied: The copy.
    """
    held = cast("dict[str, object]", vars(copied))
    if isinstance(held.get("_get_session"), _Route):
        del copied._get_session  # noqa: SLF001
