"""What is bought is what was asked for, whatever kind of text names it."""

from __future__ import annotations

import json
from enum import Enum

import pytest

from harness import Transport
from sagemaker_plans import OutcomeUnknownError
from transport.clients import by_every_way, client_by
from transport.scripted_server import Answer, ScriptedServer

pytestmark = pytest.mark.anyio


class Wanted(str, Enum):  # noqa: UP042  # users have them
    """Offerings, as somebody's configuration names them."""

    SPRING = "tpeo-0123456789abcdef"


class Loud(str):
    """A text that shows itself as another one."""

    __slots__ = ()

    def __str__(self) -> str:
        return "tpeo-another"


@by_every_way
@pytest.mark.parametrize("offering", [Wanted.SPRING, Loud(Wanted.SPRING.value)], ids=repr)
async def test_the_offering_that_is_sent_is_the_text_itself_and_not_how_it_shows_itself(
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
