"""What is known about one request, from the sources that count as evidence."""

import asyncio
import copy
import pickle

import anyio
import pytest

from sagemaker_plans import ConfigurationError, ConnectionFailedError
from sagemaker_plans._transport.aiobotocore_client.event_hooks import (
    LinkedText,
    evidence_in,
    linked,
)
from sagemaker_plans._transport.evidence import Evidence, SecondSendError, WholeReply, current_task
from sagemaker_plans._wire.operations import DESCRIBE_PLAN, EXTEND_TRAINING_PLAN, Operation

REPLY = WholeReply(status=200, headers={}, raw=b"{}")
TOLD = ConnectionFailedError("no connection", request_sent=False)


pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def evidence(*, closed: bool = False) -> Evidence:
    return Evidence(EXTEND_TRAINING_PLAN, is_closed=lambda: closed, task=current_task())


async def test_without_a_report_nothing_is_proven() -> None:
    silent = evidence()

    for ended_by in (None, RuntimeError(), TOLD):
        assert silent.unsent(ended_by) is None
    assert silent.request_sent is None
    assert silent.lost("words").request_sent is None


async def test_a_request_is_handed_over_once() -> None:
    known = evidence()
    known.hand_over()

    with pytest.raises(SecondSendError, match="a second time; the second one was not sent"):
        known.hand_over()


async def test_a_request_whose_call_has_ended_is_not_handed_over() -> None:
    known = evidence()
    known.is_over = True

    with pytest.raises(SecondSendError):
        known.hand_over()
    assert not known.was_handed_over


async def test_a_request_of_a_closed_client_is_not_handed_over() -> None:
    known = evidence(closed=True)

    with pytest.raises(ConfigurationError, match="this client is closed") as caught:
        known.hand_over()

    assert known.unsent(caught.value) is caught.value
    assert caught.value.operation == "ExtendTrainingPlan"
    with pytest.raises(ConfigurationError) as again:
        known.hand_over()
    assert again.value is caught.value


async def test_only_the_exception_that_prevented_the_send_proves_it_unsent() -> None:
    known, refused = evidence(), ConnectionRefusedError()
    known.hand_over()
    known.note_handed_over_unsent(refused, TOLD)

    assert known.unsent(refused) is TOLD
    # A wrapper may have bought it in another way meanwhile.
    assert known.unsent(ConnectionRefusedError()) is None
    assert known.unsent(None) is None


async def test_what_our_own_time_limit_interrupted_is_unsent() -> None:
    known = evidence()
    known.note_never_handed_over(asyncio.CancelledError(), TOLD)

    assert known.unsent(None) is TOLD


async def test_a_request_that_was_not_sent_is_never_sent_later() -> None:
    known, refused = evidence(), ConnectionRefusedError()
    known.hand_over()
    known.note_handed_over_unsent(refused, TOLD)

    with pytest.raises(ConnectionRefusedError) as caught:
        known.hand_over()
    assert caught.value is refused


@pytest.mark.parametrize(
    ("operation", "counts"), [(EXTEND_TRAINING_PLAN, False), (DESCRIBE_PLAN, True)]
)
async def test_what_a_hook_tells_counts_for_what_was_sent_if_it_may_be_sent_twice(
    operation: Operation, *, counts: bool
) -> None:
    known = Evidence(operation)
    known.note_told(REPLY)
    assert known.reply is REPLY
    known.hand_over()
    assert known.reply is (REPLY if counts else None)
    known.note_handed_over_unsent(ConnectionRefusedError(), TOLD)
    assert known.reply is REPLY


async def test_the_first_whole_reply_counts() -> None:
    known = evidence()
    known.note_reply(REPLY)
    known.note_reply(WholeReply(status=400, headers={}, raw=b""))

    assert known.reply is REPLY
    assert known.request_sent is True
    lost = known.lost("what happened")
    assert str(lost) == "ExtendTrainingPlan: what happened"
    assert (lost.request_sent, lost.operation) == (True, "ExtendTrainingPlan")


async def test_a_cancellation_that_prevented_the_send_is_not_raised_again() -> None:
    known = evidence()
    known.note_never_handed_over(asyncio.CancelledError(), TOLD)

    with pytest.raises(ConnectionFailedError) as caught:
        known.hand_over()
    assert caught.value is TOLD


async def test_a_copy_of_a_request_has_the_same_evidence() -> None:
    known = evidence()
    request = linked({"Count": 1, "Name": "rollout"}, known)

    assert request == {"Count": 1, "Name": "rollout"}
    for other in (request, copy.copy(request), copy.deepcopy(request), {**request}):
        text = other["Name"]
        assert isinstance(text, LinkedText)
        assert copy.copy(text).evidence is text.evidence is known
    assert copy.copy(known) is copy.deepcopy(known) is known
    # Not to another process: this one cannot observe what happens there.
    assert type(pickle.loads(pickle.dumps(request["Name"]))) is str  # our own


@pytest.mark.parametrize("context", [None, {}, {"sagemaker_plans": "something else"}])
async def test_a_request_of_another_caller_has_no_evidence(
    context: dict[str, object] | None,
) -> None:
    assert evidence_in(context) is None


async def test_a_second_send_that_fails_proves_nothing_about_the_first() -> None:
    known, refused = evidence(), ConnectionRefusedError()
    known.hand_over()
    known.note_never_handed_over(refused, TOLD)

    assert known.unsent(refused) is None


async def test_a_call_in_the_same_task_ends_with_it() -> None:
    known = evidence()
    assert known.may_go_on
    known.begin()

    assert not known.may_go_on


async def test_a_call_in_another_task_may_go_on_until_its_reply_has_come() -> None:
    known = evidence()
    async with anyio.create_task_group() as group:

        async def carry() -> None:
            known.begin()

        group.start_soon(carry)
    assert known.may_go_on
    known.note_reply(REPLY)

    assert not known.may_go_on
