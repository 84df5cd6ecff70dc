"""Real processes over real sockets, killed and stopped by signals, with a journal in files."""

import sys
import time
from random import Random
from typing import Literal

import pytest

from journal_processes.conftest import World
from journal_processes.shop import set_forward

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads the states of processes from /proc"
)

Backend = Literal["asyncio", "trio"]
BACKENDS: tuple[Backend, ...] = ("asyncio", "trio")
BEFORE_IT_IS_SENT = (
    "before records",
    "after records",
    "before begin",
    "after begin",
    "before signing",
    "before sending",
)
AFTER_IT = ("before end", "after end")
MINUTE = 60.0


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("place", BEFORE_IT_IS_SENT)
def test_killed_before_it_is_sent(world: World, backend: Backend, place: str) -> None:
    first = world.start(backend=backend, stops_at=place)
    assert first.stopped_at() == place
    first.kill()

    again = world.start(backend=backend, offering="tpeo-b").result()

    if place in {"before records", "after records", "before begin"}:
        assert (again, world.sold()) == ("purchased", ["tpeo-b"])
        return
    # Its record is there. Nobody but a person can know that nothing was sent.
    assert again.startswith("OutcomeUnknownError")
    assert world.start(key="other").result().startswith("PurchaseRefusedError")
    assert world.start(settles=False).result().startswith("PurchaseRefusedError")
    assert world.sold() == []
    set_forward(world.folder, 26 * MINUTE)
    assert world.start(settles=False).result() == "settled"
    assert world.start(backend=backend, offering="tpeo-b").result() == "purchased"
    assert world.sold() == ["tpeo-b"]


@pytest.mark.parametrize("shows", [True, False], ids=["shown", "not-shown-yet"])
@pytest.mark.parametrize("place", AFTER_IT)
def test_killed_after_the_reply(world: World, place: str, *, shows: bool) -> None:
    world.shop.begin(shows=shows)
    first = world.start(stops_at=place)
    assert first.stopped_at() == place
    first.kill()

    again = world.start(offering="tpeo-b").result()

    knows = shows or place == "after end"
    assert again.partition(":")[0] == ("already_purchased" if knows else "OutcomeUnknownError")
    world.shop.shows = True
    assert world.start(offering="tpeo-b").result() == "already_purchased"
    assert world.sold() == ["tpeo-a"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fate", ["hold before", "hold after"])
def test_killed_while_its_request_is_under_way(
    world: World, backend: Backend, fate: Literal["hold before", "hold after"]
) -> None:
    world.shop.begin(fate, shows=False)
    first = world.start(backend=backend)
    assert world.shop.held.wait(30.0)
    first.kill()

    unknown = [world.start(offering="tpeo-b").result() for _ in range(2)]
    world.shop.let_go.set()
    while not world.sold():
        time.sleep(0.002)
    unknown.append(world.start(offering="tpeo-b").result())

    assert {each.partition(":")[0] for each in unknown} == {"OutcomeUnknownError"}
    world.shop.shows = True
    assert world.start(offering="tpeo-b").result() == "already_purchased"
    assert world.sold() == ["tpeo-a"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("place", "key"),
    [
        ("after begin", "wanted"),
        ("before signing", "rival"),
        ("before sending", "wanted"),
        ("before sending", "rival"),
    ],
)
def test_stopped_settled_and_continued(
    world: World, backend: Backend, place: str, key: str
) -> None:
    sleeper = world.start(backend=backend, stops_at=place)
    assert sleeper.stopped_at() == place
    set_forward(world.folder, 26 * MINUTE)
    assert world.start(settles=False).result() == "settled"
    assert world.start(key=key).result() == "purchased"

    sleeper.go_on()

    # What was not signed yet is not sent; what was signed is refused by the service.
    kept_back = place != "before sending"
    assert sleeper.result().partition(":")[0] == (
        "PurchaseRefusedError" if kept_back else "AccessDeniedError"
    )
    assert world.shop.refused == ([] if kept_back else ["tpeo-a"])
    assert world.sold() == ["tpeo-a"]
    assert world.start().result() == "already_purchased"


def test_of_many_at_once_one_buys(world: World) -> None:
    racers = [
        world.start(backend=BACKENDS[number % 2], offering=f"tpeo-{number}") for number in range(6)
    ]

    results = [each.result().partition(":")[0] for each in racers]

    assert len(world.sold()) == 1
    assert results.count("purchased") == 1
    others = {"purchased", "already_purchased", "OutcomeUnknownError"}
    assert set(results) <= others
    assert world.start().result() == "already_purchased"


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments(world: World, seed: int) -> None:
    """Killed and started again until it answers; then a person says the truth, and it buys."""
    draw = Random(seed)  # for a test
    world.shop.begin(draw.choice(("tell", "cut")), shows=False)
    for _ in range(5):
        worker = world.start(backend=draw.choice(BACKENDS))
        time.sleep(draw.uniform(0.0, 0.15))
        worker.kill()
    last = world.start(offering="tpeo-b").result().partition(":")[0]
    bought = world.sold()
    assert len(bought) <= 1

    set_forward(world.folder, 26 * MINUTE)
    if last == "OutcomeUnknownError":
        settled = world.start(settles=bool(bought)).result()
        assert settled == "settled"
    world.shop.shows = True

    # If every worker was killed before it sent anything, the reply that is cut is this one.
    ends = {"already_purchased"} if bought else {"purchased", "confirmed_by_history"}
    assert world.start(offering="tpeo-b").result() in ends
    assert len(world.sold()) == 1
