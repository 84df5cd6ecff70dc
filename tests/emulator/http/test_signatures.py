from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from emulator.requests_made import RawReply, boto_client, send, send_signed, signed_headers
from sagemaker_plans.emulator import Emulator
from sagemaker_plans.emulator._http.signature import check_signature_head
from sagemaker_plans.emulator._wire.refusal import Refusal


def code(reply: RawReply) -> tuple[int, str]:
    assert reply.headers["x-amzn-errortype"] == reply.json["__type"]
    return reply.status, reply.json["__type"]


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("test", "test"),
        ("testing", "testing"),
        ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ],
)
def test_the_keys_of_test_suites_are_known(emulator: Emulator, key: str, secret: str) -> None:
    assert send_signed(emulator, key=key, secret=secret).status == 200


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "us-gov-west-1", "cn-north-1"])
def test_any_region_is_served_and_recorded(emulator: Emulator, region: str) -> None:
    assert send_signed(emulator, region=region).status == 200
    assert emulator.requests[-1].region == region


def test_session_tokens_are_accepted_and_not_recorded(emulator: Emulator) -> None:
    assert send_signed(emulator, token="very-secret").status == 200
    assert emulator.requests[-1].headers["X-Amz-Security-Token"] == "redacted"


def test_odd_headers_are_part_of_the_signature(emulator: Emulator) -> None:
    body = b'{"NameContains":"x"}'
    headers = signed_headers(emulator, body, extra={"X-Amz-Odd": "  a   b  "})
    assert send(emulator, body, headers).status == 200
    assert code(send(emulator, body, {**headers, "X-Amz-Odd": "a c"})) == (
        403,
        "InvalidSignatureException",
    )


def test_a_query_string_is_part_of_the_signature(emulator: Emulator) -> None:
    headers = signed_headers(emulator, b"{}")
    assert code(send(emulator, b"{}", headers, path="/?a=b")) == (
        403,
        "InvalidSignatureException",
    )


def test_an_unsigned_request_is_refused(emulator: Emulator) -> None:
    headers = signed_headers(emulator, b"{}")
    del headers["Authorization"]
    assert code(send(emulator, b"{}", headers)) == (403, "MissingAuthenticationTokenException")
    assert emulator.requests == ()
    assert emulator.turned_away == {"MissingAuthenticationTokenException": 1}


def test_a_changed_body_is_refused(emulator: Emulator) -> None:
    headers = signed_headers(emulator, b"{}")
    assert code(send(emulator, b"{ }", headers)) == (403, "InvalidSignatureException")


def test_a_wrong_secret_is_refused(emulator: Emulator) -> None:
    assert code(send_signed(emulator, secret="wrong")) == (403, "InvalidSignatureException")


def test_an_unknown_key_is_refused(emulator: Emulator) -> None:
    assert code(send_signed(emulator, key="nobody")) == (400, "UnrecognizedClientException")


def test_another_services_signature_is_refused(emulator: Emulator) -> None:
    reply = send_signed(emulator, service="s3")
    assert code(reply) == (403, "InvalidSignatureException")
    assert "'sagemaker'" in reply.json["message"]


def _without(part: str) -> Callable[[dict[str, str]], None]:
    def change(headers: dict[str, str]) -> None:
        headers["Authorization"] = headers["Authorization"].replace(part, "")

    return change


def _dated(stamp: str) -> Callable[[dict[str, str]], None]:
    def change(headers: dict[str, str]) -> None:
        headers["X-Amz-Date"] = stamp

    return change


@pytest.mark.parametrize(
    "change",
    [
        _without("AWS4-HMAC-SHA256 "),
        _without("SignedHeaders="),
        _without("host;"),
        _without("x-amz-date;"),
        _dated("yesterday"),
        _dated(""),
    ],
)
def test_an_incomplete_signature_is_refused(
    emulator: Emulator, change: Callable[[dict[str, str]], None]
) -> None:
    headers = signed_headers(emulator, b"{}")
    change(headers)
    assert code(send(emulator, b"{}", headers)) == (403, "IncompleteSignatureException")


def test_the_scope_must_be_of_the_same_day(emulator: Emulator) -> None:
    headers = signed_headers(emulator, b"{}")
    headers["X-Amz-Date"] = "20200101T000000Z"
    reply = send(emulator, b"{}", headers)
    assert code(reply) == (403, "InvalidSignatureException")
    assert "scope" in reply.json["message"]


@pytest.mark.parametrize(
    ("minutes", "words"), [(6, "Signature expired: "), (-6, "Signature not yet current: ")]
)
def test_a_signature_lives_for_five_minutes(minutes: int, words: str) -> None:
    headers = _signed_head(Emulator(port=1))
    age = dt.timedelta(minutes=minutes)
    check_signature_head(headers, {"test": "test"}, lambda signed_at: (signed_at + age * 2 / 3,))
    with pytest.raises(Refusal, match=f"InvalidSignatureException: {words}"):
        check_signature_head(headers, {"test": "test"}, lambda signed_at: (signed_at + age,))


def test_a_date_must_exist() -> None:
    headers = _signed_head(Emulator(port=1))
    stamp = headers["x-amz-date"]
    impossible = {
        **headers,
        "x-amz-date": "99999999T999999Z",
        "authorization": headers["authorization"].replace(stamp[:8], "99999999"),
    }
    with pytest.raises(Refusal, match="IncompleteSignatureException: X-Amz-Date is not a date"):
        check_signature_head(impossible, "any", lambda signed_at: (signed_at,))


def _signed_head(emulator: Emulator) -> dict[str, str]:
    return {name.lower(): value for name, value in signed_headers(emulator, b"{}").items()}


def test_what_is_signed_after_a_move_of_the_emulators_clock_is_served(emulator: Emulator) -> None:
    emulator.clock.advance(24 * 3600)
    assert send_signed(emulator).status == 200


def test_a_move_of_the_emulators_clock_ages_a_purchase_that_was_signed_before(
    emulator: Emulator,
) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=2)

    def purchase() -> RawReply:
        return send_signed(emulator, operation="ExtendTrainingPlan", at=before)

    emulator.clock.advance(4 * 60)
    assert code(purchase()) == (400, "ValidationException")
    emulator.clock.advance(2 * 60)
    reply = purchase()
    assert code(reply) == (403, "InvalidSignatureException")
    assert reply.json["message"].startswith("Signature expired: ")
    # A read that was on its way is served.
    assert send_signed(emulator, at=before).status == 200


def test_a_client_that_signs_by_the_emulators_clock_is_served(emulator: Emulator) -> None:
    emulator.clock.advance(24 * 3600)
    told = parsedate_to_datetime(send_signed(emulator).headers["date"])
    assert abs(told.timestamp() - emulator.clock.now()) < 60
    assert send_signed(emulator, at=told).status == 200


def test_a_test_can_date_signatures_by_the_emulators_clock() -> None:
    with Emulator(signature_clock="emulator") as emulator:
        assert send_signed(emulator).status == 200
        emulator.clock.advance(6 * 60)
        reply = send_signed(emulator)
        assert code(reply) == (403, "InvalidSignatureException")
        assert reply.json["message"].startswith("Signature expired: ")
        told = parsedate_to_datetime(reply.headers["date"]).timestamp()
        assert abs(told - emulator.clock.now()) < 60
        emulator.signature_clock = "machine"
        assert send_signed(emulator).status == 200


def test_there_are_three_ways_to_date_for_signatures(emulator: Emulator) -> None:
    wrong: Any = "sundial"
    with pytest.raises(ValueError, match="signature_clock must be"):
        emulator.signature_clock = wrong
    assert emulator.signature_clock == "both"


def test_any_credentials_are_checked_for_form_only() -> None:
    with Emulator(credentials="any") as emulator:
        assert (emulator.access_key_id, emulator.secret_access_key) == ("test", "test")
        assert send_signed(emulator, key="nobody", secret="knows").status == 200
        assert (
            code(send(emulator, b"{}", {"X-Amz-Target": "SageMaker.ListTrainingPlans"}))[0] == 404
        )


def test_own_credentials_replace_the_usual_ones() -> None:
    with Emulator(credentials={"mine": "secret"}) as emulator:
        assert emulator.environment()["AWS_ACCESS_KEY_ID"] == "mine"
        assert emulator.environment()["AWS_SECRET_ACCESS_KEY"] == "secret"
        client = boto_client(emulator)
        reply: Any = client.list_edge_deployment_plans()
        client.close()
        assert reply["EdgeDeploymentPlanSummaries"] == []
        assert code(send_signed(emulator, key="test", secret="test"))[1] == (
            "UnrecognizedClientException"
        )


def test_some_credentials_are_needed() -> None:
    with pytest.raises(ValueError, match="at least one access key"):
        Emulator(credentials={})


def test_signatures_and_secrets_are_never_kept(emulator: Emulator) -> None:
    send_signed(emulator)
    assert emulator.requests[0].headers["AUTHORIZATION"] == "redacted"
    assert "Signature=" not in repr(emulator.requests)
