"""The checks before a purchase is sent: over real sockets, on every transport."""

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from edge.books import Book
from faults.acts import EXTEND, HISTORY, OFFERING, PLAN_ARN, SEARCH
from harness import MakeClient
from sagemaker_plans import AsyncClient, ExtensionReceipt, errors
from sagemaker_plans.emulator import Emulator, Fault

FEE = Decimal("1234.50")
OTHER = "tpeo-0123456789abcde0"
PAID = 3600.0

pytestmark = pytest.mark.anyio


def asked(emulator: Emulator) -> list[str]:
    return [request.operation for request in emulator.requests]


async def extend(
    client: AsyncClient, offering: str = OFFERING, **arguments: Any
) -> ExtensionReceipt:
    return await client.training_plans.extend(offering, training_plan_arn=PLAN_ARN, **arguments)


async def refused(make_client: MakeClient, offering: str = OFFERING, **arguments: Any) -> str:
    """Return the reason in the error of a refused purchase."""
    async with make_client() as client:
        with pytest.raises(errors.PurchaseRefusedError) as caught:
            await extend(client, offering, **arguments)
    error = caught.value
    assert (error.offering_id, error.training_plan_arn) == (offering, PLAN_ARN)
    assert error.operation == EXTEND
    before = f"offering {offering} was not bought, and no purchase was sent: "
    assert str(error).startswith(before)
    return str(error).removeprefix(before)


# Rule 1: the history first.


async def test_the_history_is_read_before_anything_is_bought(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        receipt = await extend(client)
    assert asked(emulator) == [HISTORY, EXTEND]
    assert receipt.outcome == "purchased"
    assert receipt.extension.offering_id == OFFERING
    assert receipt.extension.upfront_fee == FEE
    assert receipt.extensions == (receipt.extension,)
    assert [one.offering_id for one in emulator.purchases] == [OFFERING]


async def test_a_receipt_has_all_extensions_of_the_plan(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        await extend(client)
        emulator.clock.advance(PAID)
        receipt = await extend(client, OTHER)
    assert receipt.extension.offering_id == OTHER
    assert [one.offering_id for one in receipt.extensions] == [OFFERING, OTHER]


@pytest.mark.parametrize("later", [0.0, PAID], ids=["payment-pending", "paid"])
async def test_what_was_bought_before_is_not_bought_again(
    emulator: Emulator, make_client: MakeClient, later: float
) -> None:
    emulator.clock.hold()
    async with make_client() as client:
        bought = await extend(client)
        emulator.clock.advance(later)
        again = await extend(client, max_upfront_fee=1)
    assert again.outcome == "already_purchased"
    assert again.extension.extended_at == bought.extension.extended_at
    assert again.extensions == (again.extension,)
    assert asked(emulator) == [HISTORY, EXTEND, HISTORY]
    assert len(emulator.purchases) == 1


async def test_what_was_bought_before_is_found_on_a_later_page(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        await extend(client)
        emulator.inject(HISTORY, Fault.empty_page())
        receipt = await extend(client)
    assert receipt.outcome == "already_purchased"
    assert asked(emulator) == [HISTORY, EXTEND, HISTORY, HISTORY]


async def test_an_extension_with_a_date_counts_as_later_than_one_without() -> None:
    dated = {"TrainingPlanExtensionOfferingId": OFFERING, "ExtendedAt": 1.5}
    undated = {"TrainingPlanExtensionOfferingId": OFFERING}
    book = Book(lambda _: {"TrainingPlanExtensions": [undated, dated, undated]})

    receipt = await book.training_plans.extend(OFFERING, training_plan_arn=PLAN_ARN)

    assert receipt.outcome == "already_purchased"
    assert receipt.extension.extended_at == datetime.fromtimestamp(1.5, UTC)


async def test_an_offering_bought_twice_gives_the_later_extension(
    emulator: Emulator, make_client: MakeClient
) -> None:
    emulator.add_extension_offering(PLAN_ARN, offering_id=OFFERING, resellable=True)
    async with make_client() as client:
        await client.training_plans.extend(OFFERING)
        emulator.clock.advance(PAID)
        second = await client.training_plans.extend(OFFERING)
        emulator.clock.advance(PAID)
        found = await extend(client)
    first, latest = second.extensions
    assert first.extended_at != latest.extended_at
    assert second.extension == latest
    assert found.extension.extended_at == latest.extended_at


async def test_the_pending_payment_of_another_extension_refuses(
    emulator: Emulator, make_client: MakeClient
) -> None:
    emulator.clock.hold()
    async with make_client() as client:
        await extend(client)
    words = await refused(make_client, OTHER)
    assert words == (
        f"the payment of extension {OFFERING} is pending; the service accepts one payment at a "
        "time, so try again when it is completed"
    )
    assert len(emulator.requests_of(EXTEND)) == 1


@pytest.mark.parametrize(
    ("member", "value"), [("PaymentStatus", "PENDING"), ("PaymentStatus", "pending")]
)
async def test_a_pending_payment_is_found_in_any_spelling(
    emulator: Emulator, make_client: MakeClient, member: str, value: str
) -> None:
    async with make_client() as client:
        await extend(client)
    emulator.clock.advance(PAID)
    emulator.inject(HISTORY, Fault.unknown_enum_value(value, member=member))
    assert "is pending" in await refused(make_client, OTHER)


async def test_a_purchase_that_failed_before_is_not_reported_as_bought(
    emulator: Emulator, make_client: MakeClient
) -> None:
    emulator.add_extension_offering(PLAN_ARN, offering_id=OFFERING, payment_fails=True)
    async with make_client() as client:
        await extend(client)
    emulator.clock.advance(PAID)
    words = await refused(make_client)
    assert words == (
        "it was bought before and failed (status Failed, payment Failed); search for a new offering"
    )
    assert len(emulator.requests_of(EXTEND)) == 1


@pytest.mark.parametrize("member", ["Status", "PaymentStatus"])
async def test_a_failure_is_found_in_either_status(
    emulator: Emulator, make_client: MakeClient, member: str
) -> None:
    async with make_client() as client:
        await extend(client)
    emulator.clock.advance(PAID)
    emulator.inject(HISTORY, Fault.unknown_enum_value("FAILED", member=member))
    assert "bought before and failed" in await refused(make_client)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.throttle(),
        Fault.error("AccessDeniedException", "No.", status=403),
        Fault.error("ResourceNotFound", "No such plan."),
        Fault.internal_failure(),
        Fault.disconnect("rst"),
        Fault.cut_body(),
        Fault.not_json(),
        Fault.missing_member("TrainingPlanExtensions"),
        Fault.repeated_token(),
    ],
    ids=lambda fault: fault.name,
)
async def test_a_history_that_cannot_be_read_refuses(
    emulator: Emulator, make_client: MakeClient, fault: Fault
) -> None:
    emulator.inject(HISTORY, fault, times=None)
    words = await refused(make_client)
    expected = (
        f"the extension history of {PLAN_ARN} could not be read, so the offering may have been "
        "bought before"
    )
    assert words.startswith(expected)
    assert {*asked(emulator)} == {HISTORY}


# Rule 2: the fee.


@pytest.mark.parametrize(
    "limit", [FEE, Decimal("1234.5"), Decimal("1.23450E+3"), Decimal("1E+1000"), 1235, 10**40]
)
async def test_a_fee_up_to_the_limit_is_paid(
    emulator: Emulator, make_client: MakeClient, limit: Decimal | int
) -> None:
    async with make_client() as client:
        receipt = await extend(client, max_upfront_fee=limit)
    assert receipt.outcome == "purchased"
    assert asked(emulator) == [HISTORY, SEARCH, EXTEND]


@pytest.mark.parametrize(
    "limit", [Decimal("1234.49"), Decimal("1234.4999999999999999999"), 1234, 0]
)
async def test_an_offering_above_the_limit_is_refused(
    emulator: Emulator, make_client: MakeClient, limit: Decimal | int
) -> None:
    words = await refused(make_client, max_upfront_fee=limit)
    assert words == f"its fee is 1234.50 USD, more than max_upfront_fee ({limit})"
    assert asked(emulator) == [HISTORY, SEARCH]


@pytest.mark.parametrize(
    "fee", ["1,234.50", "", "free", "NaN", "-5", "1e3", " 5", "\u0665", "Infinity"]
)
async def test_a_fee_that_is_not_a_number_is_refused(
    emulator: Emulator, make_client: MakeClient, fee: str
) -> None:
    emulator.add_extension_offering(PLAN_ARN, offering_id=OFFERING, upfront_fee=fee)
    words = await refused(make_client, max_upfront_fee=9999)
    assert words == (
        f"its fee {fee!r} is not a number, so it cannot be compared with max_upfront_fee (9999)"
    )
    assert EXTEND not in asked(emulator)


async def test_an_offering_without_a_fee_is_refused(
    emulator: Emulator, make_client: MakeClient
) -> None:
    emulator.inject(SEARCH, Fault.missing_member("UpfrontFee"))
    assert "its fee None is not a number" in await refused(make_client, max_upfront_fee=9999)
    assert EXTEND not in asked(emulator)


async def test_an_offering_without_a_currency_is_refused(
    emulator: Emulator, make_client: MakeClient
) -> None:
    emulator.inject(SEARCH, Fault.missing_member("CurrencyCode"))
    words = await refused(make_client, max_upfront_fee=9999)
    assert words == "its fee of 1234.50 has no currency, so it cannot be compared with a fee in USD"
    assert EXTEND not in asked(emulator)


@pytest.mark.parametrize(("there", "given"), [("EUR", None), ("USD", "EUR"), ("JPY", "USD")])
async def test_an_offering_in_another_currency_is_refused(
    emulator: Emulator, make_client: MakeClient, there: str, given: str | None
) -> None:
    emulator.add_extension_offering(PLAN_ARN, offering_id=OFFERING, currency_code=there)
    words = await refused(make_client, max_upfront_fee=9999, currency_code=given)
    assert words == (
        f"its fee is 1234.50 {there}, but max_upfront_fee is in {given or 'USD'}; pass the limit "
        "in the offering's currency, and that currency as currency_code"
    )
    assert EXTEND not in asked(emulator)


@pytest.mark.parametrize(
    ("there", "given"), [("EUR", "EUR"), ("usd", None), ("USD", "usd"), ("eur", "EUR")]
)
async def test_a_currency_is_the_same_in_any_case(
    emulator: Emulator, make_client: MakeClient, there: str, given: str | None
) -> None:
    emulator.add_extension_offering(PLAN_ARN, offering_id=OFFERING, currency_code=there)
    async with make_client() as client:
        receipt = await extend(client, max_upfront_fee=FEE, currency_code=given)
    assert receipt.extension.currency_code == there
    assert len(emulator.purchases) == 1


async def test_an_offering_that_is_gone_is_refused(
    emulator: Emulator, make_client: MakeClient
) -> None:
    words = await refused(make_client, "tpeo-gone", max_upfront_fee=9999)
    assert words == (
        f"it is not among the 3 offerings for {PLAN_ARN}: it may have been sold, may no longer "
        "be offered, or may be for another plan"
    )
    # Once without a length, and then with each of the 38 that AWS documents.
    assert asked(emulator) == [HISTORY, *[SEARCH] * 39]
    bodies = [request.body or {} for request in emulator.requests_of(SEARCH)]
    lengths = [body.get("DurationHours") for body in bodies]
    assert lengths == [None, *range(24, 360, 24), *range(504, 4369, 168)]


async def test_an_offering_for_another_plan_is_refused(
    emulator: Emulator, make_client: MakeClient
) -> None:
    elsewhere = emulator.add_training_plan("another-plan")
    theirs = emulator.add_extension_offering(elsewhere)
    assert "may be for another plan" in await refused(make_client, theirs, max_upfront_fee=9999)
    assert EXTEND not in asked(emulator)


@pytest.mark.parametrize(
    "fault",
    [Fault.throttle(), Fault.internal_failure(), Fault.not_json(), Fault.disconnect()],
    ids=lambda fault: fault.name,
)
async def test_a_fee_that_cannot_be_looked_up_is_refused(
    emulator: Emulator, make_client: MakeClient, fault: Fault
) -> None:
    emulator.inject(SEARCH, fault, times=None)
    words = await refused(make_client, max_upfront_fee=9999)
    assert words.startswith("its fee could not be looked up: ")
    assert EXTEND not in asked(emulator)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no offering": ({"offering_id": ""}, "offering_id: a string that is not empty is needed"),
    "a blank offering": ({"offering_id": " "}, "offering_id: a string that is not empty"),
    "None for an offering": ({"offering_id": None}, "offering_id: a string that is not empty"),
    "bytes": ({"offering_id": b"tpeo-1"}, "offering_id: a string that is not empty"),
    "a plan's name": ({"training_plan_arn": "demo-plan"}, "training_plan_arn: got 'demo-plan'"),
    "an empty ARN": ({"training_plan_arn": ""}, "training_plan_arn: got ''"),
    "another ARN": (
        {"training_plan_arn": PLAN_ARN.replace("training-plan", "training-job")},
        "allowed is a training plan's ARN",
    ),
    "a float": (
        {"max_upfront_fee": 5000.0},
        (
            'max_upfront_fee: got 5000.0; allowed are a Decimal such as Decimal("5000.00") and '
            "whole numbers, 0 or more; a float is not exact"
        ),
    ),
    "a bool": ({"max_upfront_fee": True}, "max_upfront_fee: got True; allowed are a Decimal"),
    "a text": ({"max_upfront_fee": "5000"}, "max_upfront_fee: got '5000'; allowed are a Decimal"),
    "less than nothing": (
        {"max_upfront_fee": -1},
        "max_upfront_fee: got -1; allowed are a Decimal",
    ),
    "a negative Decimal": (
        {"max_upfront_fee": Decimal("-0.01")},
        "max_upfront_fee: got Decimal('-0.01'); allowed are a Decimal",
    ),
    "no number": ({"max_upfront_fee": Decimal("NaN")}, "max_upfront_fee: got Decimal('NaN')"),
    "a signalling NaN": ({"max_upfront_fee": Decimal("sNaN")}, "max_upfront_fee: got Decimal('sN"),
    "no end": ({"max_upfront_fee": Decimal("Infinity")}, "max_upfront_fee: got Decimal('Inf"),
    "a float's nan": ({"max_upfront_fee": math.nan}, "max_upfront_fee: got nan"),
    "no currency": (
        {"max_upfront_fee": 1, "currency_code": ""},
        "currency_code: a string that is not empty is needed, got ''",
    ),
    "a currency that is no text": (
        {"max_upfront_fee": 1, "currency_code": 840},
        "currency_code: a string that is not empty is needed, got 840",
    ),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
async def test_a_wrong_argument_is_refused_before_anything_is_sent(
    emulator: Emulator, make_client: MakeClient, arguments: dict[str, Any], words: str
) -> None:
    whole: dict[str, Any] = {"offering_id": OFFERING, "training_plan_arn": PLAN_ARN}
    whole |= arguments
    async with make_client() as client:
        with pytest.raises(errors.InvalidRequestError) as caught:
            await client.training_plans.extend(**whole)
    assert len(caught.value.problems) == 1
    assert words in str(caught.value)
    assert caught.value.operation == EXTEND
    assert emulator.requests == ()


async def test_one_error_lists_all_wrong_arguments(
    emulator: Emulator, make_client: MakeClient
) -> None:
    wrong: dict[str, Any] = {
        "training_plan_arn": "demo-plan",
        "max_upfront_fee": 1.5,
        "currency_code": "",
    }
    async with make_client() as client:
        with pytest.raises(errors.InvalidRequestError) as caught:
            await client.training_plans.extend("", **wrong)
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["offering_id", *wrong]
    assert str(caught.value).startswith("extend: ")
    assert caught.value.operation == EXTEND
    assert emulator.requests == ()


async def test_a_limit_needs_the_plan(emulator: Emulator, make_client: MakeClient) -> None:
    without_plan: Any = {"max_upfront_fee": FEE}  # a type error, if written out
    async with make_client() as client:
        with pytest.raises(errors.ConfigurationError) as caught:
            await client.training_plans.extend(OFFERING, **without_plan)
    assert str(caught.value) == (
        "extend: max_upfront_fee needs training_plan_arn, because the service lists the fee of "
        "an offering only among the offerings for its plan"
    )
    assert caught.value.operation == EXTEND
    assert emulator.requests == ()


async def test_a_currency_needs_a_limit(emulator: Emulator, make_client: MakeClient) -> None:
    async with make_client() as client:
        with pytest.raises(errors.ConfigurationError) as caught:
            await extend(client, currency_code="EUR")
    assert str(caught.value) == (
        "extend: currency_code='EUR' is the currency of max_upfront_fee, which is missing"
    )
    assert caught.value.operation == EXTEND
    assert emulator.requests == ()


# Rule 3: sent once.


@pytest.mark.parametrize("failures", [1, 4])
async def test_a_throttled_purchase_is_sent_again(
    emulator: Emulator, make_client: MakeClient, failures: int
) -> None:
    emulator.inject(EXTEND, Fault.throttle(), times=failures)
    async with make_client() as client:
        receipt = await extend(client)
    assert receipt.outcome == "purchased"
    assert [one.committed for one in emulator.requests_of(EXTEND)] == [False] * failures + [True]


async def test_a_purchase_that_is_always_throttled_was_not_made(
    emulator: Emulator, make_client: MakeClient
) -> None:
    emulator.inject(EXTEND, Fault.throttle(), times=None)
    async with make_client() as client:
        with pytest.raises(errors.ThrottledError) as caught:
            await extend(client)
    assert "all attempts are used up" in caught.value.__notes__[0]
    assert emulator.purchases == ()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ValidationException", errors.ValidationError),
        ("AccessDeniedException", errors.AccessDeniedError),
        ("ResourceLimitExceeded", errors.ResourceLimitExceededError),
        ("ConflictException", errors.ConflictError),
        ("CodeOfTomorrow", errors.ServiceError),
    ],
)
async def test_a_service_error_is_raised_unchanged(
    emulator: Emulator, make_client: MakeClient, code: str, error: type[errors.ServiceError]
) -> None:
    emulator.inject(EXTEND, Fault.error(code, "No."), times=None)
    async with make_client() as client:
        with pytest.raises(error) as caught:
            await extend(client)
    assert (type(caught.value), caught.value.code) == (error, code)
    assert asked(emulator) == [HISTORY, EXTEND]
    assert emulator.purchases == ()


async def test_the_service_refuses_a_sold_out_offering(
    emulator: Emulator, make_client: MakeClient
) -> None:
    emulator.add_extension_offering(PLAN_ARN, offering_id=OFFERING, sold_out=True)
    async with make_client() as client:
        with pytest.raises(errors.ResourceLimitExceededError, match="sold out"):
            await extend(client, max_upfront_fee=FEE)
    assert emulator.purchases == ()


async def test_a_closed_client_buys_nothing(emulator: Emulator, make_client: MakeClient) -> None:
    async with make_client() as client:
        pass
    with pytest.raises(errors.ConfigurationError, match="closed"):
        await client.training_plans.extend(OFFERING)
    with pytest.raises(errors.PurchaseRefusedError, match="closed"):
        await extend(client)
    assert emulator.requests == ()


@pytest.mark.parametrize("hours", [None, 24])
async def test_a_search_is_narrowed_by_its_hours(
    emulator: Emulator, make_client: MakeClient, hours: int | None
) -> None:
    async with make_client() as client:
        found = await client.training_plans.search_extension_offerings(
            PLAN_ARN, duration_hours=hours
        )
    expected = [24, 48, 168] if hours is None else [24]
    assert [offering.duration_hours for offering in found] == expected
    [request] = emulator.requests_of(SEARCH)
    hours_sent = {} if hours is None else {"DurationHours": 24}
    assert request.body == {"TrainingPlanArn": PLAN_ARN, **hours_sent}


async def test_a_history_is_read_in_pages_of_the_size_asked_for(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        await extend(client)
        emulator.clock.advance(PAID)
        await extend(client, OTHER)
        history = client.training_plans.extension_history(PLAN_ARN, page_size=1)
        pages = [page.extensions async for page in history.pages()]
    assert [[one.offering_id for one in page] for page in pages] == [[OFFERING], [OTHER]]


@pytest.mark.parametrize("hours", [0, -1, 87_601, True, 24.0, "24"], ids=repr)
async def test_hours_out_of_range_are_refused(
    emulator: Emulator, make_client: MakeClient, hours: Any
) -> None:
    async with make_client() as client:
        with pytest.raises(errors.InvalidRequestError, match="duration_hours: got "):
            await client.training_plans.search_extension_offerings(PLAN_ARN, duration_hours=hours)
    assert emulator.requests == ()


@pytest.mark.parametrize("size", [0, 101, True, "10"], ids=repr)
async def test_a_page_size_out_of_range_is_refused(make_client: MakeClient, size: Any) -> None:
    async with make_client() as client:
        with pytest.raises(errors.InvalidRequestError, match="page_size: got "):
            client.training_plans.extension_history(PLAN_ARN, page_size=size)
