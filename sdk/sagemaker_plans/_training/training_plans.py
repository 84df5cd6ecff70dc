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
    """Finds, buys and lists extensions of training plans. Use ``client.training_plans``."""

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

        One call makes the service accept at most one purchase, even if requests or replies
        are lost. Pass ``training_plan_arn``. Only then can this method see whether the
        offering was bought before, and find out the outcome if a reply is lost.

        If the task is cancelled while the purchase is on its way, this method still reads
        the history for a bounded time (``RetryPolicy.reconcile_limit``) and logs the
        outcome. Then it raises the cancellation.

        Args:
            offering_id: The offering to buy: an offering of ``search_extension_offerings``,
                or its id (``tpeo-...``). To check the fee of an offering takes one search,
                because its length is known. An id alone may need several searches.
            training_plan_arn: The plan to extend. Its history is read first.
            max_upfront_fee: The highest price allowed; needs ``training_plan_arn``. A
                Decimal or a whole number, in units of ``currency_code``.
            currency_code: The currency of ``max_upfront_fee``; None means USD.

        Returns:
            The receipt. If its ``outcome`` is ``"already_purchased"``, no purchase was sent.

        Raises:
            InvalidRequestError: If an argument has a wrong type or value. Nothing was sent.
            ConfigurationError: If an argument needs another one, which is missing. Nothing
                was sent.
            PurchaseRefusedError: If the offering costs more than allowed, is in another
                currency, is not on offer or failed before, if another payment is pending, or
                if the history cannot be read. No purchase was sent.
            PurchaseFailedError: If the offering was bought, but the service says that the
                extension failed.
            OutcomeUnknownError: If the offering may or may not have been bought. The message
                says what to check. Do not simply call again.
            PurchaseReplyError: If the service answered with a success that cannot be
                read; the error has the reply. Also an OutcomeUnknownError.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt could send the request.
        """
        # Imported here, because it takes 7 ms and few programs buy anything.
        from sagemaker_plans._training.purchase import Purchase  # noqa: PLC0415  # see above
        from sagemaker_plans._training.purchase_request import (  # noqa: PLC0415  # see above
            PurchaseRequest,
        )

        request = PurchaseRequest.checked(
            offering_id,
            training_plan_arn=training_plan_arn,
            max_upfront_fee=max_upfront_fee,
            currency_code=currency_code,
        )
        # All calls take the offering's lock first, so two calls cannot deadlock.
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
