"""Airflow operators, sensors, triggers and a hook (the extra ``airflow``; Airflow 3.1 or newer).

They use the connections of Airflow's Amazon provider. Commands and purchases are sent by workers
only; triggers only read. Importing ``sagemaker_plans`` does not import this module.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sagemaker_plans_airflow import (
        CreateEdgeDeploymentPlanOperator,
        EdgeDeploymentPlanSensor,
        EdgeDeploymentStageSensor,
        EnsureTrainingPlanOperator,
        ExtendTrainingPlanOperator,
        PlanDeployedTrigger,
        RollOutOperator,
        SageMakerConsoleLink,
        SageMakerPlansHook,
        StageDeployedTrigger,
        TaskStateJournal,
        TrainingPlanExtendedTrigger,
    )
else:
    # Each is imported when it is first used: a trigger needs no operators.
    from sagemaker_plans_airflow import __dir__, __getattr__  # noqa: F401  # they are this module's

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
]
