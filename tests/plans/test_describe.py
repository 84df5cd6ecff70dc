"""Describing plans and their stages over the wire."""

import pytest

from harness import MakeClient, a_spec


@pytest.mark.anyio
async def test_describe_gives_what_create_was_asked_for(make_client: MakeClient) -> None:
    async with make_client() as client:
        arn = await client.plans.create(a_spec())
        plan = await client.plans.describe("rollout")

    assert plan.arn == arn
    assert [stage.name for stage in plan.stages] == ["stage-0", "stage-1"]
