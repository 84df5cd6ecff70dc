"""The outcome of a purchase by its status, and how its price is looked up."""

import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import anyio.lowlevel
import pytest
from attrs import define, field

from faults.acts import EXTEND, HISTORY, OFFERING, PLAN_ARN, SEARCH
from harness import fast_retries
from sagemaker_plans import (
    ConnectionFailedError,
    InvalidRequestError,
    PurchaseFailedError,
    PurchaseRefusedError,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
)
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.payment_status import is_failed, is_payment_pending
from sagemaker_plans._training.training_plans import TrainingPlans
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply

pytestmark = pytest.mark.anyio

Wire = Mapping[str, object]
LOST = ConnectionFailedError("the reply was lost", request_sent=None)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def extension(**said: str) -> Wire:
    return {"TrainingPlanExtensions": [{"TrainingPlanExtensionOfferingId": OFFERING, **said}]}


def offerings(*fees: str, offering_id: str = OFFERING, currency: str = "USD") -> Wire:
    listed = [
        {
            "TrainingPlanExtensionOfferingId": offering_id,
            "UpfrontFee": fee,
            "CurrencyCode": currency,
        }
        for fee in fees
    ]
    return {"TrainingPlanOfferings": [], "TrainingPlanExtensionOfferings": listed}


@define
class Scripted(Gateway):
    """Answers each operation with the replies of a test, and repeats the last one."""

    answers: Mapping[str, list[Wire | Exception]]
    requests: list[tuple[str, dict[str, object]]] = field(
        factory=list[tuple[str, dict[str, object]]]
    )

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        self.requests.append((operation.name, dict(request)))
        await anyio.lowlevel.checkpoint()
        answers = self.answers[operation.name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Reply(operation=operation, body=answer, http_status=200, request_id="id-1")

    @property
    def plans(self) -> TrainingPlans:
        return TrainingPlans(self, Retrier(fast_retries(reconcile_limit=0.2)))

    def asked(self, operation: str, member: str) -> list[object]:
        return [request.get(member) for name, request in self.requests if name == operation]


# states


@pytest.mark.parametrize(
    ("status", "payment", "pending"),
    [
        (None, "Pending", True),
        (None, "PENDING", True),
        (None, " pending ", True),
        (None, "PaymentPending", True),
        ("Active", "payment_pending", True),
        ("Pending", None, True),
        ("Pending", "", True),
        ("Pending", "Completed", False),
        ("Active", "Completed", False),
        ("Scheduled", None, False),
        (None, None, False),
        ("Failed", "Pending", False),
    ],
)
async def test_pending_is_found_in_any_spelling(
    status: str | None, payment: str | None, *, pending: bool
) -> None:
    one = TrainingPlanExtension(offering_id=OFFERING, status=status, payment_status=payment)

    assert is_payment_pending(one) is pending


@pytest.mark.parametrize(
    ("status", "payment", "failed"),
    [
        ("Failed", None, True),
        ("FAILED", "Completed", True),
        (None, " failed", True),
        (None, "PaymentFailed", True),
        ("payment-failed", None, True),
        ("Active", "Completed", False),
        (None, None, False),
    ],
)
async def test_failed_is_found_in_any_spelling(
    status: str | None, payment: str | None, *, failed: bool
) -> None:
    one = TrainingPlanExtension(offering_id=OFFERING, status=status, payment_status=payment)

    assert is_failed(one) is failed


@pytest.mark.parametrize("said", [{"Status": "Failed"}, {"PaymentStatus": "PaymentFailed"}])
async def test_a_reply_with_a_failed_extension_raises(
    said: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sagemaker_plans")
    gateway = Scripted({HISTORY: [{"TrainingPlanExtensions": []}], EXTEND: [extension(**said)]})

    with pytest.raises(PurchaseFailedError) as caught:
        await gateway.plans.extend(OFFERING, training_plan_arn=PLAN_ARN)

    error = caught.value
    assert error.extension.offering_id == OFFERING
    assert (error.training_plan_arn, error.operation) == (PLAN_ARN, EXTEND)
    assert f"offering {OFFERING} was bought, but the service says that it failed" in str(error)
    assert str(error).endswith("search for a new offering, and ask AWS whether money was taken")
    assert caplog.records[-1].getMessage() == f"ExtendTrainingPlan: {error}"
    assert [name for name, _ in gateway.requests] == [HISTORY, EXTEND]
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    assert "not bought" not in caplog.text


async def test_a_history_with_a_failed_extension_raises_after_doubt() -> None:
    gateway = Scripted(
        {
            HISTORY: [{"TrainingPlanExtensions": []}, extension(PaymentStatus="Failed")],
            EXTEND: [LOST],
        }
    )

    with pytest.raises(PurchaseFailedError):
        await gateway.plans.extend(OFFERING, training_plan_arn=PLAN_ARN)

    assert [name for name, _ in gateway.requests] == [HISTORY, EXTEND, HISTORY]


async def test_a_pending_payment_gives_a_receipt() -> None:
    gateway = Scripted({EXTEND: [extension(Status="Pending", PaymentStatus="Pending")]})

    assert (await gateway.plans.extend(OFFERING)).outcome == "purchased"


# prices


async def bought_for(gateway: Scripted, offering: Any, most: int = 5000) -> list[object]:
    """Buy, and return the lengths that were searched."""
    await gateway.plans.extend(offering, training_plan_arn=PLAN_ARN, max_upfront_fee=most)
    return gateway.asked(SEARCH, "DurationHours")


def selling(*searches: Wire) -> Scripted:
    return Scripted(
        {
            HISTORY: [{"TrainingPlanExtensions": []}],
            SEARCH: [*searches],
            EXTEND: [extension(Status="Active")],
        }
    )


async def test_an_offering_is_looked_up_by_its_own_length() -> None:
    gateway = selling(offerings("100"))
    offering = TrainingPlanExtensionOffering(offering_id=OFFERING, duration_hours=336)

    assert await bought_for(gateway, offering) == [336]
    assert gateway.asked(EXTEND, "TrainingPlanExtensionOfferingId") == [OFFERING]


@pytest.mark.parametrize(
    "offering", [OFFERING, TrainingPlanExtensionOffering(offering_id=OFFERING)]
)
async def test_without_a_length_one_search_for_all_comes_first(offering: object) -> None:
    assert await bought_for(selling(offerings("100")), offering) == [None]


async def test_an_offering_missing_in_the_search_for_all_is_searched_by_length() -> None:
    other = offerings("1", offering_id="tpeo-other")

    assert await bought_for(selling(other, other, other, offerings("100")), OFFERING) == [
        None,
        24,
        48,
        72,
    ]


async def test_an_offering_not_listed_for_its_own_length_is_refused() -> None:
    gateway = selling(offerings("1", offering_id="tpeo-other"))
    offering = TrainingPlanExtensionOffering(offering_id=OFFERING, duration_hours=24)

    with pytest.raises(PurchaseRefusedError, match="not among the 1 offerings"):
        await bought_for(gateway, offering)

    assert gateway.asked(SEARCH, "DurationHours") == [24]
    assert gateway.asked(EXTEND, "TrainingPlanExtensionOfferingId") == []


def two_currencies() -> Wire:
    listed: list[object] = []
    for one in (offerings("100"), offerings("100", currency="EUR")):
        found = one["TrainingPlanExtensionOfferings"]
        assert isinstance(found, list)
        listed += found
    return {"TrainingPlanOfferings": [], "TrainingPlanExtensionOfferings": listed}


@pytest.mark.parametrize(
    "listed", [offerings("100", "200"), offerings("100", "lots"), two_currencies()], ids=str
)
async def test_an_offering_with_two_prices_is_refused(listed: Wire) -> None:
    gateway = selling(listed)

    with pytest.raises(PurchaseRefusedError, match="listed with different prices") as caught:
        await bought_for(gateway, OFFERING)
    assert "(100 USD, " in str(caught.value)

    assert gateway.asked(EXTEND, "TrainingPlanExtensionOfferingId") == []


async def test_an_offering_that_is_listed_twice_at_one_price_is_bought() -> None:
    assert await bought_for(selling(offerings("100", "100.00")), OFFERING) == [None]


# arguments that Python itself cannot format or compare


ABSURD: list[Any] = [-(10**5000), Decimal("sNaN"), Decimal("-Infinity"), [10**5000]]


@pytest.mark.parametrize("fee", ABSURD, ids=lambda fee: type(fee).__name__)
async def test_an_absurd_limit_raises_an_error_of_this_package(fee: Any) -> None:
    gateway = selling(offerings("100"))

    with pytest.raises(InvalidRequestError, match="max_upfront_fee: got "):
        await bought_for(gateway, OFFERING, most=fee)

    assert gateway.requests == []


async def test_a_limit_of_thousands_of_digits_is_a_limit() -> None:
    assert await bought_for(selling(offerings("100")), OFFERING, most=10**5000) == [None]
