"""The servers: the one with canned replies, our emulator, and moto's."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Final

from benchmarks.peers import PLAN, REGION, STAGE_NAMES, WIRE_PLAN
from benchmarks.processes import Process, ProcessFailedError
from benchmarks.replay import Signed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TIME_TO_START: Final = 30.0


class Server(Process):
    """A server in another process.

    Args:
        python: The interpreter.
        arguments: Its arguments.
        url: Where it will be; None if it prints that at the end of its first line.
    """

    def __init__(self, python: str, *arguments: str, url: str | None = None) -> None:
        super().__init__(python, *arguments)
        try:
            self.url = self.read_line().split()[-1] if url is None else self._reached(url)
        except BaseException:
            self.end()
            raise

    def _reached(self, url: str) -> str:
        host, _, port = url.rpartition("/")[2].partition(":")
        deadline = time.monotonic() + TIME_TO_START
        while time.monotonic() < deadline and self.is_running():
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return url
        raise ProcessFailedError(f"nothing answers at {url}: {self.last_words()}")


def canned(python: str, authority: Path | None = None) -> Server:
    """Start the server of canned replies, over TLS if there is a file for its authority."""
    return Server(python, "-m", "benchmarks.canned", *([str(authority)] if authority else []))


def emulator(python: str) -> Server:
    """Start our emulator."""
    return Server(python, "-m", "sagemaker_plans.emulator")


def moto(python: str) -> Server:
    """Start moto's server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    where = ("-H", "127.0.0.1", "-p", str(port))
    return Server(python, "-m", "moto.server", *where, url=f"http://127.0.0.1:{port}")


def reads_of_emulator(url: str) -> Sequence[Signed]:
    """Give the requests that make a plan of ten stages and, as the last, describe it."""
    return (
        Signed.of(url, "CreateEdgeDeploymentPlan", WIRE_PLAN),
        Signed.of(url, "DescribeEdgeDeploymentPlan", {"EdgeDeploymentPlanName": PLAN}),
    )


def reads_of_moto(url: str) -> Sequence[Signed]:
    """Give the requests that make an endpoint of ten variants and, as the last, describe it.

    No operation is in both: moto has none of the emulator's. This is the read of moto's
    whose reply is most like a plan of ten stages.
    """
    role = "arn:aws:iam::123456789012:role/bench"
    variants = [
        {
            "VariantName": name,
            "ModelName": PLAN,
            "InitialInstanceCount": 1,
            "InstanceType": "ml.m5.large",
            "InitialVariantWeight": 0.1,
        }
        for name in STAGE_NAMES
    ]
    image = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/bench:1"
    config = {"EndpointConfigName": PLAN}
    return (
        Signed.of(
            url,
            "CreateModel",
            {"ModelName": PLAN, "ExecutionRoleArn": role, "PrimaryContainer": {"Image": image}},
        ),
        Signed.of(url, "CreateEndpointConfig", config | {"ProductionVariants": variants}),
        Signed.of(url, "DescribeEndpointConfig", config),
    )
