"""Every operation under every fault of the emulator on every transport.

What must come out is worked out here from the design's table, not from the code; how
often each operation was asked for is what the server recorded.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from attrs import frozen

from engine.design_table import cell
from faults.acts import ACTS, DESCRIBE, EXTEND, HISTORY, OFFERING, Act
from faults.fault_samples import (
    FORMS,
    IN_DOUBT,
    PATIENCE,
    Sample,
    constructors,
    samples,
    undescribed,
)
from harness import (
    TRANSPORTS,
    Transport,
    client_for,
    dead_endpoint,
    fast_retries,
    own_port,
    session,
)
from sagemaker_plans import AsyncClient, ExtensionReceipt, PacePolicy, RetryEvent, errors
from sagemaker_plans._transport.aiobotocore_client.opening import OpenedClient, open_client
from sagemaker_plans._wire.operations import CREATE_TRAINING_PLAN, OPERATIONS
from sagemaker_plans.emulator import Emulator
from sagemaker_plans.errors import SageMakerPlansError

pytestmark = pytest.mark.exhaustive

ATTEMPTS, ATTEMPTS_OF_THE_HURRIED = 3, 2
# Seconds for looks at a history that shows the purchase, and at one that never will.
FOUND_WITHIN, NOT_FOUND_WITHIN = 20.0, 0.1

SAMPLES = tuple(samples())
QUICK = [sample for sample in SAMPLES if not sample.meaning.lasts]
LASTING = [sample for sample in SAMPLES if sample.meaning.lasts]

ONCE, FOR_EVER = 1, None
TIMES = {"once": ONCE, "for-ever": FOR_EVER}


@frozen(kw_only=True)
class Result:
    """How a call ended, and what the server received."""

    error: type[SageMakerPlansError] | None = None
    outcome: str | None = None
    requests: Counter[str]
    purchases: int = 0


def applies(sample: Sample, act: Act) -> bool:
    if sample.meaning.strikes == "pages":
        return act.operation.pager is not None
    return sample.member is None or member_of(sample, act) is not None


def member_of(sample: Sample, act: Act) -> str | None:
    """Name the member of the act's reply that a sample concerns; None if there is none."""
    if sample.member == "status":
        return act.status
    return act.member if act.replies else None


def transports_for(act: Act) -> tuple[Transport, ...]:
    """Give all transports for the first call of its kind, and one of them for each other."""
    kin = [each for each in ACTS if each.column == act.column]
    return TRANSPORTS if act is kin[0] else (TRANSPORTS[kin.index(act) % len(TRANSPORTS)],)


def attempts(sample: Sample) -> int:
    return ATTEMPTS_OF_THE_HURRIED if sample.meaning.lasts else ATTEMPTS


def expected(act: Act, sample: Sample, *, times: int | None) -> Result:
    """Work out the result from the design."""
    own, meaning = act.operation.name, sample.meaning
    by_members = meaning.strikes in {"replies", "needed members"}
    if meaning.error is None or (by_members and not act.replies):
        return _success(act, 1)
    if meaning.strikes == "pages":
        # A page is asked for with a token; a token that comes again ends the pages.
        circle = Result(error=errors.PaginationError, requests=_asked(act, {own: 2}))
        return _success(act, 2) if times == ONCE else circle
    assert meaning.row is not None
    return {
        "retry": _sent_again,
        "retry, the effect is the same": _commanded,
        "retry; then not found = done": _deleted,
        "look, then decide": _created,
        "look, then decide; never send again": _bought,
        "raise": _raised,
    }[cell(meaning.row, act.column)](act, sample, times=times)


def _sent_again(act: Act, sample: Sample, *, times: int | None) -> Result:
    if times == ONCE:
        return _success(act, 2)
    requests = _asked(act, {act.operation.name: attempts(sample)})
    return Result(error=sample.meaning.error, requests=requests)


def _raised(act: Act, sample: Sample, *, times: int | None) -> Result:
    del times  # It is sent once, so a fault strikes it once.
    return Result(error=sample.meaning.error, requests=_asked(act, {act.operation.name: 1}))


def _asked(act: Act, requests: dict[str, int]) -> Counter[str]:
    return Counter(act.before) + Counter(requests)


def _success(act: Act, sent: int) -> Result:
    bought = act.operation.name == EXTEND
    return Result(
        outcome="purchased" if bought else None,
        requests=_asked(act, {act.operation.name: sent}),
        purchases=int(bought),
    )


def _commanded(act: Act, sample: Sample, *, times: int | None) -> Result:
    own, error = act.operation.name, sample.meaning.error
    # An error has no correct reply that could be changed.
    is_heard = times == ONCE or error is errors.UnexpectedReplyError
    if sample.committed and is_heard:
        # The emulator takes no second start and no second stop: a look shows the first.
        return Result(requests=_asked(act, {own: 2, DESCRIBE: 1}))
    return _sent_again(act, sample, times=times)


def _deleted(act: Act, sample: Sample, *, times: int | None) -> Result:
    # An error has no correct reply that could be changed.
    is_heard = times == ONCE or sample.meaning.error is errors.UnexpectedReplyError
    if sample.committed and is_heard:
        # What is to be deleted is not found any more.
        return Result(requests=_asked(act, {act.operation.name: 2}))
    return _sent_again(act, sample, times=times)


def _created(act: Act, sample: Sample, *, times: int | None) -> Result:
    own = act.operation.name
    if sample.committed:
        return Result(requests=_asked(act, {own: 1, DESCRIBE: 1}))
    if times == ONCE:
        return Result(requests=_asked(act, {own: 2, DESCRIBE: 1}))
    return Result(
        error=errors.OutcomeUnknownError,
        requests=_asked(act, {own: attempts(sample), DESCRIBE: attempts(sample)}),
    )


def _bought(act: Act, sample: Sample, *, times: int | None) -> Result:
    del times  # It is sent once, so a fault strikes it once.
    purchases = int(sample.committed)
    if not act.confirmed:
        unreadable = sample.meaning.error is errors.UnexpectedReplyError
        return Result(
            error=errors.PurchaseReplyError if unreadable else errors.OutcomeUnknownError,
            requests=_asked(act, {EXTEND: 1}),
            purchases=purchases,
        )
    if not sample.committed:
        return Result(error=errors.OutcomeUnknownError, requests=_asked(act, {EXTEND: 1}))
    return Result(
        outcome="confirmed_by_history",
        requests=_asked(act, {EXTEND: 1, HISTORY: 1}),
        purchases=purchases,
    )


@frozen
class Stand:
    """An emulator, and an open botocore client for it with one transport."""

    emulator: Emulator
    opened: OpenedClient

    @property
    def theirs(self) -> Any:
        return self.opened.client

    def client(self, sample: Sample) -> AsyncClient:
        """Make the client that meets the fault."""
        retry = fast_retries(
            max_attempts=attempts(sample),
            budget=1_000_000,
            reconcile_limit=FOUND_WITHIN if sample.committed else NOT_FOUND_WITHIN,
        )
        timeout = PATIENCE if sample.meaning.lasts else 30.0
        return AsyncClient.from_client(
            self.theirs, retry=retry, pace=PacePolicy.off(), request_timeout=timeout
        )

    async def result(self, act: Act, sample: Sample, *, times: int | None) -> Result:
        self.emulator.reset()
        if act.buys_before:
            async with AsyncClient.from_client(self.theirs) as buyer:
                await buyer.training_plans.extend(OFFERING)
        async with self.client(sample) as client:
            return await self._result(client, act, sample, times)

    async def _result(
        self, client: AsyncClient, act: Act, sample: Sample, times: int | None
    ) -> Result:
        emulator = self.emulator
        asked, bought = len(emulator.requests), len(emulator.purchases)
        emulator.inject(act.operation.name, sample.make(member_of(sample, act) or ""), times=times)
        error: type[SageMakerPlansError] | None = None
        outcome: str | None = None
        try:
            given = await act.perform(client)
        except SageMakerPlansError as raised:
            error = type(raised)
        else:
            outcome = given.outcome if isinstance(given, ExtensionReceipt) else None
        requests = Counter(one.operation for one in emulator.requests[asked:])
        if act.confirmed and error is errors.OutcomeUnknownError:
            # The number of readings without success depends on time: see
            # test_extend_broken_off, where the time is virtual.
            requests[HISTORY] = act.before.count(HISTORY)
        return Result(
            error=error,
            outcome=outcome,
            requests=requests,
            purchases=len(emulator.purchases) - bought,
        )


class Stands:
    """All stands: an emulator for each act and transport, with a client that stays open."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._portals = {
            loop: stack.enter_context(start_blocking_portal(backend=loop))
            for loop in {transport.loop for transport in TRANSPORTS}
        }
        self._stands: dict[tuple[Act, Transport], Stand] = {}

    def portal(self, transport: Transport) -> BlockingPortal:
        return self._portals[transport.loop]

    def stand(self, act: Act, transport: Transport) -> Stand:
        if (act, transport) not in self._stands:
            self._stands[act, transport] = self._new(act, transport)
        return self._stands[act, transport]

    def _new(self, act: Act, transport: Transport) -> Stand:
        emulator = self._stack.enter_context(Emulator(seed=act.seed))
        # A started stage stays one that can be stopped.
        emulator.clock.hold()
        portal = self.portal(transport)
        opened = portal.call(_opened, emulator.endpoint_url, transport)
        self._stack.callback(portal.call, opened.close)
        return Stand(emulator, opened)


async def _opened(endpoint_url: str, transport: Transport) -> OpenedClient:
    return await open_client(
        region_name="us-east-1",
        profile_name=None,
        endpoint_url=endpoint_url,
        session=session(),
        config=None,
        http_backend=transport.http_backend,
        request_timeout=30.0,
    )


@pytest.fixture(scope="module")
def stands() -> Iterator[Stands]:
    with ExitStack() as stack:
        yield Stands(stack)


def test_every_fault_of_the_emulator_is_in_the_matrix() -> None:
    assert undescribed() == set()
    assert {*constructors()} == {*FORMS}


def test_every_operation_is_in_the_matrix() -> None:
    # The purchase of a plan ends in another way than all others: tests/training/test_create.py.
    assert {act.operation for act in ACTS} == {*OPERATIONS} - {CREATE_TRAINING_PLAN}


def test_every_fault_that_leaves_doubt_is_met_before_and_after_the_commit() -> None:
    kinds = {
        (sample.meaning.error, sample.committed)
        for sample in SAMPLES
        if sample.meaning.row == IN_DOUBT
    }
    assert kinds >= {
        (error, committed)
        for error in (errors.InternalServiceError, errors.ConnectionFailedError)
        for committed in (False, True)
    }


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
@pytest.mark.parametrize(
    ("act", "transport", "sample"),
    [
        (act, transport, sample)
        for act in ACTS
        for transport in transports_for(act)
        for sample in QUICK
        if applies(sample, act)
    ],
    ids=str,
    indirect=["transport"],
)
def test_a_fault_ends_as_the_table_says(
    stands: Stands, transport: Transport, act: Act, sample: Sample, times: int | None
) -> None:
    stand = stands.stand(act, transport)
    seen = stands.portal(transport).call(partial(stand.result, act, sample, times=times))
    assert seen == expected(act, sample, times=times)


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
@pytest.mark.parametrize("sample", LASTING, ids=str)
def test_a_reply_that_does_not_come_in_time_ends_as_the_table_says(
    stands: Stands, sample: Sample, times: int | None
) -> None:
    seen: dict[tuple[Transport, str], Result] = {}

    async def one(transport: Transport, act: Act, stand: Stand) -> None:
        seen[transport, act.name] = await stand.result(act, sample, times=times)

    async def all_at_once(transport: Transport, standing: dict[Act, Stand]) -> None:
        async with anyio.create_task_group() as group:
            for act, stand in standing.items():
                group.start_soon(one, transport, act, stand)

    # They only wait, so all wait together.
    ends = [
        stands.portal(transport).start_task_soon(
            all_at_once, transport, {act: stands.stand(act, transport) for act in ACTS}
        )
        for transport in TRANSPORTS
    ]
    for end in ends:
        end.result()

    assert seen == {
        (transport, act.name): expected(act, sample, times=times)
        for transport in TRANSPORTS
        for act in ACTS
    }


@pytest.mark.anyio
@pytest.mark.parametrize("act", ACTS, ids=str)
async def test_a_refused_connection_is_tried_again(transport: Transport, act: Act) -> None:
    # The port is closed until the first retry is announced.
    with own_port() as port:
        emulator = Emulator(port=port, seed=act.seed)
        emulator.clock.hold()
        events: list[RetryEvent] = []

        def listen(event: RetryEvent) -> None:
            events.append(event)
            emulator.start()

        retry = fast_retries(on_retry=listen)
        try:
            async with client_for(emulator.endpoint_url, transport, retry=retry) as client:
                await act.perform(client)
        finally:
            emulator.stop()
        seen = Counter(one.operation for one in emulator.requests)

    assert [_request_sent(event.error) for event in events] == [False]
    assert seen == _asked(act, {act.operation.name: 1})


@pytest.mark.anyio
@pytest.mark.parametrize("act", ACTS, ids=str)
async def test_an_endpoint_that_refuses_every_connection_gets_nothing(
    transport: Transport, act: Act
) -> None:
    events: list[RetryEvent] = []
    retry = fast_retries(max_attempts=ATTEMPTS, on_retry=events.append)
    async with client_for(dead_endpoint(), transport, retry=retry) as client:
        with pytest.raises(SageMakerPlansError) as caught:
            await act.perform(client)

    refused = errors.PurchaseRefusedError if act.before else errors.ConnectionFailedError
    assert type(caught.value) is refused
    assert [_request_sent(event.error) for event in events] == [False] * (ATTEMPTS - 1)


def _request_sent(error: SageMakerPlansError) -> bool | None:
    assert isinstance(error, errors.ConnectionFailedError)
    return error.request_sent
