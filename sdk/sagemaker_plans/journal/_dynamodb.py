"""A journal in a table of DynamoDB: one item for each record, changed by conditional writes."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, cast, final

import anyio
from anyio.lowlevel import EventLoopToken, current_token

from sagemaker_plans._engine.durations import Duration, as_seconds, duration_problems
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_policy import RetryPolicy
from sagemaker_plans._setting_checks import raise_for, retry_problems, text_problems
from sagemaker_plans._transport.dynamodb.gateway import (
    DynamoDBGateway,
    OpenedGateway,
    open_gateway,
)
from sagemaker_plans._wire.operations import Operation, Safety
from sagemaker_plans.errors import (
    ConfigurationError,
    PaginationError,
    ResourceInUseError,
    ResourceNotFoundError,
    ServiceError,
    UnexpectedReplyError,
)
from sagemaker_plans.errors._late_import import LateModule
from sagemaker_plans.journal._arguments import check_first, check_next, check_plan
from sagemaker_plans.journal._items import KEYS, item_of, partition_key, record_in
from sagemaker_plans.journal._record import PurchaseRecord
from sagemaker_plans.models._validation import shown

if TYPE_CHECKING:
    from sagemaker_plans._transport.aiobotocore_client import parts as aio
else:
    aio = LateModule("sagemaker_plans._transport.aiobotocore_client.parts")

# Done twice, a conditional write changes nothing more: the second one fails its condition.
_PUT_ITEM: Final = Operation("PutItem", "put_item", Safety.COMMAND, ())
_QUERY: Final = Operation("Query", "query", Safety.READ, ())
_CREATE_TABLE: Final = Operation("CreateTable", "create_table", Safety.COMMAND, ())
_DESCRIBE_TABLE: Final = Operation("DescribeTable", "describe_table", Safety.READ, ())

_TABLE: Final = re.compile(
    r"(?:arn:[a-z0-9-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/)?[a-zA-Z0-9_.-]{3,255}", re.ASCII
)

_CONDITION_FAILED: Final = "ConditionalCheckFailedException"
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0


def _table_problems(table_name: object) -> Iterator[str]:
    if not isinstance(table_name, str) or not _TABLE.fullmatch(table_name):
        yield (
            f"table_name: got {shown(table_name)}; allowed are names of 3 to 255 letters (a-z, "
            "A-Z), digits and any of _ - . , and the ARN of a table"
        )


@final
class _Connection:
    """The client of one event loop. It opens with the first request."""

    def __init__(self, opening: partial[Any], retry: RetryPolicy) -> None:
        self._opening = opening
        self._lock = anyio.Lock()
        self._opened: OpenedGateway | None = None
        self._is_closed = False
        self.retrier = Retrier(retry)

    async def call(
        self, operation: Operation, request: Mapping[str, object]
    ) -> Mapping[str, object]:
        gateway = await self._gateway()
        return await gateway.call(operation, request)

    async def _gateway(self) -> DynamoDBGateway:
        async with self._lock:
            if self._is_closed:
                raise ConfigurationError("DynamoDBJournal: it was closed during this call")
            if self._opened is None:
                self._opened = cast("OpenedGateway", await self._opening())
            return self._opened.gateway

    async def close(self) -> None:
        with anyio.CancelScope(shield=True):
            async with self._lock:
                self._is_closed = True
                opened, self._opened = self._opened, None
                if opened is not None:
                    await opened.close()


@final
class DynamoDBJournal:
    """A journal in a table of DynamoDB, for any number of machines of one region.

    Writes are conditional, and reads are consistent. ``create_table`` makes the table. A request
    whose reply was lost is sent again: if the condition then fails, the journal looks whether its
    own write is there. The errors are those of this package.

    One journal can be used in several event loops, asyncio or trio, one after the other or at
    once. It opens connections with the first request in each loop. Close them in the same loop,
    by ``async with`` or ``aclose``. ``AsyncClient`` does not close a journal: several clients
    may use it.

    Args:
        table_name: The name or the ARN of the table.
        session: An aiobotocore ``AioSession`` that has configuration and credentials.
        region_name: The AWS region; None takes it from the environment or the profile.
        endpoint_url: An endpoint other than the region's.
        retry: How often requests to DynamoDB are sent again.
        request_timeout: How long one attempt at one request may take, in seconds or as a
            timedelta.

    Raises:
        ConfigurationError: If an argument has the wrong type or value.
    """

    def __init__(
        self,
        table_name: str,
        *,
        session: "aio.AioSession | None" = None,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008  # frozen, and the default is shown
        request_timeout: Duration = 10.0,
    ) -> None:
        timeout = as_seconds(request_timeout)
        problems = [
            *_table_problems(table_name),
            *text_problems("region_name", region_name),
            *text_problems("endpoint_url", endpoint_url),
            *retry_problems(retry),
            *duration_problems("request_timeout", timeout),
        ]
        if session is not None and not hasattr(session, "create_client"):
            problems.append(
                f"session: an AioSession of aiobotocore is needed, got {shown(session)}"
            )
        raise_for("DynamoDBJournal", problems)
        self._table = table_name
        self._retry = retry
        self._opening = partial(
            open_gateway,
            session=session,
            region_name=region_name,
            endpoint_url=endpoint_url,
            request_timeout=timeout,
        )
        self._connections: dict[EventLoopToken, _Connection] = {}

    def __repr__(self) -> str:
        return f"DynamoDBJournal({self._table!r})"

    async def records(self, plan: str, /) -> tuple[PurchaseRecord, ...]:
        """Read all records of a plan, each in its latest revision.

        Args:
            plan: The plan, as in ``PurchaseRecord.plan``.

        Returns:
            The records by their number; empty if there are none.

        Raises:
            InvalidRequestError: If it is not a text.
            SageMakerPlansError: If the table cannot be read.
            ValueError: If an item is not a record (any more).
        """
        check_plan(plan)
        return await self._query(plan, {})

    async def begin(self, record: PurchaseRecord, /) -> bool:
        """Write a new record, unless the plan has a record with this number.

        Args:
            record: The record, with revision 0.

        Returns:
            Whether the journal now has this very record (the same ``id``), also if an earlier
            call wrote it. False if the number is taken by another one.

        Raises:
            SageMakerPlansError: If it is not known whether the record was written.
            InvalidRequestError: If it is not a record with revision 0.
            ValueError: If an item is not a record.
        """
        check_first(record)
        names = {"#plan": "plan"}
        if await self._put(record, "attribute_not_exists(#plan)", names, {}):
            return True
        there = await self._find(record)
        if there is None:
            raise UnexpectedReplyError(
                f"DynamoDB says that table {self._table} has number {record.number} of plan "
                f"{record.plan!r}, and then that it does not have it",
                problems=(),
                reply=None,
                operation=_PUT_ITEM.name,
            )
        return there.id == record.id

    async def end(self, record: PurchaseRecord, /) -> bool:
        """Replace a record by its next revision.

        Args:
            record: The new revision. It is written only if the journal has the record with
                the same number and ``id`` in the revision before.

        Returns:
            Whether the journal now has this very revision, also if an earlier call wrote it.
            False if it has the record in another revision, with other values, or with
            another ``id``.

        Raises:
            SageMakerPlansError: If it is not known whether the revision was written.
            InvalidRequestError: If it is not a record with a later revision.
            ValueError: If an item is not a record.
        """
        check_next(record)
        names = {"#id": "id", "#revision": "revision"}
        values = {":id": {"S": record.id}, ":before": {"N": str(record.revision - 1)}}
        if await self._put(record, "#id = :id AND #revision = :before", names, values):
            return True
        there = await self._find(record)
        return there is not None and there.to_dict() == record.to_dict()

    async def create_table(self, *, timeout: Duration = 120.0) -> None:  # noqa: ASYNC109  # as all waits
        """Create the table, billed on demand, and wait until it can be used.

        It is fine if the table exists already.

        Args:
            timeout: How long to wait, in seconds or as a timedelta.

        Raises:
            ConfigurationError: If a table of this name exists, but has another key, or if
                ``timeout`` is not a duration.
            SageMakerPlansError: If DynamoDB refuses, or cannot be reached.
            TimeoutError: If the table cannot be used in time. You can call this again.
        """
        seconds = as_seconds(timeout)
        raise_for("create_table", [*duration_problems("timeout", seconds)])
        definition = {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [
                {"AttributeName": name, "KeyType": role} for name, (role, _) in KEYS.items()
            ],
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind} for name, (_, kind) in KEYS.items()
            ],
        }
        with anyio.move_on_after(seconds):
            # It may exist: because of somebody else, or of an attempt whose reply was lost.
            with suppress(ResourceInUseError):
                await self._send(_CREATE_TABLE, definition)
            await self._wait_until_active()
            return
        raise TimeoutError(
            f"table {self._table} cannot be used after {seconds:g} s yet; call create_table again"
        )

    async def aclose(self) -> None:
        """Close the connections of the running event loop.

        You can call this more than once. A later call of another method opens new ones.
        """
        connection = self._connections.pop(current_token(), None)
        if connection is not None:
            await connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _send(self, operation: Operation, request: Mapping[str, object]) -> dict[str, Any]:
        token = current_token()
        connection = self._connections.get(token)
        if connection is None:
            connection = self._connections[token] = _Connection(self._opening, self._retry)
        whole = {"TableName": self._table, **request}
        return cast(
            "dict[str, Any]",
            await connection.retrier.run(operation, partial(connection.call, operation, whole)),
        )

    async def _put(
        self,
        record: PurchaseRecord,
        condition: str,
        names: Mapping[str, str],
        values: Mapping[str, object],
    ) -> bool:
        """Write an item; False if its condition is not met."""
        request: dict[str, object] = {
            "Item": item_of(record),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
        }
        if values:
            request["ExpressionAttributeValues"] = values
        try:
            await self._send(_PUT_ITEM, request)
        except ServiceError as error:
            if error.code != _CONDITION_FAILED or error.operation != _PUT_ITEM.name:
                raise
            return False
        return True

    async def _find(self, record: PurchaseRecord) -> PurchaseRecord | None:
        number = {"N": str(record.number)}
        found = await self._query(record.plan, {"#number = :number": ("number", number)})
        return found[0] if found else None

    async def _query(
        self, plan: str, further: Mapping[str, tuple[str, object]]
    ) -> tuple[PurchaseRecord, ...]:
        key = partition_key(plan)
        conditions = {"#plan = :plan": ("plan", {"S": key}), **further}
        request: dict[str, object] = {
            "ConsistentRead": True,
            "KeyConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": {f"#{name}": name for name, _ in conditions.values()},
            "ExpressionAttributeValues": {f":{name}": value for name, value in conditions.values()},
        }
        found: list[PurchaseRecord] = []
        while True:
            page = await self._send(_QUERY, request)
            # DynamoDB sends it always; without it the reply was cut.
            if not isinstance(page.get("Items"), list):
                raise UnexpectedReplyError(
                    f"Query of table {self._table}: the reply lacks its items",
                    problems=("Items: missing",),
                    reply=None,
                    operation=_QUERY.name,
                )
            found += [record_in(item, plan, self._table) for item in page["Items"]]
            following = page.get("LastEvaluatedKey")
            if not following:
                return tuple(found)
            if following == request.get("ExclusiveStartKey"):
                raise PaginationError(
                    f"Query of table {self._table}: the pages do not come to an end",
                    operation=_QUERY.name,
                )
            request["ExclusiveStartKey"] = following

    async def _wait_until_active(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                reply = await self._send(_DESCRIBE_TABLE, {})
            except ResourceNotFoundError:
                pass  # just after it was created, it is not found at once
            else:
                table = reply.get("Table")  # a reply that was cut lacks it
                if table:
                    self._check_keys(table)
                if table and table["TableStatus"] in {"ACTIVE", "UPDATING"}:
                    return
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _check_keys(self, table: Mapping[str, Any]) -> None:
        kinds = {
            each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]
        }
        found = {
            each["AttributeName"]: (each["KeyType"], kinds[each["AttributeName"]])
            for each in table["KeySchema"]
        }
        if found != KEYS:
            raise ConfigurationError(
                f"table {self._table} exists, but it is not a journal's: its key is {found}, and "
                f"must be {KEYS}"
            )
