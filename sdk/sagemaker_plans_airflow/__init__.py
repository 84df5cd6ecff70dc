"""Airflow operators, sensors, triggers and a hook (the extra ``airflow``; Airflow 3.1 or newer).

They use the connections of Airflow's Amazon provider. Commands and purchases are sent by workers
only; triggers only read.

Users import these names from ``sagemaker_plans.airflow``. They stand in a package of their own,
because their types are complete only where Airflow is installed, and those of ``sagemaker_plans``
everywhere.
"""

from typing import TYPE_CHECKING, Any, Final

from sagemaker_plans._lazy_names import lazy_names

if TYPE_CHECKING:
    from sagemaker_plans_airflow.edge_operators import (
        CreateEdgeDeploymentPlanOperator,
        RollOutOperator,
    )
    from sagemaker_plans_airflow.hook import SageMakerPlansHook
    from sagemaker_plans_airflow.journal import TaskStateJournal
    from sagemaker_plans_airflow.links import SageMakerConsoleLink
    from sagemaker_plans_airflow.sensors import EdgeDeploymentPlanSensor, EdgeDeploymentStageSensor
    from sagemaker_plans_airflow.training_operators import (
        EnsureTrainingPlanOperator,
        ExtendTrainingPlanOperator,
    )
    from sagemaker_plans_airflow.triggers import (
        PlanDeployedTrigger,
        StageDeployedTrigger,
        TrainingPlanExtendedTrigger,
    )

__all__ = [
    "CreateEdgeDeploymentPlanOperator",
    "EdgeDeploymentPlanSensor",
    "EdgeDeploymentStageSensor",
    "EnsureTrainingPlanOperator",
    "ExtendTrainingPlanOperator",
    "PlanDeployedTrigger",
    "RollOutOperator",
    "SageMakerConsoleLink",
    "SageMakerPlansHook",
    "StageDeployedTrigger",
    "TaskStateJournal",
    "TrainingPlanExtendedTrigger",
    "get_provider_info",
]

# Airflow calls `get_provider_info` at each start, also where nobody uses this package. A trigger
# needs no operators.
_MODULES: Final = {
    "CreateEdgeDeploymentPlanOperator": "edge_operators",
    "EdgeDeploymentPlanSensor": "sensors",
    "EdgeDeploymentStageSensor": "sensors",
    "EnsureTrainingPlanOperator": "training_operators",
    "ExtendTrainingPlanOperator": "training_operators",
    "PlanDeployedTrigger": "triggers",
    "RollOutOperator": "edge_operators",
    "SageMakerConsoleLink": "links",
    "SageMakerPlansHook": "hook",
    "StageDeployedTrigger": "triggers",
    "TaskStateJournal": "journal",
    "TrainingPlanExtendedTrigger": "triggers",
}

if not TYPE_CHECKING:
    _fetch, __dir__ = lazy_names(__name__, _MODULES)

    def __getattr__(name: str) -> object:
        try:
            return _fetch(name)
        except ModuleNotFoundError as error:
            # Airflow is not installed, is too old, or has no Amazon provider.
            if error.name is None or error.name.partition(".")[0] != "airflow":
                raise
            raise ModuleNotFoundError(
                "sagemaker_plans.airflow needs Airflow 3.1 or newer and its Amazon provider: "
                "pip install 'sagemaker-plans[airflow]'",
                name=error.name,
            ) from error


def get_provider_info() -> dict[str, Any]:
    """Describe this package to Airflow, which lists it among its providers.

    Returns:
        What Airflow's schema of providers asks for.
    """
    integration = "Amazon SageMaker plans"

    def modules(*names: str) -> list[dict[str, object]]:
        paths = [f"{__name__}.{name}" for name in names]
        return [{"integration-name": integration, "python-modules": paths}]

    return {
        "package-name": "sagemaker-plans",
        "name": integration,
        "description": "Edge deployment plans and training plans of Amazon SageMaker.",
        "integrations": [
            {
                "integration-name": integration,
                "external-doc-url": "https://docs.aws.amazon.com/sagemaker/",
                "tags": ["aws"],
            }
        ],
        "operators": modules("edge_operators", "training_operators"),
        "sensors": modules("sensors"),
        "hooks": modules("hook"),
        "triggers": modules("triggers"),
        "extra-links": [f"{__name__}.links.SageMakerConsoleLink"],
    }
