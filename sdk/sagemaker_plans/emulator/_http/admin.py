"""The admin surface: the emulator's controls over HTTP, for tests in any language."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from sagemaker_plans.emulator._faults.fault import Fault
from sagemaker_plans.emulator._faults.schedule import FaultSchedule
from sagemaker_plans.emulator._http.recorder import RecordedRequest, Recorder
from sagemaker_plans.emulator._service.service import Service

ADMIN_PREFIX: Final = "/_emulator"
"""The first part of the admin surface's paths; AWS never uses such a path."""

OF_ONE_MOMENT: Final = frozenset({"seed"})
"""The questions whose whole answer is what exists at one moment."""

NAMED_FAULTS: Final[Mapping[str, Callable[..., Fault]]] = {
    "throttle": Fault.throttle,
    "error": Fault.error,
    "internal_failure": Fault.internal_failure,
    "service_unavailable": Fault.service_unavailable,
    "not_found_as_validation": Fault.not_found_as_validation,
    "latency": Fault.latency,
    "hang": Fault.hang,
    "disconnect": Fault.disconnect,
    "drip": Fault.drip,
    "cut_body": Fault.cut_body,
    "truncated_json": Fault.truncated_json,
    "not_json": Fault.not_json,
    "empty_object": Fault.empty_object,
    "missing_member": Fault.missing_member,
    "empty_page": Fault.empty_page,
    "repeated_token": Fault.repeated_token,
    "unknown_enum_value": Fault.unknown_enum_value,
    "unknown_member": Fault.unknown_member,
}
"""The faults that the admin surface can inject, by name, with their factories."""

_Json: TypeAlias = Mapping[str, Any]

_NUMBER: Final[tuple[type, ...]] = (int, float)
_ARGUMENT_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "code": str,
    "committed": bool,
    "how": str,
    "member": str,
    "message": str,
    "retry_after": _NUMBER,
    "seconds": _NUMBER,
    "status": int,
    "value": str,
}
_FAULT_KEYS: Final = frozenset({"operation", "fault", "arguments", "nth", "times"})


@attrs.frozen(kw_only=True)
class Admin:
    """The commands and questions below `ADMIN_PREFIX`; they are neither signed nor recorded."""

    service: Service
    faults: FaultSchedule
    recorder: Recorder
    reset: Callable[[], None]
    version: str

    @property
    def questions(self) -> Mapping[str, Callable[[], object]]:
        """What GET asks for besides the health, by the last part of its path.

        Iterators are long lists. Those of `OF_ONE_MOMENT` are asked again if something has
        changed before their end.
        """
        return {
            "requests": self._requests,
            "seed": self._seed,
            "state": self._state,
        }

    @property
    def commands(self) -> Mapping[str, Callable[[_Json], object]]:
        """What POST does, by the last part of its path.

        Each raises ValueError if it does not understand its arguments.
        """
        return {"clock": self._set_clock, "faults": self._set_faults, "reset": self._reset}

    def health(self) -> _Json:
        """Tell whether requests are answered; if not, why."""
        problem = self.service.problem
        return {
            "status": "ok" if problem is None else "broken",
            **({} if problem is None else {"why": problem}),
            "version": self.version,
            "requests": {
                "kept": self.recorder.kept,
                "kept_bytes": self.recorder.kept_bytes,
                "dropped": self.recorder.dropped,
                "turned_away": self.recorder.turned_away,
            },
        }

    def _requests(self) -> object:
        return map(_recorded, self.recorder.snapshot())

    def _seed(self) -> object:
        return {"state": self.service.seed_parts()}

    def _state(self) -> object:
        return {
            "clock": self._clock_state(),
            "operations": self.service.operations,
            **self.service.snapshot_parts(),
        }

    def _clock_state(self) -> _Json:
        clock = self.service.clock
        return {"now": clock.now(), "held": clock.held, "speed": clock.speed}

    def _set_clock(self, command: _Json) -> object:
        clock = self.service.clock
        if command == {"hold": True}:
            clock.hold()
        elif command == {"release": True}:
            clock.release()
        elif set(command) == {"advance"}:
            clock.advance(_argument("advance", command["advance"], _NUMBER))
        else:
            raise ValueError(
                'the clock takes {"hold": true}, {"release": true} or {"advance": <seconds>}'
            )
        return self._clock_state()

    def _set_faults(self, command: _Json) -> object:
        if command == {"clear": True}:
            self.faults.clear()
            return {}
        if not {"operation", "fault"} <= set(command) <= _FAULT_KEYS:
            raise ValueError(
                'a fault is {"operation": ..., "fault": ..., "arguments": {...}, "nth": 1, '
                '"times": 1}, of which only the first two are required; or {"clear": true}'
            )
        times = command.get("times", 1)
        self.faults.inject(
            _argument("operation", command["operation"], str),
            _named_fault(
                _argument("fault", command["fault"], str),
                _argument("arguments", command.get("arguments", {}), dict),
            ),
            nth=_argument("nth", command.get("nth", 1), int),
            times=None if times is None else _argument("times", times, int),
        )
        return {}

    def _reset(self, command: _Json) -> object:
        if command:
            raise ValueError("a reset takes no arguments")
        self.reset()
        return {}


def _named_fault(name: str, arguments: _Json) -> Fault:
    if name not in NAMED_FAULTS:
        raise ValueError(f"there is no fault {name!r}; there are {', '.join(NAMED_FAULTS)}")
    for argument, value in arguments.items():
        _argument(argument, value, _ARGUMENT_TYPES.get(argument, object))
    try:
        return NAMED_FAULTS[name](**arguments)
    except TypeError as error:
        # The error of the factory names the argument that is missing or unknown.
        raise ValueError(f"the arguments do not fit the fault {name}: {error}") from error


def _argument(name: str, value: object, wanted: type | tuple[type, ...]) -> Any:  # noqa: ANN401  # its type is checked below
    """Return a value of a command if it has the right type."""
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise ValueError(f"{name} cannot be {json.dumps(value)}")
    return value


def _recorded(request: RecordedRequest) -> object:
    fields = attrs.asdict(request, recurse=False, filter=attrs.filters.exclude("raw_body"))
    return fields | {"body": request.body, "headers": dict(request.headers)}
