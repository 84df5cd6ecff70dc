"""No secret is left in a text, whatever is around it."""

import traceback

import pytest

from harness import Transport
from sagemaker_plans import AsyncClient, ConfigurationError
from sagemaker_plans._wire.redaction import redacted

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    "text",
    [
        f'["SessionToken", "{SECRET}"]',
        f'{{"x": [{{"SecretAccessKey": "{SECRET}"}}]}}',
        f'{{"SessionToken": ["{SECRET}"]}}',
        f'"{{\\"SessionToken\\": \\"{SECRET}\\"}}"',
        f"['x-amz-security-token', '{SECRET}']",
        f"<SessionToken>{SECRET}</SessionToken>",
        f"aws_session_token={SECRET}",
        f"X-Amz-Security-Token: {SECRET}",
        f"http://user:{SECRET}@host",
        f"http://us er:{SECRET}@host",
        f"http://user:a/{SECRET}@host",
        f"Invalid endpoint: user:{SECRET}@host",
        f"http://user:{SECRET}@",
    ],
)
def test_a_secret_is_taken_out_once(text: str) -> None:
    shown = redacted(text)

    assert SECRET not in shown
    assert redacted(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "no whole reply from http://127.0.0.1:9 within 5 s (request_timeout)",
        "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/p",
        "the session token has expired",
        "2026-11-21T12:34:56Z: ask someone@example.com",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.anyio
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"])
@pytest.mark.parametrize("address", ["user:{}@host", "https://user:{}@", "ftp://user:{}@a b"])
async def test_the_endpoint_of_the_environment_keeps_its_password(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, variable: str, address: str
) -> None:
    monkeypatch.setenv(variable, address.format(SECRET))
    client = AsyncClient(region_name="us-east-1", http_backend=transport.http_backend)
    with pytest.raises(ConfigurationError) as raised:
        await client.__aenter__()

    assert SECRET not in "".join(traceback.format_exception(raised.value))
