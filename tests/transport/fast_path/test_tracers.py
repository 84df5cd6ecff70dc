"""Known tracers and fakes, each in the way in which it takes part in a client's calls.

The tracers themselves need not be installed. OpenTelemetry, X-Ray and Datadog wrap methods with
wrapt, Sentry listens to each client that is made, moto has botocore listen in each session.
"""

from functools import wraps
from typing import Any, Final

import botocore.handlers
import pytest
import wrapt
from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.client import AioBaseClient
from aiobotocore.session import AioSession
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders

from harness import MakeClient, Transport
from sagemaker_plans import UnexpectedReplyError
from transport.clients import client_with, fast_path_of, fast_reads, gateway_of, takes_fast_path

pytestmark = pytest.mark.anyio


def traced(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """Wrap a method as OpenTelemetry, X-Ray and Datadog do."""
    calls: list[str] = []

    async def wrapper(wrapped: Any, _: object, args: tuple[Any, ...], kwargs: Any) -> Any:
        calls.append(name)
        return await wrapped(*args, **kwargs)

    original = vars(AioBaseClient)[name]
    function_wrapper: Any = wrapt.FunctionWrapper
    monkeypatch.setattr(AioBaseClient, name, function_wrapper(original, wrapper))
    return calls


@pytest.mark.usefixtures("_copies_of_now")
async def test_a_tracer_that_wraps_calls_sees_every_one(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = traced(monkeypatch, "_make_api_call")
    async with make_client() as client:
        assert await fast_reads(client, 4) == 0

    assert len(calls) == 4


async def test_a_tracer_that_wraps_calls_later_sees_every_one_from_then_on(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_client() as client:
        assert await takes_fast_path(client)
        calls = traced(monkeypatch, "_make_api_call")
        assert await fast_reads(client, 4) == 0

    assert len(calls) == 4


@pytest.mark.usefixtures("_copies_of_now")
async def test_a_tracer_that_listens_to_each_new_client_sees_every_call(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    make: Any = BaseClient.__init__

    def hear(operation_name: str, **_: object) -> None:
        calls.append(operation_name)

    @wraps(make)
    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        self.meta.events.register("request-created", hear)

    monkeypatch.setattr(BaseClient, "__init__", made)
    async with make_client() as client:
        assert await fast_reads(client, 4) == 0

    assert len(calls) == 4


@pytest.mark.usefixtures("_copies_of_now")
async def test_a_fake_that_answers_in_each_session_answers_every_call(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    class Raw:
        async def read(self) -> bytes:
            return b"{}"

    def answer(request: Any, **_: object) -> AioAWSResponse:
        calls.append(request)
        raw: Any = Raw()
        return AioAWSResponse(request.url, 200, HTTPHeaders(), raw)

    builtin: Any = botocore.handlers.BUILTIN_HANDLERS
    monkeypatch.setattr(botocore.handlers, "BUILTIN_HANDLERS", [*builtin, ("before-send", answer)])
    theirs: Any = AioSession()
    theirs.set_credentials("test", "test")
    async with client_with("http://127.0.0.1:9", transport, session=theirs) as client:
        for _ in range(4):
            with pytest.raises(UnexpectedReplyError):
                await client.plans.describe("rollout")
        assert fast_path_of(client)._models == {}

    assert len(calls) == 4


NAMES: Final = ["botocore.handlers", "botocore_of_a_user", "aiobotocore.x", "sagemaker_plans._x"]


@pytest.mark.parametrize("module", NAMES)
async def test_the_name_of_a_hooks_module_says_nothing(
    make_client: MakeClient, module: str
) -> None:
    seen: list[object] = []

    def hook(request: object, **_: object) -> None:
        seen.append(request)

    hook.__module__ = module
    async with make_client() as client:
        assert await takes_fast_path(client)
        theirs: Any = gateway_of(client)._client
        theirs.meta.events.register("before-send.sagemaker", hook)
        assert await fast_reads(client, 3) == 0

    assert len(seen) == 3
