"""Sends one request on a connection of its own, which is opened for it and closed after it.

The connection does not come from a pool, so it cannot contain bytes of an earlier reply.
Redirects are not followed, and nothing is sent twice. The HTTP client's own trace shows
whether the connection could be made.
"""

import asyncio
import copy
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final, cast

from aiohttp import (
    ClientSession,
    TraceConfig,
    TraceRequestEndParams,
    TraceRequestExceptionParams,
    TraceRequestStartParams,
)
from attrs import define

from sagemaker_plans._transport.aiobotocore_client.parts import AIOHTTPSession
from sagemaker_plans._transport.aiobotocore_client.patched_sends import (
    PooledSendError,
    forget_routes,
    standing_in,
)
from sagemaker_plans._transport.aiobotocore_client.straight_session import NO_REDIRECTS
from sagemaker_plans._transport.evidence import SecondSendError
from sagemaker_plans._transport.exception_mapping import inner_of
from sagemaker_plans.errors import ConfigurationError

_LOG: Final = logging.getLogger("sagemaker_plans")

_CLOSING_TIME: Final = 5.0
_TARGET: Final = "X-Amz-Target"
_SIGNATURE: Final = "Authorization"
_TWICE: Final = "the HTTP session was about to send the request a second time"


@define(eq=False)
class ConnectionTrace:
    """What the HTTP client reports about one connection."""

    is_tried: bool = False
    """Whether the HTTP client began to connect."""
    is_used: bool = False
    """Whether the request, or a part of it, may have been sent."""
    is_over: bool = False
    """Whether the session has returned or raised, so that nothing may be sent any more."""
    status: int | None = None
    """The HTTP status of the reply, once its head has come."""
    requests: int = 0
    """How many requests the HTTP client began."""
    names: tuple[str, str] | None = None
    """By which its request is known: the operation and the signature; None for any."""
    failure: BaseException | None = None
    """The exception that the HTTP client itself raised."""
    refusal: str | None = None
    """Why the request cannot get a connection of its own; None if it can."""

    @property
    def is_begun(self) -> bool:
        """Whether the HTTP client of this connection was asked for anything."""
        return self.is_tried or self.is_used or self.requests > 0

    def contradicts(self, status: int) -> bool:
        """Tell whether a reply that the session returned is another one than came, if any came.

        Args:
            status: The HTTP status of the session's reply.

        Returns:
            True if the request may have been sent, and no reply with this status came. Then
            code of the user has made it up.
        """
        is_connecting = self.is_tried and self.failure is None
        return (self.is_used or is_connecting) and self.status != status

    def proves_unsent(self, error: BaseException) -> bool:
        """Tell whether an exception proves that no connection was made.

        Args:
            error: The exception that the HTTP session raised.

        Returns:
            True if no connection was made, and this is the exception that the HTTP client
            raised when it connected or was opened. After another exception a session of the
            user may have sent the request in another way.
        """
        if not self.is_tried or self.is_used or self.failure is None:
            return False
        if not isinstance(error, Exception):
            return not isinstance(self.failure, Exception)
        reasons = {id(error), id(inner_of(error))}
        return any(id(each) in reasons for each in _chain(self.failure))

    def refuse(self, words: str) -> ConfigurationError:
        """Note that the request cannot get a connection of its own.

        Args:
            words: The reason.

        Returns:
            The error to raise.
        """
        self.refusal = f"a request that is sent once needs a connection of its own, and {words}"
        return ConfigurationError(self.refusal)

    def fail_to_open(self, error: BaseException) -> None:
        """Note that the HTTP client could not be opened.

        Args:
            error: The exception that was raised when it was opened.
        """
        self.is_tried, self.failure = True, error

    def begin_request(self, headers: Mapping[str, str]) -> None:
        """Note that the HTTP client begins a request.

        Args:
            headers: The headers of the request.

        Raises:
            PooledSendError: If it is another request: a task that began with this one sends it.
            SecondSendError: If it is not the first request.
        """
        names = headers.get(_TARGET, ""), headers.get(_SIGNATURE, "")
        if self.names is not None and self.names != names:
            is_known = any(each.names == names for each in tuple(_UNDER_WAY))
            if is_known or names[0] != self.names[0]:
                raise PooledSendError(names[0])
        self.requests += 1
        if self.requests > 1 or self.is_over:
            raise SecondSendError(_TWICE)

    def begin_connection(self) -> None:
        """Note that the HTTP client begins to connect.

        A layer inside the HTTP client (a middleware, a transport that retries) may connect
        again without beginning a new request.

        Raises:
            SecondSendError: If a connection has been used already.
        """
        if self.is_used or self.is_over:
            raise SecondSendError(_TWICE)
        self.is_tried = True

    def begin_sending(self) -> None:
        """Note that the request is about to be sent.

        Raises:
            SecondSendError: If it may have been sent before.
        """
        if self.is_used or self.is_over:
            raise SecondSendError(_TWICE)
        self.is_used = True


_UNDER_WAY: Final[set[ConnectionTrace]] = set()
"""The connections of requests that are being sent."""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


HttpSession = Any  # aiobotocore has no common type for its HTTP sessions


Hear = Callable[[Any, bytes], None]
"""Called with a whole reply: the response and its body."""


async def send_alone(
    request: Any, *, session: HttpSession, alone: HttpSession, trace: ConnectionTrace, hear: Hear
) -> Any:  # the two HTTP sessions have no common type of response
    """Send a request through a session of its own, read the whole reply, and close the session.

    Args:
        request: The request, prepared and signed.
        session: The client's HTTP session.
        alone: The session that ``session_for_one_request`` made from it.
        trace: Notes what happens to the connection.
        hear: Called with the whole reply before the connection is closed.

    Returns:
        The response; its body has been read.

    Raises:
        Exception: Whatever the HTTP client raises.
    """
    import anyio  # noqa: PLC0415  # reads do not need it

    # All that closing needs is imported before anything is sent.
    closing, now = anyio.CancelScope(shield=True), anyio.current_time
    trace.names = _text(request, _TARGET), _text(request, _SIGNATURE)
    try:
        await alone.__aenter__()
    except BaseException as error:
        trace.fail_to_open(error)
        raise
    _UNDER_WAY.add(trace)
    try:
        with standing_in(session, alone):
            response = await alone.send(request)
        hear(response, await response.content)
        return response
    finally:
        _UNDER_WAY.discard(trace)
        trace.is_over = True
        closing.deadline = now() + _CLOSING_TIME
        with closing:
            await _close(alone)


def _text(request: Any, name: str) -> str:  # a request of botocore
    # A hook may have made a plain dict of the headers, which tells cases apart.
    lowered = {each.lower(): value for each, value in request.headers.items()}
    value = lowered.get(name.lower(), "")
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


async def _close(alone: HttpSession) -> None:
    try:
        await alone.__aexit__(None, None, None)
    except Exception:  # noqa: BLE001  # logged; a user's session may raise anything
        # The outcome of the request was known before, so this changes nothing.
        _LOG.warning("the connection of a request could not be closed", exc_info=True)


def session_for_one_request(session: HttpSession, trace: ConnectionTrace) -> HttpSession:
    """Copy the client's HTTP session: the same settings, but connections of its own.

    Args:
        session: The client's HTTP session, an observable one. It is not changed.
        trace: Notes what happens to the connection.

    Returns:
        The copy, not entered yet.

    Raises:
        ConfigurationError: If the session cannot be copied.
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
            "this version of aiobotocore opens connections in another way "
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
    # Both classes open their HTTP clients in this method, and in no public one.
    get_session = alone._get_session  # noqa: SLF001  # see the line above
    seen: list[object] = []

    async def traced(*args: object, **settings: object) -> object:
        try:
            given = await get_session(*args, **settings)
            opened = getattr(given, "__wrapped__", given)
            _require_its_own(alone, opened, trace)
        except BaseException as error:
            trace.fail_to_open(error)
            raise
        if opened not in seen:
            seen.append(opened)
            tell(opened, trace)
        return opened

    alone._get_session = traced  # noqa: SLF001  # changes this copy only


def _require_its_own(alone: HttpSession, opened: object, trace: ConnectionTrace) -> None:
    """Raise unless the session itself opened this HTTP client, and so will close it."""
    held = cast("dict[str, Any]", vars(alone))
    sessions = cast("dict[object, object]", held.get("_sessions") or {})
    if not any(one is opened for one in (held.get("_session"), *sessions.values())):
        raise trace.refuse(
            f"{type(alone).__name__}._get_session returns an HTTP client that the session did "
            "not open itself"
        )


def _trace_aiohttp(opened: ClientSession, trace: ConnectionTrace) -> None:
    async def begin(_: object, __: object, told: TraceRequestStartParams) -> None:
        trace.begin_request(told.headers)

    async def answered(_: object, __: object, told: TraceRequestEndParams) -> None:
        trace.status = told.response.status

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
    config.on_request_end.append(answered)
    config.on_request_exception.append(failed)
    config.on_connection_create_start.append(tried)
    config.on_connection_reuseconn.append(reused)
    for signal in (config.on_connection_create_end, config.on_request_headers_sent):
        signal.append(used)
    config.freeze()
    added = [config] if NO_REDIRECTS in opened.trace_configs else [config, NO_REDIRECTS]
    opened.trace_configs.extend(added)


def _trace_httpx(opened: Any, trace: ConnectionTrace) -> None:  # of httpx or of httpx2
    async def note(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith((".connect_tcp.started", ".connect_unix_socket.started")):
            trace.begin_connection()
        # CONNECT only asks a proxy for a connection. It has nothing of the request in it.
        elif event.endswith(".send_request_headers.started") and (
            info["request"].method != b"CONNECT"
        ):
            trace.begin_sending()
        elif event.endswith(".receive_response_headers.complete") and trace.is_used:
            # The version of HTTP comes first, if it is not 2.
            trace.status = next(each for each in info["return_value"] if isinstance(each, int))

    async def begin(request: Any) -> None:  # of httpx or of httpx2
        trace.begin_request(request.headers)
        others = request.extensions.get("trace")

        async def note_and_pass_on(event: str, info: Mapping[str, Any]) -> None:
            await note(event, info)
            if others is not None:
                await others(event, info)

        request.extensions = {**request.extensions, "trace": note_and_pass_on}

    send = opened.send

    async def noted(*args: Any, **settings: Any) -> Any:  # of httpx or of httpx2
        try:
            return await send(*args, **settings)
        except BaseException as error:
            trace.failure = error
            raise

    opened.send = noted
    hooks = opened.event_hooks
    opened.event_hooks = {**hooks, "request": [*hooks["request"], begin]}
