"""Trace a rollout with OpenTelemetry: its stages, every request to AWS, retries and polls.

OpenTelemetry's own instrumentation for aiobotocore makes a span of every attempt to reach
AWS. This example adds its own spans around the steps of a rollout, with events from
`on_retry` and `on_poll`. This package needs no setting for it.

You need no AWS account: an emulator takes the place of the service. It throttles the first
start, so that there is a retry to see:

    pip install . opentelemetry-sdk opentelemetry-instrumentation-botocore
    python docs/examples/traced_rollout.py
"""

import asyncio
import os
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.instrumentation.botocore import (  # pyright: ignore[reportMissingTypeStubs]  # it has none
    AiobotocoreInstrumentor,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import sagemaker_plans as smp
from sagemaker_plans.emulator import Emulator, Fault

TRACER = trace.get_tracer("rollouts")


def on_retry(event: smp.RetryEvent) -> None:
    """Add a retry to the current span, as an event."""
    trace.get_current_span().add_event(
        "retry",
        {"operation": event.operation, "attempt": event.attempt, "reason": str(event.error)},
    )


def on_poll(stage: smp.Stage) -> None:
    """Add the result of a poll to the current span, as an event."""
    devices = stage.devices
    trace.get_current_span().add_event(
        "poll",
        {"status": stage.status.value, "succeeded": devices.succeeded, "failed": devices.failed},
    )


async def roll_out(client: smp.AsyncClient, spec: smp.EdgeDeploymentPlanSpec) -> None:
    """Create a plan and deploy its stages, with a span for each."""
    with TRACER.start_as_current_span(f"rollout {spec.name}"):
        await client.plans.create(spec)
        for stage in spec.stages:
            with TRACER.start_as_current_span(f"stage {stage.name}"):
                await client.plans.start_stage(spec.name, stage.name)
                await client.plans.wait_until_stage_deployed(
                    spec.name,
                    stage.name,
                    timeout=60,
                    schedule=smp.PollSchedule(interval=0.3),
                    on_poll=on_poll,
                )


async def main() -> None:
    """Roll a plan out in an emulator, and print the spans."""
    memory = InMemorySpanExporter()  # in production: an OTLPSpanExporter
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    trace.set_tracer_provider(provider)
    AiobotocoreInstrumentor().instrument()  # type: ignore[no-untyped-call]  # not typed

    with Emulator() as emulator:
        # Without this line the same code works on AWS.
        os.environ.update(emulator.environment())
        emulator.inject("StartEdgeDeploymentStage", Fault.throttle())

        async with smp.AsyncClient(retry=smp.RetryPolicy(on_retry=on_retry)) as client:
            spec = smp.EdgeDeploymentPlanSpec(
                name="spring-rollout",
                device_fleet_name="cameras",
                model_configs=[smp.ModelConfig("detector", "detector-v7")],
                stages=[smp.StageSpec("canary", smp.NamedDevices(["cam-001", "cam-002"]))],
            )
            await roll_out(client, spec)

    spans = sorted(memory.get_finished_spans(), key=lambda span: span.start_time or 0)
    show(spans)
    traced = [span for span in spans if span.name.startswith("SageMaker.")]
    assert len(traced) == len(emulator.requests)


def show(spans: Sequence[ReadableSpan], parent: int | None = None, indent: str = "") -> None:
    """Print spans as a tree, with the events of a span below it."""
    for span in spans:
        if span.context is None or (span.parent.span_id if span.parent else None) != parent:
            continue
        milliseconds = ((span.end_time or 0) - (span.start_time or 0)) / 1e6
        request_id = (span.attributes or {}).get("aws.request_id", "")
        print(f"{indent}{span.name}  {milliseconds:.0f} ms  {request_id}".rstrip())
        for event in span.events:
            if event.name != "exception":  # added by the instrumentation; the retry has it too
                facts = ", ".join(
                    f"{key}={value!r}" for key, value in (event.attributes or {}).items()
                )
                print(f"{indent}  * {event.name}: {facts}")
        show(spans, span.context.span_id, indent + "    ")


if __name__ == "__main__":
    asyncio.run(main())
