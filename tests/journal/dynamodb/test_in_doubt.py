"""Writes to DynamoDB whose replies are lost, late or false: what a journal then says is true."""

from collections.abc import Iterator

import anyio
import pytest
from anyio import to_thread

from journal.dynamodb.server import DynamoDBServer, Fate
from journal.dynamodb.tables import journal_at
from journal.records import PLAN, a_record, ended
from sagemaker_plans import ConnectionFailedError, RetryPolicy, UnexpectedReplyError

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> Iterator[DynamoDBServer]:
    with DynamoDBServer().serving() as running:
        running.add_table()
        yield running


PASSING: list[Fate] = ["throttled", "throttled_table", "broken", "lost", "dropped", "late", "proxy"]


@pytest.mark.parametrize("fate", PASSING)
async def test_a_begin_goes_on_after_a_failure_that_passes(
    server: DynamoDBServer, fate: Fate
) -> None:
    server.fate("PutItem", fate)
    record = a_record()

    async with journal_at(server.endpoint_url) as journal:
        assert await journal.begin(record)
        assert await journal.records(PLAN) == (record,)

    assert server.counts()["PutItem"] == 2


@pytest.mark.parametrize("fate", PASSING)
async def test_an_end_goes_on_after_a_failure_that_passes(
    server: DynamoDBServer, fate: Fate
) -> None:
    record = a_record()

    async with journal_at(server.endpoint_url) as journal:
        await journal.begin(record)
        server.fate("PutItem", fate)

        assert await journal.end(ended(record))
        assert await journal.records(PLAN) == (ended(record),)

    assert server.counts()["PutItem"] == 3


async def test_a_begin_that_was_lost_is_found_by_its_id(server: DynamoDBServer) -> None:
    server.fate("PutItem", "lost")

    async with journal_at(server.endpoint_url) as journal:
        assert await journal.begin(a_record())

    assert [name for name, _ in server.requests] == ["PutItem", "PutItem", "Query"]
    (_, look) = server.requests[-1]
    assert look["ConsistentRead"] is True


async def test_a_begin_that_was_dropped_loses_to_a_rival(server: DynamoDBServer) -> None:
    rival = a_record()
    async with journal_at(server.endpoint_url) as journal:
        await journal.begin(rival)
        server.fate("PutItem", "dropped")

        assert not await journal.begin(a_record())
        assert await journal.records(PLAN) == (rival,)


async def test_an_end_that_was_lost_does_not_take_anothers_revision_for_its_own(
    server: DynamoDBServer,
) -> None:
    record = a_record()
    async with journal_at(server.endpoint_url) as journal:
        await journal.begin(record)
        by_person = ended(record, closed_by="person")
        await journal.end(by_person)
        server.fate("PutItem", "dropped")

        assert not await journal.end(ended(record))
        assert await journal.records(PLAN) == (by_person,)


async def test_a_late_begin_changes_nothing(server: DynamoDBServer) -> None:
    record = a_record()
    server.fate("PutItem", "late")
    async with journal_at(server.endpoint_url) as journal:
        assert await journal.begin(record)
        await journal.end(ended(record))

        assert server.land() == ["ConditionalCheckFailedException"]
        assert await journal.records(PLAN) == (ended(record),)


async def test_a_late_begin_of_a_caller_who_gave_up_fails_if_the_number_was_taken(
    server: DynamoDBServer,
) -> None:
    server.fate("PutItem", "late", "late", "late")
    async with journal_at(server.endpoint_url) as journal:
        with pytest.raises(ConnectionFailedError):
            await journal.begin(a_record())
        assert await journal.records(PLAN) == ()
        closed = a_record(state="not_bought", closed_by="caller")
        assert await journal.begin(closed)

        assert server.land() == ["ConditionalCheckFailedException"] * 3
        assert await journal.records(PLAN) == (closed,)


async def test_a_late_end_does_not_undo_a_correction(server: DynamoDBServer) -> None:
    record = a_record()
    async with journal_at(server.endpoint_url) as journal:
        await journal.begin(record)
        server.fate("PutItem", "late")
        closed = ended(record)
        assert await journal.end(closed)
        corrected = ended(closed, state="bought", closed_by="caller")
        assert await journal.end(corrected)

        assert server.land() == ["ConditionalCheckFailedException"]
        assert await journal.records(PLAN) == (corrected,)


async def test_a_page_of_a_proxy_is_no_write(server: DynamoDBServer) -> None:
    server.fate("PutItem", "proxy", "proxy", "proxy")

    async with journal_at(server.endpoint_url) as journal:
        with pytest.raises(UnexpectedReplyError, match="no request id"):
            await journal.begin(a_record())

        assert await journal.records(PLAN) == ()


async def test_half_a_reply_to_a_write_is_dynamodbs_yes(server: DynamoDBServer) -> None:
    record = a_record()
    server.fate("PutItem", "cut")

    async with journal_at(server.endpoint_url) as journal:
        assert await journal.begin(record)
        assert await journal.records(PLAN) == (record,)


async def test_a_condition_that_fails_without_a_reason_is_no_answer(
    server: DynamoDBServer,
) -> None:
    record = a_record()
    server.fate("PutItem", "refused")

    async with journal_at(server.endpoint_url) as journal:
        with pytest.raises(UnexpectedReplyError, match="and then that it does not have it"):
            await journal.begin(record)
        assert not await journal.end(ended(record))


async def test_a_silent_dynamodb_is_a_failure_in_time(server: DynamoDBServer) -> None:
    server.fate("PutItem", "silent")
    once = RetryPolicy.none()

    async with journal_at(server.endpoint_url, request_timeout=1.0, retry=once) as journal:
        with pytest.raises(ConnectionFailedError, match="PutItem: no ") as caught:
            await journal.begin(a_record())

    assert caught.value.request_sent is None


async def test_a_begin_that_is_cancelled_is_there_whole_or_not_at_all(
    server: DynamoDBServer,
) -> None:
    server.fate("PutItem", "silent")
    record = a_record()
    async with journal_at(server.endpoint_url) as journal:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(journal.begin, record)
            await to_thread.run_sync(server.is_silent.wait)
            tasks.cancel_scope.cancel()

        assert await journal.records(PLAN) == ()
        assert await journal.begin(record)
