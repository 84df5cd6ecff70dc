"""Keeps a request that is sent once off the pool of a session that has a ``send`` of its own.

A user's class may hold a bound ``send`` or a worker, and a tracer may patch ``send`` on the
instance. All of these belong to the session on which they were made, never to its copy. So
while a request is sent on a connection of its own, that session takes the connection from the
copy. What is sent in another task would not know of the copy: there the HTTP client of the pool
refuses such a request.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, cast

from aiohttp import ClientSession, TraceConfig, TraceRequestStartParams
from attrs import define

from sagemaker_plans._transport.aiobotocore_client.parts import AIOHTTPSession, HttpxSession
from sagemaker_plans._transport.aiobotocore_client.straight_session import StraightSession
from sagemaker_plans._transport.exception_mapping import inner_of
from sagemaker_plans._wire.operations import OPERATIONS


@define(eq=False)
class _StandIn:
    """A copy that stands in for its session. A task that began meanwhile may outlive that."""

    session: Any
    alone: Any


_STAND_IN: Final[ContextVar[_StandIn | None]] = ContextVar("_STAND_IN", default=None)
_SENDS: Final = frozenset(
    each.send for each in (AIOHTTPSession, cast("Any", HttpxSession), StraightSession)
)
_TARGET: Final = "X-Amz-Target"
_TARGETS: Final = frozenset(f"SageMaker.{each.name}" for each in OPERATIONS if each.is_sent_once)


class PooledSendError(Exception):
    """A request came to a connection that is not for it. It was not sent.

    Args:
        target: The operation of the request, as the header names it.
    """

    def __init__(self, target: str) -> None:
        name = target.rpartition(".")[2]
        super().__init__(
            f"{name} was not sent: a request that is sent once needs a connection of its own, and "
            "the HTTP session (http_session_cls) sends this one in another task, with another "
            "connection; send it in the task in which send is called"
        )


class _Route:
    """Replaces the ``_get_session`` of a session that has a ``send`` of its own."""

    def __init__(self, session: Any) -> None:  # HTTP sessions share no type
        self._session = session
        self._get_session = session._get_session  # noqa: SLF001  # no public method opens one
        self._is_patch = "_get_session" in vars(session)
        self.owners: set[object] = set()
        """For whom purchases keep off the pool: sessions may be shared."""

    async def __call__(self, *args: object, **settings: object) -> object:
        """Open the HTTP client that sends a request.

        Args:
            args: The arguments of the session's ``_get_session``.
            settings: Those with names.

        Returns:
            Inside ``standing_in`` the copy's HTTP client, elsewhere the session's own, which
            refuses requests that are sent once.
        """
        stand_in = _STAND_IN.get()
        if stand_in is not None and stand_in.session is self._session:
            return await stand_in.alone._get_session(*args, **settings)  # noqa: SLF001  # likewise
        opened = await self._get_session(*args, **settings)
        for each in (getattr(opened, "__wrapped__", opened), *_opened_by(self._session)):
            _refuse_in(each)
        return opened

    def leave(self, session: Any) -> None:  # HTTP sessions share no type
        """Put back what was there before, in the session or in its copy.

        Args:
            session: The session or its copy.
        """
        del session._get_session  # noqa: SLF001  # likewise
        if self._is_patch:
            session._get_session = self._get_session  # noqa: SLF001  # likewise


def keep_off_the_pool(session: Any, owner: object) -> None:  # HTTP sessions share no type
    """Keep requests that are sent once off a session's pool, if its ``send`` is not aiobotocore's.

    Args:
        session: The session.
        owner: For whom.
    """
    held = cast("dict[str, Any]", vars(session))
    kind = cast("Any", type(session))
    if getattr(kind, "send", None) in _SENDS and "send" not in held:
        return
    route = held.get("_get_session")
    if not isinstance(route, _Route):
        route = session._get_session = _Route(session)  # noqa: SLF001  # likewise
        for each in _opened_by(session):
            _refuse_in(each)
    route.owners.add(owner)


def give_back_the_pool(session: Any, owner: object) -> None:  # HTTP sessions share no type
    """Undo ``keep_off_the_pool``. The last owner restores the session.

    Args:
        session: The session.
        owner: For whom.
    """
    route = cast("dict[str, Any]", getattr(session, "__dict__", {})).get("_get_session")
    if isinstance(route, _Route):
        route.owners.discard(owner)
        if not route.owners:
            route.leave(session)
            for each in _opened_by(session):
                _permit_in(each)


def pooled_send_in(error: BaseException) -> PooledSendError | None:
    """Find out whether an HTTP client of the pool refused a request.

    Args:
        error: The exception that an HTTP session raised.

    Returns:
        The client's exception; None if it is another one.
    """
    found = inner_of(error) or error
    return found if isinstance(found, PooledSendError) else None


def _opened_by(session: Any) -> list[Any]:  # HTTP sessions share no type
    held = cast("dict[str, Any]", vars(session))
    opened = cast("dict[object, object]", held.get("_sessions") or {})
    return [held.get("_session"), *opened.values()]


@contextmanager
def standing_in(session: Any, alone: Any) -> Generator[None]:  # no common type
    """Let a session that has a ``send`` of its own use the connection of its copy.

    Args:
        session: The session.
        alone: The copy.

    Yields:
        While the session uses it.
    """
    before = _STAND_IN.get()
    stand_in = _StandIn(session, alone)
    _STAND_IN.set(stand_in)
    try:
        yield
    finally:
        # A task that began meanwhile keeps it.
        stand_in.session = stand_in.alone = None
        # Not reset(): a coroutine that is thrown away may end in another context.
        _STAND_IN.set(before)


def forget_routes(copied: Any) -> None:  # HTTP sessions share no type
    """Let a copy of a session open its own connections.

    Args:
        copied: The copy.
    """
    route = cast("dict[str, object]", vars(copied)).get("_get_session")
    if isinstance(route, _Route):
        route.leave(copied)


async def _refuse_aiohttp(
    _session: ClientSession, _context: object, told: TraceRequestStartParams
) -> None:
    _refuse(told.headers.get(_TARGET))


def _refuse(target: str | None) -> None:
    if target is not None and target in _TARGETS:
        raise PooledSendError(target)


_REFUSING: Final = TraceConfig()
_REFUSING.on_request_start.append(_refuse_aiohttp)
_REFUSING.freeze()


async def _refuse_httpx(request: Any) -> None:  # of httpx or of httpx2
    _refuse(request.headers.get(_TARGET))


def _refuse_in(opened: Any) -> None:  # the HTTP clients share no type
    """Let an HTTP client of the pool refuse requests that are sent once."""
    if isinstance(opened, ClientSession):
        if _REFUSING not in opened.trace_configs:
            opened.trace_configs.append(_REFUSING)
    elif (hooks := getattr(opened, "event_hooks", None)) and _refuse_httpx not in hooks["request"]:
        opened.event_hooks = {**hooks, "request": [_refuse_httpx, *hooks["request"]]}


def _permit_in(opened: Any) -> None:  # the HTTP clients share no type
    """Undo ``_refuse_in``."""
    if isinstance(opened, ClientSession):
        if _REFUSING in opened.trace_configs:
            opened.trace_configs.remove(_REFUSING)
    elif hooks := getattr(opened, "event_hooks", None):
        kept = [each for each in hooks["request"] if each is not _refuse_httpx]
        opened.event_hooks = {**hooks, "request": kept}
