"""The emulator's state behind a gateway, on the loop's own clock: no sockets, no threads."""

from collections import Counter
from collections.abc import Mapping

import anyio
import anyio.lowlevel

from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._transport.service_errors import service_error
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.emulator import Clock, Refusal, Seed, Service, Timings


class VirtualService(Gateway):
    """Answers as the emulator does, and counts what each plan is asked."""

    def __init__(self, timings: Timings) -> None:
        # A time at which seconds and halves of them are exact floats.
        clock = Clock(source=anyio.current_time, start=1_700_000_000.0)
        self.state = Service(clock=clock, timings=timings, seed=Seed())
        self.state.add_fleet("cameras")
        self.calls: Counter[str] = Counter()

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        self.calls[str(request["EdgeDeploymentPlanName"])] += 1
        await anyio.lowlevel.checkpoint()
        try:
            body = self.state.handle(operation.name, request)
        except Refusal as refusal:
            raise service_error(
                operation.name,
                code=refusal.code,
                message=refusal.message,
                http_status=refusal.status,
                headers={},
                request_id=None,
            ) from None
        return Reply(operation=operation, body=body, http_status=200)
