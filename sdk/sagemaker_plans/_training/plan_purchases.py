"""The purchases of ``client.training_plans``, and what a person says of one."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, cast, overload

from sagemaker_plans._engine.keyed_locks import KeyedLocks
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN
from sagemaker_plans.errors import ConfigurationError
from sagemaker_plans.journal import PurchaseJournal, PurchaseRecord
from sagemaker_plans.models import (
    ExtensionReceipt,
    TrainingPlan,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
    TrainingPlanOffering,
)
from sagemaker_plans.models import _training_checks as plan_checks
from sagemaker_plans.models import _validation as checks

if TYPE_CHECKING:
    from sagemaker_plans._training.purchases.purchase_request import PurchaseRequest


class TrainingPlanPurchases:
    """The purchases of ``client.training_plans``.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        journal: Where purchases are recorded; None for no journal.
        region: Gives the region of the client; None if it is not known.
    """

    def __init__(
        self,
        gateway: Gateway,
        retrier: Retrier,
        *,
        journal: PurchaseJournal | None,
        region: Callable[[], Awaitable[str | None]],
    ) -> None:
        self._gateway = gateway
        self._retrier = retrier
        self._journal = journal
        self._region = region
        self._locks = KeyedLocks()
        self._bought: dict[str, list[TrainingPlanExtension]] = {}
        """By plan: the extensions that this client bought. The history may show them later."""

    # A price, a currency and a key need the plan.
    @overload
    async def extend(
        self,
        offering_id: str | TrainingPlanExtensionOffering,
        *,
        training_plan_arn: None = None,
        max_upfront_fee: None = None,
        currency_code: None = None,
        idempotency_key: None = None,
    ) -> ExtensionReceipt: ...
    @overload
    async def extend(
        self,
        offering_id: str | TrainingPlanExtensionOffering,
        *,
        training_plan_arn: str,
        max_upfront_fee: Decimal | int | None = None,
        currency_code: str | None = None,
        idempotency_key: str | None = None,
    ) -> ExtensionReceipt: ...
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

        For example::

            receipt = await client.training_plans.extend(
                "tpeo-0123456789abcdef", training_plan_arn=plan_arn, max_upfront_fee=Decimal(5000)
            )
            print(receipt.outcome, receipt.extension.end_date)

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
        from sagemaker_plans._training.purchases.purchase_request import (  # noqa: PLC0415  # see above
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
        if request.training_plan_arn is not None:
            await self._check_region("extend", request.training_plan_arn)
        # All calls take the offering's lock first, so two calls cannot deadlock.
        locks = self._locks
        async with (
            locks.hold("offering", request.offering_id),
            locks.hold("plan", request.training_plan_arn),
        ):
            return await self._purchase(request, key)[1]()

    def _purchase(
        self,
        request: "PurchaseRequest",
        key: str | None,
        *,
        latest: datetime | None = None,
        starts: datetime | None = None,
    ) -> tuple[Callable[[], bool], Callable[[], Awaitable[ExtensionReceipt]]]:
        """Prepare a purchase.

        Returns:
            A function that tells whether it may have been sent, and one that makes it.
        """
        from sagemaker_plans._training.purchases.journaled_purchase import (  # noqa: PLC0415  # see extend
            JournaledPurchase,
        )
        from sagemaker_plans._training.purchases.ledger import Ledger  # noqa: PLC0415  # see extend
        from sagemaker_plans._training.purchases.purchase import Purchase  # noqa: PLC0415  # see extend

        arn = request.training_plan_arn
        purchase = Purchase(
            self._gateway, self._retrier, request=request, latest=latest, starts=starts
        )
        make = purchase.make
        if self._journal is not None and arn is not None:
            ledger = Ledger(self._journal, arn)
            purchase.key = key or request.offering_id
            make = JournaledPurchase(purchase, ledger, purchase.key).make

        async def remembered() -> ExtensionReceipt:
            receipt = await make()
            if arn is not None:
                self._bought.setdefault(arn, []).append(receipt.extension)
            return receipt

        return lambda: purchase.entry is not None, remembered

    async def create(
        self,
        name: str,
        offering_id: str | TrainingPlanOffering,
        *,
        max_upfront_fee: Decimal | int | None = None,
        currency_code: str | None = None,
        tags: Mapping[str, str] | None = None,
        spare_instance_count_per_ultra_server: int | None = None,
    ) -> TrainingPlan:
        """Buy a training plan. This spends money and cannot be undone.

        One call makes the service accept at most one purchase, even if requests or replies
        are lost. The service gives each name to one plan only. So this method looks for the
        plan by its name first, and again if a reply is lost: call it again with the same
        name, from whatever process, and the plan is not bought twice. A journal is not needed.

        For example::

            (offering, *_) = await client.training_plans.search_offerings(
                instance_type="ml.p5.48xlarge", instance_count=2, duration_hours=168
            )
            plan = await client.training_plans.create("big-plan", offering, max_upfront_fee=50000)

        Args:
            name: The name of the plan: 1 to 64 letters, digits and hyphens, with a letter or
                digit at both ends.
            offering_id: The offering to buy: one of ``search_offerings``, or its id
                (``tpo-...``). Pass the offering itself: then its fee can be looked up again,
                and a plan that has the name can be compared with it. A search without the
                filters of yours lists only some offerings.
            max_upfront_fee: The highest price allowed: a Decimal or a whole number, in units
                of ``currency_code``.
            currency_code: The currency of ``max_upfront_fee``; None means USD.
            tags: Up to 50 tags.
            spare_instance_count_per_ultra_server: How many instances of each UltraServer are
                kept as spares, 0 or more.

        Returns:
            The plan, as the service describes it. It was bought now, or before by this name.

        Raises:
            InvalidRequestError: If an argument has a wrong type or value. Nothing was sent.
            ConfigurationError: If an argument needs another one, which is missing. Nothing
                was sent.
            PlanMismatchError: If a plan with this name exists that is not what was asked for,
                or has expired.
            PurchaseRefusedError: If the offering costs more than allowed, is in another
                currency or not on offer, if a plan with this name exists and failed, or if the
                service could not be asked. No purchase was sent.
            PurchaseFailedError: If the plan was bought, but the service says that it failed.
            OutcomeUnknownError: If the plan may or may not have been bought, or was bought and
                cannot be described yet. The message says what to check. To call again with the
                same name is safe.
            PurchaseReplyError: If the service answered with a success that cannot be
                read; the error has the reply. Also an OutcomeUnknownError.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt could send the request.
        """
        from sagemaker_plans._training.purchases.plan_purchase import PlanPurchase  # noqa: PLC0415  # see extend
        from sagemaker_plans._training.purchases.plan_request import PlanRequest  # noqa: PLC0415  # likewise

        request = PlanRequest.checked(
            name,
            offering_id,
            max_upfront_fee=max_upfront_fee,
            currency_code=currency_code,
            tags=tags,
            spare_instance_count_per_ultra_server=spare_instance_count_per_ultra_server,
        )
        async with self._locks.hold("new plan", request.name):
            return await PlanPurchase(self._gateway, self._retrier, request=request).make()

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

        For example::

            await client.training_plans.settle(plan_arn, bought=True)

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
        from sagemaker_plans._training.purchases.ledger import Ledger  # noqa: PLC0415  # see extend
        from sagemaker_plans._training.purchases.settlement import Settlement  # noqa: PLC0415  # likewise

        number = record.number if isinstance(record, PurchaseRecord) else record
        problems = [*checks.training_plan_arn("training_plan_arn", training_plan_arn)]
        if not isinstance(cast("object", bought), bool):
            problems.append(f"bought: got {checks.shown(bought)}; allowed are True and False")
        if number is not None:
            problems += checks.whole_number("record", number, 1, plan_checks.MAX_INTEGER)
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
