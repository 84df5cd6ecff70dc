"""The gateway of a process in a virtual world. It signs, may keep back, and sends, as ours does."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from attrs import define

from journal_world.outside.service import EXTEND, ServiceRefusal, WorldService
from journal_world.processes import Process
from journal_world.world import Fate, World
from sagemaker_plans import errors
from sagemaker_plans._transport import signed_date
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._transport.service_errors import service_error
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply

_SIGNATURE: Final = "AWS4-HMAC-SHA256 Credential=k, SignedHeaders=host;x-amz-date, Signature=s"


@define(eq=False)
class WorldGateway(Gateway):
    """Sends one process's requests into the world."""

    world: World
    service: WorldService
    process: Process
    fate: Callable[[str, Process], Fate | str]
    """Draws what becomes of a request: a fate, or the code of a refusal."""

    async def call(
        self,
        operation: Operation,
        request: Mapping[str, object],
        /,
        *,
        send_by: datetime | None = None,
        **_: object,
    ) -> Reply:
        name, process, world = operation.name, self.process, self.world
        is_purchase = name == EXTEND
        await world.place(process, f"before signing {name}")
        signed = world.machine_time(process).replace(microsecond=0)
        headers = {"Authorization": _SIGNATURE, "X-Amz-Date": f"{signed:%Y%m%dT%H%M%SZ}"}
        if send_by is not None and (problem := signed_date.why_too_late(headers, send_by)):
            raise errors.PurchaseRefusedError(
                f"{name} was not sent: {problem}",
                operation=name,
                offering_id=process.offering,
                training_plan_arn=None,
            )
        await world.place(process, f"after signing {name}")
        fate = self.fate(name, process)
        if isinstance(fate, str):
            process.lost |= is_purchase and fate == "InternalFailure"
            await world.pause(process)
            raise self._refusal(name, fate)
        process.sent += is_purchase
        process.lost |= is_purchase and not (fate.told and fate.effect == "done")

        def handle() -> tuple[dict[str, object], str]:
            body = self.service.handle(process, name, request, signed)
            return body, self.service.date()

        try:
            body, date = await world.carry(process, handle, fate, lambda: self._lost(name))
        except ServiceRefusal as refusal:
            raise self._refusal(name, refusal.code) from None
        finally:
            await world.place(process, f"after {name}")
        return Reply(
            operation=operation,
            body=body,
            raw=json.dumps(body).encode(),
            http_status=200,
            request_id="id-1",
            date=date,
        )

    @staticmethod
    def _lost(name: str) -> errors.ConnectionFailedError:
        return errors.ConnectionFailedError("lost", request_sent=None, operation=name)

    @staticmethod
    def _refusal(name: str, code: str) -> errors.SageMakerPlansError:
        if code == "Unsent":
            return errors.ConnectionFailedError("no route", request_sent=False, operation=name)
        settings: dict[str, Any] = {"http_status": 500 if code == "InternalFailure" else 400}
        return service_error(
            name, code=code, message="no", headers={}, request_id="id-1", **settings
        )
