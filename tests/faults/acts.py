"""One call of this package for each operation, with what must exist before it."""

from collections.abc import Awaitable, Callable
from typing import Final

from attrs import evolve, field, frozen

from engine.design_table import Column
from harness import a_spec
from sagemaker_plans import AsyncClient, PercentageOfFleet, StageSpec
from sagemaker_plans._wire import operations
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans.emulator import PlanSeed, Seed

OFFERING: Final = "tpeo-0123456789abcdef"
"""An offering of the emulator's default seed; it costs 1234.50 USD."""
PLAN_ARN: Final = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/demo-plan"
"""The training plan of the emulator's default seed."""
CAPACITY_ARN: Final = PLAN_ARN.replace(":training-plan/", ":reserved-capacity/")
"""The capacity behind it."""

DESCRIBE: Final = operations.DESCRIBE_PLAN.name
CREATE: Final = operations.CREATE_PLAN.name
START: Final = operations.START_STAGE.name
STOP: Final = operations.STOP_STAGE.name
EXTEND: Final = operations.EXTEND_TRAINING_PLAN.name
SEARCH: Final = operations.SEARCH_OFFERINGS.name
HISTORY: Final = operations.DESCRIBE_HISTORY.name

Step = Callable[[AsyncClient], Awaitable[object]]


@frozen(kw_only=True, eq=False)
class Act:
    """A call, with its preparation."""

    name: str
    operation: Operation
    column: Column
    """Its column in the design's table."""
    perform: Step
    seed: Seed = field(factory=Seed.default)
    """What exists before."""
    buys_before: bool = False
    """Whether an extension must have been bought before."""
    before: tuple[str, ...] = ()
    """The operations that it calls before its own, once each."""
    confirmed: bool = False
    """Whether a purchase can be looked for in the history."""
    member: str
    """A member that its reply must have; the replies of commands have none."""
    status: str | None = None
    """A status in its reply; None if it has none."""
    replies: bool = True
    """Whether its reply has members."""

    def __str__(self) -> str:
        return self.name


def _rollout(*started: str) -> Seed:
    plan = PlanSeed(create=a_spec().to_wire(), start=started)
    return evolve(Seed.default(), plans=(plan,))


ACTS: Final = (
    Act(
        name="describe",
        operation=operations.DESCRIBE_PLAN,
        column="read",
        seed=_rollout(),
        perform=lambda client: client.plans.describe("rollout"),
        member="EdgeDeploymentPlanArn",
        status="StageStatus",
    ),
    Act(
        name="create",
        operation=operations.CREATE_PLAN,
        column="create",
        perform=lambda client: client.plans.create(a_spec()),
        member="EdgeDeploymentPlanArn",
    ),
    Act(
        name="start",
        operation=operations.START_STAGE,
        column="command (start, stop)",
        seed=_rollout(),
        perform=lambda client: client.plans.start_stage("rollout", "stage-0"),
        member="EdgeDeploymentPlanArn",
        replies=False,
    ),
    Act(
        name="stop",
        operation=operations.STOP_STAGE,
        column="command (start, stop)",
        seed=_rollout("stage-0"),
        perform=lambda client: client.plans.stop_stage("rollout", "stage-0"),
        member="EdgeDeploymentPlanArn",
        replies=False,
    ),
    Act(
        name="add-stages",
        operation=operations.CREATE_STAGES,
        column="create",
        seed=_rollout(),
        perform=lambda client: client.plans.add_stages(
            "rollout", [StageSpec("extra", PercentageOfFleet(5))]
        ),
        member="EdgeDeploymentPlanArn",
        replies=False,
    ),
    Act(
        name="delete-stage",
        operation=operations.DELETE_STAGE,
        column="delete",
        seed=_rollout(),
        perform=lambda client: client.plans.delete_stage("rollout", "stage-0"),
        member="EdgeDeploymentPlanArn",
        replies=False,
    ),
    Act(
        name="delete",
        operation=operations.DELETE_PLAN,
        column="delete",
        seed=_rollout(),
        perform=lambda client: client.plans.delete("rollout"),
        member="EdgeDeploymentPlanArn",
        replies=False,
    ),
    Act(
        name="list",
        operation=operations.LIST_PLANS,
        column="read",
        seed=_rollout(),
        perform=lambda client: client.plans.list().collect(),
        member="EdgeDeploymentPlanSummaries",
    ),
    Act(
        name="devices",
        operation=operations.LIST_STAGE_DEVICES,
        column="read",
        seed=_rollout(),
        perform=lambda client: client.plans.stage_devices("rollout", "stage-0").collect(),
        member="DeviceDeploymentSummaries",
        status="DeviceDeploymentStatus",
    ),
    Act(
        name="extend",
        operation=operations.EXTEND_TRAINING_PLAN,
        column="purchase",
        perform=lambda client: client.training_plans.extend(OFFERING),
        member="TrainingPlanExtensions",
        status="PaymentStatus",
    ),
    Act(
        name="extend-of-a-plan",
        operation=operations.EXTEND_TRAINING_PLAN,
        column="purchase",
        perform=lambda client: client.training_plans.extend(OFFERING, training_plan_arn=PLAN_ARN),
        before=(HISTORY,),
        confirmed=True,
        member="TrainingPlanExtensions",
        status="PaymentStatus",
    ),
    Act(
        name="search",
        operation=operations.SEARCH_OFFERINGS,
        column="read",
        perform=lambda client: client.training_plans.search_extension_offerings(PLAN_ARN),
        member="TrainingPlanOfferings",
    ),
    Act(
        name="history",
        operation=operations.DESCRIBE_HISTORY,
        column="read",
        buys_before=True,
        perform=lambda client: client.training_plans.extension_history(PLAN_ARN).collect(),
        member="TrainingPlanExtensions",
        status="PaymentStatus",
    ),
    Act(
        name="describe-training-plan",
        operation=operations.DESCRIBE_TRAINING_PLAN,
        column="read",
        perform=lambda client: client.training_plans.describe(PLAN_ARN),
        member="TrainingPlanArn",
        status="Status",
    ),
    Act(
        name="list-training-plans",
        operation=operations.LIST_TRAINING_PLANS,
        column="read",
        perform=lambda client: client.training_plans.list().collect(),
        member="TrainingPlanSummaries",
        status="Status",
    ),
    Act(
        name="reserved-capacity",
        operation=operations.DESCRIBE_RESERVED_CAPACITY,
        column="read",
        perform=lambda client: client.training_plans.reserved_capacity(CAPACITY_ARN),
        member="InstanceType",
        status="Status",
    ),
    Act(
        name="ultra-servers",
        operation=operations.LIST_ULTRA_SERVERS,
        column="read",
        perform=lambda client: client.training_plans.ultra_servers(CAPACITY_ARN).collect(),
        member="UltraServers",
        status="HealthStatus",
    ),
)
