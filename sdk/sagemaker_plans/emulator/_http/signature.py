"""Verification of AWS Signature Version 4, written from its public description."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import attrs

from sagemaker_plans.emulator._wire.refusal import Refusal

Credentials: TypeAlias = Mapping[str, str] | Literal["any"]
"""Secret keys by access key id, or "any": signatures are then checked for form only."""

DEFAULT_CREDENTIALS: Final[Mapping[str, str]] = {
    "test": "test",
    "testing": "testing",
    "AKIAIOSFODNN7EXAMPLE": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
"""The keys that test suites and documentation use; none of them is real."""

Times: TypeAlias = Callable[[dt.datetime], Sequence[dt.datetime]]
"""Gives the times with which the date of a signature is compared. One that fits is enough."""

SignatureClock: TypeAlias = Literal["both", "machine", "emulator"]
"""The clock with which the dates of signatures are compared."""

_PURCHASES: Final = frozenset({"CreateTrainingPlan", "ExtendTrainingPlan"})

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_ACCOUNT_DIGITS: Final = 12
_TOLERANCE: Final = dt.timedelta(minutes=5)
_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256\s+"
    r"Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)"
    r"/(?P<service>[^/,\s]+)/aws4_request,\s*"
    r"SignedHeaders=(?P<headers>[a-z0-9;_.-]+),\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_STAMP: Final = "%Y%m%dT%H%M%SZ"


@attrs.frozen(kw_only=True)
class SignedRequest:
    """The parts of an HTTP request that a signature covers."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Values by name in lower case. The values of a repeated header are joined by commas."""
    body: bytes


@attrs.frozen(kw_only=True)
class Claim:
    """What a signature claims in the request's headers."""

    found: re.Match[str]
    stamp: str
    secret: str | None
    """The secret that must have signed; None if signatures are checked for form only."""

    @property
    def region(self) -> str:
        """The region of the credential scope."""
        return self.found["region"]

    @property
    def account_id(self) -> str | None:
        """The account that the access key names; None if it names none."""
        return account_named_by(self.found["key"])


def account_named_by(access_key_id: str) -> str | None:
    """Return the account that an access key names: an account's number has twelve digits.

    Returns:
        The key itself, or None if it is no account's number.
    """
    if len(access_key_id) != _ACCOUNT_DIGITS:
        return None
    return access_key_id if access_key_id.isascii() and access_key_id.isdecimal() else None


def check_signature_head(
    headers: Mapping[str, str], credentials: Credentials, times: Times
) -> Claim:
    """Check what a signature claims, before the body is read.

    Args:
        headers: The request's headers, by name in lower case.
        credentials: The keys that may sign.
        times: Gives the times, aware, with which the date of a signature is compared.

    Returns:
        What the signature claims, for `check_signature`.

    Raises:
        Refusal: There is no signature, or it is incomplete, made with an unknown key,
            made for another service, or more than five minutes old or early.
    """
    authorization = headers.get("authorization")
    if authorization is None:
        raise Refusal(
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
            status=403,
        )
    found = _AUTHORIZATION.fullmatch(authorization)
    if found is None:
        raise _incomplete("Authorization header is not a complete AWS4-HMAC-SHA256 signature.")
    stamp = headers.get("x-amz-date", "")
    _check_scope(found, stamp)
    signed_headers = found["headers"].split(";")
    for name in ("host", "x-amz-date"):
        if name not in signed_headers:
            raise _incomplete(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    secret = None
    if credentials != "any":
        if found["key"] not in credentials:
            raise Refusal(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        secret = credentials[found["key"]]
    _check_age(stamp, times)
    return Claim(found=found, stamp=stamp, secret=secret)


def check_signature(request: SignedRequest, claim: Claim) -> None:
    """Check that a whole request has the signature that its headers claim.

    Raises:
        Refusal: The signature is wrong.
    """
    if claim.secret is None:
        return
    expected = _signature(request, claim.found, claim.stamp, claim.secret)
    if not hmac.compare_digest(expected, claim.found["signature"]):
        raise _wrong(
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )


def _check_scope(found: re.Match[str], stamp: str) -> None:
    if found["service"] != "sagemaker":
        raise _wrong("Credential should be scoped to correct service: 'sagemaker'.")
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp, re.ASCII):
        raise _incomplete("X-Amz-Date must be given as YYYYMMDD'T'HHMMSS'Z'.")
    if found["date"] != stamp[:8]:
        raise _wrong(f"Date in Credential scope does not match: {found['date']} != {stamp[:8]}")


def _check_age(stamp: str, times: Times) -> None:
    try:
        signed_at = dt.datetime.strptime(stamp, _STAMP).replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise _incomplete("X-Amz-Date is not a date.") from error
    known = times(signed_at)
    if any(abs(now - signed_at) <= _TOLERANCE for now in known):
        return
    now = known[-1]
    if signed_at < now - _TOLERANCE:
        raise _wrong(
            f"Signature expired: {stamp} is now earlier than "
            f"{(now - _TOLERANCE).strftime(_STAMP)} ({now.strftime(_STAMP)} - 5 min.)"
        )
    raise _wrong(
        f"Signature not yet current: {stamp} is still later than "
        f"{(now + _TOLERANCE).strftime(_STAMP)} ({now.strftime(_STAMP)} + 5 min.)"
    )


def _signature(request: SignedRequest, found: re.Match[str], stamp: str, secret: str) -> str:
    names = found["headers"].split(";")
    canonical = "\n".join(
        (
            request.method,
            request.path,
            "&".join(sorted(filter(None, request.query.split("&")))),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names),
            "",
            found["headers"],
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    scope = f"{found['date']}/{found['region']}/{found['service']}/aws4_request"
    digest = hashlib.sha256(_encoded(canonical)).hexdigest()
    key = _encoded(f"AWS4{secret}")
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}"
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def _encoded(text: str) -> bytes:
    # Header bytes that are not UTF-8 arrive as surrogates. This restores the bytes.
    return text.encode(errors="surrogateescape")


def _incomplete(message: str) -> Refusal:
    return Refusal("IncompleteSignatureException", message, status=403)


def _wrong(message: str) -> Refusal:
    return Refusal("InvalidSignatureException", message, status=403)


def signature_times(
    which: SignatureClock,
    signed_at: dt.datetime,
    operation: str,
    *,
    now: Callable[[], float],
    advanced_since: Callable[[float], float],
) -> tuple[dt.datetime, ...]:
    """Return the times with which the date of a signature is compared.

    Args:
        which: The clock that counts.
        signed_at: The date.
        operation: The operation of the request.
        now: Gives the emulator's time, in epoch seconds.
        advanced_since: Tells by how many seconds the emulator's clock was moved after a moment,
            which is in epoch seconds of the machine.
    """
    machine = dt.datetime.now(dt.UTC)
    if which == "machine":
        return (machine,)
    emulated = dt.datetime.fromtimestamp(now(), dt.UTC)
    if which == "emulator":
        return (emulated,)
    moved = 0.0
    if operation in _PURCHASES:
        # A date has whole seconds: in the last one, a signature may be younger than a move.
        moved = advanced_since(signed_at.timestamp() + 1)
    return (emulated, machine + dt.timedelta(seconds=moved))
