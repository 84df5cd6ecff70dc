"""The fast path: reads that are prepared and signed here, sent by the client's HTTP session.

botocore prepares a request of any operation of any service; our reads are few, and of one
protocol. So the client sends one request of each operation, which is remembered as its
HTTP session got it. The next ones are prepared after that model: what stays is taken
from it (the URL, the user agent, the region and the name that were signed), and what changes
is written anew (the body, the time, the signature, the id). That is trusted only once the
very request that the client sent was written again, with the same bytes.

Whoever might listen or interfere on the way past must not be passed by: ``client_inside``
compares everything with what botocore's authors put there, before the first use and at
each call. Whatever differs, and whatever fails on the way to finding out, means that the
client does it all. What changes something always goes through the client.
"""

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from os import urandom
from typing import Any, Final, Protocol

import anyio.to_thread
import botocore.handlers
from attrs import frozen
from botocore.awsrequest import AWSPreparedRequest, HeadersDict

from sagemaker_plans._transport.aiobotocore_client.client_inside import ClientInside
from sagemaker_plans._transport.aiobotocore_client.event_hooks import CONTEXT_KEY
from sagemaker_plans._transport.aiobotocore_client.second_copies import kind_of, second_copies
from sagemaker_plans._transport.evidence import Evidence
from sagemaker_plans._transport.exception_mapping import no_credentials
from sagemaker_plans._transport.signing import TIME_FORMAT, Keys, Signer
from sagemaker_plans._wire.operations import Operation, Safety
from sagemaker_plans._wire.redaction import redacted

_LOG: Final = logging.getLogger("sagemaker_plans")
_TARGET: Final = "X-Amz-Target"
_SIGNED: Final = ("X-Amz-Date", "X-Amz-Security-Token", "Authorization")
_TRACE: Final = "X-Amzn-Trace-Id"
_LAMBDA: Final = "AWS_LAMBDA_FUNCTION_NAME"
_PLAIN: Final = frozenset({str, int, bool})
_TRIES: Final = 3
"""How often the client's own request is written again until nothing more is tried."""


class _Credentials(Protocol):
    async def get_frozen_credentials(self) -> Keys: ...


@frozen(kw_only=True, eq=False, repr=False)
class _Sent:
    """A request of the client's own, as its HTTP session got it."""

    members: Mapping[str, object]
    method: str
    url: str
    headers: list[tuple[str, str | bytes]]
    kind_of_headers: Any
    body: bytes
    stream_output: bool
    context: Mapping[str, Any]

    def is_same_as(self, other: AWSPreparedRequest) -> bool:
        """Tell whether another request has all that this one has."""
        given: Any = other
        kind: object = kind_of(given.headers)
        return (
            (self.method, self.url, self.body) == (given.method, given.url, given.body)
            and self.kind_of_headers is kind
            and self.headers == list(given.headers.items())
            and self.stream_output == given.stream_output
            and self.context == given.context
        )


class _Model:
    """What all requests of one operation have in common.

    Args:
        sent: The request that the client has sent.

    Raises:
        Exception: If it is not as those are that this was written for.
    """

    def __init__(self, sent: _Sent) -> None:
        self.url = sent.url
        self._method, self._stream_output = sent.method, sent.stream_output
        headers = dict(sent.headers)
        fixed = (_TARGET, "Content-Type", "User-Agent", "amz-sdk-request")
        self._fixed = {name: headers[name] for name in fixed}
        self._target = _text(headers[_TARGET])
        names = (*fixed, _TRACE, *_SIGNED, "amz-sdk-invocation-id", "Content-Length")
        # From inside, for it has no other name.
        made: Any = HeadersDict(dict.fromkeys(names, ""))
        self._key: dict[str, object] = {str(key): key for key in made._dict}  # noqa: SLF001
        credential = _text(headers["Authorization"]).partition(", ")[0]
        *_, region, service, _ = credential.rsplit("/", 3)
        self._signer = Signer(url=sent.url, region=region, service=service)
        self._context = sent.context
        self._own_dicts = [key for key, value in sent.context.items() if kind_of(value) is dict]

    def write(
        self,
        members: Mapping[str, object],
        keys: Keys,
        evidence: Evidence,
        *,
        now: datetime,
        invocation: str,
        trace: str | None,
    ) -> AWSPreparedRequest:
        """Write a request.

        Args:
            members: Its members in wire form.
            keys: What it is signed with.
            evidence: What will be known of it.
            now: The time (UTC).
            invocation: The id of the call.
            trace: The trace to which it belongs; None for none.

        Returns:
            The request, as botocore would hand it to the HTTP session.
        """
        body = json.dumps(members).encode()
        signed = self._signer.headers(keys, target=self._target, body=body, now=now)
        headers: dict[object, str | bytes] = {
            self._key[_TARGET]: self._fixed[_TARGET],
            self._key["Content-Type"]: self._fixed["Content-Type"],
            self._key["User-Agent"]: self._fixed["User-Agent"],
        }
        if trace is not None:
            headers[self._key[_TRACE]] = trace.encode()
        for name in _SIGNED:
            if name in signed:
                headers[self._key[name]] = signed[name].encode()
        headers[self._key["amz-sdk-invocation-id"]] = invocation.encode()
        headers[self._key["amz-sdk-request"]] = self._fixed["amz-sdk-request"]
        headers[self._key["Content-Length"]] = str(len(body))
        # Filled from inside: its own way makes each key anew. If it has another inside, no
        # request is like the client's.
        given: Any = HeadersDict.__new__(HeadersDict)
        given._dict = headers  # noqa: SLF001
        context = dict(self._context)
        for key in self._own_dicts:
            # botocore may change it later.
            context[key] = context[key].copy()
        context["retries"]["invocation-id"] = invocation
        context["timestamp"] = signed["X-Amz-Date"]
        context[CONTEXT_KEY] = evidence
        return AWSPreparedRequest(self._method, self.url, given, body, self._stream_output, context)


class FastPath:
    """A way to send reads past a client's own preparation, through its own HTTP session.

    Args:
        client: A SageMaker client of aiobotocore.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401
        self._client = client
        self._inside: ClientInside | None = None
        self._is_first = True
        self._is_looking = False
        self._sent: dict[str, _Sent] = {}
        self._models: dict[str, _Model] = {}
        self._tries_left = _TRIES

    async def prepare(  # noqa: PLR0911  # each for a reason of its own
        self, operation: Operation, members: Mapping[str, object], evidence: Evidence
    ) -> AWSPreparedRequest | None:
        """Prepare a request as the client would.

        Args:
            operation: What to ask.
            members: Its members in wire form.
            evidence: Told what becomes of the request, and, if the client has to send it,
                asked to tell what it sends.

        Returns:
            The request; None if the client itself has to send it.

        Raises:
            Exception: Whatever the credentials raise.
        """
        if operation.safety is not Safety.READ or not self._tries_left:
            return None
        if self._is_first:
            # Most programs that read once never read again.
            self._is_first = False
            return None
        if not _PLAIN.issuperset(map(type, members.values())) or not await self._is_pristine():
            return None
        name = operation.name
        if name not in self._sent:
            evidence.learn = partial(self._learn, name, members)
            return None
        try:
            # Refreshed here, if they are about to expire.
            credentials: _Credentials = self._client._request_signer._credentials  # noqa: SLF001
            keys = await credentials.get_frozen_credentials()
        except BaseException as error:
            evidence.keep_back(error, no_credentials(operation, error))
            raise
        try:
            model = self._models.get(name) or self._prove(name, keys)
            if model is None:
                return None
            return model.write(
                members,
                keys,
                evidence,
                now=datetime.now(UTC),
                invocation=_uuid(),
                trace=_trace_now(),
            )
        except Exception:  # noqa: BLE001  # then the client's own way is the one that works
            self._give_up()
            return None

    async def _is_pristine(self) -> bool:
        """Tell whether nobody would notice, now."""
        try:
            if self._inside is None:
                self._inside = await self._look_inside()
            elif not self._inside.is_unchanged():
                # Perhaps nothing that matters: a value that is found out when it is needed.
                self._inside = self._inside.anew()
            return self._inside is not None and not self._inside.is_watched()
        except Exception:  # noqa: BLE001  # whatever somebody has put there
            self._give_up()
            return False

    async def _look_inside(self) -> ClientInside | None:
        """Look, in a thread: the first client of a process has the modules compared."""
        if self._is_looking:
            return None
        self._is_looking = True
        try:
            copies = await anyio.to_thread.run_sync(second_copies)
            return ClientInside(self._client, copies)
        finally:
            self._is_looking = False

    def _learn(self, name: str, members: Mapping[str, object], request: Any) -> None:  # noqa: ANN401
        """Remember what the client sends."""
        try:
            self._sent[name] = _Sent(
                members=members,
                method=request.method,
                url=request.url,
                headers=list(request.headers.items()),
                kind_of_headers=kind_of(request.headers),
                body=request.body,
                stream_output=request.stream_output,
                context=_copied(request.context),
            )
        except Exception:  # noqa: BLE001  # a request of another kind
            self._give_up()

    def _prove(self, name: str, keys: Keys) -> _Model | None:
        """Write what the client has sent once more, and compare."""
        sent = self._sent.pop(name)
        model = _Model(sent)
        evidence: Evidence = sent.context[CONTEXT_KEY]
        again = model.write(
            sent.members,
            keys,
            evidence,
            now=datetime.strptime(sent.context["timestamp"], TIME_FORMAT).replace(tzinfo=UTC),
            invocation=sent.context["retries"]["invocation-id"],
            trace=None if (trace := dict(sent.headers).get(_TRACE)) is None else _text(trace),
        )
        if not sent.is_same_as(again):
            # Other credentials than a moment ago, or another way to prepare a request.
            self._tries_left -= 1
            return None
        self._sent[name] = sent
        self._models[name] = model
        return model

    def _give_up(self) -> None:
        self._tries_left = 0
        self._inside = None

    async def send(self, request: AWSPreparedRequest, operation: Operation) -> None:
        """Send a request, once, and hear the reply.

        Args:
            request: What ``prepare`` gave.
            operation: What it asks for.

        Raises:
            Exception: Whatever the HTTP session raises.
        """
        if _LOG.isEnabledFor(logging.DEBUG):
            url = redacted(request.url)
            _LOG.debug("%s: POST %s, on the fast path", operation.name, url)
        # Asked for at each call: it is observed from when the gateway is made.
        await self._client._endpoint.http_session.send(request)  # noqa: SLF001


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


def _copied(context: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a request's context, with what botocore may change in it later."""
    return {
        key: value.copy() if kind_of(value) is dict else value for key, value in context.items()
    }


def _uuid() -> str:
    """Make a random UUID, as ``str(uuid4())`` is one, in a third of the time."""
    text = urandom(16).hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def _trace_now() -> str | None:
    """Ask botocore for the trace of a Lambda function: each invocation has its own."""
    if _LAMBDA not in os.environ:
        return None
    headers: dict[str, str] = {}
    add: Any = botocore.handlers.add_recursion_detection_header
    add(params={"headers": headers})
    return headers.get(_TRACE)
