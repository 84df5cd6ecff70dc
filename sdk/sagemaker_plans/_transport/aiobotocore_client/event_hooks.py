"""Hooks on a client's events, which link each request to the call of ours that made it.

The link travels with the request. One string among our call's parameters holds a reference
to the evidence. botocore passes that string to the first event, where our hook puts the
evidence into the request's context. So the evidence stays with the request even if a wrapper
runs the call in another task, another thread or another event loop.

A read may have no string among its parameters: a list of everything. Then a context variable
holds the reference. That works in another task, too, and it decides nothing about money.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from typing import Any, Final, Protocol, Self, final

from botocore import UNSIGNED
from botocore.exceptions import NoCredentialsError

from sagemaker_plans._transport.aiobotocore_client.service_model import SERVICE
from sagemaker_plans._transport.evidence import Evidence, WholeReply
from sagemaker_plans._transport.exception_mapping import no_credentials
from sagemaker_plans._wire.operations import OPERATIONS, Safety

CONTEXT_KEY: Final = "sagemaker_plans"
_PURCHASES: Final = frozenset(each.name for each in OPERATIONS if each.safety is Safety.PURCHASE)


_CALLING: ContextVar[Evidence | None] = ContextVar("sagemaker_plans_calling", default=None)


class LinkedText(str):
    """A string of a request that holds the evidence of the call that made the request."""

    __slots__ = ("evidence",)

    evidence: Evidence

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        # A copied request is the same request. There must still be one evidence for it.
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def linked(request: Mapping[str, object], evidence: Evidence) -> Mapping[str, object]:
    """Link a request to its evidence.

    Args:
        request: The members of the request.
        evidence: The evidence of the request.

    Returns:
        The same members, with the link in one of the strings, if there is one.
    """
    strings = ((name, value) for name, value in request.items() if isinstance(value, str))
    member, text = next(strings, ("", ""))
    if not member:
        return request
    # Not str(text): for a member of an enum that would be its name, not its value.
    with_link = LinkedText(str.__str__(text))
    with_link.evidence = evidence
    return {**request, member: with_link}


@contextmanager
def calling(evidence: Evidence) -> Generator[None]:
    """Tell which call is made, for requests without a string.

    Args:
        evidence: The evidence of the request.

    Yields:
        Nothing. Make the call inside the context.
    """
    before = _CALLING.get()
    _CALLING.set(evidence)
    try:
        yield
    finally:
        # Not reset(): a coroutine that is thrown away may end in another context.
        _CALLING.set(before)


def evidence_in(context: Mapping[str, object] | None) -> Evidence | None:
    """Find the evidence that a request carries.

    Args:
        context: The request's context, as botocore passes it from event to event.

    Returns:
        The evidence; None if none of our calls made the request.
    """
    found = (context or {}).get(CONTEXT_KEY)
    return found if isinstance(found, Evidence) else None


def _link(
    params: Mapping[str, object],
    model: Any,
    context: dict[str, object],
    **_: object,
) -> None:
    for value in params.values():
        # A user's hook may reuse the string in a request of its own, for example to look
        # whether the plan already exists. Our calls did not make that request.
        if isinstance(value, LinkedText) and value.evidence.operation.name == model.name:
            context[CONTEXT_KEY] = value.evidence
            value.evidence.begin()
    evidence = _CALLING.get()
    if (
        evidence is not None
        and not evidence.is_over
        and evidence.operation.safety is Safety.READ
        and evidence.operation.name == model.name
        and not any(isinstance(value, str) for value in params.values())
    ):
        context[CONTEXT_KEY] = evidence
        evidence.begin()


async def frozen_credentials(request_signer: Any) -> Any:
    """Get what a client's requests are signed with, refreshed if it is about to expire.

    Args:
        request_signer: The client's signer.

    Returns:
        The credentials as they are now.

    Raises:
        NoCredentialsError: If there are none.
        Exception: Whatever else the credentials raise.
    """
    credentials = request_signer._credentials  # noqa: SLF001  # it has no public name
    if credentials is None:
        raise NoCredentialsError
    return await credentials.get_frozen_credentials()


async def _require_credentials(
    request: Any,
    request_signer: Any,
    signature_version: object,
    **_: object,
) -> None:
    evidence = evidence_in(request.context)
    is_usual = signature_version is not UNSIGNED and str(signature_version).startswith("v4")
    # A hook may have set credentials for this request only.
    has_own_credentials = request.context.get("signing", {}).get("request_credentials")
    if evidence is None or not is_usual or has_own_credentials:
        return
    try:
        # This refreshes credentials that are about to expire, so the signer need not do it.
        await frozen_credentials(request_signer)
    except BaseException as error:
        evidence.note_never_handed_over(error, no_credentials(evidence.operation, error))
        raise


def _hear_reply(
    response_dict: Mapping[str, Any] | None, context: Mapping[str, object], **_: object
) -> None:
    evidence = evidence_in(context)
    if evidence is not None and response_dict is not None:
        headers = {name.lower(): value for name, value in response_dict["headers"].items()}
        raw, status = response_dict["body"], response_dict["status_code"]
        evidence.note_told(WholeReply(status=status, headers=headers, raw=raw))


def _hear_stub(
    http_response: Any,  # any object with a status_code
    parsed: Mapping[str, object],
    context: Mapping[str, object],
    **_: object,
) -> None:
    if evidence := evidence_in(context):
        if evidence.operation.safety is Safety.READ:
            # The hooks after this one may change it on purpose.
            evidence.parsed_by_client = deepcopy(parsed)
        status = http_response.status_code
        evidence.note_told(WholeReply(status=status, headers={}, raw=None, parsed=parsed))


def _hold_back_retry(event_name: str, request_dict: Mapping[str, Any], **_: object) -> bool | None:
    # False stops the client's own retries; None leaves the decision to the client. The client
    # never retries a purchase, even if the user makes it with the client directly.
    is_purchase = event_name.rpartition(".")[2] in _PURCHASES
    is_ours = evidence_in(request_dict.get("context")) is not None
    return False if is_purchase or is_ours else None


HOOKS: Final[Mapping[str, Callable[..., object]]] = {
    "provide-client-params": _link,
    "before-sign": _require_credentials,
    "response-received": _hear_reply,
    "after-call": _hear_stub,
    "needs-retry": _hold_back_retry,
}


class Events(Protocol):
    """The events of a botocore client."""

    def register_first(
        self, event_name: str, handler: Callable[..., object], unique_id: str
    ) -> None:
        """Register a handler that is called before the others."""
        ...

    def unregister(
        self, event_name: str, *, handler: Callable[..., object], unique_id: str
    ) -> None:
        """Remove a handler of an event."""
        ...


@final
class EventHooks:
    """Our hooks on a client's events.

    Args:
        events: The client's events.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        for event, hook in self._all():
            # Register for each operation, because botocore calls the hooks of an operation
            # before the hooks of the whole service.
            events.register_first(event, hook, unique_id=self._id_for(event))

    def _all(self) -> Iterator[tuple[str, Callable[..., object]]]:
        for operation in OPERATIONS:
            for event, hook in HOOKS.items():
                yield f"{event}.{SERVICE}.{operation.name}", hook

    def _id_for(self, event: str) -> str:
        # One client may be wrapped several times. Each wrapping has hooks of its own.
        return f"sagemaker-plans-{id(self)}-{event}"

    def release(self) -> None:
        """Remove the hooks."""
        for event, hook in self._all():
            self._events.unregister(event, handler=hook, unique_id=self._id_for(event))
