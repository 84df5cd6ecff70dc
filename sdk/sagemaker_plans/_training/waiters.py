"""What ends each wait on a training plan, and which readings it has to see for that."""

from datetime import datetime
from typing import Final, NoReturn

from attrs import frozen

from sagemaker_plans._engine.polls.polled_wait import OnPoll, PolledWait, call
from sagemaker_plans._training.payment_status import is_failed, is_paid, is_payment_pending
from sagemaker_plans._wire.operations import DESCRIBE_TRAINING_PLAN
from sagemaker_plans.errors import PurchaseFailedError, TrainingPlanEndedError, WaitTimeoutError
from sagemaker_plans.models import TrainingPlan, TrainingPlanExtension, TrainingPlanStatus

_START_OF_TIME: Final = float("-inf")


@frozen
class PlanAndExtensions:
    """A training plan, and the history that was read right before it."""

    plan: TrainingPlan
    extensions: tuple[TrainingPlanExtension, ...]

    def extension(self, offering_id: str) -> TrainingPlanExtension | None:
        """Find an extension.

        Args:
            offering_id: The offering that was bought.

        Returns:
            The extension; None if the history does not show it. If the service sold the
            offering more than once, the latest one.
        """
        found = [each for each in self.extensions if each.offering_id == offering_id]
        return max(found, key=_bought_at, default=None)


def _bought_at(extension: TrainingPlanExtension) -> float:
    return extension.extended_at.timestamp() if extension.extended_at else _START_OF_TIME


@frozen
class StatusInterest:
    """The readings that a wait for a status has to see: those with another one."""

    seen: TrainingPlanStatus | None
    """The status as the wait knows it; None if it has to see every reading."""

    def needs(self, plan: TrainingPlan, /) -> bool:
        """Tell whether the status is another one.

        Args:
            plan: The plan as it was read now.

        Returns:
            Whether the wait has to see it.
        """
        return self.seen is None or plan.status != self.seen

    def is_close(self, plan: TrainingPlan, /) -> bool:
        """Tell whether the plan is about to be active.

        Args:
            plan: The plan as it was read last.

        Returns:
            Whether its payment is all that is missing.
        """
        return plan.status is TrainingPlanStatus.PENDING


@frozen
class ExtensionInterest:
    """The readings that a wait for an extension has to see: those in which something moved."""

    offering_id: str
    seen: "_Seen | None"
    """What the wait knows; None if it has to see every reading."""

    def needs(self, reading: PlanAndExtensions, /) -> bool:
        """Tell whether something moved.

        Args:
            reading: The plan and its extensions as they were read now.

        Returns:
            Whether the wait has to see it.
        """
        return self.seen is None or _seen(reading, self.offering_id) != self.seen

    def is_close(self, reading: PlanAndExtensions, /) -> bool:
        """Tell whether the extension is about to be done.

        Args:
            reading: The plan and its extensions as they were read last.

        Returns:
            Whether it is paid for.
        """
        extension = reading.extension(self.offering_id)
        return extension is not None and is_paid(extension)


_Seen = tuple[TrainingPlanStatus, datetime | None, TrainingPlanExtension | None]


def _seen(reading: PlanAndExtensions, offering_id: str) -> _Seen:
    plan = reading.plan
    return plan.status, plan.end_time, reading.extension(offering_id)


async def plan_active(
    wait: PolledWait[TrainingPlan], *, on_poll: OnPoll[TrainingPlan] | None
) -> TrainingPlan:
    """Wait until a training plan is active.

    Args:
        wait: The wait.
        on_poll: Called with the plan at each reading.

    Returns:
        The plan.

    Raises:
        WaitError: If the wait ends in another way.
        SageMakerPlansError: If the plan cannot be read.
    """
    seen: TrainingPlanStatus | None = None
    while True:
        reading = await wait.next_reading(StatusInterest(seen))
        if reading is not None:
            plan = reading.good_value
            await call(on_poll, plan)
            if plan.status is TrainingPlanStatus.ACTIVE:
                return plan
            if plan.status.is_terminal:
                _end(wait, plan, f"{_plan_text(plan)}; it does not become Active any more")
            if on_poll is None:
                seen = plan.status
        if wait.is_over:
            plan_read = wait.last_read
            words = "nothing was read" if plan_read is None else _plan_text(plan_read)
            _time_out(wait, f"plan {wait.plan_name} did not become Active", words, plan_read)


async def plan_extended(
    wait: PolledWait[PlanAndExtensions],
    offering_id: str,
    *,
    on_poll: OnPoll[TrainingPlanExtension] | None,
) -> TrainingPlanExtension:
    """Wait until an extension is paid for, and the plan ends as late as it says.

    Args:
        wait: The wait.
        offering_id: The offering that was bought.
        on_poll: Called with the extension at each reading that shows it.

    Returns:
        The extension.

    Raises:
        PurchaseFailedError: If the extension or its payment failed.
        WaitError: If the wait ends in another way.
        SageMakerPlansError: If the plan or its history cannot be read.
    """
    seen: _Seen | None = None
    while True:
        reading = await wait.next_reading(ExtensionInterest(offering_id, seen))
        if reading is not None:
            now = reading.good_value
            extension = now.extension(offering_id)
            if extension is not None:
                await call(on_poll, extension)
                _raise_if_failed(wait, extension)
                if is_paid(extension) and _has_moved(now.plan, extension):
                    return extension
            if _is_too_late(now.plan, extension):
                words = _extension_text(now, offering_id)
                _end(wait, now.plan, f"{words}; it is not extended any more")
            if on_poll is None:
                seen = _seen(now, offering_id)
        if wait.is_over:
            last = wait.last_read
            words = "nothing was read" if last is None else _extension_text(last, offering_id)
            what = f"the extension {offering_id} of plan {wait.plan_name} was not completed"
            _time_out(wait, what, words, None if last is None else last.plan)


def _raise_if_failed(wait: PolledWait[PlanAndExtensions], extension: TrainingPlanExtension) -> None:
    if is_failed(extension):
        raise PurchaseFailedError(
            f"offering {extension.offering_id} was bought, but the service says that it failed "
            f"(status {extension.status}, payment {extension.payment_status}); the plan is not "
            "extended; search for a new offering, and ask AWS whether money was taken",
            extension=extension,
            training_plan_arn=wait.plan_name,
        )


def _has_moved(plan: TrainingPlan, extension: TrainingPlanExtension) -> bool:
    ends, wanted = plan.end_time, extension.end_date
    return ends is not None and wanted is not None and ends >= wanted


def _is_too_late(plan: TrainingPlan, extension: TrainingPlanExtension | None) -> bool:
    if plan.status is TrainingPlanStatus.EXPIRED:
        # A payment that is pending may still go through, or fail; the history will tell.
        return extension is None or not is_payment_pending(extension)
    return plan.status is TrainingPlanStatus.FAILED


def _plan_text(plan: TrainingPlan) -> str:
    message = f" ({plan.status_message})" if plan.status_message else ""
    starts = f", starts {plan.start_time}" if plan.start_time else ""
    unknown = "; this release does not know this status" if plan.status.is_unknown else ""
    return f"training plan {plan.name} is {plan.status}{message}{starts}{unknown}"


def _extension_text(reading: PlanAndExtensions, offering_id: str) -> str:
    plan, extension = reading.plan, reading.extension(offering_id)
    if extension is None:
        shown = f"its history does not show offering {offering_id}"
    else:
        shown = (
            f"the extension is {extension.status}, payment {extension.payment_status}, and adds "
            f"time until {extension.end_date}"
        )
    return f"training plan {plan.name} is {plan.status} and ends {plan.end_time}; {shown}"


def _end(
    wait: PolledWait[TrainingPlan] | PolledWait[PlanAndExtensions], plan: TrainingPlan, words: str
) -> NoReturn:
    raise TrainingPlanEndedError(
        words,
        last_seen=plan,
        polls=wait.polls,
        waited=wait.waited,
        plan_name=wait.plan_name,
        operation=DESCRIBE_TRAINING_PLAN.name,
    )


def _time_out(
    wait: PolledWait[TrainingPlan] | PolledWait[PlanAndExtensions],
    what: str,
    words: str,
    plan: TrainingPlan | None,
) -> NoReturn:
    # Made elsewhere: a frame that holds the error it raises is freed late, and so is all that
    # the wait has kept.
    raise _timeout_error(wait, what, words, plan)


def _timeout_error(
    wait: PolledWait[TrainingPlan] | PolledWait[PlanAndExtensions],
    what: str,
    words: str,
    plan: TrainingPlan | None,
) -> WaitTimeoutError:
    timeout = wait.timeout()
    error = WaitTimeoutError(
        f"{what} {wait.limit} ({wait.polls} poll{'s' * (wait.polls != 1)}): "
        + "; ".join([words, *timeout.advice]),
        last_seen=plan,
        polls=wait.polls,
        waited=wait.waited,
        plan_name=wait.plan_name,
        operation=DESCRIBE_TRAINING_PLAN.name,
    )
    error.reading_age = timeout.age
    error.__cause__ = timeout.failure
    return error
