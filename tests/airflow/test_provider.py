import json
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

import airflow
import sagemaker_plans_airflow as provider
from sagemaker_plans.airflow import RollOutOperator, StageDeployedTrigger
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
        ("no ARN", None, ""),
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


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("airflow", r"sagemaker-plans\[airflow\]"),
        ("airflow.sdk", r"sagemaker-plans\[airflow\]"),
        ("airflow.providers.amazon", r"sagemaker-plans\[airflow\]"),
        (None, "No module named None"),
        ("pendulum", "No module named 'pendulum'"),
    ],
)
def test_where_airflow_is_missing_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, missing: str | None, message: str
) -> None:
    def fetch(_name: str) -> object:
        raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    monkeypatch.setattr(provider, "_fetch", fetch)
    monkeypatch.delitem(vars(provider), "RollOutOperator", raising=False)

    with pytest.raises(ModuleNotFoundError, match=message) as caught:
        provider.RollOutOperator  # noqa: B018  # on purpose

    assert caught.value.name == missing


def test_checkers_know_the_arguments() -> None:
    with pytest.raises(TypeError, match="stage_name"):
        StageDeployedTrigger(plan_name="plan", until=None)  # type: ignore[call-arg]  # on purpose
    RollOutOperator(task_id="a", plan_name=3)  # type: ignore[arg-type]  # on purpose


def test_whether_operators_are_deferrable_is_a_setting_of_airflow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not RollOutOperator(task_id="a", plan_name="plan").deferrable
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    assert RollOutOperator(task_id="a", plan_name="plan").deferrable
    assert not RollOutOperator(task_id="a", plan_name="plan", deferrable=False).deferrable
