"""Bytes of all kinds over raw sockets get a clean error or a closed connection."""

from __future__ import annotations

import json
import random
import re
import select
import socket
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.requests_made import RawReply, send, send_signed, signed_headers
from harness import examples
from sagemaker_plans.emulator import Emulator, Service
from sagemaker_plans.emulator._http.request_body import parsed_object
from sagemaker_plans.emulator._wire.refusal import Refusal


def exchange(emulator: Emulator, data: bytes, *, wait: float = 0.2) -> bytes:
    """Send bytes and read the whole response; the server may also wait for more bytes."""
    address = ("127.0.0.1", int(emulator.endpoint_url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=5) as connection:
        received = b""
        try:
            connection.sendall(data)
            # If the client stopped sending here, the server would drop open requests.
            if select.select([connection], [], [], wait)[0]:
                received = connection.recv(65_536)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65_536):
                received += piece
        except OSError:
            pass
        return received


def is_clean(reply: bytes) -> bool:
    """Tell whether the bytes are nothing or errors in AWS's shape, and no traceback."""
    if b"Traceback" in reply or b"aiohttp.http" in reply:
        return False
    heads = re.findall(rb"HTTP/1\.[01] (\d{3})", reply)
    return len(heads) == reply.count(b"x-amzn-RequestId") and all(
        400 <= int(status) < 500 for status in heads
    )


def code(reply: RawReply) -> tuple[int, str]:
    assert reply.headers["content-type"] == "application/x-amz-json-1.1"
    assert reply.headers["x-amzn-requestid"]
    assert reply.headers["x-amzn-errortype"] == reply.json["__type"]
    assert set(reply.json) == {"__type", "message"}
    return reply.status, reply.json["__type"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"\xff\xfe",
        b'{"MaxResults": NaN}',
        b'{"MaxResults": -Infinity}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"MaxResults": ' + b"9" * 10_000 + b"}",
    ],
)
def test_a_body_that_is_no_json_object_is_refused(emulator: Emulator, body: bytes) -> None:
    reply = send_signed(emulator, body)
    assert code(reply) == (400, "SerializationException")
    assert emulator.requests[0].body is None


def test_lone_surrogates_are_carried(emulator: Emulator) -> None:
    reply = send_signed(emulator, b'{"NameContains": "\\ud800"}')
    assert code(reply) == (400, "ValidationException")


def test_a_body_may_be_large_but_not_huge(emulator: Emulator) -> None:
    padding = b" " * (1024 * 1024 - 2)
    assert send_signed(emulator, b"{" + padding + b"}").status == 200
    assert code(send_signed(emulator, b"{" + padding + b" }" * 3)) == (
        413,
        "RequestEntityTooLargeException",
    )
    assert len(emulator.requests) == 1
    huge = send(emulator, b" " * (2 * 1024 * 1024), path="/_emulator/reset")
    assert (huge.status, set(huge.json)) == (413, {"error"})


@pytest.mark.parametrize("target", ["", "SageMaker", "SageMaker.", "SageMaker.A.B", "S3.List"])
def test_a_request_needs_a_target(emulator: Emulator, target: str) -> None:
    headers = {**signed_headers(emulator, b"{}"), "X-Amz-Target": target}
    assert code(send(emulator, b"{}", headers)) == (404, "UnknownOperationException")
    assert emulator.requests == ()


def test_a_request_needs_the_content_type(emulator: Emulator) -> None:
    headers = {**signed_headers(emulator, b"{}"), "Content-Type": "application/json"}
    assert code(send(emulator, b"{}", headers)) == (404, "UnknownOperationException")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("PUT", "/"), ("POST", "/x"), ("DELETE", "/"), ("HEAD", "/")]
)
def test_a_request_is_posted_to_the_root(emulator: Emulator, method: str, path: str) -> None:
    reply = send(emulator, b"{}", signed_headers(emulator, b"{}"), method=method, path=path)
    assert reply.status == 404
    assert reply.headers["x-amzn-errortype"] == "UnknownOperationException"


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nNo colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nHost: x\r\nX-Odd: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
        b"POST * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST http://x:y/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST //[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5,
        b"",
    ],
)
def test_what_is_no_proper_http_is_answered_cleanly(emulator: Emulator, data: bytes) -> None:
    assert is_clean(exchange(emulator, data))
    assert send_signed(emulator).status == 200
    assert emulator.failures == ()


def test_a_body_that_goes_wrong_in_the_middle_ends_the_connection(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sagemaker_plans.emulator._http.request_handler._UPLOAD_SECONDS", 0.1)
    address = ("127.0.0.1", int(emulator.endpoint_url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
        )
        # The head must have been read before the broken chunk comes.
        time.sleep(0.02)
        connection.sendall(b"zz\r\n")
        assert is_clean(connection.recv(65_536))
    assert send_signed(emulator).status == 200


def test_a_client_that_expects_100_continue_gets_it(emulator: Emulator) -> None:
    address = ("127.0.0.1", int(emulator.endpoint_url.rpartition(":")[2]))
    signed = "".join(
        f"{name}: {value}\r\n" for name, value in signed_headers(emulator, b"{}").items()
    )
    head = f"POST / HTTP/1.1\r\n{signed}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    host = f"Host: {emulator.endpoint_url.removeprefix('http://')}\r\n"
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(head.replace("\r\n", f"\r\n{host}", 1).encode())
        assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_random_bytes_do_no_harm(emulator: Emulator) -> None:
    chance = random.Random(7)
    answers = [
        exchange(emulator, chance.randbytes(chance.randrange(1, 2000)) + b"\r\n\r\n")
        for _ in range(100)
    ]
    assert all(map(is_clean, answers))
    assert any(answers)
    assert send_signed(emulator).status == 200
    assert emulator.failures == ()


def test_random_headers_do_no_harm(emulator: Emulator) -> None:
    chance = random.Random(8)
    whole = (
        "\r\n".join(
            [
                "POST / HTTP/1.1",
                f"Host: {emulator.endpoint_url.removeprefix('http://')}",
                "Content-Length: 2",
                *(f"{name}: {value}" for name, value in signed_headers(emulator, b"{}").items()),
            ]
        )
        + "\r\n\r\n{}"
    ).encode()
    assert exchange(emulator, whole, wait=5).startswith(b"HTTP/1.1 200 OK")
    seen: set[bytes] = set()
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        answer = exchange(emulator, bytes(data))
        assert b"Traceback" not in answer
        seen.update(re.findall(rb"HTTP/1\.[01] (\d{3})", answer))
    assert {b"400", b"403", b"404"} <= seen <= {b"200", b"400", b"403", b"404"}
    assert send_signed(emulator).status == 200
    assert emulator.failures == ()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
_SERVICE = Service()
_MEMBERS = st.sampled_from(
    [
        "EdgeDeploymentPlanName",
        "StageName",
        "Stages",
        "ModelConfigs",
        "DeviceFleetName",
        "NextToken",
        "MaxResults",
        "Tags",
        "Filters",
        "TrainingPlanArn",
        "TrainingPlanName",
        "CreationTimeAfter",
        "TrainingPlanExtensionOfferingId",
    ]
)


@settings(max_examples=examples(300))
@given(
    operation=st.sampled_from(_SERVICE.operations),
    request=st.dictionaries(_MEMBERS, _JSON, max_size=4),
)
def test_any_request_is_answered_or_refused(operation: str, request: dict[str, object]) -> None:
    try:
        reply = _SERVICE.handle(operation, request)
    except Refusal as refusal:
        assert refusal.message  # noqa: PT017  # either answer is right
    else:
        json.dumps(reply)


@settings(max_examples=examples(200))
@given(st.binary(max_size=50))
def test_any_bytes_are_an_object_or_refused(data: bytes) -> None:
    try:
        assert isinstance(parsed_object(data), dict)
    except Refusal as refusal:
        assert refusal.code == "SerializationException"  # noqa: PT017  # either answer is right
