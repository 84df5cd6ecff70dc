"""HTTP responses in the format of AWS JSON 1.1."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Final

import attrs
from aiohttp import web
from botocore.model import StructureShape

from sagemaker_plans.emulator._faults.fault import InjectedError
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
    """Return the response with an error. SDKs read its code from the body or from a header.

    An error of the service model also has the members that the model gives it, so the text is
    sent under both of its names.
    """
    members = dict.fromkeys(_modelled_members().get(error.code, ()), error.message)
    return Response(
        request_id=request_id,
        body=json_bytes({"__type": error.code, **members, "message": error.message}),
        status=error.status,
        error_code=error.code,
        retry_after=error.retry_after if isinstance(error, InjectedError) else None,
    )


@functools.cache
def _modelled_members() -> Mapping[str, tuple[str, ...]]:
    """Return the names under which each error of the service model has its text."""
    return {
        shape.error_code: tuple(shape.members)
        for shape in service_model().error_shapes
        if isinstance(shape, StructureShape)
    }


def json_bytes(value: object) -> bytes:
    """Return compact JSON, as the real service sends it: a throttle has 58 bytes."""
    return json.dumps(value, separators=(",", ":")).encode()


def aiohttp_response(response: Response) -> web.Response:
    """Return a response in the form in which aiohttp sends it."""
    return web.Response(body=response.body, status=response.status, headers=response.headers)
