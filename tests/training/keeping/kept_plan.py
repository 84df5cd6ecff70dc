"""A training plan on a virtual clock whose end, history and payments each lag for themselves."""

import functools
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Final, ParamSpec

import anyio
import anyio.lowlevel
import pytest
from attrs import define, evolve, field, frozen

from sagemaker_plans import PacePolicy, RetryPolicy
from sagemaker_plans._engine.pacing import Pacer
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.purchases import service_clock
from sagemaker_plans._training.training_plans import TrainingPlans
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._transport.service_errors import service_error
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import ConnectionFailedError, PurchaseRefusedError
from sagemaker_plans.journal import PurchaseJournal, PurchaseRecord
from virtual_clock import LOOPS, Loop, run_virtually

P = ParamSpec("P")

ARN: Final = "arn:aws:sagemaker:us-east-1:111122223333:training-plan/demo"
EXTEND: Final = "ExtendTrainingPlan"
SEARCH: Final = "SearchTrainingPlanOfferings"
HISTORY: Final = "DescribeTrainingPlanExtensionHistory"
DESCRIBE: Final = "DescribeTrainingPlan"

START: Final = datetime(2027, 1, 1, 11, 30, tzinfo=UTC)
"""When the virtual clock begins. The plan began one day earlier."""
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

Prices = Mapping[int, str | int]
"""By length in days: the fee."""


def clock_time() -> datetime:
    """Give the time on the virtual clock."""
    return START + timedelta(seconds=anyio.current_time())


def for_days(test: Callable[P, Awaitable[None]]) -> Callable[..., None]:
    """Make a test of a coroutine function: on both loops, on a virtual clock, machine included."""

    @functools.wraps(test)
    def run(loop: Loop, *args: P.args, **kwargs: P.kwargs) -> None:
        keep(loop, lambda: test(*args, **kwargs))

    signature = inspect.signature(test)
    taken = [inspect.Parameter("loop", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    named = signature.replace(
        parameters=[*taken, *signature.parameters.values()], return_annotation=None
    )
    run.__signature__ = named  # type: ignore[attr-defined]  # what pytest reads
    return pytest.mark.parametrize("loop", LOOPS)(run)


def keep(loop: Loop, test: Callable[[], Awaitable[None]]) -> None:
    """Run something on a virtual clock, which this machine shows too; at most 400 days."""

    async def guarded() -> None:
        with anyio.move_on_after(400 * DAY.total_seconds()) as guard:
            await test()
        assert not guard.cancelled_caught, "this did not end within 400 days"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service_clock, "machine_time", clock_time)
        run_virtually(loop, guarded)


@frozen(kw_only=True)
class Bought:
    """An extension that the service has sold."""

    offering_id: str
    hours: int
    fee: str
    currency: str
    at: datetime
    paid_at: datetime
    fails: bool
    shows_at: datetime
    moves_at: datetime
    starts: datetime

    @property
    def ends(self) -> datetime:
        return self.starts + self.hours * HOUR

    def payment(self, now: datetime) -> str:
        if now < self.paid_at:
            return "Pending"
        return "Failed" if self.fails else "Completed"

    def wire(self, now: datetime) -> dict[str, object]:
        payment = self.payment(now)
        return {
            "TrainingPlanExtensionOfferingId": self.offering_id,
            "ExtendedAt": self.at.timestamp(),
            "StartDate": self.starts.timestamp(),
            "EndDate": self.ends.timestamp(),
            "Status": "Scheduled" if payment == "Completed" else payment,
            "PaymentStatus": payment,
            "DurationHours": self.hours,
            "UpfrontFee": self.fee,
            "CurrencyCode": self.currency,
        }


def never(_: "KeptPlan") -> float:
    return 0.0


@define(eq=False)
class KeptPlan(Gateway):
    """One training plan and its service. Each purchase is noted, whatever the client hears."""

    days: int = 10
    """Its length without extensions, from a day before the clock begins."""
    prices: Callable[["KeptPlan"], Prices] = field(default=lambda _: {1: 10, 7: 60, 14: 110})
    """What is on sale now."""
    payment: Callable[["KeptPlan"], float] = never
    """How long the payment of what is bought now takes, in hours."""
    history_lag: Callable[["KeptPlan"], float] = never
    """How long it takes until the history shows it, in hours."""
    end_lag: Callable[["KeptPlan"], float] = never
    """How long after the payment the plan's end moves, in hours."""
    fails: Callable[["KeptPlan"], bool] = field(default=lambda _: False)
    """Whether the payment of what is bought now fails."""
    charge: Callable[[str], str] = str
    """What is charged for what is listed."""
    length_grows: bool = False
    """Whether the plan's own length counts its extensions."""
    same_ids: bool = False
    """Whether an offering is sold again with the same id."""
    status: str | None = None
    currency: str = "USD"
    target_resources: tuple[str, ...] = ("training-job",)
    ahead: timedelta = timedelta(0)
    """How far the service's clock is ahead of the machine's."""
    before: Callable[[str], Awaitable[None] | None] = field(default=lambda _: None)
    """Called with the operation before it is answered; it may change anything, or raise."""
    after: Callable[[str], Awaitable[None] | None] = field(default=lambda _: None)
    """The same after it was answered, before the reply is there."""
    more: list[dict[str, object]] = field(factory=list[dict[str, object]], init=False)
    """Further offerings, in wire form."""
    changed: dict[str, object] = field(factory=dict[str, object], init=False)
    """What replaces members of the plan."""
    sold: list[Bought] = field(factory=list[Bought], init=False)
    calls: list[tuple[str, float]] = field(factory=list[tuple[str, float]], init=False)
    wrong: list[str] = field(factory=list[str], init=False)
    """What no client may ever try."""

    @property
    def now(self) -> datetime:
        return clock_time() + self.ahead

    @property
    def first_end(self) -> datetime:
        return START + self.ahead - DAY + self.days * DAY

    @property
    def end(self) -> datetime:
        """The end with all that is paid."""
        paid = (each.ends for each in self.sold if each.payment(self.now) == "Completed")
        return max(paid, default=self.first_end)

    @property
    def shown_end(self) -> datetime:
        moved = (
            each.ends
            for each in self.sold
            if each.payment(self.now) == "Completed" and self.now >= each.moves_at
        )
        return max(moved, default=self.first_end)

    @property
    def spent(self) -> Decimal:
        """What was charged and not given back."""
        return sum((Decimal(each.fee) for each in self.sold if not each.fails), Decimal(0))

    @property
    def counts(self) -> Counter[str]:
        return Counter(name for name, _ in self.calls)

    @property
    def lengths(self) -> list[int]:
        """How many days each purchase has."""
        return [each.hours // 24 for each in self.sold]

    def offering_id(self, days: int) -> str:
        return f"tpeo-{days}" + ("" if self.same_ids else f"-{self.end:%Y%m%d}")

    def offerings(self) -> list[dict[str, object]]:
        listed: list[dict[str, object]] = [
            {
                "TrainingPlanExtensionOfferingId": self.offering_id(days),
                "StartDate": self.end.timestamp(),
                "EndDate": (self.end + days * DAY).timestamp(),
                "DurationHours": 24 * days,
                "UpfrontFee": str(fee),
                "CurrencyCode": self.currency,
            }
            for days, fee in self.prices(self).items()
        ]
        return listed + self.more

    async def call(
        self,
        operation: Operation,
        request: Mapping[str, object],
        /,
        *,
        send_by: datetime | None = None,
        **_: object,
    ) -> Reply:
        name = operation.name
        self.calls.append((name, anyio.current_time()))
        await anyio.lowlevel.checkpoint()
        waited = self.before(name)
        if waited is not None:
            await waited
        if name == EXTEND:
            if send_by is not None and clock_time() > send_by:
                raise PurchaseRefusedError(
                    "it was signed too late",
                    offering_id="tpeo",
                    training_plan_arn=ARN,
                    operation=name,
                )
            assert send_by is not None
            self.sell(str(request["TrainingPlanExtensionOfferingId"]))
        body = self.answer(name, request)
        waited = self.after(name)
        if waited is not None:
            await waited
        date = format_datetime(self.now.replace(microsecond=0), usegmt=True)
        return Reply(operation=operation, body=body, http_status=200, request_id="r-1", date=date)

    def answer(self, name: str, request: Mapping[str, object]) -> dict[str, object]:
        now = self.now
        if name == SEARCH:
            hours = request.get("DurationHours")
            found = [
                each for each in self.offerings() if hours is None or each["DurationHours"] == hours
            ]
            return {
                "TrainingPlanOfferings": [],
                "TrainingPlanExtensionOfferings": found[:3] if hours is None else found,
            }
        if name == HISTORY:
            shown = [each.wire(now) for each in self.sold if now >= each.shows_at]
            return {"TrainingPlanExtensions": shown}
        if name == EXTEND:
            return {"TrainingPlanExtensions": [each.wire(now) for each in self.sold]}
        end = self.shown_end
        first = START + self.ahead - DAY
        return {
            "TrainingPlanArn": ARN,
            "TrainingPlanName": "demo",
            "Status": self.status or ("Expired" if now >= end else "Active"),
            "DurationHours": (end - first) // HOUR if self.length_grows else 24 * self.days,
            "StartTime": first.timestamp(),
            "EndTime": end.timestamp(),
            "TargetResources": [*self.target_resources],
            **self.changed,
        }

    def sell(self, offering_id: str) -> None:
        now = self.now
        listed = {each["TrainingPlanExtensionOfferingId"]: each for each in self.offerings()}
        if any(each.payment(now) == "Pending" for each in self.sold):
            self.wrong.append("two legs at once")
            raise refusal("ConflictException", "a payment is pending")
        if offering_id not in listed:
            raise refusal("ResourceNotFound", "no such offering")
        if not timedelta(hours=1) <= self.end - now <= timedelta(days=57):
            self.wrong.append(f"{self.end - now} before the end")
            raise refusal("ValidationException", "not now")
        offering = listed[offering_id]
        paid_at = now + self.payment(self) * HOUR
        self.sold.append(
            Bought(
                offering_id=offering_id,
                hours=int(str(offering["DurationHours"])),
                fee=self.charge(str(offering["UpfrontFee"])),
                currency=self.currency,
                at=now,
                paid_at=paid_at,
                fails=self.fails(self),
                shows_at=now + self.history_lag(self) * HOUR,
                moves_at=paid_at + self.end_lag(self) * HOUR,
                starts=self.end,
            )
        )

    def client(
        self,
        journal: PurchaseJournal | None = None,
        *,
        pace: PacePolicy | None = None,
        retry: RetryPolicy | None = None,
        gateway: Gateway | None = None,
    ) -> TrainingPlans:
        """Give ``client.training_plans`` of a new client."""
        return TrainingPlans(
            gateway or self,
            Retrier(retry or RetryPolicy(reconcile_limit=5), pacer=Pacer(pace or PacePolicy.off())),
            journal=journal,
        )


def refusal(code: str, message: str, operation: str = EXTEND, status: int = 400) -> Exception:
    return service_error(
        operation, code=code, message=message, http_status=status, headers={}, request_id="r-2"
    )


def lost(operation: str = EXTEND) -> ConnectionFailedError:
    return ConnectionFailedError("reset by peer", request_sent=None, operation=operation)


@define(eq=False)
class KeptJournal:
    """A good journal, in memory."""

    kept: dict[int, PurchaseRecord] = field(factory=dict[int, PurchaseRecord])
    broken: bool = False

    async def records(self, plan: str, /) -> tuple[PurchaseRecord, ...]:
        await anyio.lowlevel.checkpoint()
        if self.broken:
            raise OSError("no disk")
        return tuple(each for _, each in sorted(self.kept.items()) if each.plan == plan)

    async def begin(self, record: PurchaseRecord, /) -> bool:
        await anyio.lowlevel.checkpoint()
        return self.kept.setdefault(record.number, record).id == record.id

    async def end(self, record: PurchaseRecord, /) -> bool:
        await anyio.lowlevel.checkpoint()
        current = self.kept[record.number]
        if current == record:
            return True
        if (current.id, current.revision) != (record.id, record.revision - 1):
            return False
        self.kept[record.number] = evolve(record)
        return True
