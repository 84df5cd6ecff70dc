"""The fast path: reads that are prepared and signed here, sent by the client's HTTP session.

botocore prepares a request of any operation of any service; our reads are three of one
protocol. So the client that botocore makes is asked for its endpoint, its user agent,
its credentials and its HTTP session (with the proxies, certificates and pools that were
configured), and each request goes past the rest. Wherever something might listen or
interfere on the way past (a user's event hook, a tracer's patch, an endpoint with
signing rules of its own), there is no fast path, and the client does it all.
What changes something always goes through the client.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import FunctionType
from typing import Any, Final, Protocol, cast

from attrs import frozen
from botocore.awsrequest import AWSPreparedRequest

from sagemaker_plans._transport.aiobotocore_client.event_hooks import CONTEXT_KEY
from sagemaker_plans._transport.aiobotocore_client.service_model import SERVICE
from sagemaker_plans._transport.evidence import Evidence
from sagemaker_plans._transport.exception_mapping import no_credentials
from sagemaker_plans._transport.signing import Keys, Signer
from sagemaker_plans._wire.operations import OPERATIONS, Operation, Safety

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


class _Credentials(Protocol):
    async def get_frozen_credentials(self) -> Keys: ...


@frozen(kw_only=True, eq=False, repr=False)
class FastPath:
    """A way to send requests past the client, through its own HTTP session."""

    endpoint: Any
    credentials: _Credentials
    signer: Signer
    url: str
    user_agent: str
    is_unpatched: Callable[[], bool]
    """Whether nothing has been wrapped around the client's own calls since."""

    def takes(self, operation: Operation) -> bool:
        """Tell whether a request may go this way.

        Args:
            operation: What it asks for.

        Returns:
            Whether it only reads, and nothing has been wrapped around the client meanwhile.
        """
        return operation.safety is Safety.READ and self.is_unpatched()

    async def send(
        self, operation: Operation, request: Mapping[str, object], evidence: Evidence
    ) -> None:
        """Send a request, once, and hear the reply.

        Args:
            operation: What to ask.
            request: Its members in wire form.
            evidence: Told what becomes of the request.

        Raises:
            Exception: Whatever botocore and its HTTP session raise.
        """
        body = json.dumps(request).encode()
        try:
            # Refreshed here, if they are about to expire.
            keys = await self.credentials.get_frozen_credentials()
        except BaseException as error:
            evidence.keep_back(error, no_credentials(operation, error))
            raise
        target = f"SageMaker.{operation.name}"
        headers = self.signer.headers(keys, target=target, body=body, now=datetime.now(UTC))
        headers["User-Agent"] = self.user_agent
        # Any: a dict has all that an HTTP session asks of headers.
        given = cast("Any", headers)
        context = {CONTEXT_KEY: evidence}
        prepared = AWSPreparedRequest(
            "POST", self.url, given, body, stream_output=False, context=context
        )
        # Asked for at each call: it is observed from when the gateway is made.
        await self.endpoint.http_session.send(prepared)


async def fast_path(client: Any, credentials: object) -> FastPath | None:  # noqa: ANN401  # the stubs err
    """Find the fast path of a client.

    Args:
        client: A SageMaker client of aiobotocore.
        credentials: What it signs with.

    Returns:
        The path, or None if there is none: then all goes through the client.
    """
    try:
        cls, endpoint = cast("Any", type(client)), client._endpoint  # noqa: SLF001  # no public way
        call = cls._make_api_call
        if not _is_plain(call) or not all(map(_is_known, _listeners(client))):
            return None
        model = client.meta.service_model.operation_model(OPERATIONS[0].name)
        url, headers, rules = await client._resolve_endpoint_ruleset(  # noqa: SLF001  # likewise
            model, {}, {"client_region": client.meta.region_name}
        )
        url = url.rstrip("/") + "/"
        if headers or rules or client.meta.config.signature_version != "v4":
            return None
        return FastPath(
            endpoint=endpoint,
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
    if not isinstance(call, FunctionType):
        return False
    return call.__code__.co_filename.replace("\\", "/").split("/")[-2:-1] == ["aiobotocore"]


def _listeners(client: Any) -> Iterator[object]:  # noqa: ANN401  # the stubs err
    emitter: Any = client.meta.events
    emitter = getattr(emitter, "_emitter", emitter)
    for operation in OPERATIONS:
        for event in _EVENTS:
            yield from emitter._handlers.prefix_search(  # noqa: SLF001  # no public way
                f"{event}.{SERVICE}.{operation.name}"
            )


def _is_known(listener: object) -> bool:
    return getattr(listener, "__module__", "").partition(".")[0] in _KNOWN_LISTENERS
