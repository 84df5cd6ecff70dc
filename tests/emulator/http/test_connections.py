"""Connections that half-close, that never send a whole head, and too many of them."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import pytest

from emulator.requests_made import send, send_signed, signed_headers
from sagemaker_plans.emulator import Emulator, Fault
from sagemaker_plans.emulator._http.connection import Connection
from sagemaker_plans.emulator._http.limits.limits import Limits
from sagemaker_plans.emulator._http.server_thread import LoopErrors

DESCRIBE = "ListEdgeDeploymentPlans"


def raw_request(emulator: Emulator) -> bytes:
    lines = [
        "POST / HTTP/1.1",
        f"Host: {emulator.endpoint_url.removeprefix('http://')}",
        "Content-Length: 2",
        *(f"{name}: {value}" for name, value in signed_headers(emulator, b"{}").items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n{}").encode()


@contextmanager
def connected(emulator: Emulator) -> Generator[socket.socket]:
    address = ("127.0.0.1", int(emulator.endpoint_url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=5) as connection:
        yield connection


def rest_of(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


@pytest.mark.parametrize("requests", [1, 3])
def test_a_client_that_half_closes_gets_its_replies(emulator: Emulator, requests: int) -> None:
    with connected(emulator) as connection:
        connection.sendall(raw_request(emulator) * requests)
        connection.shutdown(socket.SHUT_WR)
        assert rest_of(connection).count(b"HTTP/1.1 200 OK") == requests
    assert len(emulator.requests) == requests


def test_half_of_a_request_gets_no_reply(emulator: Emulator) -> None:
    with connected(emulator) as connection:
        connection.sendall(raw_request(emulator)[:-1])
        connection.shutdown(socket.SHUT_WR)
        assert rest_of(connection) == b""
    assert emulator.requests == ()


def test_a_client_that_half_closes_after_its_reply_is_let_go(emulator: Emulator) -> None:
    with connected(emulator) as connection:
        connection.sendall(raw_request(emulator))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        connection.shutdown(socket.SHUT_WR)
        assert rest_of(connection) == b""


@pytest.mark.parametrize("fault", [Fault.hang(), Fault.latency(3600)], ids=["hang", "latency"])
def test_a_reply_that_is_held_back_ends_with_its_client(emulator: Emulator, fault: Fault) -> None:
    emulator.inject("*", fault)
    with connected(emulator) as connection:
        connection.sendall(raw_request(emulator))
        connection.shutdown(socket.SHUT_WR)
        assert rest_of(connection) == b""


def test_a_held_reply_ends_with_a_client_that_is_gone_before(emulator: Emulator) -> None:
    emulator.inject("*", Fault.hang())
    whole = raw_request(emulator)
    with connected(emulator) as connection:
        connection.sendall(whole * 2)
        connection.shutdown(socket.SHUT_WR)
        assert rest_of(connection) == b""
    assert send_signed(emulator).status == 200


def test_a_head_that_never_ends_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagemaker_plans.emulator._http.server_thread._IDLE_SECONDS", 0.2)
    with Emulator() as emulator, connected(emulator) as slow, connected(emulator) as silent:
        slow.settimeout(0.02)
        slow.sendall(b"POST / HTTP/1.1\r\n")
        assert lines_until_the_cut(slow) < 100
        assert silent.recv(1) == b""
        assert send_signed(emulator).status == 200


def lines_until_the_cut(connection: socket.socket) -> int:
    """Send one header after the other, and count them."""
    for number in range(100):
        try:
            connection.sendall(f"X-{number}: y\r\n".encode())
            if connection.recv(1) == b"":
                return number
        except TimeoutError:
            continue
        except ConnectionError:
            return number
    return 100


def test_running_out_of_descriptors_is_said_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop: Any = mock.Mock()
    loop.time.side_effect = [0.0, 0.0, 1.0, 59.9, 60.0, 60.0]
    report = LoopErrors()
    context = {"exception": OSError(24, "Too many open files"), "message": "accept"}
    for _ in range(4):
        report(loop, context)
    assert len(caplog.messages) == 2
    assert "Too many open files" in caplog.messages[0]
    other = {"message": "something else", "exception": OSError(9, "Bad file descriptor")}
    report(loop, other)
    loop.default_exception_handler.assert_called_once_with(other)


def test_it_serves_on_after_it_ran_out_of_descriptors() -> None:
    resource = pytest.importorskip("resource")
    code = (
        "import resource, sys; from sagemaker_plans.emulator.__main__ import main\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60)); sys.exit(main([]))"
    )
    assert resource.RLIMIT_NOFILE
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        emulator = Emulator(port=port)
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(connected(emulator))
            # Nobody accepts the last of them, whatever time passes.
            late = stack.enter_context(connected(emulator))
            late.sendall(raw_request(emulator))
            late.settimeout(0.5)
            with pytest.raises(TimeoutError):
                late.recv(1)
        assert send(emulator, b"", method="GET", path="/_emulator/health").status == 200
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert errors.count("Too many open files") == 1
    assert len(errors) < 1000


def test_a_bug_outside_of_the_chain_is_told(caplog: pytest.LogCaptureFixture) -> None:
    connection = mock.Mock(spec=Connection)
    error = RuntimeError("a bug")
    with caplog.at_level(logging.ERROR):
        response: Any = Connection.handle_error(connection, mock.Mock(), 500, error)
    assert b'"InternalFailure"' in response.body
    assert "outside of a request" in caplog.text


def test_a_connection_that_is_lost_already_cannot_end_twice() -> None:
    async def made() -> Connection:
        connection = Connection(mock.Mock(), limits=Limits(), loop=asyncio.get_running_loop())
        connection._half_closed = True
        connection.end_with_client()
        return connection

    assert asyncio.run(made()).transport is None


def test_a_half_closed_connection_that_nobody_would_end_is_closed() -> None:
    async def made() -> Connection:
        connection = Connection(mock.Mock(), limits=Limits(), loop=asyncio.get_running_loop())
        connection.transport = mock.Mock()
        connection._half_closed = True
        connection.end_with_client()
        return connection

    closing: Any = asyncio.run(made()).transport
    closing.close.assert_called_once_with()
