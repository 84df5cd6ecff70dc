import json
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from signal import SIGTERM, pthread_kill, signal
from threading import Thread, main_thread
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException
from airflow_world import SPEC, context, run
from jsonschema import validate

import airflow
import sagemaker_plans_airflow as provider
from sagemaker_plans.airflow import CreateEdgeDeploymentPlanOperator, RollOutOperator
from sagemaker_plans.emulator import Emulator
from sagemaker_plans_airflow.links import console_link

ARN = "arn:{}:sagemaker:{}:123456789012:training-plan/big"


def test_the_provider_information_fits_airflows_schema_and_names_modules_that_are_there() -> None:
    information = provider.get_provider_info()
    schema = Path(airflow.__file__).parent / "provider_info.schema.json"

    validate(information, json.loads(schema.read_text()))
    for kind in ("operators", "sensors", "hooks", "triggers"):
        for each in information[kind]:
            for module in each["python-modules"]:
                import_module(module)


def test_airflow_finds_the_provider() -> None:
    (found,) = [
        each
        for each in entry_points(group="apache_airflow_provider")
        if each.value.startswith("sagemaker_plans")
    ]

    assert found.load() is provider.get_provider_info


def test_every_public_name_is_there_and_no_other() -> None:
    assert sorted(provider.__all__) == provider.__all__
    for name in provider.__all__:
        assert getattr(provider, name).__name__ == name
    assert set(provider.__all__) <= set(dir(provider))
    with pytest.raises(AttributeError, match="nothing_like_it"):
        provider.nothing_like_it  # type: ignore[attr-defined]  # noqa: B018  # on purpose


@pytest.mark.parametrize(
    ("arn", "region", "link"),
    [
        (None, "eu-west-1", "https://console.aws.amazon.com/sagemaker/home?region=eu-west-1"),
        (None, None, "https://console.aws.amazon.com/sagemaker/home"),
        (None, "cn-north-1", "https://console.amazonaws.cn/sagemaker/home?region=cn-north-1"),
        (
            None,
            "us-gov-west-1",
            "https://console.amazonaws-us-gov.com/sagemaker/home?region=us-gov-west-1",
        ),
        (
            ARN.format("aws", "us-east-2"),
            "eu-west-1",
            "https://console.aws.amazon.com/sagemaker/home?region=us-east-2",
        ),
        (ARN.format("aws-iso", "us-iso-east-1"), None, ""),
    ],
)
def test_the_link_leads_to_the_region_of_the_plan(
    arn: str | None, region: str | None, link: str
) -> None:
    assert console_link(arn, region) == link


def test_an_operator_has_the_link() -> None:
    operator = RollOutOperator(task_id="roll_out", plan_name="plan", region_name="eu-west-1")
    (link,) = operator.operator_extra_links
    key: Any = None

    address = link.get_link(operator, ti_key=key)

    assert address.endswith("?region=eu-west-1")
    assert link.name == "SageMaker console"


def test_whether_operators_are_deferrable_is_a_setting_of_airflow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not RollOutOperator(task_id="a", plan_name="plan").deferrable
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    assert RollOutOperator(task_id="a", plan_name="plan").deferrable
    assert not RollOutOperator(task_id="a", plan_name="plan", deferrable=False).deferrable


def test_a_task_that_is_killed_stops_the_stage_that_it_has_started(emulator: Emulator) -> None:
    emulator.add_fleet("cameras", devices=["cam-001", "cam-002", "cam-003"])
    run(CreateEdgeDeploymentPlanOperator(task_id="create", spec=SPEC), context())
    operator = RollOutOperator(task_id="roll_out", plan_name=SPEC.name, poll_interval=0.1)

    def kill_when_started() -> None:
        gate.wait_for_arrivals(timeout=30.0)
        pthread_kill(main_thread().ident or 0, SIGTERM)

    # As Airflow's process of a task does it: its handler calls on_kill, and nothing else.
    before = signal(SIGTERM, lambda _number, _frame: operator.on_kill())
    try:
        with emulator.hold_replies("StartEdgeDeploymentStage") as gate:
            Thread(target=kill_when_started).start()
            with pytest.raises(AirflowException, match="killed"):
                operator.execute(context())
    finally:
        signal(SIGTERM, before)

    assert len(emulator.requests_of("StopEdgeDeploymentStage")) == 1


def test_killing_a_task_that_does_nothing_does_nothing() -> None:
    RollOutOperator(task_id="roll_out", plan_name="plan").on_kill()
