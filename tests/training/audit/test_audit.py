"""The fields of the lines about purchases, for whoever audits what a program has bought."""

import json
import logging
from decimal import Decimal
from typing import Any

import attrs
import pytest

from faults.acts import OFFERING, PLAN_ARN
from faults.service_gateway import fates
from sagemaker_plans import errors
from sagemaker_plans._wire.logs import PurchaseFacts, fee_text
from training.journal.worlds import a_world
from waiting.virtual_plans import virtually

Patch = pytest.MonkeyPatch
Caplog = pytest.LogCaptureFixture
FIELDS = [each.name for each in attrs.fields(PurchaseFacts)]
OF_THE_PURCHASE = {
    "operation": "ExtendTrainingPlan",
    "plan": PLAN_ARN,
    "offering": OFFERING,
    "idempotency_key": "march",
}
LISTED = {"fee": "1234.50", "currency": "USD"}


def lines(caplog: Caplog) -> list[dict[str, Any]]:
    """Give the fields of the lines about purchases; those that are None are left out."""
    records = [one for one in caplog.records if one.name == "sagemaker_plans.purchases"]
    fields = [{name: vars(one)[name] for name in FIELDS} for one in records]
    return [{name: each for name, each in one.items() if each is not None} for one in fields]


@pytest.fixture(autouse=True)
def at_info(caplog: Caplog) -> None:
    caplog.set_level(logging.INFO, "sagemaker_plans")


@virtually
async def test_a_purchase_has_a_line_before_and_a_line_after(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    world = a_world(monkeypatch)
    await world.extend(max_upfront_fee=5000, idempotency_key="march")
    before, after = lines(caplog)
    assert before == {"event": "purchase_started", **OF_THE_PURCHASE, **LISTED}
    request_id = after.pop("request_id")
    assert after == {
        "event": "purchase_ended",
        "outcome": "purchased",
        **OF_THE_PURCHASE,
        **LISTED,
    }
    assert request_id in caplog.messages[-1]
    assert json.loads(json.dumps(lines(caplog))) == lines(caplog)


@virtually
async def test_what_was_bought_before_is_told_without_a_start(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    world = a_world(monkeypatch)
    await world.extend(idempotency_key="march")
    caplog.clear()
    await world.extend(idempotency_key="march")
    [line] = lines(caplog)
    assert line == {
        "event": "purchase_ended",
        "outcome": "already_purchased",
        "request_id": "us/2",
        **OF_THE_PURCHASE,
        **LISTED,
    }


@virtually
async def test_a_refusal_is_told(monkeypatch: Patch, caplog: Caplog) -> None:
    world = a_world(monkeypatch)
    with pytest.raises(errors.PurchaseRefusedError):
        await world.extend(max_upfront_fee=1, idempotency_key="march")
    [line] = lines(caplog)
    assert line == {"event": "purchase_ended", "outcome": "refused", **OF_THE_PURCHASE, **LISTED}


@virtually
async def test_an_unknown_outcome_and_its_settlement_are_told(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    world = a_world(monkeypatch, lag=60)
    world.service.fates = fates(ExtendTrainingPlan=["lost after"])
    with pytest.raises(errors.OutcomeUnknownError):
        await world.extend(idempotency_key="march")
    assert lines(caplog)[-1] == {
        "event": "purchase_ended",
        "outcome": "unknown",
        **OF_THE_PURCHASE,
    }
    caplog.clear()
    await world.settle(bought=True)
    [line] = lines(caplog)
    assert line == {"event": "purchase_settled", "outcome": "bought", **OF_THE_PURCHASE}


def test_no_field_is_one_that_a_record_of_logging_has_already() -> None:
    record = logging.LogRecord("name", logging.INFO, "path", 1, "message", (), None)
    assert {*FIELDS} & {*vars(record), "message", "asctime"} == set()


def test_a_fee_that_is_no_decimal_is_shown_as_it_is() -> None:
    assert [fee_text(each) for each in (None, Decimal("1E+3"), "12")] == [None, "1000", "'12'"]


@virtually
async def test_an_interruption_between_two_attempts_ends_the_purchase_in_the_log(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    world = a_world(monkeypatch, fates=fates(ExtendTrainingPlan=["throttled"]))
    with pytest.raises(BaseException) as caught:
        await world.plans(on_retry=interrupted).extend(OFFERING, training_plan_arn=PLAN_ARN)
    assert isinstance(caught.value, KeyboardInterrupt)
    assert [each.get("outcome") for each in lines(caplog)] == [None, "not_bought"]
