"""All that exists at one moment, as a seed has it."""

from __future__ import annotations

from typing import Final

import attrs

from sagemaker_plans.emulator._state.clock import ClockReading
from sagemaker_plans.emulator._state.tables import Tables

STATE_FORMAT: Final = 1
"""The version of the form that a saved state has."""


@attrs.frozen(kw_only=True)
class SavedState:
    """All that existed in an emulator at one moment, and where its clock stood.

    `Emulator.export_seed()` makes it. Nobody has to write one by hand.
    """

    format: int
    clock: ClockReading
    tables: Tables
