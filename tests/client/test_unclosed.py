"""Who forgets to close a client is told so, in words of this package."""

import gc
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from harness import TRANSPORTS, Transport, client_for, session
from sagemaker_plans import AsyncClient

ENDPOINT = "http://127.0.0.1:8080"
# These warn of no connections of their own, so the only warning is ours.
QUIET = [each for each in TRANSPORTS if each.http_backend == "httpx"]
TOLD = (
    f"<AsyncClient region_name='us-east-1', endpoint_url='{ENDPOINT}', open> was not closed; use "
    "it as 'async with AsyncClient(...) as client:', or call 'await client.aclose()' when you are "
    "done"
)


async def opened_and_forgotten(transport: Transport) -> None:
    await client_for(ENDPOINT, transport).__aenter__()


def warned_of(caught: list[warnings.WarningMessage]) -> list[str]:
    return [str(each.message) for each in caught]


@pytest.mark.parametrize("transport", QUIET, ids=str)
def test_a_client_that_was_not_closed_is_named(
    transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        anyio.run(opened_and_forgotten, transport, backend=transport.loop)
        gc.collect()

    assert TOLD in warned_of(caught)
    # Python hides warnings of this kind, so a line of the log says it too.
    assert (logging.WARNING, TOLD) in [(each.levelno, each.message) for each in caplog.records]


def test_a_group_keeps_its_client_open() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")

        async def only_the_group() -> None:
            client = client_for(ENDPOINT, QUIET[0])
            await client.__aenter__()
            plans = client.plans
            gateway = client._gateway
            del client
            gc.collect()
            assert warned_of(caught) == []
            assert plans is not None
            await gateway.close()

        anyio.run(only_the_group)


async def closed() -> None:
    async with client_for(ENDPOINT, QUIET[0]):
        pass


async def never_opened() -> None:
    client_for(ENDPOINT, QUIET[0])


async def wrapped() -> None:
    untyped: Any = session()
    async with untyped.create_client("sagemaker", region_name="eu-west-1") as theirs:
        AsyncClient.from_client(theirs)


@pytest.mark.parametrize("fine", [closed, never_opened, wrapped], ids=lambda each: each.__name__)
def test_nobody_is_told_of_what_needs_no_closing(
    fine: Callable[[], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        anyio.run(fine)
        gc.collect()

    assert [each for each in warned_of(caught) if "AsyncClient" in each] == []
    assert "not closed" not in caplog.text


FORGETFUL = """
import sys, {loop}
from sagemaker_plans import AsyncClient

kept = []

async def main():
    client = AsyncClient(region_name="us-east-1", endpoint_url="{endpoint}")
    await client.__aenter__()
    if {is_kept}:
        kept.append(client)

{loop}.run(main{call})
print("the end", file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("loop", "is_kept", "flags"),
    [("asyncio", False, []), ("trio", True, []), ("trio", False, ["-X", "dev"])],
)
def test_a_plain_script_is_told(loop: str, is_kept: bool, flags: list[str]) -> None:
    call = "()" if loop == "asyncio" else ""
    script = FORGETFUL.format(loop=loop, is_kept=is_kept, endpoint=ENDPOINT, call=call)
    keys = {"AWS_ACCESS_KEY_ID": "123456789012", "AWS_SECRET_ACCESS_KEY": "secret"}
    ran = subprocess.run(
        [sys.executable, *flags, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **keys},
    )

    lines = ran.stderr.splitlines()
    # As soon as nobody can close it any more, which may be the end of the program.
    told, end = lines.index(TOLD), lines.index("the end")
    assert (told > end) is is_kept
    # Python hides warnings of this kind, unless it is asked for them.
    assert any(f"ResourceWarning: {TOLD}" in line for line in lines) is bool(flags)


FORKED = """
import asyncio, os, sys
from sagemaker_plans import AsyncClient

async def main():
    async with AsyncClient(region_name="us-east-1", endpoint_url="{endpoint}"):
        child = os.fork()
        if child == 0:
            sys.exit()
        os.waitpid(child, 0)

asyncio.run(main())
"""


def test_a_forked_process_is_not_told_of_its_parents_client() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "123456789012", "AWS_SECRET_ACCESS_KEY": "secret"}
    ran = subprocess.run(
        [sys.executable, "-c", FORKED.format(endpoint=ENDPOINT)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **keys},
    )
    assert "was not closed" not in ran.stderr
