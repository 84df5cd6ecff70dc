"""Decides which call gets which fault."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import cast, final

import attrs

from sagemaker_plans.emulator._faults.fault import Fault
from sagemaker_plans.emulator._faults.reply_changes import Replacing, Without
from sagemaker_plans.emulator._wire.number_types import whole_number
from sagemaker_plans.emulator._wire.pagination import PAGED_MEMBERS
from sagemaker_plans.emulator._wire.reply_members import reply_members


@attrs.define
class _Injection:
    operation: str
    fault: Fault
    first: int
    last: float
    calls: int = 0

    def count_call(self, operation: str) -> bool:
        """Count a call, and tell whether the call gets the fault."""
        if self.operation not in {"*", operation}:
            return False
        self.calls += 1
        return self.first <= self.calls <= self.last


@final
class FaultSchedule:
    """Decides which call gets which fault. Any thread may use it.

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
        """Add a fault; arguments and errors are those of `Emulator.inject`.

        Returns:
            A function that removes the fault again.
        """
        if not isinstance(cast("object", fault), Fault):
            raise TypeError(f"a Fault such as Fault.throttle() is needed, not {fault!r}")
        if operation != "*" and operation not in self._operations:
            allowed = ", ".join(("*", *self._operations))
            raise ValueError(f"there is no operation {operation!r}; there are {allowed}")
        if fault.only_paged and operation != "*" and operation not in PAGED_MEMBERS:
            raise ValueError(f"the fault {fault.name} needs pages, but {operation} has none")
        self._check_member(fault)
        first = _count(nth)
        calls = math.inf if times is None else _count(times)
        if first is None or calls is None:
            raise ValueError(
                f"nth and times must be at least 1, and whole numbers, not {nth!r} and {times!r}"
            )
        injection = _Injection(operation, fault, first, first + calls - 1)
        with self._lock:
            self._injections.append(injection)

        def remove() -> None:
            with self._lock:
                # A reset may have removed it already.
                self._injections = [one for one in self._injections if one is not injection]

        return remove

    def _check_member(self, fault: Fault) -> None:
        """Refuse a fault that changes a member which no reply of any operation may have.

        An operation without the member is no mistake: one fault may go into all operations.
        """
        change = fault.change
        if not isinstance(change, Without | Replacing):
            return
        any_type = isinstance(change, Without)
        # A dict, because it has each name once and keeps their order.
        allowed = {
            name: None
            for each in self._operations
            for name, types in reply_members(each).items()
            if any_type or "string" in types
        }
        if change.member not in allowed:
            needed = "a member" if any_type else "a member that holds text"
            raise ValueError(
                f"member: got {change.member!r}; the fault {fault.name} needs {needed} of a reply; "
                f"there are {', '.join(allowed)}"
            )

    def next_fault(self, operation: str) -> Fault | None:
        """Count a call, and return its fault. If there are several, the first injected counts."""
        with self._lock:
            # Every injection counts the call, even if another one supplies the fault.
            found = [one.fault for one in self._injections if one.count_call(operation)]
        return found[0] if found else None

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._injections.clear()


def _count(value: object) -> int | None:
    number = whole_number(value)
    return None if number is None or number < 1 else number
