"""``client.training_plans``: extensions of training plans."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Final, cast, final

from sagemaker_plans._engine.keyed_locks import KeyedLocks
from sagemaker_plans._engine.pagination import pager_problems
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.reading import ExtensionPager, extension_pager, search_offerings
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import (
    DESCRIBE_HISTORY,
    EXTEND_TRAINING_PLAN,
    SEARCH_OFFERINGS,
)
from sagemaker_plans.errors import ConfigurationError
from sagemaker_plans.journal import PurchaseJournal, PurchaseRecord
from sagemaker_plans.models import ExtensionReceipt, TrainingPlanExtensionOffering
from sagemaker_plans.models import _validation as checks

_MAX_PAGE_SIZE: Final = 100
_MAX_RECORD: Final = 10**9


async def _any_region() -> str | None:
    return None


@final
class TrainingPlans:
    """Finds, buys and lists extensions of training plans. Use ``client.training_plans``."""

    def __init__(
        self,
        gateway: Gateway,
        retrier: Retrier,
        *,
        journal: PurchaseJournal | None = None,
        region: Callable[[], Awaitable[str | None]] = _any_region,
    ) -> None:
        self._gateway = gateway
        self._retrier = retrier
        self._journal = journal
        self._region = region
        self._locks = KeyedLocks()

    async def extend(
        self,
        offering_id: str | TrainingPlanExtensionOffering,
        *,
        training_plan_arn: str | None = None,
        max_upfront_fee: Decimal | int | None = None,
        currency_code: str | None = None,
        idempotency_key: str | None = None,
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
            training_plan_arn: The plan to extend. Its history is read first. A client with a
                journal needs it.
            max_upfront_fee: The highest price allowed; needs ``training_plan_arn``. A
                Decimal or a whole number, in units of ``currency_code``.
            currency_code: The currency of ``max_upfront_fee``; None means USD.
            idempotency_key: What is wanted, in words of your own that stay the same when you
                try again, such as ``"big-until-march"``; needs ``AsyncClient(journal=...)``.
                For each key of a plan, one purchase is made at most, by whichever process, and
                also if a new search finds another offering. None takes the offering's id.

        Returns:
            The receipt. If its ``outcome`` is ``"already_purchased"``, no purchase was sent.

        Raises:
            InvalidRequestError: If an argument has a wrong type or value. Nothing was sent.
            ConfigurationError: If an argument needs another one, which is missing. Nothing
                was sent.
            PurchaseRefusedError: If the offering costs more than allowed, is in another
                currency, is not on offer or failed before, if another payment is pending, or
                if the history cannot be read. With a journal, also if an earlier purchase for
                the plan is not settled, or if the journal cannot be read or written. No
                purchase was sent.
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
        from sagemaker_plans._training.journaled_purchase import (  # noqa: PLC0415  # see above
            JournaledPurchase,
        )
        from sagemaker_plans._training.ledger import Ledger  # noqa: PLC0415  # see above
        from sagemaker_plans._training.purchase import Purchase  # noqa: PLC0415  # see above
        from sagemaker_plans._training.purchase_request import (  # noqa: PLC0415  # see above
            PurchaseRequest,
            checked_key,
        )

        key = checked_key(self._journal, idempotency_key, training_plan_arn)
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
            purchase = Purchase(self._gateway, self._retrier, request=request)
            if request.training_plan_arn is not None:
                await self._check_region("extend", request.training_plan_arn)
            if self._journal is None or request.training_plan_arn is None:
                return await purchase.make()
            ledger = Ledger(self._journal, request.training_plan_arn)
            return await JournaledPurchase(purchase, ledger, key or request.offering_id).make()

    async def settle(
        self,
        training_plan_arn: str,
        *,
        bought: bool,
        record: int | PurchaseRecord | None = None,
    ) -> None:
        """Say what became of a purchase that the journal has as open.

        This is for a person who has found out, from the bill or from AWS. The history is read
        first, because it knows better.

        Args:
            training_plan_arn: The plan.
            bought: Whether the offering was bought. After True, ``extend`` for its key is
                refused in your name until the history shows the purchase. After False, the
                offering can be bought again: only say so if it is true.
            record: The record, or its number; None for the one that is open.

        Raises:
            InvalidRequestError: If an argument is wrong, or if there is no such record.
            ConfigurationError: If the client has no journal.
            PurchaseRefusedError: If the history shows the purchase and ``bought`` is False, if
                the request may still be accepted (until 20 minutes after its ``send_by``, by
                the service's clock), if the record was closed by what the service said, or if
                journal or history cannot be read, or the journal cannot be written. The record
                stays as it is, or is closed as the history shows it.
        """
        from sagemaker_plans._training.ledger import Ledger  # noqa: PLC0415  # see extend
        from sagemaker_plans._training.settlement import Settlement  # noqa: PLC0415  # likewise

        number = record.number if isinstance(record, PurchaseRecord) else record
        problems = [*checks.training_plan_arn("training_plan_arn", training_plan_arn)]
        if not isinstance(cast("object", bought), bool):
            problems.append(f"bought: got {checks.shown(bought)}; allowed are True and False")
        if number is not None:
            problems += checks.whole_number("record", number, 1, _MAX_RECORD)
        if isinstance(record, PurchaseRecord) and record.plan != training_plan_arn:
            problems.append(f"record: got a record of {record.plan}, which is another plan")
        checks.raise_for("settle", problems, operation=EXTEND_TRAINING_PLAN.name)
        if self._journal is None:
            raise ConfigurationError(
                "settle: this client has no journal; pass AsyncClient(journal=...)",
                operation=EXTEND_TRAINING_PLAN.name,
            )
        await self._check_region("settle", training_plan_arn)
        async with self._locks.hold("plan", training_plan_arn):
            await Settlement(
                self._gateway,
                self._retrier,
                Ledger(self._journal, training_plan_arn),
                bought,
                number,
            ).make()

    async def _check_region(self, subject: str, arn: str) -> None:
        """Raise if a plan is in another region than the client."""
        region = arn.split(":")[3]
        own = await self._region()
        # A pseudo region such as us-gov-west-1-secondary belongs to a region.
        if own is not None and region != own and not own.startswith(f"{region}-"):
            raise ConfigurationError(
                f"{subject}: training_plan_arn: {arn} is in {region}, and the client is for "
                f"{own}; nothing was sent",
                operation=EXTEND_TRAINING_PLAN.name,
            )

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
