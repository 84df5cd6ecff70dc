"""The offering that is bought is the value of the argument, for every kind of string."""

from __future__ import annotations

import json
from enum import Enum

import pytest

from harness import Transport
from sagemaker_plans import OutcomeUnknownError
from transport.below.scripted_server import Answer, ScriptedServer
from transport.clients import by_every_way, client_by

pytestmark = pytest.mark.anyio


class Wanted(str, Enum):  # noqa: UP042  # users have them
    """Offerings, as an enum of a user's configuration."""

    SPRING = "tpeo-0123456789abcdef"


class Loud(str):
    """A string whose str() is another string."""

    __slots__ = ()

    def __str__(self) -> str:
        return "tpeo-another"


@by_every_way
@pytest.mark.parametrize("offering", [Wanted.SPRING, Loud(Wanted.SPRING.value)], ids=repr)
async def test_the_offering_that_is_sent_is_the_value_and_not_the_str_of_the_argument(
    transport: Transport, way: str, offering: str
) -> None:
    with ScriptedServer(Answer(b"{}")) as server:
        async with client_by(way, server.url, transport) as client:
            with pytest.raises(OutcomeUnknownError) as caught:
                await client.training_plans.extend(offering)

    (sent,) = server.received
    assert json.loads(sent.body) == {"TrainingPlanExtensionOfferingId": Wanted.SPRING.value}
    assert f"offering {Wanted.SPRING.value} " in str(caught.value)
    assert type(caught.value.offering_id) is str
