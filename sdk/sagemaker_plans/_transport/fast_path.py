"""The direct lane: requests prepared and signed here, sent by the client's HTTP session.

botocore prepares a request of any operation of any service; ours are seven of one
protocol. So the client that botocore makes is asked for its endpoint, its user agent,
its credentials and its HTTP session (with the proxies, certificates and pools that were
configured), and each request goes past the rest. Wherever something might listen or
interfere on the way past (a user's event hook, a tracer's patch, an endpoint with
signing rules of its own), there is no direct lane, and the client does it all.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import FunctionType
from typing import Any, Final, Protocol, cast

from attrs import frozen
from botocore.awsrequest import AWSPreparedRequest

from sagemaker_plans._transport.exception_mapping import Trace, redirected
from sagemaker_plans._transport.service_errors import service_error
from sagemaker_plans._transport.service_model import SERVICE
from sagemaker_plans._transport.signing import Keys, Signer
from sagemaker_plans._wire.operations import OPERATIONS, Operation
from sagemaker_plans._wire.reply import Reply

_EVENTS: Final = (
    "provide-client-params",
    "before-parameter-build",
    "before-endpoint-resolution",
    "before-call",
    "choose-signer",
    "before-sign",
    "request-created",
    "before-send",
    "before-parse",
    "response-received",
    "needs-retry",
    "after-call",
    "after-call-error",
)
_KNOWN_LISTENERS: Final = frozenset({"botocore", "aiobotocore", "sagemaker_plans"})
_ERROR: Final = 300


class _Credentials(Protocol):
    async def get_frozen_credentials(self) -> Keys: ...


@frozen(kw_only=True, eq=False, repr=False)
class DirectLane:
    """A way to send requests past the client, through its own HTTP session."""

    send_prepared: Callable[[Any], Awaitable[Any]]
    credentials: _Credentials
    signer: Signer
    url: str
    user_agent: str
    is_unpatched: Callable[[], bool]
    """Whether nothing has been wrapped around the client's own calls since."""

    async def send(
        self, operation: Operation, request: Mapping[str, object], trace: Trace
    ) -> Reply:
        """Send a request, once.

        Args:
            operation: What to ask.
            request: Its members in wire form.
            trace: Told what becomes of the request.

        Returns:
            The service's reply.

        Raises:
            ServiceError: If the service said no.
            Exception: Whatever botocore and its HTTP session raise.
        """
        body = json.dumps(request).encode()
        # Refreshed here, if they are about to expire.
        keys = await self.credentials.get_frozen_credentials()
        target = f"SageMaker.{operation.name}"
        headers = self.signer.headers(keys, target=target, body=body, now=datetime.now(UTC))
        headers["User-Agent"] = self.user_agent
        # Any: a dict has all that an HTTP session asks of headers.
        given = cast("Any", headers)
        prepared = AWSPreparedRequest("POST", self.url, given, body, stream_output=False)
        trace.send(prepared)
        response = await self.send_prepared(prepared)
        raw: bytes = await response.content
        trace.status, trace.raw = response.status_code, raw
        headers = {name.lower(): value for name, value in response.headers.items()}
        trace.request_id = request_id = headers.get("x-amzn-requestid")
        if redirect := redirected(response.status_code, headers.get("location")):
            raise redirect
        if response.status_code >= _ERROR:
            said = _object(raw)
            text = raw.decode(errors="backslashreplace")
            message = said.get("message", said.get("Message", "" if said else text))
            raise service_error(
                operation.name,
                code=str(said.get("__type") or response.status_code),
                message=str(message),
                http_status=response.status_code,
                headers=headers,
                request_id=request_id,
            )
        return Reply(
            operation=operation,
            body=_object(raw),
            raw=raw,
            http_status=response.status_code,
            request_id=request_id,
        )


def _object(raw: bytes) -> Mapping[str, Any]:
    # What is no object has no members; whoever needs one finds it missing.
    try:
        parsed: object = json.loads(raw)
    except ValueError:
        return {}
    return cast("Mapping[str, Any]", parsed) if isinstance(parsed, dict) else {}


async def direct_lane(client: Any, credentials: object) -> DirectLane | None:  # noqa: ANN401
    """Find the direct lane of a client.

    Args:
        client: A SageMaker client of aiobotocore.
        credentials: What it signs with.

    Returns:
        The lane, or None if there is none: then all goes through the client.
    """
    try:
        cls = cast("Any", type(client))
        call = cls._make_api_call
        if not _is_plain(call) or not all(map(_is_known, _listeners(client))):
            return None
        model = client.meta.service_model.operation_model(OPERATIONS[0].name)
        url, headers, rules = await client._resolve_endpoint_ruleset(  # noqa: SLF001
            model, {}, {"client_region": client.meta.region_name}
        )
        url = url.rstrip("/") + "/"
        if headers or rules or client.meta.config.signature_version != "v4":
            return None
        return DirectLane(
            send_prepared=client._endpoint.http_session.send,  # noqa: SLF001
            credentials=cast("_Credentials", credentials),
            signer=Signer(url=url, region=client.meta.region_name, service=SERVICE),
            url=url,
            user_agent=client.meta.config.user_agent,
            is_unpatched=lambda: cls._make_api_call is call,
        )
    except (AttributeError, KeyError, TypeError):
        # Another botocore than those this was written for: its own way always works.
        return None


def _is_plain(call: object) -> bool:
    # A tracer wraps the call in an object, or in a function of its own file.
    return isinstance(call, FunctionType) and _home(call.__code__.co_filename) == "aiobotocore"


def _home(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 2)[-2]


def _listeners(client: Any) -> Iterator[object]:  # noqa: ANN401
    emitter: Any = client.meta.events
    emitter = getattr(emitter, "_emitter", emitter)
    for operation in OPERATIONS:
        for event in _EVENTS:
            yield from emitter._handlers.prefix_search(  # noqa: SLF001
                f"{event}.{SERVICE}.{operation.name}"
            )


def _is_known(listener: object) -> bool:
    return getattr(listener, "__module__", "").partition(".")[0] in _KNOWN_LISTENERS
