"""A DAG that rolls a plan out in two steps, then keeps a training plan until a date.

Between the two steps there may stand any other task, such as one that asks a person.
"""

from datetime import timedelta

from airflow.sdk import DAG, chain

from sagemaker_plans.airflow import EnsureTrainingPlanOperator, RollOutOperator

with DAG(
    "spring_rollout",
    schedule=None,
    # Two runs at the same time do not see each other's purchases.
    max_active_runs=1,
    params={"plan_name": "", "training_plan_arn": "", "until": ""},
    # A retry goes on where things stand. It runs no stage twice, and buys nothing twice.
    # The delay is for the emulator.
    default_args={"retries": 3, "retry_delay": timedelta(seconds=1), "deferrable": True},
) as dag:
    canary = RollOutOperator(
        task_id="canary",
        plan_name="{{ params.plan_name }}",
        stages=["canary"],
        # For the emulator. Real devices look for deployments every few minutes.
        poll_interval=0.5,
    )
    everyone = RollOutOperator(
        task_id="everyone",
        plan_name="{{ params.plan_name }}",
        stages=["everyone"],
        max_failed=0.05,
        poll_interval=0.5,
    )
    capacity = EnsureTrainingPlanOperator(
        task_id="capacity",
        training_plan_arn="{{ params.training_plan_arn }}",
        until="{{ params.until }}",
        # A text, because a float cannot hold the exact amount.
        budget="5000",
        poll_interval=0.5,
    )
    chain(canary, everyone, capacity)
