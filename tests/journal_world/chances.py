"""Scenes by chance: crashes, restarts, races, sleepers, and a person who tells the truth."""

from journal_world.outside.service import EXTEND, HISTORY
from journal_world.processes import Process
from journal_world.scenes import HOUR, KEY, MINUTE, PLACES, RIVAL, SIGNING, Scene
from journal_world.world import Fate

OFFERINGS = ("tpeo-a", "tpeo-b")


def scene_by_chance(seed: int | str, kind: type[Scene] = Scene) -> Scene:
    """Set up a scene: everything in it follows from the seed."""
    scene = kind.made(seed)
    draw, service = scene.draw, scene.service
    service.lag = draw.choice((0.0, 60.0))
    service.resells = draw.random() < 0.6
    service.whole_seconds = draw.random() < 0.3
    service.failing = draw.choice((0.0, 0.0, 0.4))
    service.pending = draw.choice((0.0, 0.5))
    scene.service_faults = draw.choice((0.0, 0.1, 0.35))
    scene.journal_faults = draw.choice((0.0, 0.1, 0.35))
    service.newest_first = draw.random() < 0.5
    draw.choice(_KINDS)(scene)
    return scene


def _clock(scene: Scene) -> float:
    return scene.draw.choice((0.0, 0.0, -100.0, 100.0, -250.0, 250.0, 1000.0, -1000.0))


def _call(scene: Scene, key: str, after: float) -> Process:
    # A new search may find another offering for the same wish.
    offering = scene.draw.choice(OFFERINGS)
    return scene.call(key, offering, after=after, ahead=_clock(scene))


def _kills(scene: Scene, victims: dict[Process, int]) -> None:
    """Kill each victim at its own step."""

    def kill(process: Process) -> None:
        if process.steps == victims.get(process):
            scene.world.kill(process)

    scene.world.at_step = kill


def _crashes(scene: Scene) -> None:
    draw, after = scene.draw, 0.0
    victims: dict[Process, int] = {}
    for _ in range(draw.randint(2, 6)):
        key = KEY if draw.random() < 0.8 else RIVAL
        process = _call(scene, key, after)
        if draw.random() < 0.85:
            victims[process] = draw.randint(1, 50)
        after += draw.choice((0.2, 2.0, 20.0, 90.0, 10 * MINUTE, 40 * MINUTE))
        if draw.random() < 0.3:
            scene.person(after)
    _kills(scene, victims)


def _races(scene: Scene) -> None:
    draw = scene.draw
    victims: dict[Process, int] = {}
    for _ in range(draw.randint(2, 4)):
        process = _call(scene, KEY if draw.random() < 0.6 else RIVAL, draw.uniform(0.0, 0.3))
        if draw.random() < 0.3:
            victims[process] = draw.randint(1, 50)
    for _ in range(draw.randint(0, 2)):
        _call(scene, KEY, draw.uniform(0.0, 100.0))
    scene.person(draw.uniform(0.0, 50 * MINUTE))
    _kills(scene, victims)


def _sleeper(scene: Scene) -> None:
    """A process sleeps somewhere, long enough to be settled, and others buy meanwhile."""
    draw = scene.draw
    sleeper = _call(scene, KEY, 0.0)
    naps = {draw.choice((*SIGNING, *PLACES)): draw.choice((30.0, 4 * MINUTE, 28 * MINUTE, HOUR))}
    if draw.random() < 0.4:
        naps[draw.choice(PLACES)] = draw.choice((10 * MINUTE, HOUR))
    corrected = draw.random() < 0.3
    skips = draw.choice((0, 0, 1))

    def sleep(process: Process, place: str) -> None:
        nonlocal skips
        if process is sleeper and place in naps:
            if skips:
                skips -= 1
                return
            scene.world.stop(process, naps.pop(place) * draw.uniform(0.9, 1.1))
            if corrected:
                process.ahead = 0.0

    scene.world.at_place = sleep
    after = draw.choice((2.0, 20.0))
    for _ in range(draw.randint(1, 3)):
        after += draw.choice((1.0, 5 * MINUTE, 20 * MINUTE, 26 * MINUTE, 30 * MINUTE))
        scene.person(after)
        _call(scene, draw.choice((KEY, RIVAL)), after + draw.uniform(0.0, 10.0))
    _call(scene, KEY, after + 2 * HOUR)


def _storm(scene: Scene) -> None:
    """Everybody sleeps at any place, clocks are set, and a person comes every few minutes."""
    draw, after = scene.draw, 0.0
    sleepiness = draw.choice((0.02, 0.1, 0.2))
    lengths = (1.0, 100.0, 4 * MINUTE, 8 * MINUTE, 21 * MINUTE, 28 * MINUTE, HOUR)
    corrected = draw.random() < 0.5

    def sleep(process: Process, _: str) -> None:
        if draw.random() < sleepiness:
            scene.world.stop(process, draw.choice(lengths) * draw.uniform(0.9, 1.1))
            if corrected:
                process.ahead = 0.0
        elif draw.random() < 0.01:
            scene.world.kill(process)

    scene.world.at_place = sleep
    for _ in range(draw.randint(3, 8)):
        _call(scene, KEY if draw.random() < 0.7 else RIVAL, after)
        for _ in range(draw.randint(0, 2)):
            scene.person(after + draw.uniform(0.0, 30 * MINUTE))
        after += draw.choice((0.1, 10.0, 3 * MINUTE, 20 * MINUTE, 40 * MINUTE))


def _stale_clock(scene: Scene) -> None:
    """The reply that shows the service's clock is an hour old when it is read."""
    draw = scene.draw
    sleeper = _call(scene, KEY, 0.0)
    naps = {
        f"after {HISTORY}": HOUR * draw.uniform(0.4, 1.1),
        draw.choice(("after begin", *SIGNING)): draw.uniform(100.0, 290.0),
    }
    _sleeping(scene, {sleeper: naps})

    def settled_and_bought(process: Process, place: str) -> None:
        if process is sleeper and place == "after begin":
            for _ in range(4):
                after = draw.uniform(0.0, 200.0)
                scene.person(after)
                _call(scene, draw.choice((KEY, RIVAL)), after + draw.uniform(0.0, 50.0))

    scene.also(settled_and_bought)


def _stale_reader(scene: Scene) -> None:
    """A process sleeps between records and history; its key's record is settled meanwhile."""
    draw = scene.draw
    first = _call(scene, KEY, 0.0)
    reader = _call(scene, KEY, draw.uniform(0.2, 60.0))
    _sleeping(scene, {reader: {draw.choice(_READING): draw.uniform(27.0, 32.0) * MINUTE}})

    def kill(process: Process, place: str) -> None:
        if process is first and place == draw.choice(("after begin", *SIGNING)):
            scene.world.kill(first)

    scene.also(kill)
    scene.person(draw.uniform(25.5, 27.5) * MINUTE)
    rival = _call(scene, draw.choice((KEY, RIVAL)), 28 * MINUTE)
    rival.offering = draw.choice((first.offering, rival.offering))
    _call(scene, KEY, 2 * HOUR)


def _lost_sleeper(scene: Scene) -> None:
    """A process whose purchase was lost sleeps, is settled, and then looks for it."""
    draw = scene.draw
    sleeper = _call(scene, KEY, 0.0)
    sleeper.dooms.append(draw.choice((Fate("never"), Fate(told=False), Fate("late", late=100.0))))
    _sleeping(scene, {sleeper: {draw.choice(_LOOKING): draw.uniform(27.0, 40.0) * MINUTE}})
    scene.person(draw.uniform(25.5, 27.0) * MINUTE)
    rival = _call(scene, draw.choice((KEY, RIVAL)), draw.uniform(25.5, 28.0) * MINUTE)
    rival.offering = draw.choice((sleeper.offering, rival.offering))
    _call(scene, KEY, 2 * HOUR)


def _in_a_second(scene: Scene) -> None:
    """Payments fail at once, and the next call comes within the same second."""
    draw, service, after = scene.draw, scene.service, 0.0
    service.whole_seconds, service.failing, service.resells = True, 0.5, True
    offering = draw.choice(OFFERINGS)
    for _ in range(draw.randint(3, 6)):
        call = _call(scene, KEY if draw.random() < 0.8 else RIVAL, after)
        call.offering = draw.choice((offering, offering, call.offering))
        after += draw.uniform(0.05, 0.3)
    scene.person(HOUR)
    _call(scene, KEY, 2 * HOUR)


_READING = ("after records", f"before signing {HISTORY}", f"after signing {HISTORY}")
_LOOKING = (f"after {EXTEND}", *_READING, f"after {HISTORY}", "before records")
_KINDS = (
    _crashes,
    _races,
    _sleeper,
    _storm,
    _stale_clock,
    _stale_reader,
    _lost_sleeper,
    _in_a_second,
)


def _sleeping(scene: Scene, naps: dict[Process, dict[str, float]]) -> None:
    """Let processes sleep where they pass a place for the first time."""

    def sleep(process: Process, place: str) -> None:
        if place in naps.get(process, {}):
            scene.world.stop(process, naps[process].pop(place))

    scene.also(sleep)
