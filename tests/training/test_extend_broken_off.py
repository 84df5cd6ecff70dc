"""Purchases in virtual time: reading the history, interruptions, and the log."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import anyio
import attrs
import pytest

from faults.acts import EXTEND, HISTORY, OFFERING, PLAN_ARN, SEARCH
from faults.service_gateway import FINE, Fate, Kind, ServiceGateway, fates
from sagemaker_plans import RetryPolicy, errors
from sagemaker_plans._engine.keyed_locks import KeyedLocks
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.training_plans import TrainingPlans
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN, Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.emulator import Timings
from virtual_clock import LOOPS, Loop, run_virtually

OTHER = "tpeo-0123456789abcde0"


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Loop:
    found: Loop = request.param
    return found


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return the log messages with their levels."""
    caplog.set_level(logging.INFO, "sagemaker_plans")
    return lambda: [f"{record.levelname}: {record.getMessage()}" for record in caplog.records]


Told = Callable[[], list[str]]


def plans(gateway: Gateway, **settings: Any) -> TrainingPlans:
    return TrainingPlans(gateway, Retrier(RetryPolicy(**settings)))


async def extend(gateway: Gateway, **settings: Any) -> Any:
    return await plans(gateway, **settings).extend(OFFERING, training_plan_arn=PLAN_ARN)


def run(loop: Loop, main: Callable[[], Awaitable[Any]]) -> Any:
    return run_virtually(loop, main)


# How long the history is read.


@pytest.mark.parametrize("lag", [0, 0.1, 1, 3, 5, 7, 9, 9.7])
def test_a_purchase_that_shows_within_the_limit_is_found(loop: Loop, lag: float) -> None:
    async def main() -> tuple[str, int]:
        gateway = ServiceGateway(
            fates(ExtendTrainingPlan=["lost after"]), timings=Timings(history_lag=lag)
        )
        receipt = await extend(gateway)
        return receipt.outcome, len(gateway.service.purchases)

    assert run(loop, main) == ("confirmed_by_history", 1)


@pytest.mark.parametrize("lag", [10.5, 60, 3600])
def test_a_purchase_that_shows_later_is_unknown_after_the_limit(loop: Loop, lag: float) -> None:
    async def main() -> tuple[float, int]:
        gateway = ServiceGateway(
            fates(ExtendTrainingPlan=["lost after"]), timings=Timings(history_lag=lag)
        )
        with pytest.raises(errors.OutcomeUnknownError):
            await extend(gateway)
        return anyio.current_time(), len(gateway.service.purchases)

    assert run(loop, main) == (10.0, 1)


def test_a_reconcile_limit_of_zero_does_not_wait(loop: Loop) -> None:
    async def main() -> float:
        gateway = ServiceGateway(fates(ExtendTrainingPlan=["lost before"]))
        with pytest.raises(errors.OutcomeUnknownError):
            await extend(gateway, reconcile_limit=0)
        return anyio.current_time()

    assert run(loop, main) == 0.0


def test_the_pauses_between_readings_of_the_history_grow(loop: Loop) -> None:
    async def main() -> list[float]:
        gateway = Noting(ServiceGateway(fates(ExtendTrainingPlan=["lost before"])))
        with pytest.raises(errors.OutcomeUnknownError):
            await extend(gateway)
        return [at for at, operation in gateway.noted if operation == HISTORY]

    assert run(loop, main) == [0.0, 0.0, 0.25, 0.75, 1.75, 3.75, 5.75, 7.75, 9.75]


@attrs.define
class Noting(Gateway):
    """Records the times of its calls."""

    inner: Gateway
    noted: list[tuple[float, str]] = attrs.field(factory=list[tuple[float, str]])

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        self.noted.append((anyio.current_time(), operation.name))
        return await self.inner.call(operation, request)


def test_a_reading_that_never_ends_is_cancelled_at_the_limit(loop: Loop) -> None:
    async def main() -> float:
        looks = iter([FINE, Fate(before=1e6)])
        gateway = ServiceGateway(
            {EXTEND: iter([Fate("lost after")]), HISTORY: looks},
        )
        with pytest.raises(errors.OutcomeUnknownError):
            await extend(gateway, reconcile_limit=5)
        return anyio.current_time()

    assert run(loop, main) == 5.0


@pytest.mark.parametrize("failing", ["throttled", "down before", "lost before", "refused"])
def test_a_reading_that_fails_is_repeated_after_any_error(loop: Loop, failing: Kind) -> None:
    async def main() -> str:
        history: list[Kind] = ["fine", failing, failing]
        gateway = ServiceGateway(
            fates(ExtendTrainingPlan=["lost after"], DescribeTrainingPlanExtensionHistory=history)
        )
        return str((await extend(gateway)).outcome)

    assert run(loop, main) == "confirmed_by_history"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_an_unreadable_success_of_the_service_is_reported_as_bought(
    loop: Loop, status: int
) -> None:
    async def main() -> errors.PurchaseReplyError:
        with pytest.raises(errors.PurchaseReplyError) as caught:
            await plans(Answering(http_status=status, request_id="id-1")).extend(OFFERING)
        return caught.value

    error: errors.PurchaseReplyError = run(loop, main)
    assert f"went through (the service answered HTTP {status})" in str(error)
    assert (error.reply, error.http_status) == ({"Sold": "yes"}, status)


@pytest.mark.parametrize(
    "answering",
    [
        {"http_status": 200},  # of a captive portal or a cache
        {"http_status": None},  # of a fake
        {"http_status": 200, "request_id": "id-1", "raw": b'{"__type":"ThrottlingException"}'},
    ],
    ids=["no-request-id", "no-status", "an-error"],
)
def test_a_success_that_may_be_a_proxys_is_not_reported_as_bought(
    loop: Loop, answering: dict[str, Any]
) -> None:
    async def main() -> errors.OutcomeUnknownError:
        with pytest.raises(errors.OutcomeUnknownError) as caught:
            await plans(Answering(**answering)).extend(OFFERING)
        return caught.value

    error = run(loop, main)
    assert type(error) is errors.OutcomeUnknownError
    assert "may or may not have been bought" in str(error)
    assert error.reply == json.loads(answering.get("raw", b'{"Sold": "yes"}'))


def test_an_unreadable_error_is_not_reported_as_bought(loop: Loop) -> None:
    async def main() -> errors.OutcomeUnknownError:
        with pytest.raises(errors.OutcomeUnknownError) as caught:
            await plans(Answering(http_status=500)).extend(OFFERING)
        return caught.value

    error = run(loop, main)
    assert type(error) is errors.OutcomeUnknownError
    assert "may or may not have been bought" in str(error)


@attrs.define
class Answering(Gateway):
    """Answers with an object without the required members."""

    http_status: int | None
    request_id: str | None = None
    raw: bytes | None = None

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        del request
        return Reply(
            operation=operation,
            body={"Sold": "yes"},
            raw=self.raw,
            http_status=self.http_status,
            request_id=self.request_id,
        )


# What interrupts a purchase.


@attrs.define
class Breaking(Gateway):
    """Carries out purchases and then raises, as if the process ended."""

    inner: ServiceGateway
    breaks: list[BaseException]

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        reply = await self.inner.call(operation, request)
        if operation is EXTEND_TRAINING_PLAN and self.breaks:
            raise self.breaks.pop(0)
        return reply


@pytest.mark.parametrize(
    "breaking",
    [KeyboardInterrupt, SystemExit, MemoryError, RuntimeError],
    ids=lambda cls: cls.__name__,
)
def test_the_outcome_of_an_interrupted_purchase_is_logged(
    loop: Loop, breaking: type[BaseException], told: Told
) -> None:
    mine = breaking("mine")

    async def main() -> int:
        gateway = Breaking(ServiceGateway(), [mine])
        with pytest.raises(breaking) as caught:
            await extend(gateway)
        assert caught.value is mine
        return len(gateway.inner.service.purchases)

    assert run(loop, main) == 1
    assert told()[-1] == (
        f"WARNING: ExtendTrainingPlan: the purchase of offering {OFFERING} for plan {PLAN_ARN} "
        f"was interrupted ({breaking.__name__}) while it was on its way; the history shows that "
        "it was bought"
    )


def test_a_hook_that_raises_does_not_interrupt_a_purchase_that_was_sent(
    loop: Loop, told: Told
) -> None:
    mine = RuntimeError("no more")

    def hook(_: object) -> None:
        raise mine

    async def main() -> tuple[BaseException, int]:
        gateway = ServiceGateway(fates(ExtendTrainingPlan=["throttled"]))
        with pytest.raises(RuntimeError) as caught:
            await extend(gateway, on_retry=hook)
        return caught.value, len(gateway.sent)

    assert run(loop, main) == (mine, 2)
    assert [line for line in told() if line.startswith("WARNING")] == []


def cancelled(extending: Callable[[], Awaitable[object]], times: Iterable[float]) -> bool:
    """Cancel an asyncio task at these times, and return whether it was cancelled."""

    async def main() -> bool:
        task = asyncio.ensure_future(extending())
        now = 0.0
        for at in times:
            await asyncio.sleep(at - now)
            now = at
            task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    return run_virtually("asyncio", main)


@pytest.mark.parametrize("times", [[1.0], [1.0, 2.0], [1.0, 2.0, 2.0, 3.0]])
def test_a_task_of_asyncio_may_be_cancelled_again_and_again(times: list[float], told: Told) -> None:
    gateways: list[ServiceGateway] = []

    async def extending() -> None:
        lagging = Timings(history_lag=60)
        gateway = ServiceGateway({EXTEND: iter([Fate(after=100)])}, timings=lagging)
        gateways.append(gateway)
        await extend(gateway)

    assert cancelled(extending, times)
    assert len(gateways[0].service.purchases) == 1
    warned = [line for line in told() if line.startswith("WARNING")]
    assert [line.rpartition("; ")[2] for line in warned] == ["its outcome is not known"]


def test_a_purchase_is_closed_without_waiting_and_logged(told: Told) -> None:
    async def main() -> int:
        gateway = ServiceGateway({EXTEND: iter([Fate(after=100)])})
        purchase = plans(gateway).extend(OFFERING, training_plan_arn=PLAN_ARN)
        # Drive the coroutine as an event loop would, and wait for each future that it yields.
        while (waiting := purchase.send(None)) is None or not gateway.service.purchases:
            if waiting is not None:
                await waiting
        purchase.close()
        return len(gateway.service.purchases)

    assert run_virtually("asyncio", main) == 1
    assert told()[-1].endswith(
        "was interrupted (GeneratorExit) while it was on its way; its outcome is not known"
    )


@pytest.mark.parametrize("moment", [0.5, 1.5, 2.5, 3.5, 4.5])
def test_a_cancellation_at_any_time_leaves_at_most_one_purchase(
    loop: Loop, told: Told, moment: float
) -> None:
    async def main() -> tuple[list[str], int, float]:
        slow = Fate(before=1, after=1)
        gateway = ServiceGateway({HISTORY: iter([slow]), EXTEND: iter([slow])})
        with anyio.move_on_after(moment) as scope:
            await extend(gateway)
        assert scope.cancelled_caught is (moment < 4)
        sent = [one.operation for one in gateway.sent]
        return sent, len(gateway.service.purchases), anyio.current_time()

    sent, purchases, ended = run(loop, main)
    warned = [line.rpartition("; ")[2] for line in told() if line.startswith("WARNING")]
    if moment < 2:
        assert (sent, purchases, ended, warned) == ([HISTORY], 0, moment, [])
    elif moment < 3:
        assert (sent[:2], purchases, ended) == ([HISTORY, EXTEND], 0, moment + 10)
        assert warned == ["its outcome is not known"]
    elif moment < 4:
        assert (sent, purchases, ended) == ([HISTORY, EXTEND, HISTORY], 1, moment)
        assert warned == ["the history shows that it was bought"]
    else:
        assert (sent, purchases, ended, warned) == ([HISTORY, EXTEND], 1, 4.0, [])


# What is logged.


def test_a_purchase_is_logged_before_and_after(loop: Loop, told: Told) -> None:
    async def main() -> None:
        await plans(ServiceGateway()).extend(
            OFFERING, training_plan_arn=PLAN_ARN, max_upfront_fee=Decimal(5000)
        )

    run(loop, main)
    before = f"buying offering {OFFERING} for plan {PLAN_ARN}, upfront fee 1234.50 USD"
    after = f"offering {OFFERING} for plan {PLAN_ARN}: purchased, upfront fee 1234.50 USD"
    assert told() == [
        f"INFO: ExtendTrainingPlan: {before}",
        f"INFO: ExtendTrainingPlan: {after}, request id nobody/2",
    ]


def test_a_purchase_without_plan_and_limit_is_logged_as_such(loop: Loop, told: Told) -> None:
    async def main() -> None:
        await plans(ServiceGateway()).extend(OFFERING)

    run(loop, main)
    before = f"buying offering {OFFERING} for plan (not named), upfront fee not checked"
    after = f"offering {OFFERING} for plan (not named): purchased, upfront fee 1234.50 USD"
    assert told() == [
        f"INFO: ExtendTrainingPlan: {before}",
        f"INFO: ExtendTrainingPlan: {after}, request id nobody/0",
    ]


@pytest.mark.parametrize(
    ("kind", "level", "words"),
    [
        ("refused", "INFO", f"offering {OFFERING} not bought: the service answered Code: no"),
        ("throttled", "INFO", f"offering {OFFERING} not bought: the service answered Code: no"),
        ("unsent", "INFO", f"offering {OFFERING} not bought: refused"),
        ("lost before", "WARNING", f"offering {OFFERING} may or may not have been bought: lost"),
        ("lost after", "INFO", f"offering {OFFERING} for plan {PLAN_ARN}: confirmed_by_history"),
        ("unreadable", "INFO", f"offering {OFFERING} for plan {PLAN_ARN}: confirmed_by_history"),
    ],
)
def test_every_outcome_is_logged(
    loop: Loop, told: Told, kind: Kind, level: str, words: str
) -> None:
    async def main() -> None:
        gateway = ServiceGateway(fates(ExtendTrainingPlan=[kind]))
        with anyio.move_on_after(1e6):
            try:
                await extend(gateway, max_attempts=1)
            except errors.SageMakerPlansError:
                return

    run(loop, main)
    before, *_, after = told()
    assert before.startswith(f"INFO: ExtendTrainingPlan: buying offering {OFFERING}")
    assert after.startswith(f"{level}: ExtendTrainingPlan: {words}")


def test_purchases_found_in_the_history_and_refusals_are_logged(loop: Loop, told: Told) -> None:
    async def main() -> None:
        gateway = ServiceGateway()
        await extend(gateway)
        await extend(gateway)
        with pytest.raises(errors.PurchaseRefusedError):
            await plans(gateway).extend(OTHER, training_plan_arn=PLAN_ARN)

    run(loop, main)
    assert [line.partition(f"{PLAN_ARN}: ")[2] for line in told()[2:3]] == [
        "already_purchased, upfront fee 1234.50 USD, request id nobody/2"
    ]
    assert told()[3].startswith(f"INFO: offering {OTHER} was not bought, and no purchase was sent")


# One at a time.


@attrs.define
class Counting(Gateway):
    """Counts the purchases that are under way at the same time."""

    inner: ServiceGateway
    now: Counter[str] = attrs.field(factory=Counter[str])
    most: Counter[str] = attrs.field(factory=Counter[str])

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        if operation is not EXTEND_TRAINING_PLAN:
            return await self.inner.call(operation, request)
        offering = request["TrainingPlanExtensionOfferingId"]
        for key in (str(offering), "any"):
            self.now[key] += 1
            self.most[key] = max(self.most[key], self.now[key])
        try:
            return await self.inner.call(operation, request)
        finally:
            for key in (str(offering), "any"):
                self.now[key] -= 1


def nobody_waits(locks: KeyedLocks) -> bool:
    return not any(vars(locks).values())


def most_at_once(loop: Loop, *calls: tuple[str, str | None]) -> int:
    async def main() -> int:
        inner = ServiceGateway(
            {EXTEND: iter([Fate(before=5, after=5)] * len(calls))},
            timings=Timings(payment_seconds=0),
        )
        inner.service.add_training_plan("another-plan")
        gateway = Counting(inner)
        client = plans(gateway)

        async def one(offering: str, arn: str | None) -> None:
            try:
                await client.extend(offering, training_plan_arn=arn)
            except errors.ServiceError:
                return

        async with anyio.create_task_group() as group:
            for offering, arn in calls:
                group.start_soon(one, offering, arn)
        assert nobody_waits(client._locks)
        return gateway.most["any"]

    return run_virtually(loop, main)


ANOTHER_ARN = PLAN_ARN.replace("demo-plan", "another-plan")


def test_purchases_for_one_plan_go_one_at_a_time(loop: Loop) -> None:
    assert most_at_once(loop, (OFFERING, PLAN_ARN), (OTHER, PLAN_ARN), (OTHER, PLAN_ARN)) == 1


def test_purchases_of_one_offering_go_one_at_a_time_also_without_the_plan(loop: Loop) -> None:
    assert most_at_once(loop, (OFFERING, None), (OFFERING, PLAN_ARN), (OFFERING, None)) == 1


def test_purchases_for_different_plans_go_side_by_side(loop: Loop) -> None:
    assert most_at_once(loop, (OFFERING, PLAN_ARN), (OTHER, ANOTHER_ARN)) == 2


def test_no_lock_is_kept_after_a_call_has_ended(loop: Loop) -> None:
    locks = KeyedLocks()
    ended: list[str] = []

    async def fails_in_the_middle() -> None:
        async with locks.hold("plan", PLAN_ARN):
            await anyio.sleep(10)
            raise KeyError

    async def holds_it_and_fails() -> None:
        with pytest.raises(KeyError):
            await fails_in_the_middle()
        ended.append("failed")

    async def gives_up(after: float) -> None:
        await anyio.sleep(1)
        with anyio.move_on_after(after):
            async with locks.hold("plan", PLAN_ARN):
                await anyio.sleep(100)
        ended.append(f"gave up after {after:g}")

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(holds_it_and_fails)
            group.start_soon(gives_up, 5)
            group.start_soon(gives_up, 50)

    run(loop, main)
    assert ended == ["gave up after 5", "failed", "gave up after 50"]
    assert nobody_waits(locks)


def test_a_lock_without_a_name_is_not_shared(loop: Loop) -> None:
    locks = KeyedLocks()

    async def main() -> None:
        async with locks.hold("plan", None), locks.hold("plan", None):
            pass

    run(loop, main)


def test_the_fee_is_checked_after_the_lock_is_taken(loop: Loop) -> None:
    async def main() -> list[str]:
        gateway = ServiceGateway(timings=Timings(payment_seconds=0))
        client = plans(gateway)

        async def buy() -> None:
            await client.extend(OFFERING, training_plan_arn=PLAN_ARN, max_upfront_fee=9999)

        async with anyio.create_task_group() as group:
            group.start_soon(buy)
            group.start_soon(buy)
        return [one.operation for one in gateway.sent]

    assert run(loop, main) == [HISTORY, SEARCH, EXTEND, HISTORY]
