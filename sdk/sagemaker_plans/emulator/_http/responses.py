"""HTTP responses in the format of AWS JSON 1.1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import attrs

from sagemaker_plans.emulator._faults.fault import InjectedError
from sagemaker_plans.emulator._wire.json_values import is_object
from sagemaker_plans.emulator._wire.refusal import Refusal
from sagemaker_plans.emulator._wire.validation import service_model

CONTENT_TYPE: Final = "application/x-amz-json-1.1"


@attrs.frozen(kw_only=True)
class Response:
    """One HTTP response."""

    request_id: str
    body: bytes
    status: int = 200
    content_type: str = CONTENT_TYPE
    error_code: str | None = None
    retry_after: float | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The response's headers without Content-Length."""
        headers = {"Content-Type": self.content_type, "x-amzn-RequestId": self.request_id}
        if self.error_code is not None:
            headers["x-amzn-errortype"] = self.error_code
        if self.retry_after is not None:
            headers["Retry-After"] = f"{self.retry_after:g}"
        return headers


def reply_response(request_id: str, operation: str, reply: Mapping[str, object]) -> Response:
    """Return the response with a reply. Operations without output have an empty body."""
    has_output = service_model().operation_model(operation).output_shape is not None
    return Response(request_id=request_id, body=json_bytes(reply) if has_output else b"")


def error_response(request_id: str, error: Refusal | InjectedError) -> Response:
    """Return the response with an error. SDKs read its code from the body or from a header."""
    return Response(
        request_id=request_id,
        body=json_bytes({"__type": error.code, "message": error.message}),
        status=error.status,
        error_code=error.code,
        retry_after=error.retry_after if isinstance(error, InjectedError) else None,
    )


def json_bytes(value: object) -> bytes:
    """Return compact JSON, as the real service sends it: a throttle has 58 bytes."""
    return json.dumps(value, separators=(",", ":")).encode()


def parsed_object(body: bytes) -> Mapping[str, object]:
    """Read a JSON object.

    Raises:
        Refusal: `SerializationException`, because the body is not a JSON object.
    """
    try:
        value: object = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal("SerializationException", "The body is not valid JSON.") from error
    if not is_object(value):
        raise Refusal("SerializationException", "The body is not a JSON object.")
    return value


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not valid JSON")
