"""How fast a server is: one signed request, sent again and again."""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import aiohttp
from attrs import frozen
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.peers import REGION, Load
from benchmarks.processes import cpu_seconds

_OK: Final = 200


@frozen
class Signed:
    """A request, signed once: signing is no part of what is measured."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, url: str, operation: str, members: Mapping[str, object]) -> "Signed":
        """Sign a request as `test`, whom every emulator of AWS knows."""
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"SageMaker.{operation}",
        }
        body = json.dumps(members).encode()
        request = AWSRequest("POST", url + "/", headers=headers, data=body)
        signer: Any = SigV4Auth(Credentials("test", "test"), "sagemaker", REGION)
        signer.add_auth(request)
        return cls(url + "/", dict(request.prepare().headers.items()), body)

    async def send(self, session: aiohttp.ClientSession) -> Any:
        """Send it; returns the JSON of the reply, which must be a success."""
        async with session.post(self.url, data=self.body, headers=self.headers) as reply:
            content = await reply.read()
            if reply.status != _OK:
                raise RuntimeError(f"{self.url}: {reply.status} {content[:500]!r}")
            return json.loads(content)


async def setup(requests: Iterable[Signed]) -> None:
    """Send some requests, one after the other."""
    async with aiohttp.ClientSession() as session:
        for request in requests:
            await request.send(session)


async def replay(request: Signed, pid: int, calls: int, concurrency: int) -> Load:
    """Send a request many times; the CPU seconds are those of the server's process."""
    turns = iter(range(calls))
    async with aiohttp.ClientSession() as session:

        async def work() -> None:
            for _ in turns:
                await request.send(session)

        await request.send(session)
        wall, cpu = time.perf_counter(), cpu_seconds(pid)
        await asyncio.gather(*(work() for _ in range(concurrency)))
        return Load(calls, time.perf_counter() - wall, cpu_seconds(pid) - cpu)
