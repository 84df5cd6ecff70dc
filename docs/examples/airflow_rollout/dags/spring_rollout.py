"""A DAG that rolls a plan out stage by stage, then pays for more training time.

Cheap to parse: neither this file nor what it imports loads aiobotocore.
"""

import asyncio
from decimal import Decimal

from airflow.sdk import DAG, chain, task
from edge_rollout import DeployStageOperator

import sagemaker_plans as smp


# No retries: this spends money. A lost reply is already looked into by `extend` itself.
# What it then raises as OutcomeUnknownError is for a person to check; a retry would be a
# second purchase if the first one shows late in the plan's history.
@task(retries=0)
def extend_training_plan(
    offering_id: str, training_plan_arn: str, max_upfront_fee: str
) -> dict[str, str]:
    """Buy an extension, once, and not for more than the limit."""

    async def extend() -> smp.ExtensionReceipt:
        async with smp.AsyncClient() as client:
            return await client.training_plans.extend(
                offering_id,
                training_plan_arn=training_plan_arn,
                # A string in the DAG: a float would not be the price.
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
            # For the emulator. Real devices ask for work every few minutes.
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
