"""Sending one request on a connection of its own: opened for it, closed after it.

No pool lends the connection, so no stray bytes of an earlier reply are on it. No redirect
is followed, and nothing is sent twice. The HTTP client's own trace tells whether the
connection could be made.
"""

import asyncio
import copy
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final, cast

import anyio
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from aiohttp import ClientSession, TraceConfig, TraceRequestExceptionParams
from attrs import define

from sagemaker_plans._transport.aiobotocore_client.patched_sends import (
    forget_routes,
    standing_in,
)
from sagemaker_plans._transport.aiobotocore_client.redirects import NO_REDIRECTS
from sagemaker_plans._transport.evidence import SecondSendError
from sagemaker_plans._transport.exception_mapping import inner_of
from sagemaker_plans.errors import ConfigurationError

_LOG: Final = logging.getLogger("sagemaker_plans")

_CLOSING_TIME: Final = 5.0
_TWICE: Final = "the HTTP session was about to send the request a second time"


@define(eq=False)
class ConnectionTrace:
    """What the HTTP client tells of one connection."""

    is_tried: bool = False
    """Whether a connection was begun."""
    is_used: bool = False
    """Whether the request, or a part of it, may have left."""
    requests: int = 0
    """How many requests were begun."""
    failure: BaseException | None = None
    """What the HTTP client itself raised."""
    refusal: str | None = None
    """Why no connection of its own can be had, if none can."""

    def proves_unsent(self, error: BaseException) -> bool:
        """Tell whether an exception says that provably no connection was made.

        Args:
            error: What the HTTP session raised. A session of the user's may have turned
                elsewhere after the HTTP client failed; then it ends with something else.

        Returns:
            Whether it is what the HTTP client raised, or what opening the HTTP client
            raised, and no connection was made.
        """
        if not self.is_tried or self.is_used or self.failure is None:
            return False
        if not isinstance(error, Exception):
            return not isinstance(self.failure, Exception)
        reasons = {id(error), id(inner_of(error))}
        return any(id(each) in reasons for each in _chain(self.failure))

    def refuse(self, words: str) -> ConfigurationError:
        """Note that no connection of its own can be had.

        Args:
            words: Why.

        Returns:
            The error that says so.
        """
        self.refusal = f"a request that is sent once needs a connection of its own, and {words}"
        return ConfigurationError(self.refusal)

    def fail_to_open(self, error: BaseException) -> None:
        """Note that there is no HTTP client to send with: it could not be opened.

        Args:
            error: What opening it raised.
        """
        self.is_tried, self.failure = True, error

    def begin_request(self) -> None:
        """Note a request.

        Raises:
            SecondSendError: If it is not the first.
        """
        self.requests += 1
        if self.requests > 1:
            raise SecondSendError(_TWICE)

    def begin_connection(self) -> None:
        """Note that a connection is begun, or one taken that is there.

        A layer inside the HTTP client (a middleware, a transport that retries) begins one
        again without beginning a request again.

        Raises:
            SecondSendError: If one has been used.
        """
        if self.is_used:
            raise SecondSendError(_TWICE)
        self.is_tried = True

    def begin_sending(self) -> None:
        """Note that the request is about to leave.

        Raises:
            SecondSendError: If it has left before.
        """
        if self.is_used:
            raise SecondSendError(_TWICE)
        self.is_used = True


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


HttpSession = Any  # aiobotocore has no type for what its clients send with


def is_open(session: HttpSession) -> bool:
    """Tell whether a client's HTTP session can send.

    Args:
        session: The session.

    Returns:
        False if it was closed or never opened; True for a class that does not tell.
    """
    if isinstance(session, AIOHTTPSession):
        return vars(session).get("_sessions", ()) is not None
    if isinstance(session, HttpxSession):
        return bool(vars(session).get("_entered", True))
    return True


def is_observable(session: HttpSession) -> bool:
    """Tell whether a session tells what it does with a request.

    Args:
        session: The session.

    Returns:
        Whether it is of aiobotocore's classes, or a subclass of one. Another one may follow
        redirects and send again, and nobody would hear of it.
    """
    return isinstance(session, AIOHTTPSession | HttpxSession)


Hear = Callable[[Any, bytes], None]
"""Told of a whole reply: the response, and its body."""


async def send_alone(
    request: object, *, session: HttpSession, alone: HttpSession, hear: Hear
) -> Any:  # noqa: ANN401  # whatever class of response the session has
    """Send a request through a session of its own, read the whole reply, and close it.

    Args:
        request: The request, prepared and signed.
        session: The client's HTTP session.
        alone: What ``session_for_one_request`` made of it.
        hear: Told of the whole reply, before the connection is closed.

    Returns:
        The response; its body has been read.

    Raises:
        Exception: Whatever the HTTP client raises.
    """
    await alone.__aenter__()
    try:
        with standing_in(session, alone):
            response = await alone.send(request)
        hear(response, await response.content)
        return response
    finally:
        with anyio.move_on_after(_CLOSING_TIME, shield=True):
            await _close(alone)


async def _close(alone: HttpSession) -> None:
    try:
        await alone.__aexit__(None, None, None)
    except Exception:  # noqa: BLE001  # whatever a user's session raises
        # What is known of the request was known before.
        _LOG.warning("the connection of a request could not be closed", exc_info=True)


def session_for_one_request(session: HttpSession, trace: ConnectionTrace) -> HttpSession:
    """Make a session with the settings of the client's, and with connections of its own.

    Args:
        session: The client's HTTP session, an observable one. It is not used, and not changed.
        trace: Told what becomes of the connection.

    Returns:
        The session, not entered yet.

    Raises:
        ConfigurationError: If no connection of its own can be had with this session.
    """
    if isinstance(session, AIOHTTPSession):
        fresh = {"_exit_stack": AsyncExitStack(), "_sessions_lock": asyncio.Lock()}
        alone = _copied(session, trace, **fresh, _sessions=None)
        _on_each_session(alone, trace, _trace_aiohttp)
    else:
        alone = _copied(session, trace, _entered=False, _session=None)
        _on_each_session(alone, trace, _trace_httpx)
    return alone


def _copied(session: HttpSession, trace: ConnectionTrace, **fresh: object) -> HttpSession:
    kind = type(session).__name__
    missing = [name for name in fresh if name not in vars(session)]
    if missing or not callable(getattr(session, "_get_session", None)):
        raise trace.refuse(
            "this version of aiobotocore opens them in another way "
            f"({kind} lacks {', '.join(missing)})"
        )
    try:
        alone = copy.copy(session)
        for name, value in fresh.items():
            setattr(alone, name, value)
    except Exception as error:
        raise trace.refuse(f"its {kind} cannot be copied: {error}") from error
    forget_routes(alone)
    return alone


def _on_each_session(
    alone: HttpSession, trace: ConnectionTrace, tell: Callable[[Any, ConnectionTrace], None]
) -> None:
    get_session = alone._get_session  # noqa: SLF001  # the one place where both classes open one
    seen: list[object] = []

    async def traced(target: object) -> object:
        try:
            opened = await get_session(target)
            _require_its_own(alone, opened, trace)
        except BaseException as error:
            trace.fail_to_open(error)
            raise
        if opened not in seen:
            seen.append(opened)
            tell(opened, trace)
        return opened

    alone._get_session = traced  # noqa: SLF001  # of this copy only


def _require_its_own(alone: HttpSession, opened: object, trace: ConnectionTrace) -> None:
    """Require that a session opened this client of an HTTP library itself, and will close it."""
    held = cast("dict[str, Any]", vars(alone))
    sessions = cast("dict[object, object]", held.get("_sessions") or {})
    if not any(one is opened for one in (held.get("_session"), *sessions.values())):
        raise trace.refuse(f"{type(alone).__name__}._get_session gives one that others use too")


def _trace_aiohttp(opened: ClientSession, trace: ConnectionTrace) -> None:
    async def begin(*_: object) -> None:
        trace.begin_request()

    async def tried(*_: object) -> None:
        trace.begin_connection()

    async def used(*_: object) -> None:
        trace.is_used = True

    async def reused(*_: object) -> None:
        trace.begin_sending()

    config = TraceConfig()

    async def failed(_session: object, _context: object, told: TraceRequestExceptionParams) -> None:
        trace.failure = told.exception

    config.on_request_start.append(begin)
    config.on_request_exception.append(failed)
    config.on_connection_create_start.append(tried)
    config.on_connection_reuseconn.append(reused)
    for signal in (config.on_connection_create_end, config.on_request_headers_sent):
        signal.append(used)
    config.freeze()
    added = [config] if NO_REDIRECTS in opened.trace_configs else [config, NO_REDIRECTS]
    opened.trace_configs.extend(added)


def _trace_httpx(opened: Any, trace: ConnectionTrace) -> None:  # noqa: ANN401  # either httpx
    async def note(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith((".connect_tcp.started", ".connect_unix_socket.started")):
            trace.begin_connection()
        # CONNECT asks a proxy for the connection, and carries nothing of the request.
        elif event.endswith(".send_request_headers.started") and (
            info["request"].method != b"CONNECT"
        ):
            trace.begin_sending()

    async def begin(request: Any) -> None:  # noqa: ANN401  # either httpx
        trace.begin_request()
        others = request.extensions.get("trace")

        async def note_and_pass_on(event: str, info: Mapping[str, Any]) -> None:
            await note(event, info)
            if others is not None:
                await others(event, info)

        request.extensions = {**request.extensions, "trace": note_and_pass_on}

    send = opened.send

    async def noted(*args: Any, **settings: Any) -> Any:  # noqa: ANN401  # either httpx
        try:
            return await send(*args, **settings)
        except BaseException as error:
            trace.failure = error
            raise

    opened.send = noted
    hooks = opened.event_hooks
    opened.event_hooks = {**hooks, "request": [*hooks["request"], begin]}
