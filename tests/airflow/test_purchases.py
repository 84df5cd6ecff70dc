from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, TaskDeferred
from airflow_world import Store, context, run

from sagemaker_plans import ConfigurationError, OutcomeUnknownError, PurchaseRefusedError
from sagemaker_plans._training.coverage import sweep
from sagemaker_plans.airflow import (
    EnsureTrainingPlanOperator,
    ExtendTrainingPlanOperator,
)
from sagemaker_plans.emulator import Emulator, Fault
from sagemaker_plans.journal import FileJournal, PurchaseJournal
from sagemaker_plans_airflow import buying_operator, training_operators
from sagemaker_plans_airflow import journal as journals

LAGS = {"history_lag": 3600.0}
needs_store = pytest.mark.skipif(
    not journals.HAS_TASK_STATE_STORE, reason="this Airflow has no task state store"
)


def offering(emulator: Emulator, **arguments: Any) -> str:
    return emulator.add_extension_offering(
        emulator.training_plan_arn, **{"resellable": True, **arguments}
    )


def extend(emulator: Emulator, offering_id: str, **arguments: Any) -> ExtendTrainingPlanOperator:
    arguments = {
        "training_plan_arn": emulator.training_plan_arn,
        "max_upfront_fee": "{{ params.limit }}",
        "poll_interval": 0.1,
        "outcome_timeout": timedelta(),
        "payment_timeout": timedelta(seconds=20),
        "journal": None if journals.HAS_TASK_STATE_STORE else FileJournal(mkdtemp()),
        **arguments,
    }
    operator = ExtendTrainingPlanOperator(task_id="extend", offering_id=offering_id, **arguments)
    operator.render_template_fields({"params": {"limit": "1500.00"}})
    return operator


def ensure(emulator: Emulator, days: float, **arguments: Any) -> EnsureTrainingPlanOperator:
    until = datetime.now(UTC) + timedelta(days=days)
    arguments = {
        "training_plan_arn": emulator.training_plan_arn,
        "until": until.isoformat(),
        "budget": "100000",
        "poll_interval": 0.1,
        "outcome_timeout": timedelta(),
        "payment_timeout": timedelta(seconds=20),
        "journal": None if journals.HAS_TASK_STATE_STORE else FileJournal(mkdtemp()),
        **arguments,
    }
    return EnsureTrainingPlanOperator(task_id="ensure", **arguments)


@pytest.fixture(autouse=True)
def _quick_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    # The service permits one a second, and a date takes dozens.
    monkeypatch.setattr(sweep, "_PAUSE", 0.001)


@pytest.fixture(params=[pytest.param("store", marks=needs_store), "files"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> PurchaseJournal | None:
    """The journal that an operator is made with: none, for the store of the context, or files."""
    return FileJournal(tmp_path) if request.param == "files" else None


@pytest.mark.parametrize("deferrable", [False, True])
def test_an_extension_is_bought_and_waited_for(emulator: Emulator, *, deferrable: bool) -> None:
    receipt, triggers = run(extend(emulator, offering(emulator), deferrable=deferrable), context())

    assert receipt["outcome"] == "purchased"
    assert receipt["extension"]["payment_status"] == "Completed"
    assert len(emulator.purchases) == 1
    assert len(triggers) == deferrable


def test_nobody_has_to_wait_for_the_payment(emulator: Emulator) -> None:
    operator = extend(emulator, offering(emulator), deferrable=True, wait_for_payment=False)

    receipt, triggers = run(operator, context())

    assert (receipt["outcome"], triggers) == ("purchased", [])


def test_an_extension_that_is_too_dear_is_refused(emulator: Emulator) -> None:
    operator = extend(emulator, offering(emulator, upfront_fee="1500.01"))

    with pytest.raises(PurchaseRefusedError):
        run(operator, context())

    assert not emulator.purchases


def test_a_limit_is_not_needed(emulator: Emulator) -> None:
    run(extend(emulator, offering(emulator), max_upfront_fee=None), context())

    assert len(emulator.purchases) == 1


@pytest.mark.parametrize("emulator", [LAGS], indirect=True)
@pytest.mark.parametrize("deferrable", [False, True])
def test_a_second_try_buys_nothing_while_the_history_lags(
    emulator: Emulator, made: PurchaseJournal | None, *, deferrable: bool
) -> None:
    offering_id, store = offering(emulator), Store()
    arguments = {"journal": made, "wait_for_payment": False, "deferrable": deferrable}
    run(extend(emulator, offering_id, **arguments), context(store))

    receipt, _ = run(extend(emulator, offering_id, **arguments), context(store))

    assert receipt["outcome"] == "already_purchased"
    assert len(emulator.purchases) == 1


@pytest.mark.parametrize("emulator", [LAGS], indirect=True)
def test_a_purchase_in_doubt_is_not_repeated_by_the_next_try(
    emulator: Emulator, made: PurchaseJournal | None
) -> None:
    offering_id, store = offering(emulator), Store()
    emulator.inject("ExtendTrainingPlan", Fault.disconnect(committed=True))
    for _ in range(2):
        with pytest.raises(OutcomeUnknownError):
            run(extend(emulator, offering_id, journal=made), context(store))

    assert len(emulator.purchases) == 1


@pytest.mark.parametrize("emulator", [LAGS], indirect=True)
def test_the_next_try_looks_for_a_purchase_in_doubt_until_the_history_shows_it(
    emulator: Emulator, made: PurchaseJournal | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    offering_id, store = offering(emulator), Store()
    emulator.inject("ExtendTrainingPlan", Fault.disconnect(committed=True))
    with pytest.raises(OutcomeUnknownError):
        run(extend(emulator, offering_id, journal=made), context(store))
    patient = extend(emulator, offering_id, journal=made, outcome_timeout=timedelta(minutes=5))

    async def pass_time(_seconds: float) -> None:
        emulator.clock.advance(3600.0)

    monkeypatch.setattr(buying_operator, "sleep", pass_time)
    receipt, _ = run(patient, context(store))

    assert receipt["extension"]["payment_status"] == "Completed"
    assert len(emulator.purchases) == 1


@needs_store
def test_a_try_that_does_not_count_any_more_buys_nothing(emulator: Emulator) -> None:
    with pytest.raises(PurchaseRefusedError, match="task instance not found"):
        run(extend(emulator, offering(emulator)), context(Store(is_fenced=True)))

    assert not emulator.purchases


@needs_store
def test_a_try_whose_last_write_was_let_through_buys_nothing(emulator: Emulator) -> None:
    with pytest.raises(PurchaseRefusedError, match="does not count any more"):
        run(extend(emulator, offering(emulator)), context(Store(fence_after_set=True)))

    assert not emulator.purchases


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_failed_payment_fails_the_task_without_a_retry(
    emulator: Emulator, *, deferrable: bool
) -> None:
    operator = extend(emulator, offering(emulator, payment_fails=True), deferrable=deferrable)

    with pytest.raises(AirflowFailException):
        run(operator, context())

    assert len(emulator.purchases) == 1


@pytest.mark.parametrize("emulator", [{"payment_seconds": 3600.0}], indirect=True)
def test_a_payment_that_stays_pending_fails_the_try_and_the_next_one_waits_again(
    emulator: Emulator,
) -> None:
    store, offering_id = Store(), offering(emulator)
    for _ in range(2):
        operator = extend(
            emulator, offering_id, deferrable=True, payment_timeout=timedelta(seconds=0.2)
        )
        with pytest.raises(AirflowException, match="WaitTimeoutError"):
            run(operator, context(store))

    assert len(emulator.purchases) == 1


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_plan_is_kept_until_a_date(
    emulator: Emulator, made: PurchaseJournal | None, *, deferrable: bool
) -> None:
    offering(emulator, duration_hours=168)
    store = Store()
    operator = ensure(emulator, 33, journal=made, deferrable=deferrable)

    coverage, _ = run(operator, context(store))
    again, _ = run(operator, context(store))

    assert coverage["covered"]
    assert again["covered"]
    assert again["spent"] == "1234.50"
    assert len(emulator.purchases) == 1


@pytest.mark.parametrize("emulator", [{"payment_seconds": 1.5}], indirect=True)
def test_a_pending_payment_is_waited_for_in_the_triggerer(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_operators, "_SHORT", timedelta())
    offering(emulator, duration_hours=168)

    coverage, triggers = run(ensure(emulator, 33, deferrable=True), context())

    assert coverage["covered"]
    assert [type(each).__name__ for each in triggers] == ["TrainingPlanExtendedTrigger"]
    assert len(emulator.purchases) == 1


def test_a_payment_that_fails_while_the_task_is_deferred_fails_it_for_good(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_operators, "_SHORT", timedelta())
    offering(emulator, duration_hours=168, payment_fails=True)

    with pytest.raises(AirflowFailException):
        run(ensure(emulator, 33, deferrable=True), context())

    assert len(emulator.purchases) == 1


def far_plan(emulator: Emulator) -> str:
    # It ends in 60 days: the service sells extensions in the last 57.
    return emulator.add_training_plan("far", duration_hours=24 * 61)


def test_a_worker_says_when_to_come_again(emulator: Emulator) -> None:
    arn = far_plan(emulator)

    coverage, _ = run(ensure(emulator, 65, training_plan_arn=arn, deferrable=False), context())

    assert not coverage["covered"]
    assert datetime.fromisoformat(coverage["next_at"]) > datetime.now(UTC)
    assert not emulator.purchases


def test_a_deferred_task_comes_again_by_itself(emulator: Emulator) -> None:
    arn = far_plan(emulator)
    operator = ensure(emulator, 65, training_plan_arn=arn, deferrable=True)

    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context())

    path, kwargs = deferred.value.trigger.serialize()
    assert path.endswith("DateTimeTrigger")
    assert timedelta(days=2) < kwargs["moment"] - datetime.now(UTC) < timedelta(days=4)
    # The day has come, and there is nothing to buy yet.
    with pytest.raises(TaskDeferred):
        operator.go_on(context(), kwargs["moment"])


def test_budget_since_and_dates_may_be_objects(emulator: Emulator) -> None:
    offering(emulator, duration_hours=168)
    now = datetime.now(UTC)
    operator = ensure(emulator, 0, until=now + timedelta(days=33), budget=Decimal(5000), since=now)

    assert run(operator, context())[0]["covered"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"budget": "much"}, "budget: got 'much'"), ({"until": "soon"}, "until: got 'soon'")],
)
def test_what_a_template_rendered_wrongly_is_refused(
    emulator: Emulator, arguments: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        run(ensure(emulator, 33, **arguments), context())


def test_without_a_store_and_without_a_journal_an_operator_cannot_be_made(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "HAS_TASK_STATE_STORE", False)
    with pytest.raises(ConfigurationError, match="no task state store"):
        extend(emulator, "tpeo-1", journal=None)
    with pytest.raises(ConfigurationError, match="no task state store"):
        ensure(emulator, 33, journal=None)

    extend(emulator, "tpeo-1", journal=FileJournal(tmp_path))


def test_a_journal_that_can_be_entered_is_entered_and_left(
    emulator: Emulator, tmp_path: Path
) -> None:
    entered: list[bool] = []

    class Entered(AbstractAsyncContextManager[object]):
        def __init__(self, journal: PurchaseJournal) -> None:
            self.records, self.begin, self.end = journal.records, journal.begin, journal.end

        async def __aenter__(self) -> object:
            entered.append(True)
            return self

        async def __aexit__(self, *_: object) -> None:
            entered.append(False)

    journal = Entered(FileJournal(tmp_path))
    run(extend(emulator, offering(emulator), journal=journal), context())

    assert entered == [True, False]


def test_what_is_no_journal_is_refused(emulator: Emulator) -> None:
    with pytest.raises(ConfigurationError, match="a PurchaseJournal is needed"):
        extend(emulator, "tpeo-1", journal="/mnt/journal")


@needs_store
def test_mapped_tasks_buy_only_with_a_journal_that_they_share(
    emulator: Emulator, tmp_path: Path
) -> None:
    mapped = context(map_index=0)
    with pytest.raises(ConfigurationError, match="mapped tasks"):
        run(extend(emulator, offering(emulator)), mapped)
    assert not emulator.purchases

    run(extend(emulator, offering(emulator), journal=FileJournal(tmp_path)), mapped)
    assert len(emulator.purchases) == 1


@needs_store
def test_runs_that_may_overlap_buy_only_with_a_journal_that_they_share(
    emulator: Emulator, tmp_path: Path
) -> None:
    overlapping = context(max_active_runs=16)
    with pytest.raises(ConfigurationError, match="max_active_runs=1"):
        run(extend(emulator, offering(emulator)), overlapping)
    assert not emulator.purchases

    run(extend(emulator, offering(emulator), journal=FileJournal(tmp_path)), overlapping)
    assert len(emulator.purchases) == 1


@needs_store
def test_a_try_without_a_store_buys_nothing(emulator: Emulator) -> None:
    found: Any = {**context(), "task_state_store": None}

    with pytest.raises(ConfigurationError, match="no task state store"):
        run(extend(emulator, offering(emulator)), found)

    assert not emulator.purchases
