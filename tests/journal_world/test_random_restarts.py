"""Crashes, restarts, races and sleepers by chance: one purchase for each key, and true answers."""

from collections import Counter

import pytest

from journal_world.chances import scene_by_chance
from journal_world.scenes import Scene
from journal_world.weakenings import WEAKENINGS, Weakening
from sagemaker_plans import ExtensionReceipt

FEW, MANY = 400, 8_000
"""How many scenes are tested each time, and how many in ``nox -s exhaustive``. A scene has five
calls on average."""

MOST = 2_000
"""After how many scenes a weakening must have shown."""


def check(scene: Scene) -> None:
    """Run a scene, and call once more when all is calm: then the key must get what it wants."""
    scene.run()
    problems = [*scene.problems()]
    assert not problems, "\n".join([*problems, scene.explain()])
    last = scene.calm_down()
    problems = [*scene.problems()]
    assert not problems, "\n".join([*problems, scene.explain()])
    assert isinstance(last, ExtensionReceipt), scene.explain()
    scene.world.end()


def checked(first: int, last: int) -> Counter[str]:
    """Check scenes; count how their calls ended."""
    ends: Counter[str] = Counter()
    for seed in range(first, last):
        scene = scene_by_chance(seed)
        check(scene)
        ends["calls"] += len(scene.calls)
        for process in scene.calls:
            if process.is_killed:
                ends["killed"] += 1
            else:
                result = process.result()
                ends[str(getattr(result, "outcome", type(result).__name__))] += 1
    return ends


def test_each_key_buys_once_and_every_answer_is_true() -> None:
    ends = checked(0, FEW)

    # Otherwise nothing was tested.
    assert ends["calls"] > 4 * FEW
    for end in ("killed", "purchased", "already_purchased", "PurchaseFailedError"):
        assert ends[end] > FEW // 20, ends
    for end in ("OutcomeUnknownError", "PurchaseRefusedError", "confirmed_by_history"):
        assert ends[end] > 0, ends


@pytest.mark.exhaustive
def test_ten_thousand_restarts() -> None:
    assert checked(FEW, MANY)["calls"] > 30_000


@pytest.mark.parametrize("weakening", WEAKENINGS, ids=lambda each: each.name)
def test_without_one_rule_it_shows(weakening: Weakening, monkeypatch: pytest.MonkeyPatch) -> None:
    weakening.apply(monkeypatch)
    for seed in range(weakening.first, weakening.first + MOST):
        scene = scene_by_chance(seed)
        scene.run()
        problems = [*scene.problems()]
        scene.world.end()
        if any(each.startswith(weakening.shows) for each in problems):
            return
    pytest.fail(f"{MOST} scenes show nothing")
