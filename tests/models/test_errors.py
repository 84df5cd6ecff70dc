"""The error tree is as its docstring shows, and pickled or copied errors keep their facts."""

import copy
import inspect
import pickle
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from sagemaker_plans import errors
from sagemaker_plans._wire.operations import CREATE_PLAN
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import SageMakerPlansError
from sagemaker_plans.models import (
    DeviceCounts,
    FailureHandlingPolicy,
    PercentageOfFleet,
    RolloutReport,
    Stage,
    StageStatus,
    TrainingPlanExtension,
)

STAGE: Final = Stage(
    name="canary",
    device_selection=PercentageOfFleet(5),
    failure_handling_policy=FailureHandlingPolicy.DO_NOTHING,
    status=StageStatus.FAILED,
    devices=DeviceCounts(3, 0, 1),
)
SOURCE: Final = "".join(
    each.read_text(encoding="utf-8") for each in Path(errors.__file__).parent.glob("*.py")
)
PLAN_ARN: Final = "arn:aws:sagemaker:us-east-1:111122223333:training-plan/big"

SERVICE_ERRORS: Final[tuple[type[errors.ServiceError], ...]] = (
    errors.ServiceError,
    errors.ResourceNotFoundError,
    errors.ResourceInUseError,
    errors.ResourceLimitExceededError,
    errors.ConflictError,
    errors.ValidationError,
    errors.AccessDeniedError,
    errors.ThrottledError,
    errors.InternalServiceError,
)
WAIT_ERRORS: Final[tuple[type[errors.WaitError], ...]] = (
    errors.WaitError,
    errors.StageFailedError,
    errors.StageStoppedError,
    errors.StageNotFoundError,
    errors.StageNotStartedError,
    errors.TrainingPlanEndedError,
    errors.WaitTimeoutError,
)
UNREAD: Final = errors.UnexpectedReplyError(
    "the reply does not fit",
    problems=("A: required member is missing", "B: expected a string, got null"),
    reply={"SessionToken": "s3cr3t"},
    operation="ExtendTrainingPlan",
    http_status=200,
    request_id="id-1",
)

EXAMPLES: Final[tuple[SageMakerPlansError, ...]] = (
    SageMakerPlansError("it broke", operation="StartEdgeDeploymentStage"),
    errors.ConfigurationError("no region; pass region_name"),
    errors.InvalidRequestError("StageSpec", ("name: a", "x: b"), operation="Create"),
    *(
        cls(
            "Rate exceeded",
            code="ThrottlingException",
            operation="DescribeEdgeDeploymentPlan",
            http_status=400,
            request_id="id-1",
            retry_after=1.5,
        )
        for cls in SERVICE_ERRORS
    ),
    errors.ConnectionFailedError("reset", request_sent=None, operation="ExtendTrainingPlan"),
    UNREAD,
    errors.OutcomeUnknownError(
        "look at the history",
        operation="ExtendTrainingPlan",
        offering_id="tpeo-1",
        training_plan_arn=PLAN_ARN,
        plan_name="spring",
    ),
    errors.PurchaseReplyError(
        "bought, not readable", unread=UNREAD, offering_id="tpeo-1", training_plan_arn=PLAN_ARN
    ),
    errors.PurchaseRefusedError("too dear", offering_id="tpeo-1", training_plan_arn=PLAN_ARN),
    errors.PurchaseFailedError(
        "failed", extension=TrainingPlanExtension(offering_id="tpeo-1"), training_plan_arn=PLAN_ARN
    ),
    errors.CoverageError("too dear", training_plan_arn=PLAN_ARN),
    errors.PlanMismatchError("it differs", plan_name="spring", differences=("fleet: a, not b",)),
    errors.RolloutStoppedError(
        "too many failed", report=RolloutReport(plan_name="rollout", stages=())
    ),
    errors.PaginationError("a circle", operation="DescribeEdgeDeploymentPlan"),
    *(cls("it failed", last_seen=STAGE, polls=4, waited=45.5) for cls in WAIT_ERRORS),
)

every_example = pytest.mark.parametrize(
    "error", EXAMPLES, ids=[type(error).__name__ for error in EXAMPLES]
)


def noted(error: SageMakerPlansError) -> SageMakerPlansError:
    """Copy an error in full, with notes and a page to go on from."""
    changed = copy.deepcopy(error)
    changed.add_note("gave up after 3 attempts")
    changed.add_note("in 12 seconds")
    changed.next_token = "t-7"
    return changed


def facts(error: BaseException) -> tuple[object, ...]:
    return type(error), error.args, str(error), vars(error)


def public_classes() -> dict[str, type[SageMakerPlansError]]:
    return {
        name: found
        for name, found in vars(errors).items()
        if inspect.isclass(found) and issubclass(found, SageMakerPlansError)
    }


# --- the tree ---


def drawn() -> Mapping[str, frozenset[str]]:
    """Read the drawing in the module's docstring: each class with its bases."""
    bases: dict[str, set[str]] = {}
    above: list[str] = []
    line_form = re.compile(
        r"    (?P<branch>[│├└─ ]*)(?P<name>[A-Z]\w+)(?: \(also (?P<also>\w+)\))?"
    )
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        found = line_form.fullmatch(line)
        if found is None:
            continue
        depth = len(found["branch"]) // 4
        parent = above[depth - 1] if depth else "Exception"
        del above[depth:]
        above.append(found["name"])
        bases.setdefault(found["name"], set()).update({parent, found["also"]} - {None})
    return {name: frozenset(found) for name, found in bases.items()}


def test_the_tree_is_the_one_that_the_modules_docstring_draws() -> None:
    real = {
        name: frozenset(base.__name__ for base in cls.__bases__)
        for name, cls in public_classes().items()
    }
    assert drawn() == real


def test_no_error_of_the_package_is_defined_elsewhere() -> None:
    def below(cls: type[SageMakerPlansError]) -> Iterator[type[SageMakerPlansError]]:
        for found in cls.__subclasses__():
            yield found
            yield from below(found)

    modules = {cls.__module__ for cls in below(SageMakerPlansError)}
    assert {name for name in modules if name.startswith("sagemaker_plans")} == {errors.__name__}


def test_all_lists_every_error_and_is_sorted() -> None:
    assert errors.__all__ == sorted(public_classes())


def test_every_error_has_an_example_here() -> None:
    assert {type(error).__name__ for error in EXAMPLES} == set(errors.__all__)


@pytest.mark.parametrize(
    ("cls", "also"),
    [
        (errors.ConfigurationError, ValueError),
        (errors.InvalidRequestError, ValueError),
        (errors.WaitTimeoutError, TimeoutError),
        (errors.PurchaseReplyError, errors.OutcomeUnknownError),
        (errors.PurchaseReplyError, errors.UnexpectedReplyError),
    ],
)
def test_an_error_of_two_kinds_is_caught_as_either(
    cls: type[SageMakerPlansError], also: type[Exception]
) -> None:
    (error,) = (example for example in EXAMPLES if type(example) is cls)
    with pytest.raises(also) as caught:
        raise error
    assert isinstance(caught.value, SageMakerPlansError)


def test_only_documented_errors_are_value_or_timeout_errors() -> None:
    found = {
        name
        for name, cls in public_classes().items()
        if issubclass(cls, ValueError | TimeoutError | OSError | LookupError)
    }
    assert found == {"ConfigurationError", "InvalidRequestError", "WaitTimeoutError"}


@pytest.mark.parametrize("name", errors.__all__)
def test_every_attribute_of_an_error_is_documented(name: str) -> None:
    cls = public_classes()[name]
    source = SOURCE.partition(f"\nclass {name}(")[2].partition("\nclass ")[0]
    undocumented = [
        attribute
        for attribute in inspect.get_annotations(cls)
        if not re.search(rf'\n    {attribute}: [^\n]+\n    """', source)
    ]
    assert undocumented == []


def test_every_error_has_a_docstring_of_its_own() -> None:
    assert [name for name, cls in public_classes().items() if not cls.__doc__] == []


@every_example
def test_every_attribute_that_is_declared_is_set(error: SageMakerPlansError) -> None:
    declared = {
        attribute
        for cls in type(error).__mro__
        for attribute in inspect.get_annotations(cls)
        if issubclass(cls, SageMakerPlansError)
    }
    with_default = {attribute for attribute in declared if hasattr(type(error), attribute)}
    assert set(vars(error)) | with_default == declared


# --- pickled and copied errors ---


@every_example
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_keeps_every_fact(error: SageMakerPlansError, protocol: int) -> None:
    sent = noted(error)
    assert facts(pickle.loads(pickle.dumps(sent, protocol))) == facts(sent)


@every_example
def test_copying_keeps_every_fact(error: SageMakerPlansError) -> None:
    sent = noted(error)
    assert (facts(copy.copy(sent)), facts(copy.deepcopy(sent))) == (facts(sent), facts(sent))


@every_example
def test_a_copy_has_the_notes(error: SageMakerPlansError) -> None:
    expected = ["gave up after 3 attempts", "in 12 seconds"]
    assert copy.copy(noted(error)).__notes__ == expected


def test_an_error_of_a_users_own_pickles_whatever_it_takes() -> None:
    assert facts(pickle.loads(pickle.dumps(OwnError(5)))) == facts(OwnError(5))


class OwnError(errors.ServiceError):
    """An error with a constructor of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(f"number {number}", code="Own")
        self.number = number


# --- words and facts ---


def test_a_new_error_has_no_next_token() -> None:
    assert SageMakerPlansError("it broke").next_token is None


WORDS: Final[tuple[tuple[SageMakerPlansError, str], ...]] = (
    (SageMakerPlansError("it broke"), "it broke"),
    (errors.InvalidRequestError("StageSpec", ("name: a",)), "StageSpec: name: a"),
    (
        errors.InvalidRequestError("StageSpec", ("name: a", "x: b")),
        "StageSpec: 2 problems:\n  - name: a\n  - x: b",
    ),
    (
        errors.ServiceError("Rate exceeded", code="ThrottlingException"),
        "the service answered ThrottlingException: Rate exceeded",
    ),
    (
        errors.ServiceError("", code="InternalFailure", operation="ExtendTrainingPlan"),
        "ExtendTrainingPlan answered InternalFailure: (no message)",
    ),
    (
        errors.ServiceError("no", code="C", http_status=400),
        "the service answered C: no (HTTP 400)",
    ),
    (
        errors.ServiceError("no", code="C", request_id="id-1"),
        "the service answered C: no (request id id-1)",
    ),
    (
        errors.ServiceError("no", code="C", http_status=400, request_id="id-1"),
        "the service answered C: no (HTTP 400, request id id-1)",
    ),
    (
        errors.UnexpectedReplyError("no fit", problems=(), reply=None),
        "no fit",
    ),
    (
        UNREAD,
        (
            "the reply does not fit (request id id-1):\n"
            "  - A: required member is missing\n"
            "  - B: expected a string, got null"
        ),
    ),
    (errors.WaitTimeoutError("an hour", last_seen=None, polls=0, waited=0.0), "an hour"),
)


@pytest.mark.parametrize(("error", "words"), WORDS, ids=[words for _, words in WORDS])
def test_an_error_says_what_happened(error: SageMakerPlansError, words: str) -> None:
    assert str(error) == words


@pytest.mark.parametrize("cls", WAIT_ERRORS)
def test_a_wait_carries_what_was_seen_last(cls: type[errors.WaitError]) -> None:
    error = cls("it failed", last_seen=STAGE, polls=4, waited=45.5)
    assert (error.last_seen, error.polls, error.waited, error.operation) == (
        STAGE,
        4,
        45.5,
        "DescribeEdgeDeploymentPlan",
    )


def test_a_purchase_that_cannot_be_read_carries_the_whole_reply() -> None:
    error = errors.PurchaseReplyError(
        "bought", unread=UNREAD, offering_id="tpeo-1", training_plan_arn=None
    )
    assert (error.problems, error.reply, error.http_status, error.request_id, error.operation) == (
        UNREAD.problems,
        UNREAD.reply,
        200,
        "id-1",
        "ExtendTrainingPlan",
    )


def test_a_purchase_that_cannot_be_read_names_what_was_bought() -> None:
    error = errors.PurchaseReplyError(
        "bought", unread=UNREAD, offering_id="tpeo-1", training_plan_arn=PLAN_ARN
    )
    assert (error.offering_id, error.training_plan_arn, error.plan_name) == (
        "tpeo-1",
        PLAN_ARN,
        None,
    )


def test_a_refused_purchase_is_about_the_purchase() -> None:
    error = errors.PurchaseRefusedError("too dear", offering_id="tpeo-1", training_plan_arn=None)
    assert error.operation == "ExtendTrainingPlan"


def test_a_plan_that_differs_is_about_the_create() -> None:
    error = errors.PlanMismatchError("it differs", plan_name="spring", differences=())
    assert error.operation == "CreateEdgeDeploymentPlan"


# --- what stays out of logs ---


@every_example
def test_the_reply_stays_out_of_messages(error: SageMakerPlansError) -> None:
    assert "s3cr3t" not in str(error) + repr(error)


def test_the_reply_stays_out_of_the_repr_of_a_reply() -> None:
    reply = Reply(operation=CREATE_PLAN, body={"Token": "s3cr3t"}, raw=b'{"Token": "s3cr3t"}')
    assert "s3cr3t" not in repr(reply)


def test_a_note_on_a_copy_is_not_on_the_original() -> None:
    original = errors.PaginationError("twice")
    original.add_note("first")

    copied = copy.copy(original)
    copied.add_note("second")

    assert original.__notes__ == ["first"]
