"""Each peer that is installed with the tests does what is measured, and says if it does not."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from benchmarks import canned
from benchmarks.peers import (
    EXPECTED,
    WORKERS,
    Aiobotocore,
    AiobotocoreHttpx,
    AiobotocoreTrio,
    AsyncPeer,
    BareAiohttp,
    Boto3,
    Peer,
    SagemakerPlans,
    SagemakerPlansHttpx,
    SagemakerPlansTrio,
    WrongReplyError,
)
from benchmarks.report import TARGETS, markdown
from benchmarks.results import BASE, OURS, Results

INSTALLED: tuple[type[Peer], ...] = (
    SagemakerPlans,
    SagemakerPlansHttpx,
    SagemakerPlansTrio,
    Aiobotocore,
    AiobotocoreHttpx,
    AiobotocoreTrio,
    Boto3,
    BareAiohttp,
)


@pytest.fixture
def server() -> Iterator[str]:
    """Serve canned replies in a thread: some of the peers block."""
    loop = asyncio.new_event_loop()
    serving, url = loop.run_until_complete(canned.listen())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield url

    async def close() -> None:
        serving.close()
        # The connections that the peers have closed are noticed.
        await asyncio.sleep(0)

    asyncio.run_coroutine_threadsafe(close(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.mark.parametrize("kind", INSTALLED)
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_peer_reads_ten_stages_and_creates_the_plan(
    kind: type[Peer], concurrency: int, server: str
) -> None:
    peer = kind()
    peer.open(server, pool=5)

    loads = {name: peer.load(name, calls=8, concurrency=concurrency) for name in EXPECTED}

    peer.close()
    assert kind in WORKERS.values()
    assert EXPECTED["describe"] == 10
    for load in loads.values():
        assert load.calls == 8
        assert load.wall > 0
        assert load.cpu > 0


class Forgetful(AsyncPeer):
    async def connect(self, url: str, pool: int | None) -> None: ...

    async def disconnect(self) -> None: ...

    async def describe(self) -> int:
        return 9

    async def create(self) -> int:
        return 0


@pytest.mark.parametrize("operation", EXPECTED)
def test_a_peer_that_returns_something_else_is_no_measurement(operation: str) -> None:
    peer = Forgetful()
    peer.open("http://127.0.0.1:1", pool=None)

    with pytest.raises(WrongReplyError):
        peer.load(operation, calls=2, concurrency=1)

    peer.close()


def test_ratios_are_those_within_a_round() -> None:
    results = Results(machine={}, settings={})
    for ours, base in ((20.0, 10.0), (2.0, 1.0), (900.0, 300.0)):
        results.note("describe rate at 20", OURS, ours)
        results.note("describe rate at 20", BASE, base)

    assert results.ratio("describe rate at 20", OURS) == 2.0
    assert results.median("describe rate at 20", OURS) == 20.0


def test_what_was_not_measured_is_not_claimed() -> None:
    text = markdown(Results(machine={}, settings={}, failures={"boto3": "is not there"}))

    assert text.count("not measured") == len(TARGETS)
    assert "holds" not in text
    assert "Could not be run: boto3" in text
