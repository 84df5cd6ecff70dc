from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, TaskDeferred
from airflow.sdk import BaseOperator
from airflow_world import SPEC, context, run

from sagemaker_plans import ConfigurationError, RolloutStoppedError
from sagemaker_plans.airflow import (
    CreateEdgeDeploymentPlanOperator,
    EdgeDeploymentPlanSensor,
    EdgeDeploymentStageSensor,
    RollOutOperator,
)
from sagemaker_plans.emulator import Emulator

START, STOP = "StartEdgeDeploymentStage", "StopEdgeDeploymentStage"


def stages_of(emulator: Emulator, operation: str) -> list[object]:
    return [(each.body or {})["StageName"] for each in emulator.requests_of(operation)]


def starts(emulator: Emulator) -> list[object]:
    return stages_of(emulator, START)


@pytest.fixture
def plan(emulator: Emulator) -> str:
    emulator.add_fleet("cameras", devices=["cam-001", "cam-002", "cam-003"])
    run(CreateEdgeDeploymentPlanOperator(task_id="create", spec=SPEC), context())
    return SPEC.name


def roll_out(**arguments: Any) -> RollOutOperator:
    arguments = {"poll_interval": 0.1, "plan_name": SPEC.name, **arguments}
    return RollOutOperator(task_id="roll_out", **arguments)


def test_a_plan_is_created_once_and_a_retry_finds_it(emulator: Emulator) -> None:
    operator = CreateEdgeDeploymentPlanOperator(task_id="create", spec=SPEC)

    first, _ = run(operator, context())
    second, _ = run(operator, context())

    assert first == second
    assert first.endswith(":edge-deployment/spring-rollout")
    assert len(emulator.requests_of("CreateEdgeDeploymentPlan")) == 1


def test_a_plan_can_be_given_in_the_form_of_requests_with_templates() -> None:
    operator = CreateEdgeDeploymentPlanOperator(
        task_id="create", spec={**SPEC.to_wire(), "EdgeDeploymentPlanName": "{{ run_id }}"}
    )
    operator.render_template_fields({"run_id": "of-today"})

    assert run(operator, context())[0].endswith("/of-today")


@pytest.mark.parametrize("stage_timeout", [timedelta(hours=1), None])
@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.usefixtures("plan")
def test_a_rollout_starts_each_stage_once(
    emulator: Emulator, stage_timeout: timedelta | None, *, deferrable: bool
) -> None:
    operator = roll_out(deferrable=deferrable, stage_timeout=stage_timeout)
    report, triggers = run(operator, context())

    assert [each["outcome"] for each in report["stages"]] == ["deployed", "deployed"] or deferrable
    assert [each["stage"]["status"] for each in report["stages"]] == ["DEPLOYED", "DEPLOYED"]
    assert starts(emulator) == ["canary", "everyone"]
    assert len(triggers) == (2 if deferrable else 0)


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.usefixtures("plan")
def test_a_retry_after_the_rollout_starts_nothing(emulator: Emulator, *, deferrable: bool) -> None:
    run(roll_out(deferrable=deferrable), context())
    run(roll_out(deferrable=deferrable), context())

    assert starts(emulator) == ["canary", "everyone"]


@pytest.mark.usefixtures("plan")
def test_a_rollout_whose_supervisor_is_gone_stops_no_stage(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    class BrokenLog:
        def info(self, *_: object) -> None:
            raise BrokenPipeError

        def warning(self, *_: object) -> None:
            """Airflow's own: that this is no real task."""

    operator = roll_out(deferrable=False)
    monkeypatch.setattr(type(operator), "log", BrokenLog())

    operator.execute(context())

    assert starts(emulator) == ["canary", "everyone"]
    assert stages_of(emulator, STOP) == []


@pytest.mark.usefixtures("plan")
def test_a_second_try_waits_for_the_stage_that_the_first_one_started(
    emulator: Emulator,
) -> None:
    with pytest.raises(TaskDeferred):
        roll_out(deferrable=True, stages=["canary"]).execute(context())
    # The first try is gone, with its triggerer.
    run(roll_out(deferrable=True, stages=["canary"]), context())

    assert starts(emulator) == ["canary"]


@pytest.mark.usefixtures("plan")
def test_only_the_stages_that_are_asked_for_are_rolled_out(
    emulator: Emulator,
) -> None:
    report, _ = run(roll_out(deferrable=True, stages=["everyone"]), context())

    assert [each["stage"]["name"] for each in report["stages"]] == ["everyone"]
    assert starts(emulator) == ["everyone"]


@pytest.mark.usefixtures("plan")
def test_a_stage_bakes_in_the_triggerer() -> None:
    report, triggers = run(roll_out(deferrable=True, bake_time=timedelta(seconds=0.1)), context())

    names = [type(each).__name__ for each in triggers]
    assert names == ["StageDeployedTrigger", "DateTimeTrigger"] * 2
    assert report["stages"][1]["stage"]["status"] == "DEPLOYED"


@pytest.fixture
def failing(emulator: Emulator) -> str:
    emulator.add_fleet("cameras", devices=["cam-001", "cam-002", "cam-003"], failing=["cam-001"])
    run(CreateEdgeDeploymentPlanOperator(task_id="create", spec=SPEC), context())
    return SPEC.name


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.usefixtures("failing")
def test_a_failed_stage_stops_the_rollout_and_names_the_device(
    emulator: Emulator, *, deferrable: bool
) -> None:
    with pytest.raises(RolloutStoppedError) as stopped:
        run(roll_out(deferrable=deferrable), context())

    assert [each.name for each in stopped.value.report.failed_devices] == ["cam-001"]
    assert starts(emulator) == ["canary"]


@pytest.mark.usefixtures("failing")
def test_restart_starts_a_failed_stage_again_once(
    emulator: Emulator,
) -> None:
    for _ in range(2):
        with pytest.raises(RolloutStoppedError):
            run(roll_out(deferrable=True, restart=True), context())

    assert starts(emulator) == ["canary", "canary"]


@pytest.mark.parametrize("emulator", [{"starting": 3600.0}], indirect=True)
@pytest.mark.parametrize(("stop_on_exit", "stops"), [(True, ["canary"]), (False, [])])
@pytest.mark.usefixtures("plan")
def test_a_stage_that_takes_too_long_is_stopped_by_the_worker(
    emulator: Emulator, *, stop_on_exit: bool, stops: list[str]
) -> None:
    with pytest.raises(RolloutStoppedError):
        run(
            roll_out(
                deferrable=True,
                stage_timeout=timedelta(seconds=1),
                stop_on_exit=stop_on_exit,
            ),
            context(),
        )

    assert stages_of(emulator, STOP) == stops


@pytest.mark.parametrize("emulator", [{"starting": 2.0}], indirect=True)
@pytest.mark.usefixtures("plan")
def test_where_only_the_triggerer_may_not_read_the_plan_the_worker_waits(
    emulator: Emulator,
) -> None:
    operator = roll_out(deferrable=True, stages=["canary"])
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context())

    event = {"status": "error", "error": "AccessDeniedError", "message": "not allowed"}
    kwargs: dict[str, Any] = deferred.value.kwargs or {}
    report: Any = operator.stage_has_ended(context(), event, **kwargs)

    assert report["stages"][0]["stage"]["status"] == "DEPLOYED"
    assert stages_of(emulator, STOP) == []


@pytest.mark.parametrize(
    "emulator", [{"device_report": 0.5, "report_spread": 100.0}], indirect=True
)
def test_a_trigger_fires_when_too_many_devices_failed_and_the_worker_stops_the_stage(
    emulator: Emulator,
) -> None:
    devices = [f"cam-{number:03}" for number in range(1, 201)]
    emulator.add_fleet("cameras", devices=devices, failing=["cam-002"])
    wire = SPEC.to_wire()
    wire["Stages"] = [
        {
            "StageName": "all",
            "DeviceSelectionConfig": {"DeviceSubsetType": "PERCENTAGE", "Percentage": 100},
        }
    ]
    run(CreateEdgeDeploymentPlanOperator(task_id="create", spec=wire), context())

    with pytest.raises(RolloutStoppedError, match="max_failed"):
        run(roll_out(deferrable=True, max_failed=0), context())

    assert len(emulator.requests_of(STOP)) == 1


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("kind", ["plan", "stage"])
@pytest.mark.usefixtures("emulator", "plan")
def test_a_sensor_ends_when_all_is_deployed(kind: str, *, deferrable: bool) -> None:
    run(roll_out(deferrable=False), context())

    assert run(sensor(kind, deferrable=deferrable), context())[0] is None


@pytest.mark.parametrize("kind", ["plan", "stage"])
@pytest.mark.usefixtures("emulator", "plan")
def test_a_deferrable_sensor_waits_in_the_triggerer(kind: str) -> None:
    with pytest.raises(TaskDeferred):
        roll_out(deferrable=True, stages=["everyone"]).execute(context())
    if kind == "plan":
        run(roll_out(deferrable=True, stages=["canary"]), context())

    result, triggers = run(sensor(kind, deferrable=True, stage_name="everyone"), context())

    assert result is None
    assert len(triggers) <= 1
    # A stage may be deployed before the first look. Then it waits for nothing.
    waited: Any = sensor(kind, deferrable=True)
    waited.execute_complete(context(), {"status": "success", "result": {}})


def sensor(
    kind: str, *, deferrable: bool, stage_name: str = "canary", **arguments: Any
) -> BaseOperator:
    common: dict[str, Any] = {
        "task_id": "wait",
        "plan_name": SPEC.name,
        "poke_interval": 0.1,
        "timeout": 10,
        "deferrable": deferrable,
        **arguments,
    }
    if kind == "plan":
        return EdgeDeploymentPlanSensor(**common)
    return EdgeDeploymentStageSensor(stage_name=stage_name, **common)


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("kind", ["plan", "stage"])
@pytest.mark.usefixtures("failing")
def test_a_sensor_fails_with_a_failed_stage(kind: str, *, deferrable: bool) -> None:
    with pytest.raises(RolloutStoppedError):
        run(roll_out(deferrable=False), context())

    with pytest.raises(AirflowException, match="canary"):
        run(sensor(kind, deferrable=deferrable), context())


@pytest.mark.usefixtures("plan")
def test_a_sensor_of_a_stage_that_is_not_there_fails() -> None:
    with pytest.raises(AirflowException, match="has no stage nowhere"):
        run(sensor("stage", deferrable=True, stage_name="nowhere"), context())


@pytest.mark.parametrize("kind", ["plan", "stage"])
@pytest.mark.usefixtures("plan")
def test_a_deferred_sensor_times_out(kind: str) -> None:
    waiting = sensor(kind, deferrable=True, timeout=timedelta(seconds=0.3))

    with pytest.raises(AirflowException, match="WaitTimeoutError"):
        run(waiting, context())


@pytest.mark.usefixtures("emulator", "failing")
def test_a_deferred_sensor_fails_with_a_stage_that_fails_meanwhile() -> None:
    with pytest.raises(TaskDeferred):
        roll_out(deferrable=True, stages=["canary"]).execute(context())

    with pytest.raises(AirflowException, match="canary"):
        run(sensor("stage", deferrable=True), context())


@pytest.mark.parametrize(
    "arguments",
    [{"plan_name": "{{ params.plan }}"}, {"plan_name": "{{ nobody }}"}, {"region_name": "None"}],
)
def test_what_a_template_makes_of_nothing_is_refused(
    emulator: Emulator, arguments: dict[str, str]
) -> None:
    operator = roll_out(**arguments)
    operator.render_template_fields({"params": {"plan": None}})

    with pytest.raises(ConfigurationError, match="did a template render None"):
        run(operator, context())

    assert not emulator.requests


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"stage_timeout": 3600}, "stage_timeout"),
        ({"bake_time": 60}, "bake_time"),
        ({"poll_interval": 0}, "interval"),
    ],
)
def test_times_are_refused_before_anything_is_started(
    arguments: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        roll_out(**arguments)


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_text_is_no_list_of_stages(emulator: Emulator, *, deferrable: bool) -> None:
    operator = roll_out(stages="{{ params.stages }}", deferrable=deferrable)
    operator.render_template_fields({"params": {"stages": ["canary"]}})

    with pytest.raises(ConfigurationError, match="render_template_as_native_obj"):
        run(operator, context())

    assert not emulator.requests
