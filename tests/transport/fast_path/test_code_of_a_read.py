"""The guard of the fast path knows every function that a read of the client's goes through."""

import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any, Final

import pytest

from harness import MakeClient
from sagemaker_plans import AsyncClient, SageMakerPlansError
from sagemaker_plans._transport.aiobotocore_client.client_inside import ClientInside
from transport.clients import fast_path_of, gateway_of, takes_fast_path

_BOTH_USE: Final = ("httpsession", "httpxsession", "_endpoint_helpers", "credentials")
"""Modules of the HTTP session and of the credentials, which both ways use."""
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


async def test_all_code_of_a_read_is_known(make_client: MakeClient) -> None:
    async with make_client() as client:
        assert await takes_fast_path(client)
        seen = await code_of_a_read(client)
        code = inside_of(client)._code
    known = {inner for function in code._codes.values() for inner in codes_in(function.__code__)}
    passed = {
        each
        for each, module in seen.items()
        if not module.endswith(_BOTH_USE) and not each.co_qualname.startswith(_OF_THE_REPLY)
    }
    unknown = {f"{seen[each]}.{each.co_qualname}" for each in passed - known}
    assert len(passed) > 100
    assert sorted(unknown) == []
