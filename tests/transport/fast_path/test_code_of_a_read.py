"""The guard of the fast path knows every function that a read of the client's goes through."""

import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any, Final

import pytest

from harness import MakeClient, Transport
from sagemaker_plans import AsyncClient, SageMakerPlansError
from sagemaker_plans._transport.aiobotocore_client.client_inside import ClientInside
from sagemaker_plans._transport.aiobotocore_client.passed_code import PassedCode
from transport.clients import fast_path_of, gateway_of, takes_fast_path

_BOTH_USE: Final = ("httpxsession", "credentials")
"""Modules of the HTTP session and of the credentials, which both ways use."""
_OF_HTTP: Final = ("httpsession", "_endpoint_helpers")
"""Modules that our session over aiohttp goes past, and both ways use with httpx."""
_OF_THE_REPLY: Final = (
    "AWSResponse.",
    "AioAWSResponse.",
    "HttpxAWSResponse.",
    "from_pairs",  # makes the headers of one
    "ClientError.",
)
"""What the HTTP session itself gives, and the error for the reply, which we make ourselves."""

pytestmark = pytest.mark.anyio


def codes_in(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from codes_in(inner)


def inside_of(client: AsyncClient) -> ClientInside:
    inside = fast_path_of(client)._inside
    assert inside is not None
    return inside


async def code_of_a_read(client: AsyncClient) -> dict[CodeType, str]:
    """Give all of botocore's code that runs during one read by the client itself."""
    seen: dict[CodeType, str] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        module = str(frame.f_globals.get("__name__", ""))
        if event == "call" and module.startswith(("botocore", "aiobotocore")):
            seen[frame.f_code] = module

    gateway = gateway_of(client)
    path, gateway._fast_path = gateway._fast_path, None
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        await client.plans.describe("rollout")
    except SageMakerPlansError:
        pass
    finally:
        sys.setprofile(before)
        gateway._fast_path = path
    return seen


def known_to(code: PassedCode | None) -> set[CodeType]:
    if code is None:
        return set()
    return {inner for each in code._codes.values() for inner in codes_in(each.__code__)}


async def test_all_code_of_a_read_is_known(make_client: MakeClient, transport: Transport) -> None:
    async with make_client() as client:
        assert await takes_fast_path(client)
        seen = await code_of_a_read(client)
        inside = inside_of(client)
    known = known_to(inside._code) | known_to(inside._code_of_session)
    both = _BOTH_USE if transport.http_backend == "aiohttp" else (*_BOTH_USE, *_OF_HTTP)
    passed = {
        each
        for each, module in seen.items()
        if not module.endswith(both) and not each.co_qualname.startswith(_OF_THE_REPLY)
    }
    unknown = {f"{seen[each]}.{each.co_qualname}" for each in passed - known}
    assert len(passed) > 100
    assert sorted(unknown) == []
