"""What is done after a failure is what the design's table says, cell by cell."""

import pytest

from engine.design_table import CELLS
from engine.error_samples import SAMPLES, a_failure, an_answer, tree
from sagemaker_plans import errors
from sagemaker_plans._engine.retry_rules import DECISIONS, Decision, Happened, decide, what_happened
from sagemaker_plans._wire import operations
from sagemaker_plans._wire.operations import OPERATIONS, Operation, Safety
from sagemaker_plans.errors import SageMakerPlansError

ROWS = {
    "throttled": Happened.THROTTLED,
    "provably never sent": Happened.NEVER_SENT,
    "5xx, reset, timeout, cut or unreadable reply": Happened.AMBIGUOUS,
    "not found, invalid, denied, limit": Happened.REFUSED,
}
COLUMNS = {
    "read": Safety.READ,
    "command (start, stop)": Safety.COMMAND,
    "delete": Safety.DELETE,
    "create": Safety.CREATE,
    "purchase": Safety.PURCHASE,
}
WORDS = {
    "retry": Decision.RETRY,
    "retry, the effect is the same": Decision.RETRY,
    "retry; then not found = done": Decision.RETRY,
    "look, then decide": Decision.LOOK,
    "look, then decide; never send again": Decision.LOOK,
    "raise": Decision.RAISE,
}
SAFETIES = {
    "DescribeEdgeDeploymentPlan": "read",
    "CreateEdgeDeploymentPlan": "create",
    "StartEdgeDeploymentStage": "command (start, stop)",
    "StopEdgeDeploymentStage": "command (start, stop)",
    "CreateEdgeDeploymentStage": "create",
    "DeleteEdgeDeploymentStage": "delete",
    "DeleteEdgeDeploymentPlan": "delete",
    "ListEdgeDeploymentPlans": "read",
    "ListStageDevices": "read",
    "ExtendTrainingPlan": "purchase",
    "SearchTrainingPlanOfferings": "read",
    "DescribeTrainingPlanExtensionHistory": "read",
    "DescribeTrainingPlan": "read",
    "ListTrainingPlans": "read",
    "CreateTrainingPlan": "purchase",
    "DescribeReservedCapacity": "read",
    "ListUltraServersByReservedCapacity": "read",
}


def test_the_table_is_the_designs_row_by_row() -> None:
    expected = {
        (ROWS[row], COLUMNS[column]): WORDS[words] for (row, column), words in CELLS.items()
    }
    assert expected == {**DECISIONS}


def test_the_table_has_a_cell_for_everything_that_can_happen_to_anything() -> None:
    assert {(happened, safety) for happened in Happened for safety in Safety} == {*DECISIONS}


def test_the_table_cannot_be_changed_at_run_time() -> None:
    with pytest.raises(TypeError, match="item assignment"):
        DECISIONS[Happened.AMBIGUOUS, Safety.PURCHASE] = Decision.RETRY  # type: ignore[index]  # pyright: ignore[reportIndexIssue]  # wrong on purpose


def test_every_operation_is_as_safe_as_the_design_says() -> None:
    expected = {name: COLUMNS[column] for name, column in SAFETIES.items()}
    assert expected == {operation.name: operation.safety for operation in OPERATIONS}


def test_purchases_are_the_only_operations_that_are_some() -> None:
    purchases = [one for one in OPERATIONS if one.safety is Safety.PURCHASE]
    assert purchases == [operations.EXTEND_TRAINING_PLAN, operations.CREATE_TRAINING_PLAN]


def row_of(error: SageMakerPlansError) -> str:
    """Find an error's row in the design, by its class and by its fact."""
    if isinstance(error, errors.ThrottledError):
        return "throttled"
    if isinstance(error, errors.ConnectionFailedError) and error.request_sent is False:
        return "provably never sent"
    in_doubt = (
        errors.ConnectionFailedError,
        errors.InternalServiceError,
        errors.UnexpectedReplyError,
    )
    if isinstance(error, in_doubt):
        return "5xx, reset, timeout, cut or unreadable reply"
    return "not found, invalid, denied, limit"


def test_there_is_a_sample_of_every_error_of_the_tree() -> None:
    assert {type(error) for error in SAMPLES} == tree()


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_every_error_falls_into_its_row(error: SageMakerPlansError) -> None:
    assert what_happened(error) is ROWS[row_of(error)]


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt(), TimeoutError()])
def test_what_is_no_error_of_this_package_is_never_retried(error: BaseException) -> None:
    assert {decide(operation, error) for operation in OPERATIONS} == {Decision.RAISE}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_every_error_of_every_operation_is_decided_by_the_table(
    error: SageMakerPlansError, operation: Operation
) -> None:
    happened = ROWS[row_of(error)]
    assert decide(operation, error) is DECISIONS[happened, operation.safety]


def test_only_a_throttle_or_a_proof_lets_a_purchase_be_sent_again() -> None:
    again = [
        error
        for error in SAMPLES
        if decide(operations.EXTEND_TRAINING_PLAN, error) is Decision.RETRY
    ]
    assert [(type(error), error.args) for error in again] == [
        (errors.ThrottledError, an_answer().args),
        (errors.ConnectionFailedError, a_failure(request_sent=False).args),
    ]
