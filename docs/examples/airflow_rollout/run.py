"""Run the DAG of this folder in a real Airflow 3, against an emulator.

Airflow uses a temporary folder and ends with this script: `dag.test()` runs the tasks
in this process. The DAG runs twice. The first run succeeds. In the second
one two cameras fail, and so does the canary stage. So no other task runs, and nothing is
bought.

    pip install ".[airflow]"
    python docs/examples/airflow_rollout/run.py
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import sagemaker_plans as smp
from sagemaker_plans.emulator import Emulator

HERE = Path(__file__).parent


async def create_plan(name: str, fleet: str) -> None:
    """Create a plan with the two stages of the DAG."""
    async with smp.AsyncClient() as client:
        await client.plans.create(
            smp.EdgeDeploymentPlanSpec(
                name=name,
                device_fleet_name=fleet,
                model_configs=[smp.ModelConfig("detector", "detector-v7")],
                stages=[
                    smp.StageSpec("canary", smp.NamedDevices(["cam-001", "cam-002"])),
                    smp.StageSpec("everyone", smp.PercentageOfFleet(100)),
                ],
            )
        )


def run_dag(conf: Mapping[str, str]) -> dict[str, str]:
    """Run the DAG to its end. Return the state of each task."""
    # Imported here, because Airflow reads its settings when it is imported.
    from spring_rollout import dag  # noqa: PLC0415  # see above

    from sagemaker_plans.airflow import (  # noqa: PLC0415  # see above
        EnsureTrainingPlanOperator,
        RollOutOperator,
    )

    for task in dag.tasks:
        assert isinstance(task, EnsureTrainingPlanOperator | RollOutOperator)
        # `dag.test()` of Airflow 3.3 drops what a deferred task hands on, so the worker waits.
        task.deferrable = False
    run = dag.test(run_conf=dict(conf))
    states = {each.task_id: str(each.state) for each in run.get_task_instances()}
    return {task_id: states[task_id] for task_id in ("canary", "everyone", "capacity")}


def python(*arguments: str) -> None:
    """Run Python in a process of its own, and require that it succeeds."""
    subprocess.run([sys.executable, *arguments], check=True)  # noqa: S603  # our own arguments


def main() -> None:
    """Set up Airflow and an emulator, run the DAG twice, and check the results."""
    with TemporaryDirectory() as home, Emulator() as emulator:
        os.environ.update(
            emulator.environment(),
            # The connection says nothing, so the environment of the emulator counts.
            AIRFLOW_CONN_AWS_DEFAULT="aws://",
            AIRFLOW_HOME=home,
            AIRFLOW__CORE__DAGS_FOLDER=str(HERE / "dags"),
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
            AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
            AIRFLOW__USAGE_DATA_COLLECTION__ENABLED="False",
        )
        sys.path.append(str(HERE / "dags"))
        python("-m", "airflow", "db", "migrate")

        names = [f"cam-{number:03}" for number in range(1, 6)]
        emulator.add_fleet("cameras", devices=names)
        emulator.add_fleet("broken-cameras", devices=names, failing=["cam-001", "cam-002"])
        emulator.add_extension_offering(emulator.training_plan_arn, duration_hours=168)
        conf = {
            "training_plan_arn": emulator.training_plan_arn,
            "until": (datetime.now(UTC) + timedelta(days=33)).isoformat(),
        }

        asyncio.run(create_plan("spring-rollout", "cameras"))
        good = run_dag({**conf, "plan_name": "spring-rollout"})
        print("all is well:", good)
        assert set(good.values()) == {"success"}, good
        assert len(emulator.purchases) == 1

        asyncio.run(create_plan("autumn-rollout", "broken-cameras"))
        bad = run_dag({**conf, "plan_name": "autumn-rollout"})
        print("the canary fails:", bad)
        assert bad["canary"] == "failed", bad
        assert bad["everyone"] == bad["capacity"] == "upstream_failed", bad
        assert len(emulator.purchases) == 1


if __name__ == "__main__":
    main()
