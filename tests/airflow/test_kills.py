"""Airflow ends a task: by `on_kill`, or with an exception from a signal handler of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM, pthread_kill, signal
from threading import Event, Thread, main_thread

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowTaskTimeout
from airflow.sdk import BaseOperator
from airflow_world import SPEC, context, run

from sagemaker_plans.airflow import (
    CreateEdgeDeploymentPlanOperator,
    ExtendTrainingPlanOperator,
    RollOutOperator,
)
from sagemaker_plans.emulator import Emulator
from sagemaker_plans.journal import FileJournal


@contextmanager
def signalled(emulator: Emulator, operation: str, do: Callable[[], object]) -> Iterator[None]:
    """Do something in a signal handler, as Airflow does, while a reply is on its way."""
    handled = Event()

    def send() -> None:
        gate.wait_for_arrivals(timeout=30.0)
        pthread_kill(main_thread().ident or 0, SIGTERM)
        handled.wait(30.0)
        gate.open()

    def handle(_number: int, _frame: object) -> None:
        try:
            do()
        finally:
            handled.set()

    before = signal(SIGTERM, handle)
    try:
        with emulator.hold_replies(operation) as gate:
            sender = Thread(target=send)
            sender.start()
            yield
            sender.join()
    finally:
        signal(SIGTERM, before)


def out_of_time() -> None:
    raise AirflowTaskTimeout


def kill_of(operator: BaseOperator, how: str) -> Callable[[], None]:
    return operator.on_kill if how == "killed" else out_of_time


HOW = pytest.mark.parametrize(
    ("how", "error"), [("killed", AirflowException), ("out of time", AirflowTaskTimeout)]
)


@HOW
def test_a_task_that_is_ended_stops_the_stage_that_it_has_started(
    emulator: Emulator, how: str, error: type[BaseException]
) -> None:
    emulator.add_fleet("cameras", devices=["cam-001", "cam-002", "cam-003"])
    run(CreateEdgeDeploymentPlanOperator(task_id="create", spec=SPEC), context())
    operator = RollOutOperator(task_id="roll_out", plan_name=SPEC.name, poll_interval=0.1)

    with (
        signalled(emulator, "StartEdgeDeploymentStage", kill_of(operator, how)),
        pytest.raises(error),
    ):
        operator.execute(context())

    assert len(emulator.requests_of("StopEdgeDeploymentStage")) == 1


@HOW
@pytest.mark.parametrize("emulator", [{"history_lag": 3600.0}], indirect=True)
def test_a_task_that_is_ended_in_a_purchase_leaves_it_to_the_next_try(
    emulator: Emulator, tmp_path: Path, how: str, error: type[BaseException]
) -> None:
    def extend() -> ExtendTrainingPlanOperator:
        return ExtendTrainingPlanOperator(
            task_id="extend",
            training_plan_arn=emulator.training_plan_arn,
            offering_id=offering,
            wait_for_payment=False,
            journal=FileJournal(tmp_path),
        )

    offering = emulator.add_extension_offering(emulator.training_plan_arn, resellable=True)
    first = extend()

    with signalled(emulator, "ExtendTrainingPlan", kill_of(first, how)), pytest.raises(error):
        first.execute(context())
    # Nobody could know it so far.
    emulator.clock.advance(3600.0)
    receipt, _ = run(extend(), context())

    assert receipt["outcome"] == "already_purchased"
    assert len(emulator.purchases) == 1


def test_a_task_that_is_killed_before_it_begins_does_nothing(emulator: Emulator) -> None:
    operator = RollOutOperator(task_id="roll_out", plan_name="plan")
    operator.on_kill()

    with pytest.raises(AirflowException, match="killed"):
        operator.execute(context())

    assert not emulator.requests
