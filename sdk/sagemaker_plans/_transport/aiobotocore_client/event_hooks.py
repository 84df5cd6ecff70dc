"""Hooks on a client's events: which request belongs to which of our calls.

The link travels with the request itself. Our call passes a text that knows its evidence;
botocore hands that text to the first event, and from there the request's own context
carries the evidence. So it arrives wherever the call is carried: to another task, to
another thread, to another event loop.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol, Self, final

from botocore import UNSIGNED
from botocore.exceptions import NoCredentialsError

from sagemaker_plans._transport.aiobotocore_client.service_model import SERVICE
from sagemaker_plans._transport.evidence import Evidence, HeardReply
from sagemaker_plans._transport.exception_mapping import no_credentials
from sagemaker_plans._wire.operations import OPERATIONS, Safety

CONTEXT_KEY: Final = "sagemaker_plans"
_PURCHASES: Final = frozenset(each.name for each in OPERATIONS if each.safety is Safety.PURCHASE)


class LinkedText(str):
    """A text of a request that knows to which of our calls it belongs."""

    __slots__ = ("evidence",)

    evidence: Evidence

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        # A copied request is the same request; its evidence must not become two.
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def linked(request: Mapping[str, object], evidence: Evidence) -> Mapping[str, object]:
    """Link a request to its evidence.

    Args:
        request: The members of the request, one text among them at least.
        evidence: What will be known of it.

    Returns:
        The same request.
    """
    member, text = next((name, value) for name, value in request.items() if isinstance(value, str))
    # Not str(text): the text of an enum's member is its value, and its str is its name.
    with_link = LinkedText(str.__str__(text))
    with_link.evidence = evidence
    return {**request, member: with_link}


def evidence_in(context: Mapping[str, object] | None) -> Evidence | None:
    """Find the evidence that a request carries.

    Args:
        context: The request's context, as botocore hands it from event to event.

    Returns:
        The evidence; None if the request belongs to none of our calls.
    """
    found = (context or {}).get(CONTEXT_KEY)
    return found if isinstance(found, Evidence) else None


def _link(
    params: Mapping[str, object],
    model: Any,  # noqa: ANN401  # botocore's
    context: dict[str, object],
    **_: object,
) -> None:
    for value in params.values():
        # A hook may ask something else with the texts that it was shown, such as whether the
        # plan exists that is about to be created. That is no request of ours.
        if isinstance(value, LinkedText) and value.evidence.operation.name == model.name:
            context[CONTEXT_KEY] = value.evidence
            value.evidence.begin()


async def _refresh(credentials: Any) -> None:  # noqa: ANN401  # botocore's
    if credentials is None:
        raise NoCredentialsError
    await credentials.get_frozen_credentials()


async def _require_credentials(
    request: Any,  # noqa: ANN401  # botocore's
    request_signer: Any,  # noqa: ANN401  # botocore's
    signature_version: object,
    **_: object,
) -> None:
    evidence = evidence_in(request.context)
    is_usual = signature_version is not UNSIGNED and str(signature_version).startswith("v4")
    # An operation may bring credentials of its own.
    brings_its_own = request.context.get("signing", {}).get("request_credentials")
    if evidence is None or not is_usual or brings_its_own:
        return
    try:
        # Refreshed here, if they are about to expire; the signer then finds them fresh.
        await _refresh(request_signer._credentials)  # noqa: SLF001  # it has no other name
    except BaseException as error:
        evidence.keep_back(error, no_credentials(evidence.operation, error))
        raise


def _hear_reply(
    response_dict: Mapping[str, Any] | None, context: Mapping[str, object], **_: object
) -> None:
    evidence = evidence_in(context)
    if evidence is not None and response_dict is not None:
        headers = {name.lower(): value for name, value in response_dict["headers"].items()}
        raw, status = response_dict["body"], response_dict["status_code"]
        evidence.hear(HeardReply(status=status, headers=headers, raw=raw))


def _hear_stub(
    http_response: Any,  # noqa: ANN401  # a stub's own
    parsed: Mapping[str, object],
    context: Mapping[str, object],
    **_: object,
) -> None:
    if evidence := evidence_in(context):
        status = http_response.status_code
        evidence.hear(HeardReply(status=status, headers={}, raw=None, parsed=parsed))


def _hold_back_retry(event_name: str, request_dict: Mapping[str, Any], **_: object) -> bool | None:
    # False ends the client's own retries; None leaves the user's other calls alone. A
    # purchase is never repeated by the client, whoever makes it and in whatever context.
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
        """Let a handler be the first to hear of an event."""
        ...

    def unregister(
        self, event_name: str, *, handler: Callable[..., object], unique_id: str
    ) -> None:
        """Let a handler hear no more of an event."""
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
            # By operation: hooks of a whole service are called after those of an operation.
            events.register_first(event, hook, unique_id=self._id_for(event))

    def _all(self) -> Iterator[tuple[str, Callable[..., object]]]:
        for operation in OPERATIONS:
            for event, hook in HOOKS.items():
                yield f"{event}.{SERVICE}.{operation.name}", hook

    def _id_for(self, event: str) -> str:
        # One client may be wrapped several times, each time with hooks of its own.
        return f"sagemaker-plans-{id(self)}-{event}"

    def release(self) -> None:
        """Take the hooks away."""
        for event, hook in self._all():
            self._events.unregister(event, handler=hook, unique_id=self._id_for(event))
