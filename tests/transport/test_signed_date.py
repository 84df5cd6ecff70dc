"""When a request was signed, read from its headers."""

from datetime import UTC, datetime, timedelta

import pytest

from sagemaker_plans._transport.signed_date import signed_at, why_too_late

AT = datetime(2026, 11, 22, 0, 10, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
Headers = dict[str, str | bytes]


def signed(
    *,
    covered: str = "host;x-amz-date",
    date: str | bytes = "20261122T001030Z",
    name: str = "4-HMAC",
) -> Headers:
    scope = "k/20261122/us-east-1/sagemaker/aws4_request"
    words = f"AWS{name}-SHA256 Credential={scope}, SignedHeaders={covered}, Signature=00"
    return {"Authorization": words, "X-Amz-Date": date}


@pytest.mark.parametrize(
    "headers",
    [
        signed(),
        signed(covered="X-Amz-Date"),
        signed(date=b"20261122T001030Z"),
        signed(name="4-ECDSA-P256"),
        {name.lower(): value for name, value in signed().items()},
        {name: str(value).encode() for name, value in signed().items()},
    ],
)
def test_the_date_that_the_signature_covers_is_when_it_was_signed(headers: Headers) -> None:
    assert signed_at(headers) == AT


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Amz-Date": "20261122T001030Z"},
        {"Authorization": "AWS k:signature", "X-Amz-Date": "20261122T001030Z"},
        {"Authorization": "Bearer SignedHeaders=x-amz-date", "X-Amz-Date": "20261122T001030Z"},
        signed(covered="host"),
        signed(covered="host;my-x-amz-date"),
        signed(date=""),
        signed(date="2026-11-22T00:10:30Z"),
        signed(date=b"\xff"),
    ],
)
def test_a_request_whose_signature_covers_no_date_does_not_say_when_it_was_signed(
    headers: Headers,
) -> None:
    assert signed_at(headers) is None
    assert why_too_late(headers, AT + SECOND) == (
        "its signature does not show when it was made, so it might still count later"
    )


@pytest.mark.parametrize("before", [SECOND, 0 * SECOND])
def test_a_request_may_be_signed_until_its_last_moment(before: timedelta) -> None:
    assert why_too_late(signed(), AT + before) is None


def test_a_request_signed_later_is_too_late() -> None:
    assert why_too_late(signed(), AT - SECOND) == (
        "it was signed at 00:10:30 UTC, and the last moment for that was 00:10:29 UTC"
    )
