"""No error message, cause or log line shows a secret."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from harness import TRANSPORTS, Transport
from sagemaker_plans import AsyncClient, OutcomeUnknownError, RetryPolicy, SageMakerPlansError
from sagemaker_plans.emulator import Emulator
from transport.below.scripted_server import Answer, ScriptedServer
from transport.clients import users_client

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("transport", TRANSPORTS[:2], ids=str, indirect=True),
]

SECRET = "0a1b2c3d4e5f"
ONCE = RetryPolicy(max_attempts=1, reconcile_limit=0.1)
ECHO = f"X-Amz-Security-Token: {SECRET} Authorization: AWS4-HMAC-SHA256 Signature={SECRET}"


def behind(error: BaseException) -> Iterator[BaseException]:
    chain = [error]
    for one in chain:
        yield one
        causes = (one.__cause__, one.__context__)
        chain += [each for each in causes if each is not None and each not in chain]


def assert_kept(error: BaseException, log: str) -> None:
    for one in behind(error):
        assert SECRET not in f"{one} {one!r}"
    assert SECRET not in "".join(traceback.format_exception(error))
    assert SECRET not in log


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, ECHO),
        (200, json.dumps({"TrainingPlanExtensions": ECHO})),
        (400, json.dumps({"__type": "IncompleteSignature", "message": ECHO})),
        (400, f"<html>{ECHO}</html>"),
        (500, f"<html>{ECHO}</html>"),
    ],
)
async def test_a_page_that_repeats_the_headers_is_shown_without_secrets(
    transport: Transport, caplog: pytest.LogCaptureFixture, status: int, body: str
) -> None:
    caplog.set_level("DEBUG", "sagemaker_plans")
    answer = Answer(body.encode(), status, {"x-amzn-requestid": "1"})
    with ScriptedServer(answer) as server:
        async with users_client(server.url, transport) as theirs:
            client = AsyncClient.from_client(theirs, retry=ONCE)
            with pytest.raises(SageMakerPlansError) as caught:
                await client.training_plans.extend("tpeo-1")

    assert_kept(caught.value, caplog.text)


async def test_an_error_of_a_proxys_password_does_not_show_the_password(
    transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedServer(Answer(b"no", 407)) as server:
        proxy = server.url.replace("//", f"//user:{SECRET}@")
        async with users_client(
            "https://sagemaker.invalid", transport, proxies={"https": proxy}
        ) as theirs:
            client = AsyncClient.from_client(theirs, retry=ONCE)
            with pytest.raises(SageMakerPlansError) as caught:
                await client.training_plans.extend("tpeo-1")

    assert_kept(caught.value, caplog.text)


async def test_a_hook_that_fails_behind_a_purchase_is_logged_without_its_secrets(
    emulator: Emulator, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    offering = emulator.add_extension_offering(emulator.training_plan_arn)

    def audit(**_: object) -> None:
        raise ClientError({"Error": {"Code": "Denied", "Message": ECHO}}, "PutItem")

    async with users_client(emulator.endpoint_url, transport) as theirs:
        theirs.meta.events.register("after-call.sagemaker.ExtendTrainingPlan", audit)
        client = AsyncClient.from_client(theirs, retry=ONCE)
        receipt = await client.training_plans.extend(offering)

    assert receipt.outcome == "purchased"
    assert "PutItem" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("kind", [None, 5, "", ["ThrottlingException"]])
async def test_an_error_whose_type_is_not_a_string_is_not_the_services(
    transport: Transport, kind: object
) -> None:
    with ScriptedServer(Answer(json.dumps({"__type": kind}).encode(), 400)) as server:
        async with users_client(server.url, transport) as theirs:
            client = AsyncClient.from_client(theirs, retry=ONCE)
            with pytest.raises(OutcomeUnknownError):
                await client.training_plans.extend("tpeo-1")
