"""Both ways of a read, held together: what a reply means."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any, Final

import pytest

from harness import Transport
from transport.fast_path.both_ways import (
    NAME,
    PLAN,
    READS,
    SECRET,
    Response,
    Script,
    Setting,
    both_ways,
    learned,
    opened,
)


@pytest.fixture
def keys_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


ODD: Final[list[Any]] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    [],
    {},
    [1],
    {"a": 1},
    1e400,
    "2026-01-01",
]
BODIES: Final = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"1",
    b'"x"',
    b"{",
    b"\xff",
    b'{"__type": "ThrottlingException", "message": "slow"}',
    b'{"__type": "x#ResourceNotFound", "Message": "no"}',
    b'{"__type": "", "message": 1}',
    b'{"__type": null}',
    b'{"message": "m"}',
    b"<html>no</html>",
    b'{"ResponseMetadata": {"HTTPStatusCode": 500}}',
    b'{"Error": {"Code": "x"}}',
    json.dumps(PLAN).encode(),
    *(
        json.dumps({**PLAN, member: odd}).encode()
        for member in (*PLAN, "CreationTime")
        for odd in ODD
    ),
    *(json.dumps({**PLAN, "Stages": [odd]}).encode() for odd in ODD),
    *(json.dumps({k: v for k, v in PLAN.items() if k != member}).encode() for member in PLAN),
]
STATUSES: Final = [200, 201, 204, 299, 300, 302, 400, 403, 404, 408, 429, 500, 503]
HEADERS: Final[list[dict[str, str]]] = [
    {},
    {"x-amzn-requestid": "id-1"},
    {"x-amzn-errortype": "ValidationException:http://x"},
    {"x-amzn-query-error": "Throttling;Sender"},
    {"retry-after": "2", "location": "http://elsewhere/"},
]


by_model = pytest.mark.parametrize("whole_model", [False, True], ids=["slim", "whole"])
"""With the package's own model of the service, and with botocore's (``session=``)."""


async def hold_verdicts_together(
    replies: Iterator[Response], transport: Transport, *, whole_model: bool
) -> int:
    script, count = Script(), 0
    setting = Setting(endpoint_url="http://127.0.0.1:9", whole_model=whole_model)
    operation = READS[0]
    async with opened(setting, transport, script) as client:
        await learned(client, script, operation)
        for reply in replies:
            script.reply = reply
            verdicts, requests = await both_ways(client, script, operation, {NAME: "p"})
            assert verdicts[0] == verdicts[1], reply
            assert len(requests) == 2
            count += 1
    return count


@pytest.mark.anyio
@pytest.mark.usefixtures("keys_of_the_environment")
@by_model
async def test_a_reply_has_one_verdict(transport: Transport, *, whole_model: bool) -> None:
    cells = list(product(BODIES, STATUSES, HEADERS))
    # Each body as a success, and a part of all others.
    chosen = [*product(BODIES, [200], HEADERS[:1]), *cells[::37]]
    replies = (Response(status, headers, raw) for raw, status, headers in chosen)
    assert await hold_verdicts_together(replies, transport, whole_model=whole_model) > 150


@pytest.mark.exhaustive
@pytest.mark.anyio
@pytest.mark.usefixtures("keys_of_the_environment")
@by_model
async def test_every_reply_has_one_verdict(transport: Transport, *, whole_model: bool) -> None:
    cells = product(BODIES, STATUSES, HEADERS)
    replies = (Response(status, headers, raw) for raw, status, headers in cells)
    assert await hold_verdicts_together(replies, transport, whole_model=whole_model) > 7_000


def test_the_table_is_as_big_as_it_should_be() -> None:
    assert len(BODIES) * len(STATUSES) * len(HEADERS) > 7_000
