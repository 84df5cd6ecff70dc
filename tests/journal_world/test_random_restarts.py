"""Random crashes, restarts, races and sleepers: one purchase for each key, and true answers."""

import pytest

from journal_world.chances import scene_by_chance
from journal_world.scenes import Scene
from sagemaker_plans import ExtensionReceipt


def check(scene: Scene) -> bool:
    """Run a scene to its end; tell whether its key got what it wanted."""
    scene.run()
    problems = [*scene.problems()]
    assert not problems, "\n".join([*problems, scene.explain()])
    last = scene.calm_down()
    problems = [*scene.problems()]
    assert not problems, "\n".join([*problems, scene.explain()])
    assert isinstance(last, ExtensionReceipt), scene.explain()
    scene.world.end()
    return True


@pytest.mark.parametrize("seed", range(300))
def test_few(seed: int) -> None:
    check(scene_by_chance(seed))
