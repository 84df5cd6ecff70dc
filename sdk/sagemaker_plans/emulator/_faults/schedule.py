"""Which fault goes with which call."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import cast, final

import attrs

from sagemaker_plans.emulator._faults.fault import Fault
from sagemaker_plans.emulator._wire.pagination import PAGED_MEMBERS


@attrs.define
class _Injection:
    operation: str
    fault: Fault
    first: int
    last: float
    calls: int = 0

    def strikes(self, operation: str) -> bool:
        if self.operation not in {"*", operation}:
            return False
        self.calls += 1
        return self.first <= self.calls <= self.last


@final
class FaultSchedule:
    """Which fault strikes which call; safe from any thread.

    Args:
        operations: The operations that faults can be injected into.
    """

    def __init__(self, operations: tuple[str, ...]) -> None:
        self._operations = operations
        self._lock = threading.Lock()
        self._injections: list[_Injection] = []

    def inject(
        self, operation: str, fault: Fault, *, nth: int = 1, times: int | None = 1
    ) -> Callable[[], None]:
        """Let a fault strike from the nth call on, counted from now.

        Args:
            operation: An operation's name, or "*" for any.
            fault: What goes wrong.
            nth: The first call that is struck; 1 is the next.
            times: How many calls in a row; None is all from then on.

        Returns:
            A function that takes the injection back.

        Raises:
            TypeError: What is injected is no fault.
            ValueError: There is no such operation, it has no pages and the fault is one of
                pages, or a number is below 1.
        """
        if not isinstance(cast("object", fault), Fault):
            raise TypeError(f"a Fault such as Fault.throttle() is needed, not {fault!r}")
        if operation != "*" and operation not in self._operations:
            allowed = ", ".join(("*", *self._operations))
            raise ValueError(f"there is no operation {operation!r}; there are {allowed}")
        if fault.only_paged and operation != "*" and operation not in PAGED_MEMBERS:
            raise ValueError(f"{operation} has no pages for the fault {fault.name}")
        if nth < 1 or (times is not None and times < 1):
            raise ValueError(f"nth and times count from 1, but are {nth!r} and {times!r}")
        last = math.inf if times is None else nth + times - 1
        injection = _Injection(operation, fault, nth, last)
        with self._lock:
            self._injections.append(injection)

        def withdraw() -> None:
            with self._lock:
                # A reset may have taken it back already.
                self._injections = [one for one in self._injections if one is not injection]

        return withdraw

    def next_fault(self, operation: str) -> Fault | None:
        """Count a call, and return the fault that strikes it, the first injected first."""
        with self._lock:
            # Every injection counts the call, also those that do not get their turn.
            striking = [one.fault for one in self._injections if one.strikes(operation)]
        return striking[0] if striking else None

    def clear(self) -> None:
        """Take all injections back."""
        with self._lock:
            self._injections.clear()
