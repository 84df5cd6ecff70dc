"""Calls of ``ensure_until`` for a plan, each with a client of its own."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from sagemaker_plans import Coverage, CoverageError
from training.keeping.kept_plan import (
    ARN,
    DAY,
    HOUR,
    KeptPlan,
)

MARGIN = timedelta(minutes=30)


async def ensure(
    service: KeptPlan,
    days: float,
    budget: int = 1000,
    *,
    timeout: timedelta | float = HOUR,  # noqa: ASYNC109  # that of the method under test
    **more: object,
) -> Coverage:
    """Keep the plan for some days beyond its first end, with a client of its own."""
    return await service.client().ensure_until(
        ARN,
        until_of(service, days),
        budget=Decimal(budget),
        timeout=timeout,
        **more,  # type: ignore[arg-type]  # checked when it is called
    )


def until_of(service: KeptPlan, days: float) -> datetime:
    return service.first_end + days * DAY - MARGIN


async def refused(
    service: KeptPlan, days: float, budget: int = 1000, **more: object
) -> CoverageError:
    with pytest.raises(CoverageError) as caught:
        await ensure(service, days, budget, **more)  # type: ignore[arg-type]  # checked when it is called
    return caught.value
