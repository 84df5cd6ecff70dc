"""The DAGs that are killed: they buy, keep a training plan until a date, roll out, and wait."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, BaseOperator, Context
from airflow.triggers.base import StartTriggerArgs

from sagemaker_plans.airflow import (
    EnsureTrainingPlanOperator,
    ExtendTrainingPlanOperator,
    RollOutOperator,
)
from sagemaker_plans.journal import FileJournal


def note_processes(context: Context) -> None:
    """Write which process runs the task, and which one supervises it."""
    run_id, folder = context["run_id"], Path(os.environ["NOTES"])
    part = folder / f"{run_id}.part"
    part.write_text(json.dumps({"task": os.getpid(), "supervisor": os.getppid()}))
    part.rename(folder / run_id)


class ManyWaits(BaseOperator):
    """Starts in the triggerer, without a worker."""

    start_from_trigger = True

    def __init__(self, *, plan_name: str, until: str, **task: Any) -> None:
        super().__init__(**task)
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls="sagemaker_plans_airflow.triggers.PlanDeployedTrigger",
            trigger_kwargs={"plan_name": plan_name, "until": until, "poll_interval": 15.0},
            next_method="execute_complete",
            next_kwargs=None,
            timeout=None,
        )

    def execute_complete(self, context: Context, event: object) -> None:
        """End."""


COMMON: dict[str, Any] = {
    "on_execute_callback": note_processes,
    "retry_delay": timedelta(seconds=1),
}
PATIENT: dict[str, Any] = {"poll_interval": 1.0, "outcome_timeout": timedelta(minutes=5)}

for retries in (0, 3):
    arguments = {**COMMON, "retries": retries}
    with DAG(f"buy_{retries}", schedule=None, max_active_runs=1, default_args=arguments):
        ExtendTrainingPlanOperator(
            task_id="buy",
            offering_id="{{ dag_run.conf['offering'] }}",
            training_plan_arn="{{ dag_run.conf['plan'] }}",
            max_upfront_fee="2000",
            deferrable=False,
            **PATIENT,
        )

# Both tasks run at the same time, and want the same.
for name, given in {"mapped": FileJournal(os.environ["JOURNAL"]), "mapped_in_store": None}.items():
    with DAG(name, schedule=None, default_args=COMMON):
        ExtendTrainingPlanOperator.partial(
            task_id="buy",
            training_plan_arn="{{ dag_run.conf['plan'] }}",
            journal=given,
            deferrable=False,
            **PATIENT,
        ).expand(offering_id=["{{ dag_run.conf['offering'] }}"] * 2)

with DAG("keep", schedule=None, max_active_runs=1, default_args={**COMMON, "retries": 3}):
    EnsureTrainingPlanOperator(
        task_id="keep",
        training_plan_arn="{{ dag_run.conf['plan'] }}",
        until="{{ dag_run.conf['until'] }}",
        budget="100000",
        deferrable=True,
        **PATIENT,
    )

for deferrable in (False, True):
    name = "roll_deferred" if deferrable else "roll"
    with DAG(name, schedule=None, default_args={**COMMON, "retries": 3}):
        RollOutOperator(
            task_id="roll",
            plan_name="{{ dag_run.conf['plan'] }}",
            poll_interval=1.0,
            deferrable=deferrable,
        )

with DAG("many", schedule=None, max_active_tasks=1000):
    for number in range(300):
        ManyWaits(
            task_id=f"wait_{number}",
            plan_name=os.environ["WAITED_FOR"],
            until="2099-01-01T00:00:00+00:00",
        )
