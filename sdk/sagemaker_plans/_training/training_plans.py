"""``client.training_plans``: extensions of training plans."""

from decimal import Decimal
from typing import Final, final

from sagemaker_plans._engine.keyed_locks import KeyedLocks
from sagemaker_plans._engine.pagination import pager_problems
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.reading import ExtensionPager, extension_pager, search_offerings
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import DESCRIBE_HISTORY, SEARCH_OFFERINGS
from sagemaker_plans.models import ExtensionReceipt, TrainingPlanExtensionOffering
from sagemaker_plans.models import _validation as checks

_MAX_PAGE_SIZE: Final = 100


@final
class TrainingPlans:
    """Extensions of training plans: search, buy, look back. Use ``client.training_plans``."""

    def __init__(self, gateway: Gateway, retrier: Retrier) -> None:
        self._gateway = gateway
        self._retrier = retrier
        self._locks = KeyedLocks()

    async def extend(
        self,
        offering_id: str | TrainingPlanExtensionOffering,
        *,
        training_plan_arn: str | None = None,
        max_upfront_fee: Decimal | int | None = None,
        currency_code: str | None = None,
    ) -> ExtensionReceipt:
        """Buy an extension. This spends money and cannot be undone.

        Whatever happens, one call puts at most one purchase on the wire that the service
        accepts. Pass ``training_plan_arn``: only with it can be seen whether the
        offering was bought before, and what became of a purchase whose reply was lost.

        If the task is cancelled while the purchase is on its way, the history is still
        looked at for a bounded time (``RetryPolicy.reconcile_limit``), the finding is
        logged, and the cancellation goes on.

        Args:
            offering_id: What to buy: an offering of ``search_extension_offerings``, or its
                id (``tpeo-...``). An offering brings its length, by which its fee is then
                looked up; with an id alone several searches may be needed.
            training_plan_arn: The plan to extend. Its history is read first.
            max_upfront_fee: The most that it may cost; needs ``training_plan_arn``. A
                Decimal or a whole number, in units of ``currency_code``.
            currency_code: The currency of ``max_upfront_fee``; None means USD.

        Returns:
            The receipt. With ``outcome`` ``"already_purchased"`` nothing was sent.

        Raises:
            InvalidRequestError: If an argument is of the wrong kind; nothing was sent.
            ConfigurationError: If arguments do not go together; nothing was sent.
            PurchaseRefusedError: If it is dearer than allowed, in another currency, not
                on offer, failed before, another payment is pending, or the history
                cannot be read; nothing was sent.
            PurchaseFailedError: If it was bought, and the service says that it failed.
            OutcomeUnknownError: If it may have gone through; the message says what to
                check. Do not simply call again.
            PurchaseReplyError: If the service answered with a success that cannot be
                read; the error has the reply. Also an OutcomeUnknownError.
            ServiceError: If the service said no.
            ConnectionFailedError: If it provably could not be sent, at every attempt.
        """
        # 7 ms, most of it for logging and for compiling: few programs buy anything.
        from sagemaker_plans._training.purchase import Purchase  # noqa: PLC0415
        from sagemaker_plans._training.purchase_request import PurchaseRequest  # noqa: PLC0415

        request = PurchaseRequest.checked(
            offering_id,
            training_plan_arn=training_plan_arn,
            max_upfront_fee=max_upfront_fee,
            currency_code=currency_code,
        )
        # The offering's lock always comes first, so no two calls wait for each other.
        locks = self._locks
        async with (
            locks.hold("offering", request.offering_id),
            locks.hold("plan", request.training_plan_arn),
        ):
            return await Purchase(self._gateway, self._retrier, request).make()

    async def search_extension_offerings(
        self, training_plan_arn: str, *, duration_hours: int | None = None
    ) -> tuple[TrainingPlanExtensionOffering, ...]:
        """Find the extensions that can be bought for a training plan.

        Args:
            training_plan_arn: The plan to extend.
            duration_hours: Only extensions of this length, in hours, 1 to 87,600. AWS
                documents extensions of 1 to 14 days by the day, then by 7 days up to
                182 days (4,368 hours).

        Returns:
            The offerings, in the service's order.

        Raises:
            InvalidRequestError: If an argument is out of range.
            ResourceNotFoundError: If there is no such plan.
            ServiceError: If the service said no.
            ConnectionFailedError: If nothing usable came back, at every attempt.
            UnexpectedReplyError: If the reply does not fit, at every attempt.
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
        """Read what extensions were bought for a training plan, lazily, page by page.

        Args:
            training_plan_arn: The plan.
            page_size: How many extensions a page has at most, 1 to 100; None leaves it
                to the service.
            start_token: Where to go on: a ``next_token`` of a page or of an error.

        Returns:
            A pager for ``async for``; nothing is read before that.

        Raises:
            InvalidRequestError: If an argument is out of range. What reading a page
                raises is that of ``search_extension_offerings``, with ``next_token``
                set.
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
