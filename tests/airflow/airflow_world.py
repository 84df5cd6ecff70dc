"""What Airflow does with a task, in this process: contexts, a store, deferrals."""

import asyncio
import json
from importlib import import_module
from types import SimpleNamespace
from typing import Any, cast

from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.sdk import BaseOperator, Context
from airflow.triggers.base import BaseTrigger
from attrs import define, field

from sagemaker_plans import EdgeDeploymentPlanSpec, ModelConfig, NamedDevices, StageSpec

SPEC = EdgeDeploymentPlanSpec(
    name="spring-rollout",
    device_fleet_name="cameras",
    model_configs=[ModelConfig("detector", "detector-v7")],
    stages=[
        StageSpec("canary", NamedDevices(["cam-001"])),
        StageSpec("everyone", NamedDevices(["cam-002", "cam-003"])),
    ],
)


@define
class Store:
    """The task state store of one task. `is_fenced`: this try does not count any more."""

    values: dict[str, str] = field(factory=dict)
    is_fenced: bool = False
    fence_after_set: bool = False

    def get(self, key: str, default: Any = None) -> Any:
        # Airflow says the same of a key that is not there and of a try that does not count.
        found = None if self.is_fenced else self.values.get(key)
        return default if found is None else json.loads(found)

    def set(self, key: str, value: Any, *, retention: object = None) -> None:
        assert retention is not None
        if self.is_fenced:
            raise RuntimeError("404: task instance not found")
        self.values[key] = json.dumps(value)
        self.is_fenced = self.fence_after_set


def context(
    store: Store | None = None, *, map_index: int = -1, max_active_runs: int = 1
) -> Context:
    found: dict[str, object] = {
        "dag": SimpleNamespace(max_active_runs=max_active_runs),
        "task_state_store": store or Store(),
        "ti": SimpleNamespace(map_index=map_index),
    }
    return cast("Context", found)


def again(trigger: BaseTrigger) -> BaseTrigger:
    """Make a trigger again from its serialized form, as the triggerer does."""
    path, kwargs = trigger.serialize()
    module, name = path.rsplit(".", 1)
    if module.startswith("sagemaker_plans"):
        kwargs = json.loads(json.dumps(kwargs))
    made = getattr(import_module(module), name)(**kwargs)
    assert isinstance(made, BaseTrigger)
    return made


async def first_event(trigger: BaseTrigger) -> Any:
    async for event in trigger.run():
        payload = event.payload
        return json.loads(json.dumps(payload)) if isinstance(payload, dict) else payload
    raise AssertionError("the trigger fired no event")


def run(operator: BaseOperator, context: Context) -> tuple[Any, list[BaseTrigger]]:
    """Run a task to its end. Give its result, and the triggers that it waited for."""
    triggers: list[BaseTrigger] = []
    try:
        return operator.execute(context), triggers
    except TaskDeferred as deferred:
        leaving: TaskDeferred | None = deferred
    while leaving is not None:
        trigger, leaving_now = again(leaving.trigger), leaving
        triggers.append(trigger)
        event = asyncio.run(first_event(trigger))
        kwargs = json.loads(json.dumps(leaving_now.kwargs or {}))
        try:
            result = getattr(operator, leaving_now.method_name)(context, event=event, **kwargs)
        except TaskDeferred as deferred:
            leaving = deferred
        else:
            return result, triggers
    raise AssertionError("unreachable")
