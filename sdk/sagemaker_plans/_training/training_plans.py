"""``client.training_plans``: training plans and their extensions."""

from collections.abc import Awaitable, Callable
from typing import Final, final

from sagemaker_plans._engine.not_copied import NotCopied
from sagemaker_plans._engine.pagination import pager_problems
from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.plan_coverage import TrainingPlanCoverage
from sagemaker_plans._training.plan_reads import TrainingPlanReads
from sagemaker_plans._training.plan_waits import TrainingPlanWaits
from sagemaker_plans._training.reading import ExtensionPager, extension_pager, search_offerings
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import DESCRIBE_HISTORY, SEARCH_OFFERINGS
from sagemaker_plans.journal import PurchaseJournal
from sagemaker_plans.models import TrainingPlanExtensionOffering
from sagemaker_plans.models import _validation as checks

_MAX_PAGE_SIZE: Final = 100


async def _any_region() -> str | None:
    return None


@final
class TrainingPlans(TrainingPlanReads, TrainingPlanWaits, TrainingPlanCoverage, NotCopied):
    """Training plans: read, buy, extend and wait for them.

    Use ``client.training_plans``. The class has a public name for annotations.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        polling: How often waits poll, unless they get a schedule of their own.
        journal: Where purchases are recorded; None for no journal.
        region: Gives the region of the client; None if it is not known.
        request_timeout: How long one attempt at one request may take, in seconds.
    """

    def __init__(
        self,
        gateway: Gateway,
        retrier: Retrier,
        *,
        polling: PollSchedule = PollSchedule(),  # noqa: B008  # frozen, and the default is shown
        journal: PurchaseJournal | None = None,
        region: Callable[[], Awaitable[str | None]] = _any_region,
        request_timeout: float = 60.0,
    ) -> None:
        TrainingPlanReads.__init__(self, gateway, retrier)
        TrainingPlanWaits.__init__(
            self, gateway, retrier, polling=polling, request_timeout=request_timeout
        )
        TrainingPlanCoverage.__init__(self, gateway, retrier, journal=journal, region=region)

    def __repr__(self) -> str:
        return f"<client.training_plans of {self._gateway!r}>"

    async def search_extension_offerings(
        self, training_plan_arn: str, *, duration_hours: int | None = None
    ) -> tuple[TrainingPlanExtensionOffering, ...]:
        """Find the extensions that can be bought for a training plan.

        For example::

            for offering in await client.training_plans.search_extension_offerings(plan_arn):
                print(offering.offering_id, offering.upfront_fee, offering.currency_code)

        Args:
            training_plan_arn: The plan to extend.
            duration_hours: Only extensions of this length, in hours, 1 to 87,600. AWS
                documents extensions of 1 to 14 days in steps of one day, and up to 182 days
                (4,368 hours) in steps of 7.

        Returns:
            The offerings, in the service's order.

        Raises:
            InvalidRequestError: If an argument is out of range.
            ResourceNotFoundError: If there is no such plan.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt got a usable reply.
            UnexpectedReplyError: If the reply to every attempt does not fit the model.
        """
        problems = [*checks.training_plan_arn("training_plan_arn", training_plan_arn)]
        if duration_hours is not None:
            problems += checks.whole_number(
                "duration_hours", duration_hours, 1, checks.MAX_DURATION_HOURS
            )
        checks.raise_for("search_extension_offerings", problems, operation=SEARCH_OFFERINGS.name)
        return await search_offerings(
            self._gateway, self._retrier, training_plan_arn, duration_hours=duration_hours
        )

    def extension_history(
        self,
        training_plan_arn: str,
        *,
        page_size: int | None = None,
        start_token: str | None = None,
    ) -> ExtensionPager:
        """Read the extensions that were bought for a training plan, page by page.

        Each page is read when it is needed.

        For example::

            async for extension in client.training_plans.extension_history(plan_arn):
                print(extension.offering_id, extension.end_date)

        Args:
            training_plan_arn: The plan.
            page_size: How many extensions a page has at most, 1 to 100; None for the
                service's default.
            start_token: Where to start: the ``next_token`` of a page or of an error. None
                for the first page.

        Returns:
            A pager for ``async for``. Nothing is read before the loop starts. Reading a
            page raises what ``search_extension_offerings`` raises, with ``next_token`` set.

        Raises:
            InvalidRequestError: If an argument is out of range.
        """
        problems = [*checks.training_plan_arn("training_plan_arn", training_plan_arn)]
        problems += pager_problems(page_size, start_token, max_page_size=_MAX_PAGE_SIZE)
        checks.raise_for("extension_history", problems, operation=DESCRIBE_HISTORY.name)
        return extension_pager(
            self._gateway,
            self._retrier,
            training_plan_arn,
            page_size=page_size,
            start_token=start_token,
        )
