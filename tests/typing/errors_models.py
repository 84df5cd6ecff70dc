"""What the type checkers must refuse about models and errors. See `errors_clients.py`."""

# What is unknown because of an error is no error of its own.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from typing import assert_never

import sagemaker_plans as smp


def frozen(plan: smp.EdgeDeploymentPlan, stage: smp.Stage, policy: smp.RetryPolicy) -> None:
    plan.name = "autumn"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # checkers have to refuse it
    plan.stages.append(stage)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # checkers have to refuse it
    stage.devices.failed = 0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # checkers have to refuse it
    policy.max_attempts = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # checkers have to refuse it


def optional(plan: smp.EdgeDeploymentPlan, extension: smp.TrainingPlanExtension) -> None:
    print(plan.devices.total)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]  # checkers have to refuse it
    print(plan.creation_time.year)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]  # checkers have to refuse it
    print(extension.upfront_fee + 1)  # type: ignore[operator]  # pyright: ignore[reportOptionalOperand]  # checkers have to refuse it


def made() -> None:
    smp.DeviceSelectionConfig()  # type: ignore[abstract]  # pyright: ignore[reportAbstractUsage]  # checkers have to refuse it
    smp.PercentageOfFleet("100")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    smp.NamedDevices("cam-001")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    smp.NamedDevices([1, 2])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    smp.StageSpec("canary")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    smp.StageSpec("canary", "cam-001")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    smp.StageSpec("canary", smp.PercentageOfFleet(1), failure_handling_policy="DO_NOTHING")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    smp.ModelConfig("detector")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    smp.EdgeDeploymentPlanSpec("spring", "cameras", [])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    smp.EdgeDeploymentPlanSpec(
        "spring",
        device_fleet_name="cameras",
        model_configs=[],
        tags={"a": 1},  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    )
    smp.EdgeDeploymentPlanSpec("spring", device_fleet_name="cameras", model_configs=["detector"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    smp.Stage.from_wire("{}")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it


def tomorrow(status: smp.StageStatus, policy: smp.FailureHandlingPolicy) -> int:  # type: ignore[return]  # pyright: ignore[reportReturnType]  # noqa: RET503  # checkers have to refuse it
    # Open enums: all members are not all values.
    match policy:  # pyright: ignore[reportMatchNotExhaustive]  # there may be more values
        case smp.FailureHandlingPolicy.ROLLBACK_ON_FAILURE:
            return 1
        case smp.FailureHandlingPolicy.DO_NOTHING:
            return 2
    if status is smp.StageStatus.DEPLOYED:
        return 3


def never(kind: smp.DeviceSubsetType, selection: smp.DeviceSelection) -> None:
    match kind:
        case smp.DeviceSubsetType.PERCENTAGE:
            pass
        case smp.DeviceSubsetType.SELECTION:
            pass
        case smp.DeviceSubsetType.NAMECONTAINS:
            pass
        case _:
            assert_never(kind)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    match selection:
        case smp.PercentageOfFleet() | smp.NamedDevices() | smp.NameContains():
            pass
        case _:  # UnrecognizedSelection is forgotten
            assert_never(selection)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it


def errors(error: smp.SageMakerPlansError, refused: smp.PurchaseRefusedError) -> None:
    print(error.code)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # checkers have to refuse it
    print(refused.request_id)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # checkers have to refuse it
    raise smp.PurchaseRefusedError("too dear")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
