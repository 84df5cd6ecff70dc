"""A local SageMaker for edge deployment plans and training plan extensions.

It is a real HTTP server on the loopback interface, and any AWS client can use it. It has
stages and payments with a life cycle, a clock that tests can hold and advance, and faults that
tests can inject. `docs/emulator.md` labels every behaviour as modelled, documented or invented.

These are the folders, from the highest layer to the lowest. Each imports only lower ones.
`tests/architecture/test_emulator_layers.py` lists the allowed imports.

    __main__, pytest_plugin    two ways to run it: a command, and fixtures
    _emulator                  Emulator, the class that users create
    _http                      the server: requests, signatures, responses, admin surface
    _service                   Service: all operations, synchronous, in memory
    _seeds                     the resources at the beginning, in Python or in a file
    _data                      what exists as plain values, and in a file that outlives a crash
    _state                     fleets, plans, stages and extensions, and the clock
    _faults                    faults, and which call gets which fault
    _wire                      members, pages and errors, and botocore's service model
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sagemaker_plans.emulator._data.data_file_error import DataFileError
    from sagemaker_plans.emulator._data.saved_state import SavedState
    from sagemaker_plans.emulator._emulator import Emulator
    from sagemaker_plans.emulator._faults.fault import Fault
    from sagemaker_plans.emulator._faults.gate import Gate
    from sagemaker_plans.emulator._http.recorder import RecordedRequest
    from sagemaker_plans.emulator._seeds.seed import (
        FleetSeed,
        OfferingSeed,
        PlanOfferingSeed,
        PlanSeed,
        Seed,
        SeedError,
        TrainingPlanSeed,
    )
    from sagemaker_plans.emulator._service.service import Service
    from sagemaker_plans.emulator._state.clock import Clock
    from sagemaker_plans.emulator._state.timings import Timings
    from sagemaker_plans.emulator._state.training_plans import Purchase
    from sagemaker_plans.emulator._wire.refusal import Refusal

__all__ = [
    "Clock",
    "DataFileError",
    "Emulator",
    "Fault",
    "FleetSeed",
    "Gate",
    "OfferingSeed",
    "PlanOfferingSeed",
    "PlanSeed",
    "Purchase",
    "RecordedRequest",
    "Refusal",
    "SavedState",
    "Seed",
    "SeedError",
    "Service",
    "Timings",
    "TrainingPlanSeed",
]

_MODULES: Final = {
    "Clock": "_state.clock",
    "DataFileError": "_data.data_file_error",
    "Emulator": "_emulator",
    "Fault": "_faults.fault",
    "FleetSeed": "_seeds.seed",
    "Gate": "_faults.gate",
    "OfferingSeed": "_seeds.seed",
    "PlanOfferingSeed": "_seeds.seed",
    "PlanSeed": "_seeds.seed",
    "Purchase": "_state.training_plans",
    "RecordedRequest": "_http.recorder",
    "Refusal": "_wire.refusal",
    "SavedState": "_data.saved_state",
    "Seed": "_seeds.seed",
    "SeedError": "_seeds.seed",
    "Service": "_service.service",
    "Timings": "_state.timings",
    "TrainingPlanSeed": "_seeds.seed",
}
"""Where each name comes from."""


def __getattr__(name: str) -> object:
    """Import a name when it is first used.

    Some take 0.2 seconds. And as long as this module is imported, Ctrl-C ends the command with a
    traceback.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    found: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names, also of what is imported late."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
