"""Specs of new edge deployment plans and stages. A spec is checked when it is created."""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from attrs import field, frozen

from sagemaker_plans.models import _validation
from sagemaker_plans.models._enums import FailureHandlingPolicy
from sagemaker_plans.models._selection import DeviceSelection, DeviceSelectionConfig
from sagemaker_plans.models._wire_form import WireModel, wire


@frozen
class ModelConfig(WireModel):
    """A model that a plan deploys.

    Args:
        model_handle: The name by which the application on the device calls the model.
        edge_packaging_job_name: The packaging job that packaged the model.
    """

    model_handle: str
    """The name by which the application on the device calls the model."""
    edge_packaging_job_name: str
    """The packaging job that packaged the model."""


def _policy(value: FailureHandlingPolicy | None) -> FailureHandlingPolicy | None:
    # A plain string must be a known policy, so that a misspelled one is found. To use a policy
    # that AWS adds later, pass FailureHandlingPolicy("..."). The check in _policy_problems
    # rejects any other value and shows it.
    return FailureHandlingPolicy.__members__.get(value, value) if isinstance(value, str) else value


def _selection(value: DeviceSelectionConfig) -> DeviceSelection:
    # There are no other subclasses. A list of several kinds is one of their base, to checkers.
    return cast("DeviceSelection", value)


@frozen
class StageSpec(WireModel):
    """A stage to create.

    Args:
        name: The stage's name, unique within its plan: 1 to 63 letters, digits and
            hyphens.
        device_selection: The devices to which the stage deploys.
        failure_handling_policy: What a device does if the deployment fails on it; None for
            the service's default, which is ROLLBACK_ON_FAILURE.

    Raises:
        InvalidRequestError: If the spec breaks a documented rule of the service.
    """

    name: str = field(metadata=wire("StageName"))
    """The stage's name."""
    device_selection: DeviceSelection = field(
        converter=_selection, metadata=wire("DeviceSelectionConfig")
    )
    """The devices to which the stage deploys."""
    failure_handling_policy: FailureHandlingPolicy | None = field(
        default=None,
        converter=_policy,
        metadata=wire("DeploymentConfig.FailureHandlingPolicy", required=True),
    )
    """What a device does if the deployment fails on it; None for the service's default."""

    def __attrs_post_init__(self) -> None:
        _validation.raise_for("StageSpec", self._problems())

    def _problems(self) -> Iterator[str]:
        yield from _validation.name("name", self.name)
        yield from _selection_problems("device_selection", self.device_selection)
        yield from _policy_problems("failure_handling_policy", self.failure_handling_policy)


def _selection_problems(argument: str, value: object) -> Iterator[str]:
    if isinstance(value, DeviceSelectionConfig):
        yield from value.problems(argument)
    else:
        yield (
            f"{argument}: got {_validation.shown(value)}; allowed are "
            "PercentageOfFleet, NamedDevices and NameContains"
        )


def _policy_problems(argument: str, value: object) -> Iterator[str]:
    if not isinstance(value, FailureHandlingPolicy | None):
        yield (
            f"{argument}: got {_validation.shown(value)}; allowed are "
            f"{', '.join(FailureHandlingPolicy)} and None"
        )


def _model_configs(value: Iterable[ModelConfig]) -> tuple[ModelConfig, ...]:
    return _validation.as_tuple(value)


def _stages(value: Iterable[StageSpec]) -> tuple[StageSpec, ...]:
    return _validation.as_tuple(value)


def _own_copy(value: Mapping[str, str] | None) -> Mapping[str, str]:
    if value is None:
        return {}
    # The check of the tags rejects anything but a mapping, and shows its value.
    return dict(value) if isinstance(cast("object", value), Mapping) else value


@frozen
class EdgeDeploymentPlanSpec(WireModel):
    """A plan to create.

    Args:
        name: The plan's name: 1 to 63 letters, digits and hyphens.
        device_fleet_name: The fleet to deploy to.
        model_configs: The models to deploy.
        stages: Up to 10 stages with unique names. Stages can also be added later.
        tags: Up to 50 tags.

    Raises:
        InvalidRequestError: If the spec breaks a documented rule of the service. The error
            lists every problem.
    """

    name: str = field(metadata=wire("EdgeDeploymentPlanName"))
    """The plan's name."""
    device_fleet_name: str = field(kw_only=True)
    """The fleet to deploy to."""
    model_configs: tuple[ModelConfig, ...] = field(kw_only=True, converter=_model_configs)
    """The models to deploy."""
    stages: tuple[StageSpec, ...] = field(kw_only=True, default=(), converter=_stages)
    """The stages to create with the plan."""
    tags: Mapping[str, str] = field(kw_only=True, default=None, converter=_own_copy, hash=False)
    """The tags of the plan."""

    def __attrs_post_init__(self) -> None:
        _validation.raise_for("EdgeDeploymentPlanSpec", self._problems())

    def _problems(self) -> Iterator[str]:
        yield from _validation.name("name", self.name)
        yield from _validation.name("device_fleet_name", self.device_fleet_name)
        yield from _validation.items("model_configs", self.model_configs, _model_config_problems)
        yield from stage_list_problems("stages", self.stages)
        yield from _validation.tags("tags", self.tags)


def _model_config_problems(argument: str, value: object) -> Iterator[str]:
    if not isinstance(value, ModelConfig):
        yield f"{argument}: a ModelConfig is needed, got {_validation.shown(value)}"
        return
    yield from _validation.name(f"{argument}.model_handle", value.model_handle)
    yield from _validation.name(
        f"{argument}.edge_packaging_job_name", value.edge_packaging_job_name
    )


def _stage_problems(argument: str, value: object) -> Iterator[str]:
    if not isinstance(value, StageSpec):
        yield f"{argument}: a StageSpec is needed, got {_validation.shown(value)}"


def stage_list_problems(argument: str, value: object) -> Iterator[str]:
    """Check the stages that a request creates.

    Args:
        argument: The name of the argument, for messages.
        value: The stages, as a tuple.

    Yields:
        Each problem.
    """
    yield from _validation.items(argument, value, _stage_problems)
    stages = value if _validation.is_tuple(value) else ()
    if len(stages) > _validation.MAX_STAGES:
        yield f"{argument}: got {len(stages)}; allowed are up to {_validation.MAX_STAGES}"
    seen: set[str] = set()
    for position, stage in enumerate(stages):
        name = stage.name if isinstance(stage, StageSpec) else None
        if name in seen:
            yield (
                f"{argument}[{position}].name: got {_validation.shown(name)} again; "
                "stage names must be unique within a plan"
            )
        if name is not None:
            seen.add(name)
