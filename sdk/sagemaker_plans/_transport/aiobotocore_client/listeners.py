"""Whoever listens to a client's requests: the handlers of its events, compared as objects.

A pristine client has the handlers that botocore registers in each session, those that
belong to the client's own objects, and, in ours, our own hooks. One more, one less, or
another order, and somebody wants to take part, be it with a function of botocore's.
"""

from collections.abc import Iterator, Mapping
from operator import is_
from types import FunctionType, MethodType
from typing import Any, Final

import botocore.handlers

from sagemaker_plans._transport.aiobotocore_client.event_hooks import HOOKS
from sagemaker_plans._transport.aiobotocore_client.parts import AioHierarchicalEmitter
from sagemaker_plans._transport.aiobotocore_client.second_copies import SecondCopies
from sagemaker_plans._transport.aiobotocore_client.service_model import SERVICE

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
_OWN: Final = {
    "request-created": (
        "handler",
        "rebuild_and_replace_user_agent_handler",
        "seed_max_attempts",  # since botocore 1.44
    ),
    "needs-retry": ("needs_retry",),
    "after-call": ("release_retry_quota",),
}
"""Methods of a client's own objects that botocore lets listen to the client."""


class Listeners:
    """Those who listen to a client, and those who listen to a pristine one.

    Args:
        client: The client.
        copies: What is known to be as its authors wrote it.
        operations: The operations that matter.
    """

    def __init__(self, client: Any, copies: SecondCopies, operations: Mapping[str, str]) -> None:
        events = client.meta.events
        self._emitter: Any = getattr(events, "_emitter", events)
        self._names = [
            f"{each}.{SERVICE}.{name}" for each in _EVENTS for name in operations.values()
        ]
        self._methods = {
            event: frozenset(
                id(value) for (_, name), value in copies.values.items() if name in names
            )
            for event, names in _OWN.items()
        }
        self._expected = _of_every_session(copies)
        self._heard: object = None

    def are_pristine(self) -> bool:
        """Tell whether nobody listens but those who always do.

        Returns:
            Whether it is so.
        """
        # Whoever registers or leaves makes the emitter forget what it had looked up.
        looked_up = self._emitter._lookup_cache  # noqa: SLF001  # it has no other name
        if looked_up is self._heard:
            return True
        # Events of which we do not know that there are any: the emitter was asked for them.
        suffixes = {name.partition(".")[2] for name in self._names}
        asked = [name for name in tuple(looked_up) if name.partition(".")[2] in suffixes]
        is_pristine = all(map(self._is_pristine, {*self._names, *asked}))
        self._heard = looked_up if is_pristine else None
        return is_pristine

    def _is_pristine(self, event: str) -> bool:
        theirs = list(self._found(event))
        own = [each for each in theirs if type(each) is MethodType]
        rest = [each for each in theirs if type(each) is not MethodType and id(each) not in _OURS]
        expected = self._expected._handlers.prefix_search(event)  # noqa: SLF001  # it has no public name
        allowed = self._methods.get(event.partition(".")[0], frozenset())
        functions = [id(each.__func__) for each in own]
        return (
            len(rest) == len(expected)
            and all(map(is_, rest, expected))
            and len(set(functions)) == len(functions)
            and allowed.issuperset(functions)
        )

    def _found(self, event: str) -> Iterator[Any]:
        yield from self._emitter._handlers.prefix_search(event)  # noqa: SLF001  # it has no public name

    def all(self) -> Iterator[FunctionType | MethodType]:
        """Give all that listen.

        Yields:
            Each, but our own.
        """
        for event in self._names:
            for each in self._found(event):
                if id(each) not in _OURS:
                    yield each


_OURS: Final = frozenset(map(id, HOOKS.values()))


def _of_every_session(copies: SecondCopies) -> Any:  # an emitter
    """Register what botocore registers in each session."""
    emitter: Any = AioHierarchicalEmitter()
    for event, handler, *where in copies.builtin_handlers:
        register = emitter.register
        if where:
            is_first = where[0] is botocore.handlers.REGISTER_FIRST
            register = emitter.register_first if is_first else emitter.register_last
        register(event, handler)
    return emitter
