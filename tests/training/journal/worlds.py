"""A service, a journal and the machine's clock, in virtual time."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

import anyio
import pytest
from attrs import define, evolve, field

from faults.acts import EXTEND, OFFERING, PLAN_ARN
from faults.service_gateway import CALLER, ServiceGateway
from sagemaker_plans import ExtensionReceipt, RetryPolicy, TrainingPlanExtension, errors
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.purchases import service_clock
from sagemaker_plans._training.training_plans import TrainingPlans
from sagemaker_plans._transport.gateway import Gateway, Interrupted
from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN, Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.emulator import Timings
from sagemaker_plans.journal import PurchaseRecord
from training.journal.memory_journal import MemoryJournal

START: Final = datetime.fromtimestamp(1_700_000_000, UTC)
"""The time at which a world begins, by the service's clock."""
OTHER: Final = "tpeo-0123456789abcde0"
"""Another offering of the same plan; it costs 2469.00 USD."""
PAID: Final = 3600.0
"""Seconds until any payment has been made."""
HOST, PROCESS = "machine-of-another", 4711


@define(eq=False)
class World(Gateway):
    """Passes requests to a service, as a machine does whose clock may be wrong."""

    service: ServiceGateway = field(factory=ServiceGateway)
    journal: MemoryJournal = field(factory=MemoryJournal)
    ahead: timedelta = timedelta(0)
    """How far this machine's clock is ahead of the service's."""
    is_dated: bool = True
    """Whether the service's replies say when they were sent."""
    sleeps: float = 0.0
    """Seconds for which the process sleeps before it signs a purchase."""
    meanwhile: Callable[[], Awaitable[object]] | None = None
    """Happens while the reply to a purchase is on its way."""

    def time(self) -> datetime:
        """Give the service's time."""
        return START + timedelta(seconds=anyio.current_time())

    def machine_time(self) -> datetime:
        """Give the time of this machine."""
        return self.time() + self.ahead

    def plans(self, **settings: Any) -> TrainingPlans:
        """Make a client of its own, such as that of another process. Its pauses are not random."""
        chosen: dict[str, Any] = {"reconcile_limit": 5.0, **settings}
        retrier = Retrier(RetryPolicy(**chosen), uniform=lambda _, most: most)
        return TrainingPlans(self, retrier, journal=self.journal)

    async def extend(self, offering: str = OFFERING, **arguments: Any) -> ExtensionReceipt:
        """Buy with a client of its own."""
        return await self.plans().extend(offering, training_plan_arn=PLAN_ARN, **arguments)

    async def settle(self, *, bought: bool, record: int | PurchaseRecord | None = None) -> None:
        """Settle with a client of its own."""
        await self.plans().settle(PLAN_ARN, bought=bought, record=record)

    @property
    def sent(self) -> list[str]:
        """The operations of the requests, in order."""
        return [one.operation for one in self.service.sent]

    @property
    def bought(self) -> list[str]:
        """The offerings of the purchases that the service accepted."""
        return [one.offering_id for one in self.service.service.purchases]

    def sells_again(self, offering: str = OFFERING, **settings: Any) -> None:
        """Put an offering on sale that can be bought again and again."""
        chosen: dict[str, Any] = {"resellable": True, **settings}
        self.service.service.add_extension_offering(PLAN_ARN, offering_id=offering, **chosen)

    def buys_past_the_journal(self, offering: str = OFFERING) -> None:
        """Buy as somebody who has no journal."""
        from sagemaker_plans.emulator._wire.members import Caller

        self.service.service.handle(
            EXTEND, {"TrainingPlanExtensionOfferingId": offering}, caller=Caller(request_id="r")
        )

    async def call(
        self,
        operation: Operation,
        request: Mapping[str, object],
        /,
        *,
        send_by: datetime | None = None,
        interrupted: Interrupted | None = None,
    ) -> Reply:
        del interrupted  # nothing that is cancelled here was heard
        if operation is EXTEND_TRAINING_PLAN:
            await anyio.sleep(self.sleeps)
            assert send_by is not None
            if self.machine_time() > send_by:
                raise errors.PurchaseRefusedError(
                    "signed late", offering_id=OFFERING, training_plan_arn=None
                )
        try:
            reply = await self.service.call(operation, request)
        finally:
            if operation is EXTEND_TRAINING_PLAN and self.meanwhile is not None:
                with anyio.CancelScope(shield=True):
                    await self.meanwhile()
        date = format_datetime(self.time(), usegmt=True) if self.is_dated else None
        return evolve(reply, date=date)


def a_world(
    monkeypatch: pytest.MonkeyPatch, *, lag: float = 0.0, pays: float = 0.5, **fates: Any
) -> World:
    """Make a world, inside the event loop.

    Args:
        monkeypatch: Sets this machine's clock.
        lag: How long a purchase is missing from the history, in seconds.
        pays: How long its payment stays pending, in seconds.
        fates: What happens to the requests; see ``ServiceGateway``.

    Returns:
        The world.
    """
    timings = Timings(history_lag=lag, payment_seconds=pays)
    world = World(ServiceGateway(timings=timings, **fates))
    monkeypatch.setattr(service_clock, "machine_time", world.machine_time)
    CALLER.set("us")
    return world


def a_record(number: int = 1, **values: Any) -> PurchaseRecord:
    """Make a record that another process wrote when the world began."""
    usual: dict[str, Any] = {
        "plan": PLAN_ARN,
        "number": number,
        "id": f"id-{number}",
        "idempotency_key": OFFERING,
        "offering_id": OFFERING,
        "written_at": START,
        "send_by": START + timedelta(minutes=5),
        "host": HOST,
        "process": PROCESS,
    }
    return PurchaseRecord(**{**usual, **values})


def an_extension(
    at: datetime | None = START, offering: str = OFFERING, **values: Any
) -> TrainingPlanExtension:
    """Make an extension that is paid for."""
    usual: dict[str, Any] = {"status": "Scheduled", "payment_status": "Completed"}
    return TrainingPlanExtension(offering_id=offering, extended_at=at, **{**usual, **values})
