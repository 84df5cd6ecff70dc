"""A DAG that rolls a plan out stage by stage, then extends a training plan.

It is cheap to parse, because neither this file nor its imports load aiobotocore.
"""

import asyncio
from decimal import Decimal

from airflow.sdk import DAG, chain, task
from edge_rollout import DeployStageOperator

import sagemaker_plans as smp


# No retries: this spends money. If a reply is lost, `extend` looks for the purchase itself.
# If it then raises OutcomeUnknownError, a person has to check: a retry would buy a second
# time if the first purchase shows late in the plan's history.
@task(retries=0)
def extend_training_plan(
    offering_id: str, training_plan_arn: str, max_upfront_fee: str
) -> dict[str, str]:
    """Buy an extension once, for no more than the limit."""

    async def extend() -> smp.ExtensionReceipt:
        async with smp.AsyncClient() as client:
            return await client.training_plans.extend(
                offering_id,
                training_plan_arn=training_plan_arn,
                # The DAG passes a string, because a float cannot hold the exact price.
                max_upfront_fee=Decimal(max_upfront_fee),
            )

    receipt = asyncio.run(extend())
    return {"outcome": receipt.outcome, "end_date": str(receipt.extension.end_date)}


with DAG(
    "spring_rollout",
    schedule=None,
    params={"plan_name": "", "training_plan_arn": "", "offering_id": ""},
) as dag:
    stages = [
        DeployStageOperator(
            task_id=stage,
            plan_name="{{ params.plan_name }}",
            stage_name=stage,
            # For the emulator. Real devices look for deployments every few minutes.
            poll_interval=0.5,
        )
        for stage in ("canary", "everyone")
    ]
    payment = extend_training_plan(
        offering_id="{{ params.offering_id }}",
        training_plan_arn="{{ params.training_plan_arn }}",
        max_upfront_fee="1500",
    )
    chain(*stages, payment)
