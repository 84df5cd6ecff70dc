"""Nothing that is logged or raised about a purchase has a credential in it."""

import logging

import pytest
from aiobotocore.session import AioSession

from faults.acts import EXTEND, HISTORY, OFFERING, PLAN_ARN
from harness import Transport, fast_retries, session
from sagemaker_plans import AsyncClient
from sagemaker_plans.emulator import Emulator, Fault
from sagemaker_plans.errors import SageMakerPlansError

KEY, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "a-secret-access-key", "a-session-token"
ECHO = f"The signature does not match: x-amz-security-token:{TOKEN}"


def session_with_secrets() -> AioSession:
    made = session()
    made.set_credentials(KEY, SECRET, TOKEN)
    return made


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        (EXTEND, Fault.unknown_member()),
        (EXTEND, Fault.throttle()),
        (EXTEND, Fault.error("InvalidSignatureException", ECHO)),
        (EXTEND, Fault.internal_failure(committed=True)),
        (EXTEND, Fault.disconnect("rst")),
        (EXTEND, Fault.not_json()),
        (HISTORY, Fault.error("InvalidSignatureException", ECHO, status=403)),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
async def test_no_credential_is_logged_or_raised(
    transport: Transport, operation: str, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "sagemaker_plans")
    said: list[str] = []
    with Emulator(credentials={KEY: SECRET}) as emulator:
        emulator.inject(operation, fault, times=None)
        async with AsyncClient(
            region_name="us-east-1",
            endpoint_url=emulator.endpoint_url,
            session=session_with_secrets(),
            http_backend=transport.http_backend,
            retry=fast_retries(max_attempts=2, reconcile_limit=0.1),
        ) as client:
            for arn in (None, PLAN_ARN):
                try:
                    await client.training_plans.extend(OFFERING, training_plan_arn=arn)
                except SageMakerPlansError as error:
                    said += [str(error), repr(error), repr(error.__cause__), repr(error.__dict__)]
    said += [record.getMessage() for record in caplog.records]
    assert any(OFFERING in words for words in said)
    assert [words for words in said if any(one in words for one in (KEY, SECRET, TOKEN))] == []
