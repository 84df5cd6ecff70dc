"""Observes the client's HTTP session: which requests it is given, and which replies come back.

The observed session replaces the session in the client's endpoint while this package uses
the client. Every request passes that place last: after all hooks, tracers and fakes of the
user, and in whatever task or thread the call runs.
"""

import logging
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeGuard

from sagemaker_plans._transport import signed_date
from sagemaker_plans._transport.aiobotocore_client.event_hooks import evidence_in
from sagemaker_plans._transport.aiobotocore_client.own_connection import (
    ConnectionTrace,
    Hear,
    HttpSession,
    send_alone,
    session_for_one_request,
)
from sagemaker_plans._transport.aiobotocore_client.parts import AIOHTTPSession, HttpxSession
from sagemaker_plans._transport.aiobotocore_client.patched_sends import (
    give_back_the_pool,
    keep_off_the_pool,
    pooled_send_in,
)
from sagemaker_plans._transport.aiobotocore_client.straight_session import (
    PlainRequest,
    exchange,
    noting,
)
from sagemaker_plans._transport.answers import json_object
from sagemaker_plans._transport.evidence import Evidence, WholeReply
from sagemaker_plans._transport.exception_mapping import (
    closed_session,
    could_not_connect,
    proves_unsent,
    redirect_in,
    unobserved_session,
)
from sagemaker_plans._wire.operations import OPERATIONS, Operation, Safety
from sagemaker_plans._wire.redaction import redacted
from sagemaker_plans.errors import ConfigurationError, PurchaseRefusedError

_ALONE: Final = {f"SageMaker.{each.name}": each for each in OPERATIONS if each.is_sent_once}
"""Operations whose requests get a connection of their own, even if the user makes the call."""

_LOG: Final = logging.getLogger("sagemaker_plans")
_TARGET: Final = "x-amz-target"

_Sender = Callable[[Any], Awaitable[Any]]


def is_open(session: HttpSession) -> bool:
    """Tell whether a client's HTTP session can send.

    Args:
        session: The session.

    Returns:
        False if it was closed or never opened. True for a class that does not show it.
    """
    if isinstance(session, AIOHTTPSession):
        return vars(session).get("_sessions", ()) is not None
    if isinstance(session, HttpxSession):
        return bool(vars(session).get("_entered", True))
    return True


def is_observable(session: HttpSession) -> bool:
    """Tell whether this package can observe what a session does with a request.

    Args:
        session: The session.

    Returns:
        Whether its class is one of aiobotocore's, or a subclass of one. Any other class may
        follow redirects and send a request again, and this package would not notice.
    """
    return isinstance(session, AIOHTTPSession | HttpxSession)


class ObservedSession:
    """Sends through a client's HTTP session, and notes what happens to each request.

    Args:
        session: The client's own session.
        endpoint_url: The endpoint of its requests, for messages.
    """

    def __init__(self, session: HttpSession, endpoint_url: str) -> None:
        self.session = session
        self.users = 1
        self._endpoint_url = endpoint_url
        self._under_way: list[Evidence] = []

    def __getattr__(self, name: str) -> Any:  # any attribute of the session
        return getattr(self.session, name)

    async def __aenter__(self) -> Self:
        await self.session.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any:  # HTTP sessions share no type
        return await self.session.__aexit__(kind, raised, traceback)

    async def send(self, request: Any) -> Any:
        """Send a request, and note what happens to it.

        Args:
            request: The request, prepared and signed.

        Returns:
            The session's response.

        Raises:
            Exception: Whatever the HTTP client raises.
        """
        alone = _ALONE.get(_target(request.headers))
        evidence = evidence_in(getattr(request, "context", None))
        if evidence is None and alone is not None:
            evidence = self._claimed_by(request, alone)
        elif evidence is not None and evidence.operation.is_sent_once:
            # Whatever a hook has made of the headers.
            alone = evidence.operation
        is_alone = alone is not None and is_observable(self.session)
        trace = ConnectionTrace() if is_alone else None
        if evidence is None:
            # The user made this call with the client directly.
            return await self._sender(trace, _ignore)(request)
        return await self.send_for(evidence, request, trace)

    async def send_for(
        self,
        evidence: Evidence,
        request: Any,
        trace: ConnectionTrace | None = None,
    ) -> Any:
        """Send the request of a call of ours, and note what happens to it.

        Args:
            evidence: What is known of the request.
            request: The request, prepared and signed.
            trace: Notes what its own connection reports; None for a connection of the pool.

        Returns:
            The session's response.

        Raises:
            Exception: Whatever the HTTP client raises.
        """
        hear = partial(_hear, evidence, trace)
        try:
            self._check(evidence, request.headers)
            sender = self._sender(trace, hear)
        except (ConfigurationError, PurchaseRefusedError) as error:
            # Our own code raised this before the request was handed over.
            evidence.note_never_handed_over(error, _refusal(evidence, trace) or error)
            raise
        evidence.hand_over()
        try:
            if evidence.learn is None:
                response = await sender(request)
            else:
                with noting(evidence.learn(request)):
                    response = await sender(request)
            hear(response, await response.content)
        except BaseException as error:
            self._note_failure(evidence, error, trace)
            if trace is not None and not trace.is_begun:
                # A worker of the user's may still have it.
                evidence.begin_elsewhere()
            raise
        return response

    async def exchange(self, evidence: Evidence, request: PlainRequest) -> None:
        """Send the request of a read of ours past the session, and note the reply.

        Args:
            evidence: What is known of the request.
            request: The request, signed.

        Raises:
            Exception: Whatever the HTTP client raises.
        """
        evidence.hand_over()
        try:
            evidence.note_reply(await exchange(request))
        except BaseException as error:
            self._note_failure(evidence, error, None)
            raise

    def _check(self, evidence: Evidence, headers: Mapping[str, str | bytes]) -> None:
        if not is_open(self.session) and not evidence.is_closed():
            raise closed_session(evidence.operation)
        if evidence.operation.safety is Safety.PURCHASE and not is_observable(self.session):
            raise unobserved_session(evidence.operation, self.session)
        send_by = evidence.send_by
        if send_by is not None and (problem := signed_date.why_too_late(headers, send_by)):
            name = evidence.operation.name
            raise PurchaseRefusedError(
                f"{name} was not sent: {problem}",
                operation=name,
                offering_id=str(evidence.subject),
                training_plan_arn=None,
            )

    def _sender(self, trace: ConnectionTrace | None, hear: Hear) -> _Sender:
        """Give the function that sends a request: on its own connection if there is a trace."""
        if trace is None:
            send: _Sender = self.session.send
            return send
        alone = session_for_one_request(self.session, trace)
        keep_off_the_pool(self.session, self)
        return partial(send_alone, session=self.session, alone=alone, trace=trace, hear=hear)

    @contextmanager
    def expecting(self, evidence: Evidence) -> Generator[None]:
        """Register a call that creates or buys while it is under way.

        Args:
            evidence: The evidence of its request.

        Yields:
            While the call is registered.
        """
        self._under_way.append(evidence)
        try:
            yield
        finally:
            self._under_way.remove(evidence)

    def _claimed_by(self, request: Any, operation: Operation) -> Evidence | None:
        """Find the call of ours that made a request, if the request has lost its link.

        A wrapper may copy a request through JSON, and a hook may empty its context and add
        members. The same request, through the same client at the same time, counts as the
        request of that call. A purchase is the same if it buys the same.
        """
        body = request.body
        said = json_object(body if isinstance(body, bytes) else str(body).encode()) or {}
        subject = operation.members[0]
        is_purchase = operation.safety is Safety.PURCHASE
        same = [
            each
            for each in tuple(self._under_way)
            if each.operation is operation
            and said.get(subject) == each.subject
            and (is_purchase or {**said, **each.members} == said)
        ]
        unsent = [each for each in same if not each.was_handed_over]
        return next(iter(unsent or same), None)

    def _note_failure(
        self, evidence: Evidence, error: BaseException, trace: ConnectionTrace | None
    ) -> None:
        if redirect := redirect_in(error):
            headers = {"location": redirect.location}
            evidence.note_reply(WholeReply(status=redirect.status, headers=headers, raw=b""))
            return
        pooled = pooled_send_in(error)
        if pooled is not None and trace is not None and not trace.is_begun:
            kept_back = ConfigurationError(str(pooled), operation=evidence.operation.name)
            evidence.note_handed_over_unsent(error, kept_back)
            return
        # With a connection of its own, the trace proves whether the request was sent. A
        # pooled connection has no trace, so there the exception decides. Only requests that
        # may be sent twice use pooled connections.
        unsent = proves_unsent(error) if trace is None else trace.proves_unsent(error)
        if unsent:
            refusal = _refusal(evidence, trace)
            no_connection = could_not_connect(evidence.operation, error, self._endpoint_url)
            evidence.note_handed_over_unsent(error, refusal or no_connection)


_SEND: Final = vars(ObservedSession)["send"]


def is_unpatched(session: object) -> TypeGuard[ObservedSession]:
    """Tell whether a session is an observed one, and nobody has replaced its ``send``.

    Args:
        session: A client's HTTP session.

    Returns:
        Whether it is.
    """
    return (
        type(session) is ObservedSession
        and vars(ObservedSession)["send"] is _SEND
        and "send" not in vars(session)
    )


def _refusal(evidence: Evidence, trace: ConnectionTrace | None) -> ConfigurationError | None:
    """Make the error for a request that cannot get a connection of its own."""
    if trace is None or trace.refusal is None:
        return None
    name = evidence.operation.name
    return ConfigurationError(f"{name} was not sent: {trace.refusal}", operation=name)


def _hear(evidence: Evidence, trace: ConnectionTrace | None, response: Any, raw: bytes) -> None:
    if trace is not None and trace.contradicts(response.status_code):
        return
    headers = {name.lower(): value for name, value in response.headers.items()}
    evidence.note_reply(WholeReply(status=response.status_code, headers=headers, raw=raw))


def _ignore(_response: object, _raw: bytes) -> None:
    """Ignore the reply to a call that the user made with the client directly."""


def _target(headers: Mapping[str, str | bytes]) -> str:
    target = headers.get("X-Amz-Target")
    if target is None:
        # A hook may have made a plain dict of them, which tells cases apart.
        target = next((each for name, each in headers.items() if name.lower() == _TARGET), "")
    return target.decode() if isinstance(target, bytes) else target


def observe(endpoint: Any) -> ObservedSession:  # the type stubs are wrong
    """Replace an endpoint's session by an observed one.

    Args:
        endpoint: The endpoint of a client.

    Returns:
        The observed session. If the endpoint already has one, that is returned.
    """
    session = endpoint.http_session
    if isinstance(session, ObservedSession):
        session.users += 1
        return session
    observed = ObservedSession(session, redacted(str(endpoint.host)))
    endpoint.http_session = observed
    return observed


def release(endpoint: Any, observed: ObservedSession) -> None:  # the type stubs are wrong
    """Give up an observed session. The last user restores the endpoint's own session.

    Args:
        endpoint: The endpoint.
        observed: The session that ``observe`` returned.
    """
    observed.users -= 1
    if observed.users == 0 and endpoint.http_session is observed:
        endpoint.http_session = observed.session
    if observed.users == 0:
        try:
            give_back_the_pool(observed.session, observed)
        except Exception:  # noqa: BLE001  # logged; a user's session may raise anything
            # This may be the end of a purchase, whose outcome must not be lost.
            _LOG.warning("an HTTP session could not be restored", exc_info=True)
