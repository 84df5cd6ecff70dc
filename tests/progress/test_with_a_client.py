"""The display at the waits and the watch of a client, on every way to the wire."""

from io import StringIO

import pytest
from rich.console import Console

from harness import MakeClient, a_spec
from progress.stages_seen import last_picture, stage, terminal, written
from sagemaker_plans import AsyncClient, StageChange
from sagemaker_plans.emulator import Emulator
from sagemaker_plans.progress import StageProgress

pytestmark = pytest.mark.anyio


async def start_all(client: AsyncClient, emulator: Emulator) -> None:
    """Start a plan of two stages, which are done once somebody advances the clock."""
    emulator.clock.hold()
    spec = a_spec("spring-rollout")
    await client.plans.create(spec)
    for each in spec.stages:
        await client.plans.start_stage(spec.name, each.name)


async def test_it_is_what_a_wait_for_a_plan_calls(
    make_client: MakeClient, emulator: Emulator
) -> None:
    console = terminal()
    async with make_client() as client:
        await start_all(client, emulator)
        emulator.clock.advance(60)

        with StageProgress(console=console) as progress:
            await client.plans.wait_until_deployed("spring-rollout", timeout=5, on_poll=progress)

    assert last_picture(console)[0] == "spring-rollout  2 of 2 stages deployed"


async def test_it_is_what_a_wait_for_a_stage_calls(
    make_client: MakeClient, emulator: Emulator
) -> None:
    console = terminal()
    async with make_client() as client:
        await start_all(client, emulator)
        emulator.clock.advance(60)

        with StageProgress(console=console) as progress:
            await client.plans.wait_until_stage_deployed(
                "spring-rollout", "stage-0", timeout=5, on_poll=progress
            )

    assert last_picture(console)[1].split()[:2] == ["stage-0", "DEPLOYED"]


async def test_it_shows_each_change_of_a_watch_and_hands_it_on(
    make_client: MakeClient, emulator: Emulator
) -> None:
    console = Console(file=StringIO())
    changes: list[StageChange] = []
    async with make_client() as client:
        await start_all(client, emulator)

        with StageProgress(console=console) as progress:
            async for change in progress.follow(client.plans.watch("spring-rollout", timeout=5)):
                changes.append(change)
                emulator.clock.advance(60)

    assert [(each.stage.name, str(each.stage.status)) for each in changes] == [
        ("stage-0", "STARTING"),
        ("stage-1", "STARTING"),
        ("stage-0", "DEPLOYED"),
        ("stage-1", "DEPLOYED"),
    ]
    assert len(written(console).splitlines()) == len(changes)


async def test_a_change_that_cannot_be_shown_is_not_lost_silently() -> None:
    class OneChange:
        def __aiter__(self) -> "OneChange":
            return self

        async def __anext__(self) -> StageChange:
            return StageChange(stage=stage(), previous=None)

    changes = StageProgress(console=terminal()).follow(OneChange())

    with pytest.raises(RuntimeError, match="with StageProgress"):
        await anext(aiter(changes))
