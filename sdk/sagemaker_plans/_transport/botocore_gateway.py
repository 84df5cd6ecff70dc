"""The gateway over aiobotocore: sends each request once and reports what happened to it."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from inspect import iscoroutinefunction
from typing import Any, Final, cast

from sagemaker_plans._event_loop import Limit, on_asyncio, time_limit
from sagemaker_plans._transport.aiobotocore_client.event_hooks import (
    EventHooks,
    Events,
    calling,
    linked,
)
from sagemaker_plans._transport.aiobotocore_client.observed_session import observe, release
from sagemaker_plans._transport.aiobotocore_client.parts import AioEndpoint
from sagemaker_plans._transport.aiobotocore_client.service_model import SERVICE
from sagemaker_plans._transport.answers import (
    answer,
    is_plain_reading,
    is_unreadable,
    without_metadata,
)
from sagemaker_plans._transport.closable_call import ClosableCall
from sagemaker_plans._transport.evidence import Evidence, WholeReply, current_task
from sagemaker_plans._transport.exception_mapping import loss_in_words, may_pass, shown_cause
from sagemaker_plans._transport.fast_path import FastPath
from sagemaker_plans._transport.gateway import Interrupted
from sagemaker_plans._wire.logs import tell
from sagemaker_plans._wire.operations import Operation, Safety
from sagemaker_plans._wire.redaction import redacted
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import ConfigurationError, SageMakerPlansError, ServiceError
from sagemaker_plans.models._validation import shown

_NOBODY_EXPECTS: Final = nullcontext()


class BotocoreGateway:
    """Sends each request once through an aiobotocore client.

    Args:
        client: A SageMaker client of aiobotocore.
        request_timeout: The longest that one request may take, in seconds.
        fast_path: Sends reads without the client's own preparation; None if the client does
            not allow that.

    Raises:
        ConfigurationError: If ``client`` is not a SageMaker client of aiobotocore. This
            package could not observe what such a client sends, so it might send a purchase
            twice.
    """

    def __init__(
        self, client: object, *, request_timeout: float, fast_path: FastPath | None = None
    ) -> None:
        meta = getattr(client, "meta", None)
        events = getattr(meta, "events", None)
        endpoint = getattr(client, "_endpoint", None)
        service = getattr(getattr(meta, "service_model", None), "service_name", None)
        fits = service == SERVICE and callable(getattr(events, "register_first", None))
        # A boto3 client has all of these too, but its methods send before they are awaited.
        is_async = iscoroutinefunction(getattr(client, "close", None))
        if not (fits and is_async and isinstance(endpoint, AioEndpoint)):
            unopened = meta is None and hasattr(client, "__aenter__")
            hint = ", which gives a client in `async with`" if unopened else ""
            raise ConfigurationError(
                "sagemaker_client: an open SageMaker client of aiobotocore is needed, got "
                f"{type(client).__name__} for service {service!r}{hint}; this package cannot "
                "observe what other objects send, so they could send a purchase twice"
            )
        self.connections = _connections(meta)
        """How many requests can be under way at the same time; infinity for any number."""
        self.region = cast("str | None", getattr(meta, "region_name", None))
        """The region of the client."""
        self._client = client
        self._fast_path = fast_path
        self._request_timeout = request_timeout
        self._endpoint = endpoint
        self._endpoint_url = redacted(str(getattr(meta, "endpoint_url", "the endpoint")))
        self._hooks = EventHooks(cast("Events", events))
        self._session = observe(endpoint)
        self._calls = 0
        self._released = False
        self._may_be_carried = False

    def release(self) -> None:
        """Stop sending, and restore the client to the state before it was wrapped.

        The client is restored when the last call has ended. Otherwise the client's own
        retries would be active again in the middle of a purchase. It is not restored at all
        if a wrapper passed a create or a purchase to another task and the outcome of that
        call is unknown, because that task may still send the request.
        """
        if not self._released:
            self._released = True
            self._leave()

    def _leave(self) -> None:
        if self._released and self._calls == 0 and not self._may_be_carried:
            self._hooks.release()
            release(self._endpoint, self._session)

    async def call(
        self,
        operation: Operation,
        request: Mapping[str, object],
        /,
        *,
        send_by: datetime | None = None,
        interrupted: Interrupted | None = None,
    ) -> Reply:
        """Send a request, once.

        Args:
            operation: The operation to call.
            request: Its members in wire form.
            send_by: For a purchase: keep it back if it is signed later than this, by this
                machine's clock; None for no such limit.
            interrupted: Called before a cancellation, or another interruption, is raised, if the
                reply was heard or the request was provably not sent.

        Returns:
            The service's reply.

        Raises:
            ConfigurationError: If there are no credentials, or the client was closed before
                the request could be sent.
            ServiceError: If the service answered with an error.
            ConnectionFailedError: If no whole reply came.
            PurchaseRefusedError: If it was signed after ``send_by``. It was not sent.
            UnexpectedReplyError: If a reply came that the service never sends.
        """
        method = self._method(operation)
        evidence = Evidence(operation, is_closed=lambda: self._released, send_by=send_by)
        expecting: AbstractContextManager[None] = _NOBODY_EXPECTS
        if operation.is_sent_once:
            self._check_observed(operation)
            evidence.members = request
            evidence.task = current_task()
            expecting = self._session.expecting(evidence)
        call: ClosableCall | None = None
        returned: object = None
        ended_by: BaseException | None = None
        limit = self._limit(operation)
        self._calls += 1
        try:
            with expecting, limit:
                path = self._fast_path
                ready = await path.prepare(operation, request, evidence) if path else None
                if path is not None and ready is not None:
                    await path.send(ready, operation, evidence)
                else:
                    with calling(evidence):
                        call = ClosableCall(method(**linked(request, evidence)))
                        returned = await call
        except BaseException as error:
            if call is not None and call.is_closed:
                _end_interrupted(evidence, error, interrupted)
                raise GeneratorExit from None
            if not isinstance(error, Exception) and not _is_stray_cancellation(error):
                _end_interrupted(evidence, error, interrupted)
                raise
            ended_by = error
        finally:
            # From now on the observed session does not send this request.
            evidence.is_over = True
            is_in_doubt = operation.is_sent_once and returned is None
            self._may_be_carried |= is_in_doubt and evidence.may_go_on
            self._calls -= 1
            self._leave()
        return self._outcome(evidence, returned, ended_by, timed_out=limit.cancelled_caught)

    def _limit(self, operation: Operation) -> Limit:
        if operation.is_sent_once:
            # Imported now, when nothing has been sent. The limit of anyio leaves the closing of
            # the request's own connection alone.
            import anyio  # noqa: PLC0415  # reads do not need it

            return anyio.move_on_after(self._request_timeout)
        return time_limit(self._request_timeout)

    def _check_observed(self, operation: Operation) -> None:
        """Raise if the client no longer sends through the observed session."""
        endpoint: Any = getattr(self._client, "_endpoint", None)
        session: Any = getattr(endpoint, "http_session", None)
        while session is not self._session and session is not None:
            # The user may have put a proxy object around the observed session. That is fine.
            session = getattr(session, "__wrapped__", None)
        if session is None:
            raise ConfigurationError(
                f"{operation.name} was not sent: the client's HTTP session was replaced after the "
                "client was wrapped, so this package cannot observe what the client sends; wrap "
                "it again with AsyncClient.from_client",
                operation=operation.name,
            )

    def _method(self, operation: Operation) -> Callable[..., Awaitable[object]]:
        # Call the client's public method, so that a wrapper around that method still works.
        try:
            return cast("Callable[..., Awaitable[object]]", getattr(self._client, operation.method))
        except AttributeError as error:
            raise ConfigurationError(
                f"the installed botocore does not know {operation.name}; upgrade aiobotocore",
                operation=operation.name,
            ) from error

    def _outcome(
        self,
        evidence: Evidence,
        returned: object,
        ended_by: BaseException | None,
        *,
        timed_out: bool,
    ) -> Reply:
        """Return the reply, or raise the error that the evidence supports."""
        operation, heard = evidence.operation, evidence.reply
        is_reply = isinstance(returned, Mapping)
        parsed = cast("Mapping[str, object]", returned) if is_reply else None
        try:
            if heard is not None:
                if parsed is not None and parsed == evidence.parsed_by_client:
                    # Nobody changed it since botocore parsed it.
                    parsed = None if is_plain_reading(heard, parsed) else parsed
                reply = _answer(evidence, heard, parsed)
                if ended_by is not None and not is_unreadable(heard):
                    tell(
                        logging.ERROR,
                        "%s: the reply had come (HTTP %d, request id %s) before an exception was "
                        "raised; the reply counts",
                        operation.name,
                        heard.status,
                        heard.request_id,
                        exc_info=shown_cause(ended_by),
                    )
                return reply
            if parsed is not None:
                return _reply_of_a_fake(operation, parsed)
        except SageMakerPlansError as error:
            raise error from shown_cause(ended_by)
        failure: SageMakerPlansError | None = None
        if timed_out or ended_by is not None:
            failure = evidence.unsent(ended_by) or self._loss(evidence, ended_by)
        else:
            failure = evidence.lost(f"the client returned {shown(returned)}")
        # An error must not be its own cause.
        raise failure from None if failure is ended_by else shown_cause(ended_by)

    def _loss(self, evidence: Evidence, ended_by: BaseException | None) -> SageMakerPlansError:
        """Make the error for a request that may or may not have arrived."""
        if ended_by is not None:
            words = loss_in_words(ended_by, self._endpoint_url)
            is_read = evidence.operation.safety is Safety.READ
            if is_read and not evidence.was_handed_over and not may_pass(ended_by):
                # A hook or a stub raised this. It would raise it again, so a retry does not
                # help.
                return ConfigurationError(
                    f"{evidence.operation.name}: {words}", operation=evidence.operation.name
                )
            return evidence.lost(words)
        return evidence.lost(
            f"no whole reply from {self._endpoint_url} within {self._request_timeout:g} s "
            "(request_timeout)"
        )


def _answer(evidence: Evidence, heard: WholeReply, parsed: Mapping[str, object] | None) -> Reply:
    """Read the reply that counts, unless what the client returned casts doubt on it."""
    try:
        return answer(evidence.operation, heard, parsed)
    except ServiceError as error:
        if evidence.operation.is_sent_once and parsed is not None and "Error" not in parsed:
            # A wrapper may have sent the request in another way after it was refused.
            raise evidence.lost(
                f"the service refused it ({error}), but the client returned {shown(parsed)}"
            ) from error
        raise


def _connections(meta: object) -> float:
    most = cast("object", getattr(getattr(meta, "config", None), "max_pool_connections", None))
    # aiohttp reads 0 as no limit.
    return most if isinstance(most, int) and most > 0 else math.inf


def _is_stray_cancellation(error: BaseException) -> bool:
    """Tell whether a cancellation is a failure of the call, not a request to cancel our task.

    aiohttp raises such a cancellation in tasks that wait for a connection while the client is
    closed. A wrapper raises one if a task of its own is cancelled. An exception group may
    contain one among other exceptions.
    """
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return all(
            isinstance(each, Exception) or _is_stray_cancellation(each) for each in group.exceptions
        )
    if not isinstance(error, asyncio.CancelledError):
        return False
    if not on_asyncio():
        return True
    task = asyncio.current_task()
    return task is not None and not task.cancelling()


def _end_interrupted(
    evidence: Evidence, error: BaseException, interrupted: Interrupted | None
) -> None:
    """End a call that is interrupted: log a reply that was heard, and tell what is known."""
    # What is known stays so, because nothing is sent from now on.
    evidence.is_over = True
    heard = evidence.reply
    if heard is not None and evidence.operation.is_sent_once:
        tell(
            logging.WARNING,
            "%s: interrupted (%s) after the reply had come: HTTP %d, request id %s, %.2000s",
            evidence.operation.name,
            type(error).__name__,
            heard.status,
            heard.request_id,
            redacted(repr(heard.raw)),
        )
    known = evidence.unsent(error) if heard is None else _heard(evidence, heard)
    if known is not None and interrupted is not None:
        interrupted(known)


def _heard(evidence: Evidence, reply: WholeReply) -> Reply | SageMakerPlansError:
    try:
        return _answer(evidence, reply, None)
    except SageMakerPlansError as error:
        return error


def _reply_of_a_fake(operation: Operation, parsed: Mapping[str, object]) -> Reply:
    """Make a reply of what a fake returned that replaces the client's method."""
    metadata = cast("Mapping[str, Any]", parsed.get("ResponseMetadata", {}))
    return Reply(
        operation=operation,
        body=without_metadata(parsed),
        http_status=metadata.get("HTTPStatusCode"),
        request_id=metadata.get("RequestId"),
    )
