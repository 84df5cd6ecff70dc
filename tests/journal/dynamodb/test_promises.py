"""Records in a table of DynamoDB: the table, the items, the client's life."""

import json
import re
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from harness import dead_endpoint, session
from journal.dynamodb.server import SECRET, DynamoDBServer
from journal.dynamodb.tables import journal_at
from journal.records import PLAN, a_record
from sagemaker_plans import (
    AccessDeniedError,
    AsyncClient,
    ConfigurationError,
    ConnectionFailedError,
    PaginationError,
    ResourceNotFoundError,
    RetryPolicy,
    ThrottledError,
    UnexpectedReplyError,
)
from sagemaker_plans.journal import DynamoDBJournal, PurchaseJournal, check_journal
from sagemaker_plans.journal import _dynamodb as dynamodb
from sagemaker_plans.models._validation import shown

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> Iterator[DynamoDBServer]:
    with DynamoDBServer().serving() as running:
        running.add_table()
        yield running


async def test_it_keeps_the_promises_of_a_journal(server: DynamoDBServer) -> None:
    server.page_size = 5

    await check_journal(lambda: journal_at(server.endpoint_url))


async def test_it_is_a_journal() -> None:
    journal = DynamoDBJournal("purchases")

    assert isinstance(journal, PurchaseJournal)
    assert repr(journal) == "DynamoDBJournal('purchases')"


async def test_an_item_is_what_the_docs_say(server: DynamoDBServer) -> None:
    record = a_record(7)
    async with journal_at(server.endpoint_url) as journal:
        await journal.begin(record)

    (item,) = server.tables["journal"].items.values()
    assert json.loads(item.pop("record")["S"]) == record.to_dict()
    assert item == {
        "plan": {"S": PLAN},
        "number": {"N": "7"},
        "id": {"S": record.id},
        "revision": {"N": "0"},
        "state": {"S": "open"},
    }


async def test_all_pages_are_read_consistently(server: DynamoDBServer) -> None:
    server.page_size = 3
    records = tuple(a_record(number) for number in range(1, 9))
    async with journal_at(server.endpoint_url) as journal:
        for record in records:
            await journal.begin(record)

        assert await journal.records(PLAN) == records

    assert server.counts()["Query"] == 3
    assert all(request["ConsistentRead"] for name, request in server.requests if name == "Query")


async def test_pages_that_do_not_end_are_an_error(server: DynamoDBServer) -> None:
    server.fate("Query", "stuck", "stuck", "stuck")

    async with journal_at(server.endpoint_url) as journal:
        with pytest.raises(PaginationError, match="Query of table journal"):
            await journal.records(PLAN)


CHANGES: list[dict[str, Any]] = [
    {"record": {"S": "{}"}},
    {"record": {"S": "rubbish"}},
    {"record": {"N": "1"}},
    {"id": {"S": "another"}},
    {"revision": {"N": "4"}},
    {"state": {"S": "not_bought"}},
    {"record": {"S": json.dumps(a_record(plan="other").to_dict())}},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
async def test_an_item_that_was_changed_is_never_a_missing_record(
    server: DynamoDBServer, change: dict[str, Any]
) -> None:
    record = a_record(id="mine")
    async with journal_at(server.endpoint_url) as journal:
        await journal.begin(record)
        (item,) = server.tables["journal"].items.values()
        item.update(change)

        for call in (journal.records(PLAN), journal.begin(record)):
            with pytest.raises(ValueError, match=r"table journal, plan 'arn:.*number {'N': '1'}"):
                await call


async def test_wrong_arguments_are_all_told() -> None:
    wrong: Any = {
        "session": 5,
        "region_name": 5,
        "endpoint_url": "localhost:9",
        "retry": 3,
        "request_timeout": 0,
    }

    with pytest.raises(ConfigurationError) as caught:
        DynamoDBJournal(" ", **wrong)

    for name in ("table_name", *wrong):
        assert f"{name}: " in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"region_name": 5}, "region_name: got 5; allowed are a string that is not empty, and "),
        ({"region_name": ""}, "region_name: got ''; allowed are a string that is not empty, and "),
        ({"endpoint_url": b"http://x"}, "endpoint_url: got b'http://x'; allowed are a string "),
        ({"endpoint_url": "localhost:9"}, "endpoint_url: got 'localhost:9'; allowed are URLs, "),
        ({"retry": None}, "retry: a RetryPolicy is needed, got None"),
        ({"request_timeout": 0}, "request_timeout: got 0; allowed are seconds (more than 0, "),
    ],
)
async def test_settings_are_judged_as_those_of_a_client(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"DynamoDBJournal: {words}")) as told:
        DynamoDBJournal("purchases", **settings)
    with pytest.raises(ConfigurationError) as client:
        AsyncClient(**settings)

    assert str(told.value) == str(client.value).replace("AsyncClient", "DynamoDBJournal")


def test_an_endpoint_with_a_password_is_refused_without_it() -> None:
    with pytest.raises(ConfigurationError, match="endpoint_url: allowed are URLs without") as told:
        DynamoDBJournal("purchases", endpoint_url=f"http://me:{SECRET}@host")

    assert SECRET not in str(told.value)


_TABLE_ARN = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/"


@pytest.mark.parametrize("name", ["abc", "A-Z_0.9", "t" * 255, f"{_TABLE_ARN}purchases"])
def test_a_table_has_a_name_or_an_arn(name: str) -> None:
    assert repr(DynamoDBJournal(name)) == f"DynamoDBJournal({name!r})"


@pytest.mark.parametrize(
    "name",
    [
        None,
        5,
        b"purchases",
        "",
        "a b",
        "ab",
        "t" * 256,
        "purchases\n",
        "k\u00e4ufe",
        _TABLE_ARN,
        f"{_TABLE_ARN}a b",
        f"{_TABLE_ARN}purchases/index/number",
        PLAN,
    ],
    ids=repr,
)
def test_what_names_no_table_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError) as told:
        DynamoDBJournal(name)

    words = "allowed are names of 3 to 255 letters (a-z, A-Z), digits and any of _ - . , and the "
    assert str(told.value) == (
        f"DynamoDBJournal: table_name: got {shown(name)}; {words}ARN of a table"
    )


# the table


@pytest.fixture
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodb, "_FIRST_PAUSE", 0.001)


@pytest.mark.usefixtures("_quick_looks")
async def test_a_table_is_made_and_waited_for(server: DynamoDBServer) -> None:
    server.not_found_first = server.creating_first = 2
    async with journal_at(server.endpoint_url, "new") as journal:
        await journal.create_table()
        assert server.counts() == {"CreateTable": 1, "DescribeTable": 5}
        assert server.tables["new"].definition["BillingMode"] == "PAY_PER_REQUEST"

        await journal.create_table()
        assert await journal.begin(a_record())


@pytest.mark.usefixtures("_quick_looks")
async def test_a_table_whose_replies_were_lost_is_made(server: DynamoDBServer) -> None:
    server.fate("CreateTable", "lost")
    server.fate("DescribeTable", "lost", "cut")
    async with journal_at(server.endpoint_url, "new") as journal:
        await journal.create_table()

    assert server.counts() == {"CreateTable": 2, "DescribeTable": 3}


async def test_a_table_with_another_key_is_an_error(server: DynamoDBServer) -> None:
    server.tables["journal"].definition["KeySchema"][1]["KeyType"] = "HASH"

    async with journal_at(server.endpoint_url) as journal:
        with pytest.raises(ConfigurationError, match="journal exists, but it is not a journal's"):
            await journal.create_table()


@pytest.mark.usefixtures("_quick_looks")
async def test_a_table_that_does_not_get_ready_is_a_timeout(server: DynamoDBServer) -> None:
    server.creating_first = 10**9

    async with journal_at(server.endpoint_url, "new") as journal:
        with pytest.raises(TimeoutError, match=r"table new cannot be used after 0\.3 s yet"):
            await journal.create_table(timeout=0.3)


async def test_a_timeout_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="create_table: timeout: got -1"):
        await DynamoDBJournal("purchases").create_table(timeout=-1)


async def test_a_table_that_is_not_there_is_an_error(server: DynamoDBServer) -> None:
    async with journal_at(server.endpoint_url, "elsewhere") as journal:
        with pytest.raises(ResourceNotFoundError, match="Query"):
            await journal.records(PLAN)


# what goes wrong before DynamoDB hears of it


async def test_an_endpoint_where_nobody_listens_is_told() -> None:
    endpoint = dead_endpoint()
    async with journal_at(endpoint) as journal:
        with pytest.raises(ConnectionFailedError) as caught:
            await journal.begin(a_record())

    words = str(caught.value)
    assert words.startswith(f"PutItem: could not connect to {endpoint} (")
    assert words.endswith("); check the region, the endpoint and the network")
    assert caught.value.request_sent is False


async def test_without_a_region_nothing_is_sent() -> None:
    async with DynamoDBJournal("purchases", session=session()) as journal:
        with pytest.raises(ConfigurationError, match="no region is set"):
            await journal.records(PLAN)


async def test_without_credentials_nothing_is_sent(server: DynamoDBServer) -> None:
    async with journal_at(server.endpoint_url, session=None) as journal:
        with pytest.raises(ConfigurationError, match="no AWS credentials were found"):
            await journal.records(PLAN)

    assert server.requests == []


@pytest.mark.parametrize("kind", [ConnectionFailedError, ConfigurationError])
async def test_credentials_that_cannot_be_had_are_told_without_secrets(
    server: DynamoDBServer, kind: type[Exception]
) -> None:
    from botocore.exceptions import EndpointConnectionError

    words = f"http://user:{SECRET}@vault"
    raised = (
        EndpointConnectionError(endpoint_url=words)
        if kind is ConnectionFailedError
        else RuntimeError(words)
    )

    async def fail() -> None:
        raise raised

    theirs: Any = session()
    theirs.get_credentials = fail
    async with journal_at(server.endpoint_url, session=theirs) as journal:
        with pytest.raises(kind, match="could not open a client for DynamoDB") as caught:
            await journal.records(PLAN)

    assert SECRET not in f"{caught.value} {caught.value.__cause__!r}"
    assert server.requests == []


async def test_an_exception_of_a_hook_is_told_without_secrets(server: DynamoDBServer) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError(f"x-amz-security-token: {SECRET}")

    theirs = session()
    theirs.register("before-call.dynamodb.PutItem", fail)
    async with journal_at(server.endpoint_url, session=theirs) as journal:
        with pytest.raises(ConnectionFailedError, match="PutItem: RuntimeError") as caught:
            await journal.begin(a_record())

    assert SECRET not in f"{caught.value} {caught.value.__cause__!r}"


async def test_a_stub_that_says_nothing_of_a_request_is_no_dynamodb(
    server: DynamoDBServer,
) -> None:
    class Nothing:
        status_code = 200

    def stub(**_: object) -> tuple[Nothing, dict[str, Any]]:
        return Nothing(), {}

    theirs = session()
    theirs.register("before-call.dynamodb.PutItem", stub)
    async with journal_at(server.endpoint_url, session=theirs) as journal:
        with pytest.raises(UnexpectedReplyError, match="the reply has no request id"):
            await journal.begin(a_record())

    assert server.requests == []


async def test_a_request_that_botocore_refuses_is_an_error(server: DynamoDBServer) -> None:
    async with journal_at(server.endpoint_url) as journal:
        with pytest.raises(ConfigurationError, match="Query: "):
            await journal._query(PLAN, {"#number = :number": ("number", 5)})


async def test_a_denial_has_no_secrets(server: DynamoDBServer) -> None:
    server.fate("PutItem", "denied")

    async with journal_at(server.endpoint_url) as journal:
        with pytest.raises(AccessDeniedError, match="PutItem answered Access") as caught:
            await journal.begin(a_record())

    assert SECRET not in f"{caught.value} {caught.value.__cause__!r}"


async def test_throttles_that_go_on_are_raised(server: DynamoDBServer) -> None:
    server.fate("PutItem", "throttled", "throttled_table", "throttled")

    async with journal_at(server.endpoint_url) as journal:
        with pytest.raises(ThrottledError):
            await journal.begin(a_record())

        assert await journal.records(PLAN) == ()


async def test_nothing_is_sent_again_if_the_policy_says_so(server: DynamoDBServer) -> None:
    server.fate("Query", "broken")

    async with journal_at(server.endpoint_url, retry=RetryPolicy.none()) as journal:
        with pytest.raises(Exception, match="InternalServerError"):
            await journal.records(PLAN)

    assert server.counts() == {"Query": 1}


async def test_half_a_reply_is_no_empty_journal(server: DynamoDBServer) -> None:
    server.fate("Query", "cut")

    async with journal_at(server.endpoint_url, retry=RetryPolicy.none()) as journal:
        with pytest.raises(UnexpectedReplyError, match="the reply lacks its items"):
            await journal.records(PLAN)


# the client's life


def test_a_journal_serves_one_event_loop_after_the_other(
    server: DynamoDBServer, anyio_backend: str
) -> None:
    journal = journal_at(server.endpoint_url)
    record = a_record()

    async def begin() -> bool:
        async with journal:
            return await journal.begin(record)

    assert [anyio.run(begin, backend=anyio_backend) for _ in range(3)] == [True] * 3


async def test_a_journal_can_be_closed_at_any_time(server: DynamoDBServer) -> None:
    journal = journal_at(server.endpoint_url)
    await journal.aclose()
    await journal.begin(a_record())
    await journal.aclose()
    await journal.aclose()

    assert len(await journal.records(PLAN)) == 1
    await journal.aclose()


async def test_calls_at_once_open_one_client(server: DynamoDBServer) -> None:
    opened: list[int] = []
    async with journal_at(server.endpoint_url) as journal:
        opening = journal._opening

        async def counted() -> object:
            opened.append(1)
            return await opening()

        journal._opening = counted  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]  # replaced for this test
        async with anyio.create_task_group() as tasks:
            for number in range(1, 6):
                tasks.start_soon(journal.begin, a_record(number))

    assert opened == [1]
    assert len(server.tables["journal"].items) == 5


async def test_a_call_that_is_closed_while_it_goes_on_opens_nothing_more(
    server: DynamoDBServer,
) -> None:
    theirs = session()
    journal = journal_at(server.endpoint_url, session=theirs)

    async def close_and_fail(**_: object) -> None:
        await journal.aclose()
        raise RuntimeError("somebody closed the journal meanwhile")

    theirs.register("before-call.dynamodb.Query", close_and_fail)
    with pytest.raises(ConfigurationError, match="it was closed during this call"):
        await journal.records(PLAN)

    assert server.requests == []
