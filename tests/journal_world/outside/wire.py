"""A real client of aiobotocore in a virtual world: its HTTP session sends into the world."""

import json
import random
from collections.abc import Coroutine, Mapping
from typing import Any, Final, Self, cast

import aiohttp
from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from attrs import define

from harness import session
from journal_world.outside.journal import WorldJournal
from journal_world.outside.service import ARN, EXTEND, ServiceRefusal
from journal_world.processes import Process
from journal_world.scenes import KEY, POLICY, Scene
from journal_world.world import running
from sagemaker_plans import AsyncClient, PacePolicy
from sagemaker_plans._transport.signed_date import signed_at

ENDPOINT: Final = "http://shop.invalid"
_PURCHASE: Final = f"SageMaker.{EXTEND}"


class _Response(AioAWSResponse):
    """A reply that has come whole."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(ENDPOINT, status, cast("Any", headers), None)
        self._content = body


class WorldSession(AIOHTTPSession):
    """Sends into the world of the process that runs now."""

    scene: Scene

    async def send(self, request: Any) -> Any:
        process = running()[1]
        is_purchase = _text(request.headers["X-Amz-Target"]) == _PURCHASE
        process.sent += is_purchase
        # Until its reply has come. Its caller may give up waiting at any moment.
        process.lost |= is_purchase
        response = await self._sent(request)
        process.lost &= not is_purchase
        return response

    async def _sent(self, request: Any) -> _Response:
        world, process = running()
        scene = self.scene
        name = _text(request.headers["X-Amz-Target"]).rpartition(".")[2]
        signed = signed_at(request.headers)
        await world.place(process, f"after signing {name}")
        fate = scene.service_fate(name, process)
        if isinstance(fate, str):
            await world.pause(process)
            return _refused("ThrottlingException" if fate == "Unsent" else fate, scene)

        def handle() -> _Response:
            members = json.loads(request.body)
            try:
                body = scene.service.handle(process, name, members, signed)
            except ServiceRefusal as refusal:
                return _refused(refusal.code, scene)
            return _replied(200, body, scene)

        try:
            return await world.carry(
                process, handle, fate, lambda: aiohttp.ServerDisconnectedError("lost")
            )
        finally:
            await world.place(process, f"after {name}")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _replied(status: int, body: Mapping[str, object], scene: Scene) -> _Response:
    headers = {
        "date": scene.service.date(),
        "content-type": "application/x-amz-json-1.1",
        "x-amzn-requestid": "id-1",
    }
    return _Response(status, headers, json.dumps(body).encode())


def _refused(code: str, scene: Scene) -> _Response:
    return _replied(400, {"__type": code, "message": "no"}, scene)


@define(eq=False)
class WireScene(Scene):
    """A scene whose processes buy through the whole package and aiobotocore."""

    @classmethod
    def made(cls, seed: int | str, **settings: Any) -> Self:
        # botocore draws the delays of its own retries there.
        random.seed(seed)
        return super().made(seed, **settings)

    def buying(self, process: Process, fee: int | None) -> Coroutine[Any, Any, object]:
        return self._with_client(process, fee, bought=None, record=None)

    def settling(
        self, process: Process, *, bought: bool, record: int
    ) -> Coroutine[Any, Any, object]:
        return self._with_client(process, None, bought=bought, record=record)

    async def _with_client(
        self, process: Process, fee: int | None, *, bought: bool | None, record: int | None
    ) -> object:
        own: Any = session()

        class Here(WorldSession):
            scene = self

        async def before_signing(**_: Any) -> None:
            await self.world.place(process, f"before signing {EXTEND}")

        events: Any = own.get_component("event_emitter")
        events.register(f"before-sign.sagemaker.{EXTEND}", before_signing)
        async with (
            own.create_client(
                "sagemaker",
                region_name="us-east-1",
                endpoint_url=ENDPOINT,
                config=AioConfig(http_session_cls=cast("Any", Here)),
            ) as opened,
            AsyncClient.from_client(
                opened,
                retry=POLICY,
                pace=PacePolicy.off(),
                journal=WorldJournal(self.world, self.shelf, process, self.journal_fate),
            ) as client,
        ):
            plans = client.training_plans
            if bought is not None:
                await plans.settle(ARN, bought=bought, record=record)
                return None
            return await plans.extend(
                process.offering,
                training_plan_arn=ARN,
                idempotency_key=process.key or KEY,
                max_upfront_fee=fee,
            )
