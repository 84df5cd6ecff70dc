"""The service: all operations, synchronous, in memory, without HTTP."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sagemaker_plans.emulator._service.service import Service as Service  # see below
else:

    def __getattr__(name: str) -> object:
        # Seeds name the service in annotations, and the service plants seeds.
        if name != "Service":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module(f"{__name__}.service").Service
