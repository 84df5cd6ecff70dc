"""Two thousand requests of all kinds; then memory and liveness are looked at."""

from __future__ import annotations

import gc
import json
import random
import re
import socket
import tracemalloc
from collections import Counter
from typing import Any

from emulator.requests_made import plan_request, send_signed, signed_headers, stage
from harness import examples
from sagemaker_plans.emulator import Emulator
from sagemaker_plans.emulator._http.recorder import size_of

SEED = 20_260_418


class Fuzzer:
    """Makes requests, each from the same chance in every run."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.chance = random.Random(SEED)
        self.operations = [*emulator.service.operations, "Nothing"]

    def value(self, depth: int = 0) -> Any:
        kinds: list[Any] = [None, True, -1, 10**30, 1.5, "x", "cameras", "é\ud800", [], {}]
        if depth < 3 and self.chance.random() < 0.4:
            inner: list[Any] = [self.value(depth + 1) for _ in range(self.chance.randrange(4))]
            return (
                inner if self.chance.random() < 0.5 else {f"k{i}": v for i, v in enumerate(inner)}
            )
        return self.chance.choice(kinds)

    def body(self) -> bytes:
        members = ["EdgeDeploymentPlanName", "StageName", "Stages", "NextToken", "MaxResults", "X"]
        match self.chance.randrange(6):
            case 0:
                name = f"plan-{self.chance.randrange(20)}"
                return json.dumps(plan_request(name, stage("s"))).encode()
            case 1:
                opening = self.chance.choice([b"[", b'{"a":', b'{"Stages":[{"'])
                return opening * self.chance.randrange(1, 5000)
            case 2:
                return b'{"X": "' + b"y" * self.chance.randrange(300_000) + b'"}'
            case 3:
                return self.chance.randbytes(self.chance.randrange(200))
            case _:
                chosen = self.chance.sample(members, self.chance.randrange(4))
                return json.dumps({name: self.value() for name in chosen}).encode()

    def request(self) -> bytes:
        body = self.body()
        operation = self.chance.choice(self.operations)
        headers: dict[str, str] = {
            "Host": self.emulator.endpoint_url.removeprefix("http://"),
            **signed_headers(self.emulator, body, operation=operation),
            "Content-Length": str(len(body)),
        }
        path, method = "/", "POST"
        match self.chance.randrange(14):
            case 0:
                headers["Host"] = self.chance.choice(["evil.example", "[", "10.0.0.1", ""])
            case 1:
                headers["Origin"] = "http://evil.example"
            case 2:
                del headers[self.chance.choice([*headers])]
            case 3:
                headers["Content-Length"] = self.chance.choice(["9999999", "-1", "x", "5"])
            case 4:
                path = self.chance.choice(["/x", "/_emulator/state", "/_emulator/", "//[", "*"])
                method = self.chance.choice(["GET", "POST", "OPTIONS", "HEAD", "BREW"])
            case 5:
                path = f"/_emulator/{self.chance.choice(['clock', 'faults', 'health'])}"
            case 6:
                headers["Authorization"] = headers["Authorization"][: self.chance.randrange(200)]
            case 7:
                headers["X-Long"] = "z" * self.chance.randrange(20_000)
            case _:
                pass
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        whole = f"{method} {path} HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode() + body
        if self.chance.random() < 0.1:
            return whole[: self.chance.randrange(len(whole))]
        return whole

    def send(self) -> str:
        """Send one request, half-close, and return the status of the reply, or nothing."""
        address = ("127.0.0.1", int(self.emulator.endpoint_url.rpartition(":")[2]))
        received = b""
        with socket.create_connection(address, timeout=10) as connection:
            try:
                connection.sendall(self.request())
                connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65_536):
                    received += piece
            except OSError:
                # The server may cut a connection with a reset.
                return "reset"
        assert b"Traceback" not in received
        status = re.match(rb"HTTP/1\.[01] (\d{3})", received)
        return status[1].decode() if status else ""


def test_two_thousand_requests_leave_it_alive_and_small(emulator: Emulator) -> None:
    fuzzer = Fuzzer(emulator)
    # Caches fill first.
    for _ in range(50):
        fuzzer.send()
    emulator.reset()
    tracemalloc.start()
    try:
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        statuses = Counter(fuzzer.send() for _ in range(examples(2000)))
        kept = sum(map(size_of, emulator.requests))
        emulator.reset()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert {"200", "400", "403", "404", ""} <= set(statuses)
    assert set(statuses) <= {"200", "204", "400", "403", "404", "405", "413", "", "reset"}
    assert kept <= 64 * 1024 * 1024
    assert after - before < 2_000_000
    assert emulator.failures == ()
    assert send_signed(emulator, operation="ListTrainingPlans").status == 200
