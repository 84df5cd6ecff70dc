"""The journal with moto's DynamoDB, and our own server's answers compared with moto's."""

import json
import os
import urllib.error
import urllib.request
from typing import Any

import pytest

from journal.dynamodb.server import DynamoDBServer
from journal.dynamodb.tables import journal_at
from journal.records import PLAN, a_record, ended
from sagemaker_plans import ConfigurationError, ResourceNotFoundError
from sagemaker_plans.journal import check_journal
from sagemaker_plans.journal._items import item_of


@pytest.fixture
def table() -> str:
    return f"journal-{os.urandom(4).hex()}"


@pytest.mark.anyio
async def test_it_keeps_the_promises_of_a_journal(moto: str, table: str) -> None:
    async with journal_at(moto, table) as journal:
        await journal.create_table()

    await check_journal(lambda: journal_at(moto, table))


@pytest.mark.anyio
async def test_a_table_is_made_once(moto: str, table: str) -> None:
    async with journal_at(moto, table) as journal:
        with pytest.raises(ResourceNotFoundError):
            await journal.records(PLAN)
        await journal.create_table()
        record = a_record()
        await journal.begin(record)
        await journal.create_table()

        assert await journal.records(PLAN) == (record,)


@pytest.mark.anyio
async def test_a_table_with_another_key_is_an_error(moto: str, table: str) -> None:
    keys = {
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }
    assert send(moto, "CreateTable", keys)[0] == 200

    async with journal_at(moto, table) as journal:
        with pytest.raises(ConfigurationError, match="it is not a journal's"):
            await journal.create_table()


@pytest.mark.anyio
async def test_records_that_fill_several_pages_are_read(moto: str, table: str) -> None:
    # A page of DynamoDB has at most a megabyte, an item 400 kilobytes.
    large = "k" * 150_000
    records = tuple(a_record(number, idempotency_key=large) for number in range(1, 12))
    async with journal_at(moto, table) as journal:
        await journal.create_table()
        for record in records:
            await journal.begin(record)

        assert await journal.records(PLAN) == records


def send(endpoint_url: str, operation: str, request: dict[str, Any]) -> tuple[int, Any]:
    """Send a request as it is; gives the status and the reply."""
    scope = "test/20270301/us-east-1/dynamodb/aws4_request"
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
    }
    body = json.dumps(request).encode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(endpoint_url, body, headers),
            timeout=30,
        ) as reply:
            assert reply.headers["x-amzn-RequestId"]
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["__type"].rpartition("#")[2]


def what_matters(answer: tuple[int, Any]) -> object:
    """Leave out what a journal does not look at."""
    status, reply = answer
    if isinstance(reply, str):
        return status, reply
    table: dict[str, Any] = reply.get("Table", {})
    names = ("KeySchema", "AttributeDefinitions", "TableStatus")
    return (
        status,
        {name: reply[name] for name in ("Items", "Count", "LastEvaluatedKey") if name in reply},
        {name: table[name] for name in names if table},
    )


def test_our_own_server_answers_as_moto_does(moto: str, table: str) -> None:
    keys = [("plan", "HASH", "S"), ("number", "RANGE", "N")]
    create = {
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": name, "KeyType": role} for name, role, _ in keys],
        "AttributeDefinitions": [{"AttributeName": a, "AttributeType": t} for a, _, t in keys],
    }
    record = a_record()

    def put(written: dict[str, Any], condition: str, **values: str) -> dict[str, Any]:
        request: dict[str, Any] = {"Item": written, "ConditionExpression": condition}
        used = ("plan", "id", "revision")
        names = {f"#{name}": name for name in used if f"#{name}" in condition}
        if values:
            kinds = {"id": "S", "before": "N"}
            request["ExpressionAttributeValues"] = {
                f":{name}": {kinds[name]: value} for name, value in values.items()
            }
        return {**request, "ExpressionAttributeNames": names}

    def query(plan: str, number: int | None = None) -> dict[str, Any]:
        names, values = {"#plan": "plan"}, {":plan": {"S": plan}}
        condition = "#plan = :plan"
        if number is not None:
            condition += " AND #number = :number"
            names["#number"], values[":number"] = "number", {"N": str(number)}
        return {
            "ConsistentRead": True,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }

    absent, same = "attribute_not_exists(#plan)", "#id = :id AND #revision = :before"
    closed = item_of(ended(record))
    requests: list[tuple[str, dict[str, Any]]] = [
        ("DescribeTable", {}),
        ("Query", query(PLAN)),
        ("PutItem", put(item_of(record), absent)),
        ("CreateTable", create),
        ("CreateTable", create),
        ("DescribeTable", {}),
        ("Query", query(PLAN)),
        ("PutItem", put(closed, same, id=record.id, before="0")),
        ("PutItem", put(item_of(record), absent)),
        ("PutItem", put(item_of(record), absent)),
        ("PutItem", put(item_of(a_record()), absent)),
        ("PutItem", put(closed, same, id="another", before="0")),
        ("PutItem", put(closed, same, id=record.id, before="1")),
        ("PutItem", put(closed, same, id=record.id, before="0")),
        ("PutItem", put(closed, same, id=record.id, before="0")),
        *(("PutItem", put(item_of(a_record(number)), absent)) for number in (10, 2, 9)),
        ("PutItem", put(item_of(a_record(plan="another")), absent)),
        ("Query", query(PLAN)),
        ("Query", query(PLAN, 1)),
        ("Query", query(PLAN, 5)),
        ("Query", query("another")),
        ("Query", query("nobody's")),
        (
            "Query",
            {**query(PLAN), "ExclusiveStartKey": {"plan": {"S": PLAN}, "number": {"N": "2"}}},
        ),
    ]
    with DynamoDBServer().serving() as ours:
        for operation, request in requests:
            whole = {"TableName": table, **request}

            theirs = what_matters(send(moto, operation, whole))

            assert what_matters(send(ours.endpoint_url, operation, whole)) == theirs, whole
