"""A process is killed at every await and started again: it buys once, and all answers are true."""

from collections.abc import Iterator
from itertools import product

import pytest

from journal_world.scenes import KEY, MINUTE, Scene
from journal_world.test_random_restarts import check
from journal_world.world import FINE, Fate

FATES = (FINE, Fate(told=False), Fate("never"), Fate("late", late=100.0))
_LAGS, _RESOLD, _AGAIN = (0.0, 60.0), (True, False), ("tpeo-a", "tpeo-b")
EVERY = tuple(product(FATES, _LAGS, _RESOLD, _AGAIN))


def killed(at: int, fate: Fate, lag: float, again: str, *, resells: bool) -> Iterator[Scene]:
    """Run a scene whose first process dies at a step, or give none if it ends before."""
    scene = Scene.made(0, lag=lag, resells=resells)
    first = scene.call()
    first.dooms.append(fate)
    scene.world.at_step = lambda each: (
        scene.world.kill(each) if each is first and each.steps == at else None
    )
    scene.call(KEY, again, after=5.0)
    scene.call(KEY, "tpeo-a", after=70.0)
    scene.person(30 * MINUTE)
    scene.call(KEY, again, after=31 * MINUTE)
    check(scene)
    if first.is_killed:
        yield scene


def sweep(fate: Fate, lag: float, again: str, *, resells: bool) -> None:
    """Kill it at every step that it makes."""
    steps = 0
    while [*killed(steps, fate, lag, again, resells=resells)]:
        steps += 1
    assert 20 < steps < 200


@pytest.mark.parametrize("fate", FATES, ids=lambda each: f"{each.effect}-{each.told}")
def test_killed_at_every_step(fate: Fate) -> None:
    sweep(fate, 60.0, "tpeo-b", resells=True)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("fate", "lag", "resells", "again"), EVERY)
def test_killed_at_every_step_in_every_world(
    fate: Fate, lag: float, again: str, *, resells: bool
) -> None:
    sweep(fate, lag, again, resells=resells)
