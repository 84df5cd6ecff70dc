"""Replies that a user's hooks and wrappers make up: what was really sent decides."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiobotocore.awsrequest import AioAWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, HTTPClientError

from evidence.counting_server import ARN, CREATE, EXTEND, CountingServer
from evidence.generated.fates import Fate, Lookup
from harness import TRANSPORTS, Transport, a_spec, fast_retries
from sagemaker_plans import AccessDeniedError, AsyncClient, OutcomeUnknownError
from transport.clients import kind_of_session, users_client

OFFERING = "tpeo-1"
QUICK = fast_retries(reconcile_limit=0.2)

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("transport", TRANSPORTS[:2], ids=str, indirect=True),
]


class MadeUp(AioAWSResponse):
    """What a circuit breaker or a local rate limiter answers in the place of the service."""

    def __init__(self, code: str, status: int) -> None:
        raw: Any = None
        super().__init__("http://breaker.invalid", status, HTTPHeaders(), raw)
        self._content = json.dumps({"__type": code, "message": "the breaker is open"}).encode()


MADE_UP = [("ThrottlingException", 400), ("AccessDeniedException", 403)]


def answers_itself(theirs: Any, number: int, code: str, status: int) -> None:
    """Let a hook answer one of the attempts by itself, counted from 1."""
    attempts: list[object] = []

    def breaker(**_: object) -> MadeUp | None:
        attempts.append(None)
        return MadeUp(code, status) if len(attempts) == number else None

    theirs.meta.events.register("before-send.sagemaker", breaker)


def tries_twice(theirs: Any) -> None:
    """Let a wrapper make each call a second time if it fails."""
    make: Callable[..., Awaitable[Any]] = theirs._make_api_call

    async def persistent(operation: str, members: Any) -> Any:
        try:
            return await make(operation, members)
        except (ClientError, HTTPClientError):
            return await make(operation, members)

    theirs._make_api_call = persistent


@pytest.mark.parametrize(("code", "status"), MADE_UP)
async def test_a_reply_made_up_before_the_send_does_not_hide_what_was_heard(
    transport: Transport, code: str, status: int
) -> None:
    with CountingServer(Fate.ACCEPT, Lookup.LAGS) as server:
        async with users_client(server.url, transport) as theirs:
            answers_itself(theirs, 1, code, status)
            tries_twice(theirs)
            client = AsyncClient.from_client(theirs, retry=QUICK)
            receipt = await client.training_plans.extend(OFFERING)

    assert receipt.outcome == "purchased"
    assert server.count(EXTEND) == 1


def shielded(base: Any, code: str, status: int, *, sends: bool) -> Any:
    """Make a session's class that makes up a reply where there is none."""

    class Shielded(base):  # type: ignore[misc]  # one of aiobotocore's two classes
        async def send(self, request: Any) -> Any:
            inherited: Any = super()
            if sends:
                try:
                    return await inherited.send(request)
                except HTTPClientError:
                    pass
            return MadeUp(code, status)

    return Shielded


@pytest.mark.parametrize("fate", [Fate.ACCEPT_RESET, Fate.ACCEPT_CUT])
@pytest.mark.parametrize(("code", "status"), MADE_UP)
async def test_a_reply_that_the_session_makes_up_for_a_lost_one_says_nothing(
    transport: Transport, code: str, status: int, fate: Fate
) -> None:
    kind = shielded(kind_of_session(transport), code, status, sends=True)
    with CountingServer(fate, Lookup.LAGS) as server:
        async with users_client(server.url, transport, http_session_cls=kind) as theirs:
            client = AsyncClient.from_client(theirs, retry=QUICK)
            with pytest.raises(OutcomeUnknownError):
                await client.training_plans.extend(OFFERING)

    assert server.count(EXTEND) == 1


@pytest.mark.parametrize("fate", [Fate.ACCEPT, Fate.PROXY_502])
async def test_another_reply_than_came_says_nothing(transport: Transport, fate: Fate) -> None:
    """As a session does that gives errors of its own for what it got."""
    base: Any = kind_of_session(transport)

    class Translating(base):  # type: ignore[misc]  # one of aiobotocore's two classes
        async def send(self, request: Any) -> Any:
            inherited: Any = super()
            await (await inherited.send(request)).content
            return MadeUp("ThrottlingException", 429)

    with CountingServer(fate, Lookup.LAGS) as server:
        async with users_client(server.url, transport, http_session_cls=Translating) as theirs:
            client = AsyncClient.from_client(theirs, retry=QUICK)
            with pytest.raises(OutcomeUnknownError):
                await client.training_plans.extend(OFFERING)

    assert server.count(EXTEND) == 1


async def test_a_reply_of_a_session_that_sends_nothing_counts(transport: Transport) -> None:
    kind = shielded(kind_of_session(transport), "AccessDeniedException", 403, sends=False)
    with CountingServer() as server:
        async with users_client(server.url, transport, http_session_cls=kind) as theirs:
            client = AsyncClient.from_client(theirs, retry=QUICK)
            with pytest.raises(AccessDeniedError, match="the breaker is open"):
                await client.training_plans.extend(OFFERING)

    assert server.count(EXTEND) == 0


@pytest.mark.parametrize("number", [1, 2], ids=["before", "after"])
@pytest.mark.parametrize(("code", "status"), MADE_UP)
async def test_a_made_up_reply_says_nothing_of_a_purchase_that_was_sent_and_lost(
    transport: Transport, code: str, status: int, number: int
) -> None:
    with CountingServer(Fate.ACCEPT_RESET, Lookup.LAGS) as server:
        async with users_client(server.url, transport) as theirs:
            answers_itself(theirs, number, code, status)
            tries_twice(theirs)
            client = AsyncClient.from_client(theirs, retry=QUICK)
            with pytest.raises(OutcomeUnknownError):
                await client.training_plans.extend(OFFERING)

    assert server.count(EXTEND) == 1


async def test_a_made_up_reply_counts_if_nothing_was_sent(transport: Transport) -> None:
    with CountingServer() as server:
        async with users_client(server.url, transport) as theirs:
            answers_itself(theirs, 1, "AccessDeniedException", 403)
            client = AsyncClient.from_client(theirs, retry=QUICK)
            with pytest.raises(AccessDeniedError, match="the breaker is open"):
                await client.training_plans.extend(OFFERING)

    assert server.count(EXTEND) == 0


async def test_a_plan_whose_first_reply_was_made_up_is_created_once(transport: Transport) -> None:
    with CountingServer() as server:
        async with users_client(server.url, transport) as theirs:
            answers_itself(theirs, 1, "ThrottlingException", 400)
            tries_twice(theirs)
            client = AsyncClient.from_client(theirs, retry=QUICK)
            arn = await client.plans.create(a_spec("rollout"))

    assert arn.endswith("/rollout")
    assert server.count(CREATE) == 1


@pytest.mark.parametrize("fate", [Fate.THROTTLE, Fate.DENY])
async def test_a_success_of_a_wrapper_casts_doubt_on_the_refusal_that_was_heard(
    transport: Transport, fate: Fate
) -> None:
    """It may have bought through another client, or with other credentials."""
    with CountingServer(fate) as server:
        async with users_client(server.url, transport) as theirs:
            extend = theirs.extend_training_plan

            async def otherwise(**request: Any) -> Any:
                try:
                    return await extend(**request)
                except ClientError:
                    return {"TrainingPlanExtensions": []}

            theirs.extend_training_plan = otherwise
            client = AsyncClient.from_client(theirs, retry=QUICK)
            with pytest.raises(OutcomeUnknownError, match="but the client returned"):
                await client.training_plans.extend(OFFERING, training_plan_arn=ARN)

    assert server.count(EXTEND) == 1


async def test_an_error_that_a_wrapper_returns_as_a_value_casts_no_doubt(
    transport: Transport,
) -> None:
    with CountingServer(Fate.DENY) as server:
        async with users_client(server.url, transport) as theirs:
            extend = theirs.extend_training_plan

            async def quiet(**request: Any) -> Any:
                try:
                    return await extend(**request)
                except ClientError as error:
                    return error.response

            theirs.extend_training_plan = quiet
            client = AsyncClient.from_client(theirs, retry=QUICK)
            with pytest.raises(AccessDeniedError):
                await client.training_plans.extend(OFFERING, training_plan_arn=ARN)

    assert server.count(EXTEND) == 1


@pytest.mark.parametrize("fate", [Fate.REDIRECT_307, Fate.ACCEPT_RESET])
@pytest.mark.parametrize("verb", ["buy", "create"])
async def test_headers_that_a_hook_has_rewritten_change_nothing(
    transport: Transport, verb: str, fate: Fate
) -> None:
    def lower(request: Any, **_: object) -> None:
        request.headers = {name.lower(): value for name, value in request.headers.items()}

    with CountingServer(fate, Lookup.TRUE) as server:
        async with users_client(server.url, transport) as theirs:
            theirs.meta.events.register("before-send.sagemaker", lower)
            client = AsyncClient.from_client(theirs, retry=QUICK)
            if verb == "buy":
                receipt = await client.training_plans.extend(OFFERING, training_plan_arn=ARN)
                assert receipt.outcome == "confirmed_by_history"
            else:
                await client.plans.create(a_spec("rollout"))

    assert server.count(EXTEND if verb == "buy" else CREATE) == 1


async def test_a_direct_call_with_rewritten_headers_is_sent_once_too(transport: Transport) -> None:
    def lower(request: Any, **_: object) -> None:
        request.headers = {name.lower(): value for name, value in request.headers.items()}

    with CountingServer(Fate.REDIRECT_307) as server:
        async with users_client(server.url, transport) as theirs:
            theirs.meta.events.register("before-send.sagemaker", lower)
            client = AsyncClient.from_client(theirs, retry=QUICK)
            with pytest.raises((ClientError, HTTPClientError)):
                await theirs.extend_training_plan(TrainingPlanExtensionOfferingId=OFFERING)
            await client.aclose()

    assert server.count(EXTEND) == 1


async def test_a_create_that_lost_its_link_and_got_a_member_is_sent_once(
    transport: Transport,
) -> None:
    """A hook adds a tag for the bill, another one empties the context of the request."""

    def add_tag(params: dict[str, Any], **_: object) -> None:
        params.setdefault("Tags", [{"Key": "team", "Value": "b"}])

    def forget(request: Any, **_: object) -> None:
        request.context.clear()

    with CountingServer(Fate.ACCEPT_RESET, Lookup.LAGS) as server:
        async with users_client(server.url, transport) as theirs:
            theirs.meta.events.register(f"provide-client-params.sagemaker.{CREATE}", add_tag)
            theirs.meta.events.register(f"before-send.sagemaker.{CREATE}", forget)
            tries_twice(theirs)
            once = fast_retries(max_attempts=1, reconcile_limit=0.2)
            client = AsyncClient.from_client(theirs, retry=once)
            with pytest.raises(OutcomeUnknownError):
                await client.plans.create(a_spec("rollout"))

    assert server.count(CREATE) == 1
