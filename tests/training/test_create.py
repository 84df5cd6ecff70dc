"""The purchase of a training plan: looked for by its name, sent once, described at last."""

import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from harness import MakeClient, Transport, client_for, fast_retries
from sagemaker_plans import AsyncClient, TrainingPlan, TrainingPlanOffering, errors
from sagemaker_plans.emulator import Emulator, Fault, Timings

pytestmark = pytest.mark.anyio

CREATE, DESCRIBE, SEARCH = (
    "CreateTrainingPlan",
    "DescribeTrainingPlan",
    "SearchTrainingPlanOfferings",
)
NAME = "fresh"
FEE = Decimal(34567)
GIVES_UP_SOON = fast_retries(reconcile_limit=1.0)


def asked(emulator: Emulator) -> list[str]:
    return [request.operation for request in emulator.requests]


def bought(emulator: Emulator) -> list[str]:
    return [purchase.offering_id for purchase in emulator.purchases]


async def on_sale(client: AsyncClient, emulator: Emulator, **settings: Any) -> TrainingPlanOffering:
    """Put a plan on sale, find it, and forget the requests for that."""
    wanted = emulator.add_plan_offering(**settings)
    found = await client.training_plans.search_offerings()
    (offering,) = [each for each in found if each.offering_id == wanted]
    return offering


def last_of(emulator: Emulator, operation: str) -> Mapping[str, object]:
    body = emulator.requests_of(operation)[-1].body
    assert body is not None
    return body


def since(emulator: Emulator) -> list[str]:
    """Name the requests after the first one, which is the test's own search."""
    return asked(emulator)[1:]


async def test_a_plan_is_looked_for_bought_and_described(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        offering = await on_sale(client, emulator)
        plan = await client.training_plans.create(NAME, offering)
    assert since(emulator) == [DESCRIBE, CREATE, DESCRIBE]
    assert (plan.name, plan.upfront_fee, plan.duration) == (NAME, FEE, offering.duration)
    assert bought(emulator) == [offering.offering_id]


async def test_an_auditor_reads_what_was_bought_and_by_which_name(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sagemaker_plans.purchases")
    async with make_client() as client:
        offering = await on_sale(client, emulator)
        await client.training_plans.create(NAME, offering, max_upfront_fee=FEE)
        await client.training_plans.create(NAME, offering)
    lines = [vars(each) for each in caplog.records if each.name == "sagemaker_plans.purchases"]
    assert [(each["event"], each["outcome"]) for each in lines] == [
        ("purchase_started", None),
        ("purchase_ended", "purchased"),
        ("purchase_shown", None),
        ("purchase_ended", "already_purchased"),
    ]
    for line in lines:
        assert (line["plan"], line["idempotency_key"]) == (NAME, NAME)
        assert (line["offering"], Decimal(line["fee"])) == (offering.offering_id, FEE)
        assert (line["operation"], line["currency"]) == (CREATE, "USD")
    assert [each["request_id"] for each in lines] == [
        None,
        emulator.requests_of(CREATE)[0].request_id,
        *(each.request_id for each in emulator.requests_of(DESCRIBE)[1:]),
    ]


async def test_the_same_call_again_buys_nothing(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        offering = await on_sale(client, emulator, resellable=True)
        first = await client.training_plans.create(NAME, offering)
        again = await client.training_plans.create(NAME, offering)
    assert again.arn == first.arn
    assert bought(emulator) == [offering.offering_id]


async def test_tags_and_spares_are_sent(emulator: Emulator, make_client: MakeClient) -> None:
    async with make_client() as client:
        offering = await on_sale(client, emulator)
        await client.training_plans.create(
            NAME,
            offering.offering_id,
            tags={"team": "vision"},
            spare_instance_count_per_ultra_server=0,
        )
    sent = last_of(emulator, CREATE)
    assert sent["Tags"] == [{"Key": "team", "Value": "vision"}]
    assert sent["SpareInstanceCountPerUltraServer"] == 0


async def test_a_price_within_the_limit_is_looked_up_with_the_offerings_own_filters(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        offering = await on_sale(client, emulator)
        await client.training_plans.create(NAME, offering, max_upfront_fee=FEE)
    assert since(emulator) == [DESCRIBE, SEARCH, CREATE, DESCRIBE]
    assert last_of(emulator, SEARCH) == {
        "TargetResources": ["training-job"],
        "DurationHours": 168,
        "InstanceType": "ml.p5.48xlarge",
        "InstanceCount": 2,
    }


async def test_ultra_servers_are_searched_as_such(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        offering = await on_sale(
            client, emulator, ultra_server_type="ml.u-p6e-gb200x72", ultra_server_count=1
        )
        await client.training_plans.create(NAME, offering, max_upfront_fee=FEE)
    last = last_of(emulator, SEARCH)
    assert last["UltraServerType"] == "ml.u-p6e-gb200x72"
    assert last["UltraServerCount"] == 1
    assert "InstanceType" not in last


@pytest.mark.parametrize(
    ("limit", "currency", "words"),
    [
        (FEE - 1, None, "more than max_upfront_fee"),
        (FEE, "EUR", "but max_upfront_fee is in EUR"),
    ],
)
async def test_a_plan_beyond_the_limit_is_refused(
    emulator: Emulator, make_client: MakeClient, limit: Decimal, currency: str | None, words: str
) -> None:
    async with make_client() as client:
        offering = await on_sale(client, emulator)
        with pytest.raises(errors.PurchaseRefusedError, match=words) as caught:
            await client.training_plans.create(
                NAME, offering, max_upfront_fee=limit, currency_code=currency
            )
    assert caught.value.operation == CREATE
    assert caught.value.offering_id == offering.offering_id
    assert bought(emulator) == []


@pytest.mark.parametrize(
    ("named", "words"), [("id", "pass the offering itself"), ("whole", "may have been sold")]
)
async def test_an_offering_that_is_not_listed_any_more_is_refused(
    emulator: Emulator, make_client: MakeClient, named: str, words: str
) -> None:
    gone = TrainingPlanOffering(offering_id="tpo-gone", target_resources=())
    async with make_client() as client:
        with pytest.raises(errors.PurchaseRefusedError, match=words):
            await client.training_plans.create(
                NAME, gone.offering_id if named == "id" else gone, max_upfront_fee=FEE
            )
    assert bought(emulator) == []


@pytest.mark.parametrize(
    ("operation", "words"),
    [(DESCRIBE, "could not be looked for"), (SEARCH, "fee could not be looked up")],
)
async def test_nothing_is_bought_if_the_service_cannot_be_asked_before(
    emulator: Emulator, make_client: MakeClient, operation: str, words: str
) -> None:
    async with make_client() as client:
        offering = await on_sale(client, emulator)
        emulator.inject(operation, Fault.error("AccessDeniedException"), times=None)
        with pytest.raises(errors.PurchaseRefusedError, match=words):
            await client.training_plans.create(NAME, offering, max_upfront_fee=FEE)
    assert bought(emulator) == []


async def test_a_lost_reply_is_answered_by_the_plan(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        offering = await on_sale(client, emulator, resellable=True)
        emulator.inject(CREATE, Fault.disconnect("rst", committed=True))
        plan = await client.training_plans.create(NAME, offering)
    assert plan.name == NAME
    assert since(emulator) == [DESCRIBE, CREATE, DESCRIBE]
    assert bought(emulator) == [offering.offering_id]


async def test_a_purchase_that_does_not_show_is_unknown_and_not_sent_again(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client(retry=GIVES_UP_SOON) as client:
        offering = await on_sale(client, emulator)
        emulator.inject(CREATE, Fault.disconnect("rst"))
        with pytest.raises(errors.OutcomeUnknownError, match=r"call create\(\) again") as caught:
            await client.training_plans.create(NAME, offering)
    assert (caught.value.plan_name, caught.value.training_plan_arn) == (NAME, None)
    assert asked(emulator).count(CREATE) == 1


async def test_looks_that_fail_are_repeated(emulator: Emulator, make_client: MakeClient) -> None:
    async with make_client() as client:
        offering = await on_sale(client, emulator)
        emulator.inject(CREATE, Fault.disconnect("rst", committed=True))
        emulator.inject(DESCRIBE, Fault.error("AccessDeniedException"), nth=2)
        plan = await client.training_plans.create(NAME, offering)
    assert plan.name == NAME
    assert asked(emulator).count(CREATE) == 1


async def test_a_plan_that_cannot_be_described_yet_was_bought_all_the_same(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client(retry=GIVES_UP_SOON) as client:
        offering = await on_sale(client, emulator)
        emulator.inject(DESCRIBE, Fault.error("AccessDeniedException"), nth=2, times=None)
        with pytest.raises(errors.OutcomeUnknownError, match="was bought") as caught:
            await client.training_plans.create(NAME, offering)
    assert caught.value.training_plan_arn is not None
    assert caught.value.reply == {"TrainingPlanArn": caught.value.training_plan_arn}
    assert bought(emulator) == [offering.offering_id]


async def test_a_plan_that_shows_late_is_waited_for(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        offering = await on_sale(client, emulator)
        emulator.inject(DESCRIBE, Fault.error("ResourceNotFound"), nth=2)
        plan = await client.training_plans.create(NAME, offering)
    assert plan.name == NAME
    assert since(emulator) == [DESCRIBE, CREATE, DESCRIBE, DESCRIBE]


async def another(client: AsyncClient, emulator: Emulator) -> TrainingPlan:
    """Buy a plan of other machines under the name."""
    other = await on_sale(client, emulator, instance_type="ml.p4d.24xlarge", duration_hours=24)
    return await client.training_plans.create(NAME, other)


async def test_another_plan_with_the_name_is_told_with_each_difference(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        await another(client, emulator)
        offering = await on_sale(client, emulator, upfront_fee="1")
        before = len(bought(emulator))
        with pytest.raises(errors.PlanMismatchError) as caught:
            await client.training_plans.create(NAME, offering)
    assert [each.split(":")[0] for each in caught.value.differences] == [
        "instance_type",
        "duration",
        "upfront_fee",
    ]
    assert (caught.value.plan_name, caught.value.operation) == (NAME, CREATE)
    assert len(bought(emulator)) == before


async def test_a_name_that_was_taken_meanwhile_is_looked_at(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        await another(client, emulator)
        offering = await on_sale(client, emulator)
        emulator.inject(DESCRIBE, Fault.error("ResourceNotFound"))
        with pytest.raises(errors.PlanMismatchError):
            await client.training_plans.create(NAME, offering)
    assert len(bought(emulator)) == 1


async def test_a_refusal_without_a_plan_is_told(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client(retry=GIVES_UP_SOON) as client:
        offering = await on_sale(client, emulator)
        emulator.inject(CREATE, Fault.error("ResourceInUse"))
        with pytest.raises(errors.ResourceInUseError) as caught:
            await client.training_plans.create(NAME, offering)
    assert "no plan named fresh shows yet" in caught.value.__notes__[0]
    assert bought(emulator) == []


async def test_a_plan_that_fails_is_told_and_then_refused(transport: Transport) -> None:
    with Emulator(timings=Timings(payment_seconds=0)) as emulator:
        async with client_for(emulator.endpoint_url, transport) as client:
            offering = await on_sale(client, emulator, payment_fails=True)
            with pytest.raises(errors.PurchaseFailedError) as caught:
                await client.training_plans.create(NAME, offering)
            with pytest.raises(errors.PurchaseRefusedError, match="choose another name"):
                await client.training_plans.create(NAME, offering)
        assert bought(emulator) == [offering.offering_id]
    assert caught.value.training_plan is not None
    assert caught.value.training_plan.name == NAME
    assert caught.value.extension.offering_id == offering.offering_id


async def test_an_expired_plan_with_the_name_is_no_success(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        offering = await on_sale(client, emulator, resellable=True)
        await client.training_plans.create(NAME, offering)
        emulator.clock.advance(400 * 86400)
        with pytest.raises(errors.PlanMismatchError, match="has expired"):
            await client.training_plans.create(NAME, offering.offering_id)
    assert bought(emulator) == [offering.offering_id]


async def test_bad_arguments_are_listed_before_anything_is_sent(
    emulator: Emulator, make_client: MakeClient
) -> None:
    wrong: Any = {"max_upfront_fee": 1.5, "currency_code": "", "tags": {"": "x"}}
    async with make_client() as client:
        with pytest.raises(errors.InvalidRequestError) as caught:
            await client.training_plans.create(
                "-", "TPO", spare_instance_count_per_ultra_server=-1, **wrong
            )
        with pytest.raises(errors.ConfigurationError, match="currency_code='EUR'"):
            await client.training_plans.create(NAME, "tpo-1", currency_code="EUR")
    named = [problem.split(":")[0] for problem in caught.value.problems]
    assert named == [
        *("name", "offering_id", "max_upfront_fee", "currency_code", "tags"),
        "spare_instance_count_per_ultra_server",
    ]
    assert emulator.requests == ()


async def test_what_was_bought_is_returned_also_if_it_is_not_what_was_listed(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_client() as client:
        offering = await on_sale(client, emulator)
        emulator.add_plan_offering(offering_id=offering.offering_id, upfront_fee="55555")
        plan = await client.training_plans.create(NAME, offering)
    assert plan.upfront_fee == Decimal(55555)
    assert "the offering has 34567.00, the plan has 55555" in caplog.text


async def test_a_lost_reply_and_another_plan_leave_a_doubt_that_is_told(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sagemaker_plans.purchases")
    async with make_client() as client:
        offering = await on_sale(client, emulator)
        emulator.add_plan_offering(offering_id=offering.offering_id, upfront_fee="55555")
        emulator.inject(CREATE, Fault.disconnect("rst", committed=True))
        with pytest.raises(errors.PlanMismatchError, match="may be the plan that was bought now"):
            await client.training_plans.create(NAME, offering)
    assert bought(emulator) == [offering.offering_id]
    _, ended = (each for each in caplog.records if each.name == "sagemaker_plans.purchases")
    assert "may be the plan that was bought now" in ended.message
    assert (ended.levelname, vars(ended)["outcome"]) == ("WARNING", "unknown")
    assert vars(ended)["request_id"] == emulator.requests_of(DESCRIBE)[-1].request_id


async def test_a_limit_counts_for_a_plan_that_was_there(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        await another(client, emulator)
        with pytest.raises(errors.PlanMismatchError, match="the limit is 10, the plan has 34567"):
            await client.training_plans.create(NAME, "tpo-1", max_upfront_fee=10)
        there = await client.training_plans.create(NAME, "tpo-1", max_upfront_fee=FEE)
    assert there.name == NAME


async def test_a_plan_that_was_extended_since_is_the_one_that_was_asked_for(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        longer = await on_sale(client, emulator, upfront_fee="2")
        plan = await client.training_plans.create(NAME, longer)
        wanted = await on_sale(client, emulator, duration_hours=24, upfront_fee="1")
        assert (await client.training_plans.create(NAME, wanted)).arn == plan.arn
