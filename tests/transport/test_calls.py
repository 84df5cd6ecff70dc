"""Calls over real sockets: each sends one request, and its error says what happened to it."""

import json
import socket
from typing import Any, Literal

import anyio
import pytest
from aiobotocore.config import AioConfig

from harness import Transport, a_spec, dead_endpoint, fast_retries, session
from sagemaker_plans import (
    AccessDeniedError,
    AsyncClient,
    ConnectionFailedError,
    InternalServiceError,
    OutcomeUnknownError,
    ResourceNotFoundError,
    RetryPolicy,
    ServiceError,
    ThrottledError,
    UnexpectedReplyError,
)
from sagemaker_plans.emulator import Emulator, Fault
from transport.below.scripted_server import Answer, ScriptedServer
from transport.clients import by_every_way, client_by, client_with

DESCRIBE = "DescribeEdgeDeploymentPlan"

PATIENCE = 0.5
"""A request timeout, in seconds, that is short enough for a test."""

pytestmark = pytest.mark.anyio


@pytest.fixture
def client(emulator: Emulator, transport: Transport) -> AsyncClient:
    return client_with(emulator.endpoint_url, transport)


# answers


async def test_an_error_has_the_facts_of_the_answer(
    client: AsyncClient, emulator: Emulator
) -> None:
    async with client:
        with pytest.raises(ResourceNotFoundError) as caught:
            await client.plans.describe("nowhere")

    (seen,) = emulator.requests
    assert caught.value.code == seen.error_code
    assert caught.value.http_status == seen.status
    assert caught.value.request_id == seen.request_id
    assert caught.value.operation == DESCRIBE
    assert "nowhere" in caught.value.message
    assert seen.request_id in str(caught.value)


async def test_not_found_sent_as_a_validation_error_is_not_found(
    client: AsyncClient, emulator: Emulator
) -> None:
    emulator.inject(DESCRIBE, Fault.not_found_as_validation())

    async with client:
        with pytest.raises(ResourceNotFoundError) as caught:
            await client.plans.describe("rollout")

    assert caught.value.code == "ValidationException"


async def test_a_throttle_tells_how_long_to_wait(client: AsyncClient, emulator: Emulator) -> None:
    emulator.inject(DESCRIBE, Fault.throttle(retry_after=7))

    async with client:
        with pytest.raises(ThrottledError) as caught:
            await client.plans.describe("rollout")

    assert caught.value.retry_after == 7.0


async def test_unknown_credentials_are_denied(emulator: Emulator, transport: Transport) -> None:
    stranger = session()
    stranger.set_credentials("AKIASTRANGER", "secret")

    async with client_with(emulator.endpoint_url, transport, session=stranger) as client:
        with pytest.raises(AccessDeniedError):
            await client.plans.describe("rollout")


# no answer


async def test_a_refused_connection_proves_that_nothing_was_sent(transport: Transport) -> None:
    endpoint = dead_endpoint()

    async with client_with(endpoint, transport) as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.plans.describe("rollout")

    assert caught.value.request_sent is False
    assert f"could not connect to {endpoint}" in str(caught.value)
    assert caught.value.operation == DESCRIBE


async def test_a_host_without_an_address_proves_that_nothing_was_sent(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_address(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with client_with("http://sagemaker.invalid", transport) as client:
        monkeypatch.setattr(socket, "getaddrinfo", no_address)
        with pytest.raises(ConnectionFailedError) as caught:
            await client.plans.describe("rollout")

    assert caught.value.request_sent is False


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
async def test_a_lost_connection_leaves_the_outcome_of_the_request_open(
    client: AsyncClient, emulator: Emulator, how: Literal["fin", "rst"], *, committed: bool
) -> None:
    async with client:
        await client.plans.create(a_spec())
        emulator.inject(DESCRIBE, Fault.disconnect(how, committed=committed))
        with pytest.raises(ConnectionFailedError) as caught:
            await client.plans.describe("rollout")

    assert caught.value.request_sent is None
    assert [seen.committed for seen in emulator.requests_of(DESCRIBE)] == [committed]


async def test_a_request_timeout_ends_a_call_that_is_never_answered(
    emulator: Emulator, transport: Transport
) -> None:
    async with client_with(emulator.endpoint_url, transport, request_timeout=PATIENCE) as client:
        with emulator.hold_replies(DESCRIBE), pytest.raises(ConnectionFailedError) as caught:
            await client.plans.describe("rollout")

    assert caught.value.request_sent is None
    assert "within 0.5 s (request_timeout)" in str(caught.value)


async def test_a_request_timeout_bounds_a_reply_that_drips(
    emulator: Emulator, transport: Transport
) -> None:
    # Each byte comes before a read could time out; the whole reply would take minutes.
    emulator.inject(DESCRIBE, Fault.drip(seconds=0.05))
    settings = {"request_timeout": PATIENCE, "config": AioConfig(read_timeout=60)}

    async with client_with(emulator.endpoint_url, transport, **settings) as client:
        await client.plans.create(a_spec())
        with pytest.raises(ConnectionFailedError) as caught:
            await client.plans.describe("rollout")

    assert "within 0.5 s (request_timeout)" in str(caught.value)
    assert caught.value.request_sent is None


async def test_a_cut_reply_is_not_a_success(client: AsyncClient, emulator: Emulator) -> None:
    async with client:
        await client.plans.create(a_spec())
        emulator.inject(DESCRIBE, Fault.cut_body())
        with pytest.raises(ConnectionFailedError) as caught:
            await client.plans.describe("rollout")

    assert caught.value.request_sent is None
    assert len(emulator.requests_of(DESCRIBE)) == 1


# replies that do not fit


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Fault.truncated_json(), "expected a JSON object"),
        (Fault.not_json(), "expected a JSON object"),
        (Fault.empty_object(), "EdgeDeploymentPlanArn"),
        (Fault.missing_member("EdgeDeploymentPlanName"), "EdgeDeploymentPlanName"),
        (Fault.missing_member("StageName"), "Stages[0].StageName"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
async def test_a_reply_that_does_not_fit_is_never_an_empty_success(
    client: AsyncClient, emulator: Emulator, fault: Fault, problem: str
) -> None:
    async with client:
        await client.plans.create(a_spec())
        emulator.inject(DESCRIBE, fault)
        with pytest.raises(UnexpectedReplyError) as caught:
            await client.plans.describe("rollout")

    assert problem in "\n".join(caught.value.problems)
    assert caught.value.http_status == 200
    assert caught.value.request_id == emulator.requests[-1].request_id
    assert caught.value.operation == DESCRIBE


NO_OBJECTS = [
    b"",
    b"{",
    b"[1, 2]",
    b"null",
    b'"text"',
    b"17",
    b"<html>Welcome to the hotel</html>",
    b"\xff\xfe not UTF-8",
    b"[" * 100_000,
]


@by_every_way
async def test_a_reply_that_is_not_an_object_is_kept_as_text(
    transport: Transport, way: str
) -> None:
    with ScriptedServer(Answer()) as server:
        async with client_by(way, server.url, transport) as client:
            for body in NO_OBJECTS:
                server.answer = Answer(body)
                with pytest.raises(UnexpectedReplyError) as caught:
                    await client.plans.describe("rollout")
                assert caught.value.reply == body.decode(errors="backslashreplace")

    assert len(server.received) == len(NO_OBJECTS)


OBJECTS: list[dict[str, Any]] = [
    {},
    {"Stages": 5},
    {"Stages": ["a"]},
    {"EdgeDeploymentPlanArn": {"x": [1]}},
    {"New": None},
]


@by_every_way
async def test_a_reply_that_is_an_object_is_kept_as_it_is(transport: Transport, way: str) -> None:
    with ScriptedServer(Answer()) as server:
        async with client_by(way, server.url, transport) as client:
            for reply in OBJECTS:
                server.answer = Answer(
                    json.dumps(reply).encode(), 200, {"x-amzn-RequestId": "id-1"}
                )
                with pytest.raises(UnexpectedReplyError) as caught:
                    await client.plans.describe("rollout")
                assert caught.value.reply == reply
                assert caught.value.request_id == "id-1"
                assert caught.value.problems != ()


@by_every_way
async def test_a_command_needs_no_reply(transport: Transport, way: str) -> None:
    with ScriptedServer(Answer()) as server:
        async with client_by(way, server.url, transport) as client:
            for body in (b"", b"{}", b'{"New": 1}', b" \n"):
                server.answer = Answer(body)
                await client.plans.start_stage("rollout", "stage-0")

    assert len(server.received) == 4


@by_every_way
async def test_a_command_that_a_proxy_answers_did_not_succeed(
    transport: Transport, way: str
) -> None:
    with ScriptedServer(Answer()) as server:
        async with client_by(way, server.url, transport) as client:
            for body in (b"<html>Welcome</html>", b"[]", b"null"):
                server.answer = Answer(body)
                with pytest.raises(UnexpectedReplyError) as caught:
                    await client.plans.stop_stage("rollout", "stage-0")
                assert caught.value.reply == body.decode()


# one request for one call

RETRIES: list[dict[str, Any]] = [
    {"max_attempts": 5},
    {"max_attempts": 5, "mode": "standard"},
    {"total_max_attempts": 5, "mode": "adaptive"},
    {"max_attempts": 5, "mode": "legacy"},
]
FAILURES: list[tuple[Fault, type[Exception]]] = [
    (Fault.service_unavailable(), InternalServiceError),
    (Fault.throttle(), ThrottledError),
    (Fault.disconnect(), ConnectionFailedError),
]


async def assert_each_failure_is_one_request(client: AsyncClient, emulator: Emulator) -> None:
    async with client:
        for count, (fault, error) in enumerate(FAILURES, 1):
            emulator.clear_faults()
            emulator.inject("*", fault, times=None)
            with pytest.raises(error):
                await client.plans.describe("rollout")
            assert len(emulator.requests) == count


@pytest.mark.parametrize("retries", RETRIES, ids=json.dumps)
async def test_retries_of_a_users_configuration_send_nothing_again(
    emulator: Emulator, transport: Transport, retries: dict[str, Any]
) -> None:
    config = AioConfig(retries=retries)
    client = client_with(emulator.endpoint_url, transport, config=config)

    await assert_each_failure_is_one_request(client, emulator)


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
async def test_retries_of_the_environment_send_nothing_again(
    emulator: Emulator, transport: Transport, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    monkeypatch.setenv("AWS_RETRY_MODE", mode)

    await assert_each_failure_is_one_request(
        client_with(emulator.endpoint_url, transport), emulator
    )


async def test_every_attempt_of_a_policy_is_one_request(
    emulator: Emulator, transport: Transport
) -> None:
    emulator.inject("*", Fault.service_unavailable(), times=None)
    retry = fast_retries(max_attempts=3)

    async with client_with(emulator.endpoint_url, transport, retry=retry) as client:
        with pytest.raises(InternalServiceError):
            await client.plans.describe("rollout")

    assert len(emulator.requests) == 3


REDIRECTS = (301, 302, 303, 307, 308)


@pytest.mark.parametrize("to", ["itself", "nobody", "nothing"])
async def test_a_redirect_is_not_followed(to: str, transport: Transport) -> None:
    with ScriptedServer(Answer()) as server:
        location = {"itself": {"Location": server.url}, "nobody": {"Location": dead_endpoint()}}
        async with client_with(server.url, transport) as client:
            for status in REDIRECTS:
                server.answer = Answer(b"", status, location.get(to, {}))
                with pytest.raises(ConnectionFailedError) as caught:
                    await client.plans.describe("rollout")
                assert caught.value.request_sent is True
                assert "the endpoint redirects to" in str(caught.value)

    assert [seen.method for seen in server.received] == ["POST"] * len(REDIRECTS)


async def test_a_purchase_that_is_redirected_is_not_sent_again(transport: Transport) -> None:
    with ScriptedServer(Answer(b"", 307, {"Location": dead_endpoint()})) as server:
        async with client_with(server.url, transport, retry=RetryPolicy()) as client:
            with pytest.raises(OutcomeUnknownError):
                await client.training_plans.extend("tpeo-0123456789abcdef")

    assert len(server.received) == 1


# connections


async def test_calls_wait_for_a_free_connection(emulator: Emulator, transport: Transport) -> None:
    config = AioConfig(max_pool_connections=1)

    async with client_with(emulator.endpoint_url, transport, config=config) as client:
        await client.plans.create(a_spec())
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(client.plans.describe, "rollout")

    assert len(emulator.requests_of(DESCRIBE)) == 10


async def test_handlers_of_a_users_session_see_our_requests(
    emulator: Emulator, transport: Transport
) -> None:
    own = session()

    def label(request: Any, **_: object) -> None:
        request.headers["X-Team"] = "vision"

    own.register("before-send.sagemaker", label)
    async with client_with(emulator.endpoint_url, transport, session=own) as client:
        with pytest.raises(ServiceError):
            await client.plans.describe("nowhere")

    assert [seen.headers["x-team"] for seen in emulator.requests] == ["vision"]
