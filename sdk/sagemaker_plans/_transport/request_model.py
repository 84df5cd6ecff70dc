"""Writes a client's next requests after one that the client itself has prepared.

What stays is taken from that one: the URL, the user agent, the region and the name that were
signed. What changes is written anew: the body, the time, the signature, the id. That is
trusted only once the very request that the client sent was written again, with the same
bytes.

This module is imported when a client reads for the second time.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from os import urandom
from typing import TYPE_CHECKING, Any, Final, Self

import botocore.handlers
from attrs import field, frozen
from botocore.awsrequest import AWSPreparedRequest, HeadersDict

from sagemaker_plans._transport.aiobotocore_client.event_hooks import CONTEXT_KEY
from sagemaker_plans._transport.aiobotocore_client.second_copies import kind_of
from sagemaker_plans._transport.aiobotocore_client.straight_session import Handed, PlainRequest
from sagemaker_plans._transport.evidence import Evidence
from sagemaker_plans._transport.signing import TIME_FORMAT, Keys, Signer

if TYPE_CHECKING:
    from aiohttp import ClientSession

_TARGET: Final = "X-Amz-Target"
_SIGNED: Final = ("X-Amz-Date", "X-Amz-Security-Token", "Authorization")
_SETTINGS: Final[Mapping[str, object]] = {
    "chunked": None,
    "proxy": None,
    "proxy_headers": {},
    "allow_redirects": False,
}
"""How aiohttp is asked to send a request, beside what the request has."""
_TRACE: Final = "X-Amzn-Trace-Id"
_LAMBDA: Final = "AWS_LAMBDA_FUNCTION_NAME"


@frozen(kw_only=True, eq=False, repr=False)
class SentRequest:
    """A request of the client's own, as its HTTP session got it."""

    members: Mapping[str, object]
    method: str
    url: str
    headers: list[tuple[str, str | bytes]]
    kind_of_headers: Any
    body: bytes
    stream_output: bool
    context: Mapping[str, Any]
    handed: list[Handed] = field(factory=list[Handed])
    """What its HTTP session handed to aiohttp, if the session is our own."""

    @classmethod
    def of(cls, request: Any, members: Mapping[str, object]) -> Self:
        """Keep what a client hands to its HTTP session.

        Args:
            request: The request, prepared and signed.
            members: Its members in wire form.

        Returns:
            All that there is to know about it.

        Raises:
            Exception: If it is a request of another kind.
        """
        return cls(
            members=members,
            method=request.method,
            url=request.url,
            headers=list(request.headers.items()),
            kind_of_headers=kind_of(request.headers),
            body=request.body,
            stream_output=request.stream_output,
            context={
                # Copied, where botocore may change it later.
                key: value.copy() if kind_of(value) is dict else value
                for key, value in request.context.items()
            },
        )

    def is_same_as(self, other: AWSPreparedRequest) -> bool:
        """Tell whether another request has all that this one has.

        Args:
            other: The other request.

        Returns:
            Whether it has, and nothing else.
        """
        given: Any = other
        kind: object = kind_of(given.headers)
        return (
            (self.method, self.url, self.body) == (given.method, given.url, given.body)
            and self.kind_of_headers is kind
            and self.headers == list(given.headers.items())
            and self.stream_output == given.stream_output
            and self.context == given.context
        )


class RequestModel:
    """What all requests of one operation have in common.

    Args:
        sent: The request that the client has sent.

    Raises:
        Exception: If it is not as those are that this was written for.
    """

    def __init__(self, sent: SentRequest) -> None:
        self._sent, self._url = sent, sent.url
        self._method, self._stream_output = sent.method, sent.stream_output
        headers = dict(sent.headers)
        fixed = (_TARGET, "Content-Type", "User-Agent", "amz-sdk-request")
        self._fixed = {name: headers[name] for name in fixed}
        self._target = _text(headers[_TARGET])
        names = (*fixed, _TRACE, *_SIGNED, "amz-sdk-invocation-id", "Content-Length")
        # From inside, for it has no other name.
        made: Any = HeadersDict(dict.fromkeys(names, ""))
        self._key: dict[str, object] = {str(key): key for key in made._dict}  # noqa: SLF001  # it has no public name
        credential = _text(headers["Authorization"]).partition(", ")[0]
        *_, region, service, _ = credential.rsplit("/", 3)
        self._signer = Signer(url=sent.url, region=region, service=service)
        self._texts = {name: _text(value) for name, value in self._fixed.items()}
        self._context = sent.context
        self.is_plain = _is_plain(sent)
        """Whether ``write_plain`` writes what its session would hand to aiohttp."""
        self._own_dicts = [key for key, value in sent.context.items() if kind_of(value) is dict]

    def writes_again(self, keys: Keys) -> bool:
        """Tell whether the very request that the client has sent can be written again.

        Args:
            keys: What it was signed with.

        Returns:
            Whether it has the same bytes.
        """
        sent = self._sent
        time = datetime.strptime(sent.context["timestamp"], TIME_FORMAT).replace(tzinfo=UTC)
        found = dict(sent.headers).get(_TRACE)
        trace = None if found is None else _text(found)
        evidence, invocation = sent.context[CONTEXT_KEY], sent.context["retries"]["invocation-id"]
        again = self._write(
            sent.members, keys, evidence, now=time, invocation=invocation, trace=trace
        )
        if self.is_plain:
            headers = self._plain_headers(
                sent.body, keys, now=time, invocation=invocation, trace=trace
            )
            [(_, settings)] = sent.handed
            self.is_plain = [*headers.items()] == [*settings["headers"].items()]
        return sent.is_same_as(again)

    def write(
        self, members: Mapping[str, object], keys: Keys, evidence: Evidence
    ) -> AWSPreparedRequest:
        """Write a request.

        Args:
            members: Its members in wire form.
            keys: What it is signed with.
            evidence: What will be known of it.

        Returns:
            The request, as botocore would hand it to the HTTP session.
        """
        now, trace = datetime.now(UTC), _trace_now() if _LAMBDA in os.environ else None
        return self._write(members, keys, evidence, now=now, invocation=_uuid(), trace=trace)

    def write_plain(
        self, members: Mapping[str, object], keys: Keys, opened: "ClientSession"
    ) -> PlainRequest:
        """Write a request as its HTTP session would hand it to aiohttp.

        Args:
            members: Its members in wire form.
            keys: What it is signed with.
            opened: The HTTP client of aiohttp that sends it.

        Returns:
            The request.
        """
        now, trace = datetime.now(UTC), _trace_now() if _LAMBDA in os.environ else None
        body = json.dumps(members).encode()
        headers = self._plain_headers(body, keys, now=now, invocation=_uuid(), trace=trace)
        [(_, settings)] = self._sent.handed
        kind = kind_of(settings["headers"])
        return PlainRequest(
            opened=opened,
            method=self._method,
            url=self._url,
            headers=headers,
            body=body,
            settings={**settings, "headers": kind(headers), "data": body, "proxy_headers": {}},
        )

    def _plain_headers(
        self, body: bytes, keys: Keys, *, now: datetime, invocation: str, trace: str | None
    ) -> dict[str, str]:
        headers = self._headers(body, keys, now=now, invocation=invocation, trace=trace)
        headers["Accept-Encoding"] = "identity"
        return headers

    def _headers(
        self, body: bytes, keys: Keys, *, now: datetime, invocation: str, trace: str | None
    ) -> dict[str, str]:
        """Write all headers, in botocore's order."""
        headers = self._texts.copy()
        request = headers.pop("amz-sdk-request")
        if trace is not None:
            headers[_TRACE] = trace
        signed = self._signer.headers(keys, target=self._target, body=body, now=now)
        for name in _SIGNED:
            if name in signed:
                headers[name] = signed[name]
        headers["amz-sdk-invocation-id"] = invocation
        headers["amz-sdk-request"] = request
        headers["Content-Length"] = str(len(body))
        return headers

    def _write(
        self,
        members: Mapping[str, object],
        keys: Keys,
        evidence: Evidence,
        *,
        now: datetime,
        invocation: str,
        trace: str | None,
    ) -> AWSPreparedRequest:
        body = json.dumps(members).encode()
        texts = self._headers(body, keys, now=now, invocation=invocation, trace=trace)
        headers = {
            # A length is the only one that botocore does not encode.
            self._key[name]: self._fixed[name]
            if name in self._fixed
            else text
            if name == "Content-Length"
            else text.encode()
            for name, text in texts.items()
        }
        # Filled from inside: its own way makes each key anew. If it has another inside, no
        # request is like the client's.
        given: Any = HeadersDict.__new__(HeadersDict)
        given._dict = headers  # noqa: SLF001  # it has no public name
        context = dict(self._context)
        for key in self._own_dicts:
            # botocore may change it later.
            context[key] = context[key].copy()
        context["retries"]["invocation-id"] = invocation
        context["timestamp"] = texts["X-Amz-Date"]
        context[CONTEXT_KEY] = evidence
        return AWSPreparedRequest(
            self._method, self._url, given, body, self._stream_output, context
        )


def _is_plain(sent: SentRequest) -> bool:
    """Tell whether a session has handed a request to aiohttp as all sessions do today."""
    if len(sent.handed) != 1 or sent.stream_output:
        return False
    [(method, settings)] = sent.handed
    changing = {"headers": settings.get("headers"), "url": settings.get("url")}
    return (
        method == sent.method
        and str(settings.get("url")) == sent.url
        and settings == {**_SETTINGS, "data": sent.body, **changing}
    )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


def _uuid() -> str:
    """Make a random UUID, as ``str(uuid4())`` is one, in a third of the time."""
    text = urandom(16).hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def _trace_now() -> str | None:
    """Ask botocore for the trace of a Lambda function: each invocation has its own."""
    headers: dict[str, str] = {}
    add: Any = botocore.handlers.add_recursion_detection_header
    add(params={"headers": headers})
    return headers.get(_TRACE)
