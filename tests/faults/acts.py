"""One call of this package for each operation, with what must exist before it."""

from collections.abc import Awaitable, Callable
from typing import Final

from attrs import evolve, field, frozen

from engine.design_table import Column
from harness import a_spec
from sagemaker_plans import AsyncClient
from sagemaker_plans._wire import operations
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans.emulator import PlanSeed, Seed

OFFERING: Final = "tpeo-0123456789abcdef"
"""An offering of the emulator's default seed; it costs 1234.50 USD."""
PLAN_ARN: Final = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/demo-plan"
"""The training plan of the emulator's default seed."""

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
        name="extend",
        operation=operations.EXTEND_TRAINING_PLAN,
        column="purchase",
        perform=lambda client: client.training_plans.extend(OFFERING),
        member="TrainingPlanExtensions",
    ),
    Act(
        name="extend-of-a-plan",
        operation=operations.EXTEND_TRAINING_PLAN,
        column="purchase",
        perform=lambda client: client.training_plans.extend(OFFERING, training_plan_arn=PLAN_ARN),
        before=(HISTORY,),
        confirmed=True,
        member="TrainingPlanExtensions",
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
    ),
)
