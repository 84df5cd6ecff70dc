"""A server that costs next to nothing: canned replies over raw sockets.

`python -m benchmarks.canned` prints its address and serves until it is terminated. With the
name of a file it speaks TLS, and writes the certificate of its authority there. It reads no
more of a request than where it ends and which operation it is for, so that what is
measured against it is the client.
"""

import asyncio
import contextlib
import json
import signal
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

STAGES: Final = 10
PLAN_NAME: Final = "spring-rollout"
PLAN_ARN: Final = f"arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/{PLAN_NAME}"

_BACKLOG: Final = 4096
_LENGTH: Final = b"\r\ncontent-length:"
_TARGET: Final = b"\r\nx-amz-target:"


def _stage(number: int) -> Mapping[str, object]:
    return {
        "StageName": f"stage-{number}",
        "DeviceSelectionConfig": {"DeviceSubsetType": "PERCENTAGE", "Percentage": 10},
        "DeploymentConfig": {"FailureHandlingPolicy": "ROLLBACK_ON_FAILURE"},
        "DeploymentStatus": {
            "StageStatus": "INPROGRESS",
            "EdgeDeploymentSuccessInStage": 20 + number,
            "EdgeDeploymentPendingInStage": 30,
            "EdgeDeploymentFailedInStage": 1,
            "EdgeDeploymentStatusMessage": "Devices are picking the deployment up",
            "EdgeDeploymentStageStartTime": 1700000000.123 + number,
        },
    }


BODIES: Final[Mapping[str, Mapping[str, object]]] = {
    "DescribeEdgeDeploymentPlan": {
        "EdgeDeploymentPlanArn": PLAN_ARN,
        "EdgeDeploymentPlanName": PLAN_NAME,
        "ModelConfigs": [{"ModelHandle": "detector", "EdgePackagingJobName": "detector-v7"}],
        "DeviceFleetName": "cameras",
        "EdgeDeploymentSuccess": 245,
        "EdgeDeploymentPending": 300,
        "EdgeDeploymentFailed": 10,
        "Stages": [_stage(number) for number in range(STAGES)],
        "CreationTime": 1700000000.1,
        "LastModifiedTime": 1700000100.25,
    },
    "CreateEdgeDeploymentPlan": {"EdgeDeploymentPlanArn": PLAN_ARN},
}


def _reply(status: str, body: Mapping[str, object]) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status}\r\n"
        "Content-Type: application/x-amz-json-1.1\r\n"
        "x-amzn-RequestId: 7f9c24e8-3b12-4fef-91e0-56a2d5a1b2c3\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


_REPLIES: Final = {
    f"sagemaker.{operation}".lower().encode(): _reply("200 OK", body)
    for operation, body in BODIES.items()
}
_UNKNOWN: Final = _reply("400 Bad Request", {"__type": "UnknownOperationException"})


def _header(head: bytes, name: bytes) -> bytes:
    return head.partition(name)[2].partition(b"\r\n")[0].strip()


class Canned(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._read = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._read += data
        while (end := self._read.find(b"\r\n\r\n") + 4) >= 4:
            head = self._read[:end].lower()
            if b"\r\nexpect: 100-continue" in head:
                # Nobody here asks before sending; if somebody does, it shall be seen.
                self._transport.abort()
                return
            whole = end + int(_header(head, _LENGTH) or 0)
            if len(self._read) < whole:
                return
            self._read = self._read[whole:]
            self._transport.write(_REPLIES.get(_header(head, _TARGET), _UNKNOWN))


async def listen(authority: Path | None = None) -> tuple[asyncio.Server, str]:
    """Serve on the loopback interface; gives the server and its address.

    Args:
        authority: Where the certificate of the authority is written; None for plain HTTP.
    """
    loop: Any = asyncio.get_running_loop()
    server: asyncio.Server = await loop.create_server(
        Canned, "127.0.0.1", 0, backlog=_BACKLOG, ssl=authority and _tls(authority)
    )
    host, port = server.sockets[0].getsockname()[:2]
    return server, f"{'https' if authority else 'http'}://{host}:{port}"


def _tls(authority: Path) -> ssl.SSLContext:
    import trustme  # only here: it takes longer to import than the server takes to start

    ca = trustme.CA()
    ca.cert_pem.write_to_path(authority)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate: Any = ca.issue_cert("127.0.0.1")
    certificate.configure_cert(context)
    return context


async def _serve(authority: Path | None) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    server, url = await listen(authority)
    print(url, flush=True)  # noqa: T201  # a command
    await stopped.wait()
    server.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Path(sys.argv[1]) if sys.argv[1:] else None))
