"""A server on loopback that does what a journal needs of DynamoDB, and fails as it is told.

Whether it answers as moto does is tested in `tests/journal/against_moto`.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Literal

from attrs import define, field

Fate = Literal[
    "throttled",  # by the account's limit
    "throttled_table",  # by the table's
    "broken",  # status 500, not carried out
    "lost",  # carried out, and the connection closed in place of a reply
    "dropped",  # not carried out, and the connection closed
    "late",  # the connection closed; carried out when `land` is called
    "silent",  # never answered, not carried out
    "proxy",  # a page of somebody else, with status 200
    "cut",  # carried out, with half a reply
    "denied",  # with a message that repeats a secret
    "refused",  # the condition fails, whatever is there
    "stuck",  # a page that says that it follows itself
]

SECRET = "FwoGZXIvYXdzEJr"


class ServiceFailureError(Exception):
    """An error reply."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.code, self.message, self.status = code, message, status


@define
class Table:
    """A table: its definition, its items, and how often it is not ready yet."""

    definition: dict[str, Any]
    items: dict[tuple[str, int], dict[str, Any]] = field(factory=dict[Any, Any])
    before: dict[tuple[str, int], dict[str, Any]] = field(factory=dict[Any, Any])
    """The items before the last write: what a read that is not consistent sees."""
    not_found: int = 0
    creating: int = 0


class DynamoDBServer:
    """Serves on loopback. `fate` tells what becomes of the next requests of an operation."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.page_size = 1000
        self.not_found_first = 0
        self.creating_first = 0
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.endpoint_url = ""
        self.is_silent = Event()
        self._fates: dict[str, list[Fate]] = {}
        self._late: list[tuple[str, dict[str, Any]]] = []
        self._lock = Lock()
        self._stopped = Event()

    def fate(self, operation: str, *fates: Fate) -> None:
        """Tell what becomes of the next requests of an operation, in their order."""
        self._fates.setdefault(operation, []).extend(fates)

    def counts(self) -> Counter[str]:
        """Count the requests of each operation."""
        return Counter(operation for operation, _ in self.requests)

    def land(self) -> list[str]:
        """Carry out what came late; give the code of the error of each, or an empty text."""
        late, self._late = self._late, []
        return [self._answer(*each)[1].get("__type", "").rpartition("#")[2] for each in late]

    def add_table(self, name: str = "journal") -> Table:
        """Make a table for a journal."""
        keys = {"plan": ("HASH", "S"), "number": ("RANGE", "N")}
        table = self.tables[name] = Table(
            {
                "KeySchema": [{"AttributeName": a, "KeyType": k} for a, (k, _) in keys.items()],
                "AttributeDefinitions": [
                    {"AttributeName": a, "AttributeType": t} for a, (_, t) in keys.items()
                ],
            }
        )
        return table

    def reply(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        """Answer a request as its fate has it; None for no reply."""
        with self._lock:
            self.requests.append((operation, request))
            fates = self._fates.get(operation)
            fate = fates.pop(0) if fates else None
        if fate in _ERRORS:
            return _ERRORS[fate]
        if fate == "silent":
            self.is_silent.set()
            self._stopped.wait()
        if fate == "late":
            self._late.append((operation, request))
        carried_out = self._answer(operation, request) if fate in {None, "lost", "cut"} else None
        if fate == "stuck":
            start = request.get("ExclusiveStartKey", {"plan": {"S": "x"}})
            return 200, {"Items": [], "Count": 0, "LastEvaluatedKey": start}
        if fate in {"proxy", "cut"}:
            return 200, {str(fate): True}
        return None if fate == "lost" else carried_out

    def _answer(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            with self._lock:
                return 200, getattr(self, f"_{operation}")(request)
        except ServiceFailureError as error:
            return error.status, _error(error.code, error.message)

    def _table(self, request: dict[str, Any]) -> Table:
        try:
            return self.tables[request["TableName"]]
        except KeyError:
            raise ServiceFailureError(
                "ResourceNotFoundException", "Requested resource not found"
            ) from None

    def _CreateTable(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # AWS's name
        name = request["TableName"]
        if name in self.tables:
            raise ServiceFailureError("ResourceInUseException", f"Table already exists: {name}")
        table = self.tables[name] = Table(
            {key: value for key, value in request.items() if key != "TableName"},
            not_found=self.not_found_first,
            creating=self.creating_first,
        )
        return {"TableDescription": {**table.definition, "TableStatus": "CREATING"}}

    def _DescribeTable(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # AWS's name
        table = self._table(request)
        if table.not_found:
            table.not_found -= 1
            raise ServiceFailureError("ResourceNotFoundException", "Requested resource not found")
        status = "CREATING" if table.creating else "ACTIVE"
        table.creating -= bool(table.creating)
        return {"Table": {**table.definition, "TableStatus": status}}

    def _PutItem(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # AWS's name
        table = self._table(request)
        item = request["Item"]
        key = (item["plan"]["S"], int(item["number"]["N"]))
        found = table.items.get(key)
        if not all(_holds(each, found) for each in _conditions(request, "ConditionExpression")):
            raise ServiceFailureError(
                "ConditionalCheckFailedException", "The conditional request failed"
            )
        table.before = dict(table.items)
        table.items[key] = item
        return {}

    def _Query(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # AWS's name
        table = self._table(request)
        items = table.items if request.get("ConsistentRead") else table.before
        conditions = [*_conditions(request, "KeyConditionExpression")]
        start = request.get("ExclusiveStartKey")
        after = int(start["number"]["N"]) if start else 0
        found = [
            item
            for (_, number), item in sorted(items.items())
            if number > after and all(_holds(each, item) for each in conditions)
        ]
        page = found[: self.page_size]
        reply: dict[str, Any] = {"Items": page, "Count": len(page), "ScannedCount": len(page)}
        if len(page) < len(found):
            reply["LastEvaluatedKey"] = {name: page[-1][name] for name in ("plan", "number")}
        return reply

    @contextmanager
    def serving(self) -> Generator[DynamoDBServer]:
        """Serve while the context lasts."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.endpoint_url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            self._stopped.set()
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(server: DynamoDBServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            told = server.reply(operation, json.loads(body))
            if told is None:
                self.close_connection = True
                return
            status, reply = told
            raw = json.dumps(reply).encode()
            if "cut" in reply:
                raw = b'{"Items": ['
            if "proxy" in reply:
                raw = b"<html>Please log in</html>"
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            if "proxy" not in reply:
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("x-amzn-RequestId", "4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q")
                self.send_header("x-amz-crc32", str(zlib.crc32(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
            pass

    return Handler


def _error(code: str, message: str) -> dict[str, Any]:
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}


_ERRORS: dict[Fate | None, tuple[int, dict[str, Any]]] = {
    "throttled": (400, _error("ThrottlingException", "Rate exceeded")),
    "throttled_table": (
        400,
        _error("ProvisionedThroughputExceededException", "The request rate is too high"),
    ),
    "broken": (500, _error("InternalServerError", "The request processing has failed.")),
    "denied": (
        400,
        _error("AccessDeniedException", f"not authorized (x-amz-security-token: {SECRET})"),
    ),
    "refused": (
        400,
        _error("ConditionalCheckFailedException", "The conditional request failed"),
    ),
}


def _conditions(request: dict[str, Any], member: str) -> Iterator[tuple[str, Any]]:
    """Read a condition: for each attribute the value that it must have, None for absent."""
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    for part in filter(None, request.get(member, "").split(" AND ")):
        if found := re.fullmatch(r"attribute_not_exists\((#\w+)\)", part):
            yield names[found[1]], None
        elif found := re.fullmatch(r"(#\w+) = (:\w+)", part):
            yield names[found[1]], values[found[2]]
        else:
            raise ServiceFailureError("ValidationException", f"Invalid expression: {part}")


def _holds(condition: tuple[str, Any], item: dict[str, Any] | None) -> bool:
    name, value = condition
    there = (item or {}).get(name)
    return bool(there == value)
