"""Thousands of random faults: the reports are true, and each call spends money once.

In memory, under virtual time, on both loops; and a sample of them on sockets.
"""

import logging
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

import anyio
import attrs
import pytest
from attrs import field, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faults.acts import CREATE, DESCRIBE, EXTEND, HISTORY, SEARCH
from faults.service_gateway import CALLER, KINDS, Fate, Kind, ServiceGateway
from harness import Transport, a_spec, client_for, fast_retries
from sagemaker_plans import (
    EdgeDeploymentPlanSpec,
    ExtensionReceipt,
    PercentageOfFleet,
    RetryPolicy,
    StageSpec,
    errors,
)
from sagemaker_plans._edge.creation import create_plan
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.training_plans import TrainingPlans
from sagemaker_plans.emulator import (
    Emulator,
    Fault,
    OfferingSeed,
    Seed,
    Timings,
    TrainingPlanSeed,
)
from sagemaker_plans.errors import SageMakerPlansError
from virtual_clock import LOOPS, Loop, run_virtually

pytestmark = pytest.mark.exhaustive

MANY: Final = settings(
    max_examples=1_200, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
FEW: Final = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

ARNS: Final = tuple(
    f"arn:aws:sagemaker:us-east-1:123456789012:training-plan/plan-{number}" for number in range(2)
)
OFFERINGS: Final = {"tpeo-a": ARNS[0], "tpeo-b": ARNS[0], "tpeo-c": ARNS[1], "tpeo-d": ARNS[1]}
RESOLD: Final = ("tpeo-b", "tpeo-d")
FEE: Final = Decimal("1234.50")

WORLD: Final = Seed(
    training_plans=tuple(
        TrainingPlanSeed(
            name=f"plan-{number}",
            offerings=tuple(
                OfferingSeed(offering_id=offering, resellable=offering in RESOLD)
                for offering, theirs in OFFERINGS.items()
                if theirs == arn
            ),
        )
        for number, arn in enumerate(ARNS)
    )
)

SECONDS = st.sampled_from([0.0, 0.1, 1.0, 7.0])
LOOKS: Final[tuple[Kind, ...]] = tuple(kind for kind in KINDS if kind != "not ours")


def fate_lists(*kinds: Kind, longest: int = 4) -> st.SearchStrategy[list[Fate]]:
    fates = st.builds(Fate, st.sampled_from(kinds), before=SECONDS, after=SECONDS)
    return st.lists(fates, max_size=longest)


@frozen(kw_only=True)
class Call:
    """One call of extend."""

    offering: str
    arn: str | None
    limit: Decimal | None
    begins: float
    patience: float
    """Seconds after which it is cancelled."""


def _call(**parts: Any) -> Call:
    call = Call(**parts)
    # A limit needs the plan.
    return attrs.evolve(call, limit=call.limit if call.arn else None)


CALLS = st.builds(
    _call,
    offering=st.sampled_from([*OFFERINGS]),
    # Also the plan of another offering.
    arn=st.sampled_from([None, *ARNS]),
    limit=st.sampled_from([None, FEE, FEE - 1]),
    begins=SECONDS,
    patience=st.sampled_from([0.05, 0.5, 1.5, 7.5, 1e6, 1e6, 1e6]),
)


@frozen(kw_only=True)
class Shopping:
    """Some calls at about the same time, and what happens to their requests."""

    loop: Loop
    calls: list[Call]
    extend: list[Fate]
    history: list[Fate]
    search: list[Fate]
    lag: float
    payment: float
    attempts: int


SHOPPINGS = st.builds(
    Shopping,
    loop=st.sampled_from(LOOPS),
    calls=st.lists(CALLS, min_size=1, max_size=4),
    extend=fate_lists(*KINDS, longest=8),
    history=fate_lists(*LOOKS, longest=6),
    search=fate_lists(*LOOKS, longest=3),
    lag=st.sampled_from([0.0, 0.0, 1.0, 9.0, 60.0]),
    payment=st.sampled_from([0.0, 0.5, 60.0]),
    attempts=st.integers(1, 4),
)


@frozen(kw_only=True)
class Ended:
    """How a call ended, and what it did."""

    call: Call
    receipt: ExtensionReceipt | None = None
    error: SageMakerPlansError | None = None
    bought: int
    sent: int
    """Its purchase requests."""
    in_doubt: int
    """Those of its requests whose outcome it cannot know."""

    @property
    def was_cancelled(self) -> bool:
        return self.receipt is None and self.error is None


class Warnings(logging.Handler):
    """Keeps the log messages about purchases that were interrupted."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.offerings: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        words = record.getMessage()
        if "was interrupted" in words:
            self.offerings[words.partition("offering ")[2].partition(" ")[0]] += 1


@contextmanager
def warnings() -> Generator[Warnings]:
    handler, logger = Warnings(), logging.getLogger("sagemaker_plans")
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)


async def shopped(shopping: Shopping) -> tuple[list[Ended], ServiceGateway]:
    gateway = ServiceGateway(
        {
            EXTEND: iter(shopping.extend),
            HISTORY: iter(shopping.history),
            SEARCH: iter(shopping.search),
        },
        seed=WORLD,
        timings=Timings(history_lag=shopping.lag, payment_seconds=shopping.payment),
    )
    plans = TrainingPlans(gateway, Retrier(RetryPolicy(max_attempts=shopping.attempts)))
    ends: dict[str, ExtensionReceipt | SageMakerPlansError] = {}

    async def one(name: str, call: Call) -> None:
        CALLER.set(name)
        await anyio.sleep(call.begins)
        with anyio.move_on_after(call.patience):
            try:
                settings: Any = {"training_plan_arn": call.arn, "max_upfront_fee": call.limit}
                ends[name] = await plans.extend(call.offering, **settings)
            except SageMakerPlansError as error:
                ends[name] = error

    async with anyio.create_task_group() as group:
        for number, call in enumerate(shopping.calls):
            group.start_soon(one, f"call-{number}", call)
    # Requests that are still under way arrive in the end.
    await anyio.sleep(100)
    gateway.arrive(until=anyio.current_time())
    ended: list[Ended] = []
    for number, call in enumerate(shopping.calls):
        name = f"call-{number}"
        end = ends.get(name)
        sent = gateway.sent_by(name, EXTEND)
        ended.append(
            Ended(
                call=call,
                receipt=end if isinstance(end, ExtensionReceipt) else None,
                error=end if isinstance(end, SageMakerPlansError) else None,
                bought=gateway.bought_by(name),
                sent=len(sent),
                in_doubt=sum(one.in_doubt for one in sent),
            )
        )
    return ended, gateway


@MANY
@given(shopping=SHOPPINGS)
def test_random_faults_of_purchases_give_true_reports(shopping: Shopping) -> None:
    with warnings() as warned:
        ended, gateway = run_virtually(shopping.loop, shopped, shopping)
    purchases = Counter(one.offering_id for one in gateway.service.purchases)
    silent = Counter(one.call.offering for one in ended if one.was_cancelled and one.bought)
    assert silent <= warned.offerings
    if not shopping.lag and not any(fate.kind == "lost and late" for fate in shopping.extend):
        assert _sent_though_it_showed(ended, gateway) == []
    for end in ended:
        assert end.bought <= 1
        assert end.in_doubt <= 1
        if end.receipt is not None:
            _check_receipt(end, end.receipt, purchases)
        elif end.error is not None:
            _check_error(end, end.error)


def _sent_though_it_showed(ended: list[Ended], gateway: ServiceGateway) -> list[int]:
    """Number the purchase requests for a named plan that had the extension already."""
    bought = {
        one.offering_id: int(one.request_id.partition("/")[2])
        for one in reversed(gateway.service.purchases)
    }
    named = {
        f"call-{number}": end.call.offering
        for number, end in enumerate(ended)
        if end.call.arn == OFFERINGS[end.call.offering]
    }
    return [
        number
        for number, sent in enumerate(gateway.sent)
        if sent.operation == EXTEND
        and sent.caller in named
        and bought.get(named[sent.caller], number) < number
    ]


def _check_receipt(end: Ended, receipt: ExtensionReceipt, purchases: Counter[str]) -> None:
    offering = end.call.offering
    assert receipt.extension.offering_id == offering
    assert receipt.extension in receipt.extensions
    assert purchases[offering] >= 1
    assert end.call.limit is None or end.call.limit >= FEE or not end.sent
    match receipt.outcome:
        case "purchased":
            assert (end.bought, end.in_doubt) == (1, 0)
        case "already_purchased":
            assert (end.bought, end.sent) == (0, 0)
        case "confirmed_by_history":
            assert end.in_doubt == 1
            assert end.call.arn == OFFERINGS[offering]


def _check_error(end: Ended, error: SageMakerPlansError) -> None:
    if isinstance(error, errors.PurchaseRefusedError):
        assert (end.bought, end.sent) == (0, 0)
    elif isinstance(error, errors.OutcomeUnknownError):
        assert end.in_doubt == 1
        assert not isinstance(error, errors.PurchaseReplyError) or end.bought == 1
    else:
        # After a service error, or if it was never sent, nothing was bought.
        assert isinstance(error, errors.ServiceError | errors.ConnectionFailedError)
        assert (end.bought, end.in_doubt) == (0, 0)


@frozen(kw_only=True)
class Building:
    """Some creates of few names at about the same time, and what happens to them."""

    loop: Loop
    specs: list[tuple[EdgeDeploymentPlanSpec, float]]
    create: list[Fate]
    describe: list[Fate]
    attempts: int
    late: float


def _spec(name: str, stages: int, percentage: int) -> EdgeDeploymentPlanSpec:
    return attrs.evolve(
        a_spec(name),
        stages=[StageSpec(f"stage-{n}", PercentageOfFleet(percentage)) for n in range(stages)],
    )


BUILDINGS = st.builds(
    Building,
    loop=st.sampled_from(LOOPS),
    specs=st.lists(
        st.tuples(
            st.builds(
                _spec, st.sampled_from(["one", "two"]), st.integers(0, 2), st.sampled_from([10, 20])
            ),
            SECONDS,
        ),
        min_size=1,
        max_size=4,
    ),
    create=fate_lists(*LOOKS, longest=8),
    describe=fate_lists(*LOOKS, longest=6),
    attempts=st.integers(1, 4),
    late=st.sampled_from([0.1, 1.0, 20.0]),
)


@frozen(kw_only=True)
class Built:
    """How a create ended, and the plan that existed at that time."""

    caller: str
    spec: EdgeDeploymentPlanSpec
    end: str | SageMakerPlansError
    there: dict[str, Any] | None = field(eq=False)


def _there(gateway: ServiceGateway, name: str) -> dict[str, Any] | None:
    plans: Any = gateway.service.snapshot()["edge_deployment_plans"]
    return next((plan for plan in plans if plan["EdgeDeploymentPlanName"] == name), None)


def _shape(plan: dict[str, Any]) -> list[tuple[str, int]]:
    return [
        (stage["StageName"], stage["DeviceSelectionConfig"]["Percentage"])
        for stage in plan.get("Stages", ())
    ]


async def built(building: Building) -> tuple[list[Built], ServiceGateway]:
    gateway = ServiceGateway(
        {CREATE: iter(building.create), DESCRIBE: iter(building.describe)}, late=building.late
    )
    retrier = Retrier(RetryPolicy(max_attempts=building.attempts))
    found: list[Built] = []

    async def one(caller: str, spec: EdgeDeploymentPlanSpec, begins: float) -> None:
        CALLER.set(caller)
        await anyio.sleep(begins)
        end: str | SageMakerPlansError
        try:
            end = await create_plan(gateway, retrier, spec)
        except SageMakerPlansError as error:
            end = error
        found.append(Built(caller=caller, spec=spec, end=end, there=_there(gateway, spec.name)))

    async with anyio.create_task_group() as group:
        for number, (spec, begins) in enumerate(building.specs):
            group.start_soon(one, f"call-{number}", spec, begins)
    await anyio.sleep(100)
    gateway.arrive(until=anyio.current_time())
    return found, gateway


@settings(MANY, max_examples=600)
@given(building=BUILDINGS)
def test_random_faults_of_creates_give_true_reports(building: Building) -> None:
    found, gateway = run_virtually(building.loop, built, building)
    late = any(fate.kind == "lost and late" for fate in building.create)
    for one in found:
        wanted = _shape(one.spec.to_wire())
        doubtful = any(sent.in_doubt for sent in gateway.sent_by(one.caller, CREATE))
        match one.end:
            case str() as arn:
                assert one.there is not None
                assert arn == one.there["EdgeDeploymentPlanArn"]
                assert _shape(one.there) == wanted
            case errors.PlanMismatchError():
                assert one.there is not None
                assert _shape(one.there) != wanted
                assert doubtful
            case errors.OutcomeUnknownError():
                assert doubtful
            case errors.ResourceInUseError() | errors.AccessDeniedError():
                # A refusal stands as it came; with a note, if there is doubt.
                noted = "may have had its effect" in "".join(getattr(one.end, "__notes__", ()))
                assert noted is doubtful
                # A plan that was not found does not exist, unless its create arrived late.
                stands = one.there is not None and _shape(one.there) == wanted
                assert late or not (doubtful and stands)
            case error:
                assert isinstance(error, errors.ThrottledError | errors.ConnectionFailedError)
                assert not doubtful


ON_THE_WIRE: Final = (
    Fault.throttle(),
    Fault.error("AccessDeniedException", "No."),
    Fault.internal_failure(),
    Fault.internal_failure(committed=True),
    Fault.disconnect("rst"),
    Fault.disconnect("rst", committed=True),
    Fault.disconnect("fin", committed=True),
    Fault.cut_body(),
    Fault.not_json(),
    Fault.empty_object(),
)
INJECTIONS = st.lists(
    st.tuples(
        st.sampled_from([EXTEND, EXTEND, HISTORY]),
        st.sampled_from(ON_THE_WIRE),
        st.integers(1, 3),
        st.integers(1, 3),
    ),
    max_size=4,
)
ORDERS = st.lists(
    st.tuples(st.sampled_from([*OFFERINGS]), st.sampled_from([None, *ARNS])),
    min_size=1,
    max_size=3,
)


@FEW
@given(injections=INJECTIONS, orders=ORDERS)
@pytest.mark.anyio
async def test_on_sockets_no_call_puts_two_accepted_purchases_on_the_wire(
    seeded: Emulator,
    transport: Transport,
    injections: list[tuple[str, Fault, int, int]],
    orders: list[tuple[str, str | None]],
) -> None:
    seeded.reset()
    for operation, fault, nth, times in injections:
        seeded.inject(operation, fault, nth=nth, times=times)
    retry = fast_retries(max_attempts=3, reconcile_limit=0.05)
    async with client_for(seeded.endpoint_url, transport, retry=retry) as client:
        # One after another, so that what was bought is known to be this call's.
        for offering, arn in orders:
            bought, sent = len(seeded.purchases), len(seeded.requests_of(EXTEND))
            end: ExtensionReceipt | SageMakerPlansError
            try:
                end = await client.training_plans.extend(offering, training_plan_arn=arn)
            except SageMakerPlansError as error:
                end = error
            bought = len(seeded.purchases) - bought
            sent = len(seeded.requests_of(EXTEND)) - sent
            assert bought <= 1
            match end:
                case ExtensionReceipt(outcome="already_purchased"):
                    assert (bought, sent) == (0, 0)
                case ExtensionReceipt(outcome="purchased"):
                    assert bought == 1
                case ExtensionReceipt(outcome="confirmed_by_history"):
                    assert offering in {one.offering_id for one in seeded.purchases}
                case errors.PurchaseRefusedError():
                    assert (bought, sent) == (0, 0)
                case errors.OutcomeUnknownError():
                    assert sent >= 1
                case _:
                    assert bought == 0


@pytest.fixture
def seeded() -> Iterator[Emulator]:
    with Emulator(seed=WORLD, timings=Timings(payment_seconds=0)) as running:
        yield running
