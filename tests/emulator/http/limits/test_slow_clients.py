"""Clients that send without end, or do not read, take no more than a budget together."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from emulator.requests_made import create, send_signed, signed_headers, stage
from sagemaker_plans.emulator import Emulator
from sagemaker_plans.emulator._http import application
from sagemaker_plans.emulator._http.limits import limits
from sagemaker_plans.emulator._http.limits.memory_budget import MemoryBudget, Share

BUDGET = 200_000


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """One with a small budget. The system holds little of what it sends."""
    make = socket.create_server

    def small(*address: Any, **options: Any) -> socket.socket:
        listener = make(*address, **options)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return listener

    monkeypatch.setattr(socket, "create_server", small)
    monkeypatch.setattr(limits, "_MOST_OF_REQUESTS", BUDGET)
    monkeypatch.setattr(limits, "_MOST_OF_ANSWERS", BUDGET)
    with Emulator() as emulator:
        emulator.clock.hold()
        yield emulator


def budgets(emulator: Emulator) -> tuple[MemoryBudget, MemoryBudget]:
    shared = emulator._application.handler.limits
    return shared.requests, shared.answers


def connected(emulator: Emulator) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(30)
    client.connect(("127.0.0.1", int(emulator.endpoint_url.rpartition(":")[2])))
    return client


def rest_of(client: socket.socket) -> bytes:
    received = b""
    try:
        while piece := client.recv(65_536):
            received += piece
    except ConnectionError:
        pass
    return received


def head(emulator: Emulator, length: int) -> bytes:
    lines = [
        "POST / HTTP/1.1",
        f"Host: {emulator.endpoint_url.removeprefix('http://')}",
        f"Content-Length: {length}",
        *(f"{name}: {value}" for name, value in signed_headers(emulator, b"{}").items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_the_oldest_of_too_many_uploads_is_refused(emulator: Emulator) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(emulator)) for _ in range(8)]
        for client in clients:
            # They never end. Whoever signs is known only at the end.
            client.sendall(head(emulator, 1_000_000) + b" " * 80_000)
            if client is clients[0]:
                until(lambda: budgets(emulator)[0].held >= 80_000)
        first = rest_of(clients[0])
        assert first.startswith(b"HTTP/1.1 503 ")
        assert b"ServiceUnavailable" in first
        assert send_signed(emulator).status == 200
        assert emulator.turned_away["ServiceUnavailable"] >= 1
    assert emulator.failures == ()


def test_heads_count_too(emulator: Emulator) -> None:
    lines = b"".join(b"X-%d: " % number + b"y" * 5000 + b"\r\n" for number in range(8))
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(emulator)) for _ in range(8)]
        for client in clients:
            client.sendall(b"POST / HTTP/1.1\r\n" + lines)
            if client is clients[0]:
                until(lambda: budgets(emulator)[0].held > len(lines))
        assert rest_of(clients[0]) == b""
        assert send_signed(emulator).status == 200
        assert budgets(emulator)[0].held <= BUDGET


def test_a_head_that_takes_most_ends_with_its_connection(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    cut = list[str]()
    for number in range(10):
        Share(budgets(emulator)[0], partial(cut.append, f"small {number}")).take(BUDGET // 11)
    with connected(emulator) as client:
        lines = b"".join(b"X-%d: " % number + b"y" * 5000 + b"\r\n" for number in range(8))
        client.sendall(b"POST / HTTP/1.1\r\n" + lines)
        assert rest_of(client) == b""
    assert (cut, caplog.messages, emulator.failures) == ([], [], ())


def test_a_head_that_is_too_long_is_cut(emulator: Emulator) -> None:
    with connected(emulator) as client:
        lines = b"".join(b"X-%d: " % number + b"y" * 7000 + b"\r\n" for number in range(12))
        with contextlib.suppress(ConnectionError):
            client.sendall(b"POST / HTTP/1.1\r\n" + lines)
        assert rest_of(client) == b""
    assert send_signed(emulator).status == 200
    assert budgets(emulator)[0].held == 0


@pytest.mark.parametrize("question", ["state", "seed"])
def test_a_client_that_does_not_read_is_cut(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    monkeypatch.setattr(application, "STANDSTILL_SECONDS", 0.3)
    emulator.add_fleet("large", devices=50_000)
    with connected(emulator) as client:
        client.sendall(f"GET /_emulator/{question} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answers = budgets(emulator)[1]
        until(lambda: answers.held > 0)
        until(lambda: answers.held == 0)
        assert 0 < len(rest_of(client)) < 100_000
    assert emulator.failures == ()


def test_a_client_that_does_not_read_a_long_reply_is_cut(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "STANDSTILL_SECONDS", 0.3)
    request = long_plan(emulator)
    with connected(emulator) as client:
        client.sendall(request)
        answers = budgets(emulator)[1]
        until(lambda: answers.held > 0)
        until(lambda: answers.held == 0)
        assert 0 < len(rest_of(client)) < 100_000


def test_of_two_that_do_not_read_the_older_is_cut(emulator: Emulator) -> None:
    request = long_plan(emulator)
    with connected(emulator) as first, connected(emulator) as second:
        first.sendall(request)
        answers = budgets(emulator)[1]
        until(lambda: answers.held > 0)
        second.sendall(request)
        until(lambda: len(emulator.requests) == 2)
        # One that reads gets all of it.
        whole = second.recv(65_536)
        while not whole.endswith(b"}"):
            whole += second.recv(65_536)
        assert len(json.loads(whole.partition(b"\r\n\r\n")[2])["Stages"]) == 10
        assert 0 < len(rest_of(first)) < 100_000


def long_plan(emulator: Emulator) -> bytes:
    """Create a plan whose description has more than the budget, and return the request for it."""
    names = [f"device-{number:06}-{'x' * 40}" for number in range(400)]
    emulator.add_fleet("large", devices=names)
    selection = {"DeviceSubsetType": "SELECTION", "DeviceNames": names}
    stages = [stage(f"s-{number}", selection) for number in range(10)]
    create(emulator.service, "p", *stages, DeviceFleetName="large")
    body = b'{"EdgeDeploymentPlanName": "p"}'
    headers = signed_headers(emulator, body, operation="DescribeEdgeDeploymentPlan")
    lines = [
        "POST / HTTP/1.1",
        f"Host: {emulator.endpoint_url.removeprefix('http://')}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
