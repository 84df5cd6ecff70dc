"""A client that is cancelled while it is opened has sent nothing, and says so."""

import logging

import anyio
import pytest

from sagemaker_plans import ConfigurationError, ConnectionFailedError, RetryPolicy
from sagemaker_plans._client.lazy_gateway import LazyGateway, Opened
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.training_plans import TrainingPlans
from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN
from waiting.virtual_plans import virtually


async def never() -> Opened:
    await anyio.sleep_forever()
    raise AssertionError


@virtually
async def test_a_purchase_that_is_cancelled_while_the_client_opens_was_not_sent() -> None:
    told: list[object] = []
    with anyio.move_on_after(1) as scope:
        await LazyGateway(never).call(EXTEND_TRAINING_PLAN, {}, interrupted=told.append)
    assert scope.cancelled_caught
    [error] = told
    assert isinstance(error, ConnectionFailedError)
    assert error.request_sent is False
    assert error.operation == "ExtendTrainingPlan"


@virtually
async def test_a_call_that_wants_to_know_nothing_is_cancelled_too() -> None:
    with anyio.move_on_after(1) as scope:
        await LazyGateway(never).call(EXTEND_TRAINING_PLAN, {})
    assert scope.cancelled_caught


@virtually
async def test_a_client_that_cannot_be_opened_is_no_interruption() -> None:
    async def fails() -> Opened:
        raise ConfigurationError("no region")

    told: list[object] = []
    with pytest.raises(ConfigurationError, match="no region"):
        await LazyGateway(fails).call(EXTEND_TRAINING_PLAN, {}, interrupted=told.append)
    assert told == []


@virtually
async def test_the_log_says_that_nothing_was_bought(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sagemaker_plans")
    plans = TrainingPlans(LazyGateway(never), Retrier(RetryPolicy.none()))
    with anyio.move_on_after(1):
        await plans.extend("tpeo-0123456789abcdef")
    words = caplog.messages[-1]
    assert "tpeo-0123456789abcdef not bought: interrupted (" in words
    assert words.endswith("ExtendTrainingPlan was not sent: the client was not open yet")
    assert anyio.current_time() == 1
