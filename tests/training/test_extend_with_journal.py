"""Purchases with a journal over real sockets, and clients and arguments that are refused."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import anyio
import pytest

from faults.acts import EXTEND, HISTORY, OFFERING, PLAN_ARN
from harness import TRANSPORTS, Transport, fast_retries
from sagemaker_plans import AsyncClient, ExtensionReceipt, errors
from sagemaker_plans.emulator import Emulator, Fault, Timings
from sagemaker_plans.journal import PurchaseJournal
from training.journal.memory_journal import Fate, MemoryJournal
from training.journal.worlds import a_record
from transport.clients import client_with, users_client

OTHER = "tpeo-0123456789abcde0"
KEY = "big-until-march"
SOON_GIVEN_UP = fast_retries(reconcile_limit=0.2)

pytestmark = pytest.mark.anyio


def journal_client(emulator: Emulator, transport: Transport, **settings: Any) -> AsyncClient:
    return client_with(emulator.endpoint_url, transport, **{"retry": SOON_GIVEN_UP, **settings})


async def extend(
    client: AsyncClient, offering: str = OFFERING, **arguments: Any
) -> ExtensionReceipt:
    return await client.training_plans.extend(offering, training_plan_arn=PLAN_ARN, **arguments)


async def test_a_purchase_is_recorded_and_made_once_for_its_key(
    emulator: Emulator, transport: Transport
) -> None:
    journal = MemoryJournal()
    outcomes: list[str] = []
    for offering in (OFFERING, OTHER):
        async with journal_client(emulator, transport, journal=journal) as client:
            outcomes.append((await extend(client, offering, idempotency_key=KEY)).outcome)
    assert outcomes == ["purchased", "already_purchased"]
    assert journal.states == [(1, "bought", "caller")]
    assert abs(journal.last.written_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert len(emulator.purchases) == 1


async def test_a_process_that_starts_again_while_the_history_lags_does_not_buy_again(
    transport: Transport,
) -> None:
    journal = MemoryJournal()
    with Emulator(timings=Timings(history_lag=3600)) as emulator:
        emulator.add_extension_offering(PLAN_ARN, offering_id=OFFERING, resellable=True)
        emulator.inject(EXTEND, Fault.disconnect("rst", committed=True))
        for _ in range(3):
            async with journal_client(emulator, transport, journal=journal) as client:
                with pytest.raises(errors.OutcomeUnknownError):
                    await extend(client, idempotency_key=KEY)
        assert len(emulator.purchases) == 1
        assert len(emulator.requests_of(EXTEND)) == 1
        emulator.clock.advance(3600)
        async with journal_client(emulator, transport, journal=journal) as client:
            receipt = await extend(client, idempotency_key=KEY)
        assert receipt.outcome == "already_purchased"
    assert journal.states == [(1, "bought", "history")]


async def test_a_purchase_that_is_cancelled_in_flight_is_known_to_the_next_process(
    emulator: Emulator, transport: Transport
) -> None:
    journal = MemoryJournal()
    # Found at once; a busy machine may need longer for it.
    patient = fast_retries()
    async with journal_client(emulator, transport, journal=journal, retry=patient) as client:
        with emulator.hold_replies(EXTEND) as gate:
            async with anyio.create_task_group() as group:
                group.start_soon(partial(extend, client))
                await anyio.to_thread.run_sync(gate.wait_for_arrivals, 1)
                group.cancel_scope.cancel()
    assert journal.states == [(1, "bought", "history")]


@pytest.mark.parametrize(
    ("written", "is_settled"), [(timedelta(minutes=26), True), (timedelta(minutes=24), False)]
)
async def test_a_record_is_settled_by_the_clock_of_the_services_replies(
    emulator: Emulator, transport: Transport, written: timedelta, *, is_settled: bool
) -> None:
    journal = MemoryJournal()
    at = datetime.now(UTC) - written
    journal.put(a_record(written_at=at, send_by=at + timedelta(minutes=5)))
    async with journal_client(emulator, transport, journal=journal) as client:
        try:
            await client.training_plans.settle(PLAN_ARN, bought=False)
        except errors.PurchaseRefusedError as error:
            assert "wait until then" in str(error)  # noqa: PT017  # one of two cases
    assert journal.states == [(1, "not_bought", "person") if is_settled else (1, "open", None)]


# The signed date, on the request that is about to be sent.


def late(journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process sleep for six minutes right after its record, by the clock that signs."""
    from sagemaker_plans._training.purchases import service_clock

    monkeypatch.setattr(
        service_clock, "machine_time", lambda: datetime.now(UTC) - timedelta(minutes=6)
    )
    journal.meets("begin", Fate())


async def test_a_request_that_is_signed_after_its_time_is_not_sent(
    emulator: Emulator, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = MemoryJournal()
    late(journal, monkeypatch)
    async with journal_client(emulator, transport, journal=journal) as client:
        with pytest.raises(errors.PurchaseRefusedError, match="it was signed at") as caught:
            await extend(client)
    error = caught.value
    assert "and the last moment for that was" in str(error)
    assert (error.offering_id, error.training_plan_arn) == (OFFERING, PLAN_ARN)
    assert emulator.requests_of(EXTEND) == ()
    assert journal.states == [(1, "not_bought", "caller")]


async def test_without_a_journal_no_date_matters(
    emulator: Emulator, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    late(MemoryJournal(), monkeypatch)
    async with journal_client(emulator, transport) as client:
        assert (await extend(client)).outcome == "purchased"


def _without_date(request: Any) -> None:
    del request.headers["X-Amz-Date"]


def _with_an_old_date(request: Any) -> None:
    request.headers["X-Amz-Date"] = "20200101T000000Z"


def _with_a_date_of_tomorrow(request: Any) -> None:
    request.headers["X-Amz-Date"] = "29990101T000000Z"


def _with_a_date_that_is_none(request: Any) -> None:
    request.headers["X-Amz-Date"] = "today"


def _unsigned(request: Any) -> None:
    del request.headers["Authorization"]


def _uncovered(request: Any) -> None:
    headers = request.headers
    words = headers["Authorization"]
    text = words.decode() if isinstance(words, bytes) else words
    headers["Authorization"] = text.replace(";x-amz-date", "")


UNPROVEN = "its signature does not show when it was made"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_without_date, UNPROVEN),
        (_with_a_date_that_is_none, UNPROVEN),
        (_unsigned, UNPROVEN),
        (_uncovered, UNPROVEN),
        (_with_a_date_of_tomorrow, "it was signed at 00:00:00 UTC"),
    ],
)
@pytest.mark.parametrize("transport", [TRANSPORTS[0], TRANSPORTS[-1]], ids=str, indirect=True)
async def test_a_hook_that_changes_the_signed_headers_of_a_users_client_keeps_it_back(
    emulator: Emulator, transport: Transport, change: Any, words: str
) -> None:
    journal = MemoryJournal()

    def hook(request: Any, **_: object) -> None:
        change(request)

    async with users_client(emulator.endpoint_url, transport) as theirs:
        theirs.meta.events.register(f"before-send.sagemaker.{EXTEND}", hook)
        client = AsyncClient.from_client(theirs, retry=SOON_GIVEN_UP, journal=journal)
        with pytest.raises(errors.PurchaseRefusedError, match=words):
            await extend(client)
        await client.aclose()
    assert emulator.requests_of(EXTEND) == ()
    assert journal.states == [(1, "not_bought", "caller")]


@pytest.mark.parametrize("transport", [TRANSPORTS[0], TRANSPORTS[-1]], ids=str, indirect=True)
async def test_a_hook_that_makes_the_date_older_than_the_signature_sends_what_nobody_accepts(
    emulator: Emulator, transport: Transport
) -> None:
    journal = MemoryJournal()

    def hook(request: Any, **_: object) -> None:
        _with_an_old_date(request)

    async with users_client(emulator.endpoint_url, transport) as theirs:
        theirs.meta.events.register(f"before-send.sagemaker.{EXTEND}", hook)
        client = AsyncClient.from_client(theirs, retry=SOON_GIVEN_UP, journal=journal)
        with pytest.raises(errors.ServiceError):
            await extend(client)
        await client.aclose()
    assert emulator.purchases == ()
    assert journal.states == [(1, "not_bought", "caller")]


@pytest.mark.parametrize("transport", [TRANSPORTS[0], TRANSPORTS[-1]], ids=str, indirect=True)
async def test_a_users_client_with_a_journal_buys_once(
    emulator: Emulator, transport: Transport
) -> None:
    journal = MemoryJournal()
    async with users_client(emulator.endpoint_url, transport) as theirs:
        client = AsyncClient.from_client(theirs, journal=journal)
        outcomes = [(await extend(client)).outcome for _ in range(2)]
        await client.aclose()
    assert outcomes == ["purchased", "already_purchased"]
    assert journal.states == [(1, "bought", "caller")]


@pytest.mark.parametrize("transport", [TRANSPORTS[0], TRANSPORTS[-1]], ids=str, indirect=True)
async def test_a_late_request_that_a_hook_hides_behind_its_own_error_counts_as_unknown(
    emulator: Emulator, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = MemoryJournal()
    late(journal, monkeypatch)
    async with users_client(emulator.endpoint_url, transport) as theirs:
        call = theirs.extend_training_plan

        async def wrapped(**arguments: Any) -> Any:
            try:
                return await call(**arguments)
            except Exception as error:
                raise RuntimeError("our own") from error

        theirs.extend_training_plan = wrapped
        client = AsyncClient.from_client(theirs, retry=SOON_GIVEN_UP, journal=journal)
        with pytest.raises(errors.OutcomeUnknownError):
            await extend(client)
        await client.aclose()
    assert emulator.requests_of(EXTEND) == ()
    assert journal.states == [(1, "open", None)]


# What is refused before anything is sent.


async def test_an_idempotency_key_needs_a_journal(emulator: Emulator, transport: Transport) -> None:
    async with journal_client(emulator, transport) as client:
        with pytest.raises(errors.ConfigurationError, match=r"needs a journal: pass AsyncClient"):
            await extend(client, idempotency_key=KEY)
    assert emulator.requests == ()


async def test_a_journal_needs_the_plans_arn(emulator: Emulator, transport: Transport) -> None:
    async with journal_client(emulator, transport, journal=MemoryJournal()) as client:
        with pytest.raises(errors.ConfigurationError, match="needs training_plan_arn"):
            await client.training_plans.extend(OFFERING)
    assert emulator.requests == ()


@pytest.mark.parametrize("way", ["own", "wrapped"])
async def test_an_arn_of_another_region_is_refused_before_anything_is_read(
    emulator: Emulator, transport: Transport, way: str
) -> None:
    elsewhere = PLAN_ARN.replace("us-east-1", "eu-west-1")
    journal = MemoryJournal()
    async with users_client(emulator.endpoint_url, transport) as theirs:
        client = (
            AsyncClient.from_client(theirs, journal=journal)
            if way == "wrapped"
            else journal_client(emulator, transport, journal=journal)
        )
        plans = client.training_plans
        for subject, call in (
            ("extend", partial(plans.extend, OFFERING, training_plan_arn=elsewhere)),
            ("settle", partial(plans.settle, elsewhere, bought=True)),
        ):
            with pytest.raises(errors.ConfigurationError) as caught:
                await call()
            assert str(caught.value) == (
                f"{subject}: training_plan_arn: {elsewhere} is in eu-west-1, and the client is for "
                "us-east-1; nothing was sent"
            )
        await client.aclose()
    assert emulator.requests == ()
    assert journal.calls == []


async def test_a_pseudo_region_belongs_to_its_region(
    emulator: Emulator, transport: Transport
) -> None:
    async with journal_client(
        emulator, transport, journal=MemoryJournal(), region_name="us-east-1-secondary"
    ) as client:
        # The emulator keeps regions apart, and knows no pseudo regions. The client let it pass.
        with pytest.raises(errors.PurchaseRefusedError, match="does not exist"):
            await extend(client)


async def test_settle_needs_a_journal(emulator: Emulator, transport: Transport) -> None:
    async with journal_client(emulator, transport) as client:
        with pytest.raises(errors.ConfigurationError, match="this client has no journal"):
            await client.training_plans.settle(PLAN_ARN, bought=True)
    assert emulator.requests == ()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (7, "idempotency_key"),
        ("", "idempotency_key"),
        ("k" * 257, "idempotency_key: got 257 characters; allowed are at most 256"),
    ],
)
async def test_a_key_is_a_text_of_1_to_256_characters(
    emulator: Emulator, transport: Transport, key: Any, words: str
) -> None:
    async with journal_client(emulator, transport, journal=MemoryJournal()) as client:
        with pytest.raises(errors.InvalidRequestError, match=words):
            await extend(client, idempotency_key=key)
        await extend(client, idempotency_key="k" * 256)
    assert [each.operation for each in emulator.requests] == [HISTORY, EXTEND]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"bought": None}, "bought: got None; allowed are True and False"),
        ({"bought": 1}, "bought: got 1; allowed are True and False"),
        ({"bought": True, "record": 0}, "record: "),
        ({"bought": True, "record": "1"}, "record: "),
    ],
)
async def test_settle_refuses_wrong_arguments(
    emulator: Emulator, transport: Transport, arguments: dict[str, Any], words: str
) -> None:
    async with journal_client(emulator, transport, journal=MemoryJournal()) as client:
        with pytest.raises(errors.InvalidRequestError, match=words):
            await client.training_plans.settle(PLAN_ARN, **arguments)
        with pytest.raises(errors.InvalidRequestError, match="training_plan_arn"):
            await client.training_plans.settle("no-arn", bought=True)
    assert emulator.requests == ()


async def test_what_is_no_journal_is_refused_when_the_client_is_made(
    emulator: Emulator, transport: Transport
) -> None:
    wrong: Any = object()
    words = r"journal: a PurchaseJournal is needed \(records, begin, end\), got <object object"
    with pytest.raises(errors.ConfigurationError, match=words):
        AsyncClient(journal=wrong)
    of_a_class: Any = MemoryJournal
    with pytest.raises(errors.ConfigurationError, match="a PurchaseJournal is needed"):
        AsyncClient(journal=of_a_class)
    async with users_client(emulator.endpoint_url, transport) as theirs:
        with pytest.raises(errors.ConfigurationError, match=words):
            AsyncClient.from_client(theirs, journal=wrong)
    assert isinstance(MemoryJournal(), PurchaseJournal)
