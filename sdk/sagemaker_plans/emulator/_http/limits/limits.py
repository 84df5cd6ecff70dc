"""What the connections of one server share, and how slow a client may be."""

from __future__ import annotations

from typing import Final

import attrs

from sagemaker_plans.emulator._http.limits.memory_budget import MemoryBudget

STANDSTILL_SECONDS: Final = 20.0
"""How long a client may read nothing of an answer that waits for it."""

_MOST_OF_REQUESTS: Final = 32 * 1024 * 1024
_MOST_OF_ANSWERS: Final = 64 * 1024 * 1024


@attrs.frozen
class Limits:
    """The memory that all connections together may take."""

    requests: MemoryBudget = attrs.Factory(lambda: MemoryBudget(_MOST_OF_REQUESTS))
    """Heads and bodies that have not arrived completely, or whose signature is not checked."""

    answers: MemoryBudget = attrs.Factory(lambda: MemoryBudget(_MOST_OF_ANSWERS))
    """Long answers that clients have not read."""
