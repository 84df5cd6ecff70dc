"""The same through real clients of aiobotocore: with real signatures, checked where ours are."""

import pytest

from journal_world.chances import scene_by_chance
from journal_world.outside.wire import WireScene
from journal_world.test_random_restarts import check
from journal_world.weakenings import find_nothing
from sagemaker_plans._transport import signed_date

FEW, MANY = 12, 130
"""How many scenes are tested each time, and how many in ``nox -s exhaustive``."""

SHOWS_AT = 105
"""A scene in which a signed date decides."""

DELAYED = 108
"""A scene in which botocore waits before it tries again."""


def test_each_key_buys_once_and_every_answer_is_true() -> None:
    for seed in range(FEW):
        check(scene_by_chance(seed, WireScene))


@pytest.mark.exhaustive
def test_hundreds_of_scenes() -> None:
    for seed in range(FEW, MANY):
        check(scene_by_chance(seed, WireScene))


def test_without_the_check_of_the_signed_date_it_buys_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signed_date, "why_too_late", find_nothing)
    for seed in range(SHOWS_AT, SHOWS_AT + 100):
        scene = scene_by_chance(seed, WireScene)
        scene.run()
        problems = [*scene.problems()]
        scene.world.end()
        if any(each.startswith("two purchases") for each in problems):
            return
    pytest.fail("100 scenes show nothing")


def test_a_scene_follows_from_its_seed_whatever_ran_before_it() -> None:
    steps: list[list[int]] = []
    for seed in [DELAYED, SHOWS_AT] * 4:
        scene = scene_by_chance(seed, WireScene)
        scene.run()
        steps.append([process.steps for process in scene.world.processes])
        scene.world.end()
    assert steps == steps[:2] * 4
