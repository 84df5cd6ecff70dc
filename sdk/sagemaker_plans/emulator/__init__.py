"""A local SageMaker for edge deployment plans and training plan extensions.

A real HTTP server on the loopback interface that any AWS client can talk to, with a
life cycle of stages and payments, a clock to hold and advance, and faults to inject.
Every behaviour is labelled modelled, documented or invented in `docs/emulator.md`.

The layers, from the top; imports go down only:

    __main__, pytest_plugin    ways to run it
    _emulator                  Emulator: what users hold
    _thread, _server, _admin   HTTP: front desk, faults on the wire, controls
    _service                   Service: all operations, synchronous, in memory
    _edge, _training           the operations on the state
    _stages, _rollout, ...     records whose status is a function of the clock
    _validation, _sigv4        what the service's front end checks
    _faults, _recording        what goes wrong, and what was seen
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagemaker_plans.emulator._faults.fault import Fault
from sagemaker_plans.emulator._faults.gate import Gate
from sagemaker_plans.emulator._http.recorder import RecordedRequest
from sagemaker_plans.emulator._seeds.seed import (
    FleetSeed,
    OfferingSeed,
    PlanSeed,
    Seed,
    TrainingPlanSeed,
)
from sagemaker_plans.emulator._state.clock import Clock
from sagemaker_plans.emulator._state.rollout import Timings
from sagemaker_plans.emulator._state.training_plans import Purchase
from sagemaker_plans.emulator._wire.refusal import Refusal

if TYPE_CHECKING:
    from sagemaker_plans.emulator._emulator import Emulator
    from sagemaker_plans.emulator._seeds.seed_file import SeedError
    from sagemaker_plans.emulator._service.service import Service

__all__ = [
    "Clock",
    "Emulator",
    "Fault",
    "FleetSeed",
    "Gate",
    "OfferingSeed",
    "PlanSeed",
    "Purchase",
    "RecordedRequest",
    "Refusal",
    "Seed",
    "SeedError",
    "Service",
    "Timings",
    "TrainingPlanSeed",
]


def __getattr__(name: str) -> object:
    """Load what needs aiohttp or botocore when it is first asked for.

    Pytest imports this package at every start, because of the plugin.
    """
    if name == "Emulator":
        from sagemaker_plans.emulator._emulator import Emulator  # noqa: PLC0415

        return Emulator
    if name == "SeedError":
        from sagemaker_plans.emulator._seeds.seed_file import SeedError  # noqa: PLC0415

        return SeedError
    if name == "Service":
        from sagemaker_plans.emulator._service.service import Service  # noqa: PLC0415

        return Service
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
