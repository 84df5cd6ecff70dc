"""Each public method shows an example, and it runs: all of a world in one emulator, in order."""

import ast
import asyncio
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import pytest
from aiobotocore.session import get_session

from docs.situations import situation_of
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    EdgeDeploymentPlans,
    StagePager,
    StageWatch,
    TrainingPlans,
    shared_client,
)
from sagemaker_plans._training.coverage import sweep
from sagemaker_plans.emulator import Emulator, Timings

_EXAMPLE: Final = re.compile(r"^For example::\n\n((?:(?: {4}.*)?\n)+)", re.MULTILINE)
_CLASSES: Final = (EdgeDeploymentPlans, TrainingPlans, StagePager, StageWatch, AsyncClient)

# They need a stage that is still under way.
_WHILE_IT_RUNS: Final = ("EdgeDeploymentPlans.stop_stage", "StageWaits.wait_until_stage_stopped")


def methods() -> Iterator[Callable[..., object]]:
    yield shared_client
    for cls in _CLASSES:
        # In the order in which they are written: a plan is created before it is changed.
        names = [name for base in reversed(cls.__mro__) for name in vars(base)]
        for name in dict.fromkeys(names):
            method: object = getattr(cls, name)
            if not name.startswith("_") and inspect.isroutine(method):
                yield method


def is_wait(method: Callable[..., object]) -> bool:
    # Waits come last: for what the others have started or bought.
    return method.__name__.startswith(("wait_", "watch"))


METHODS: Final[Mapping[str, Callable[..., object]]] = {
    each.__qualname__: each for each in sorted(methods(), key=is_wait)
}


def example_of(method: Callable[..., object]) -> str | None:
    found = _EXAMPLE.search((inspect.getdoc(method) or "") + "\n")
    return textwrap.dedent(found[1]) if found else None


@pytest.mark.parametrize("name", METHODS)
def test_a_method_shows_an_example(name: str) -> None:
    assert example_of(METHODS[name]), "write `For example::` above `Args:`, and the example"


def run(names: list[str], timings: Timings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the examples of methods, one after the other, on what the ones before have left."""
    situation = situation_of("docs/how-to/wait-and-watch.md")
    known: dict[str, object] = {
        "aclosing": aclosing,
        "datetime": datetime,
        "Decimal": Decimal,
        "get_session": get_session,
        "timedelta": timedelta,
        "UTC": UTC,
    }
    monkeypatch.setattr(sweep, "_PAUSE", 0.001)
    with Emulator(timings=timings) as emulator, asyncio.Runner() as runner:
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        client = situation.client()
        try:
            runner.run(situation.arrange(emulator, client, known))
            for name in names:
                code = compile(
                    example_of(METHODS[name]) or "",
                    name,
                    "exec",
                    ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
                    dont_inherit=True,
                )
                outcome: object = eval(code, known)  # noqa: S307  # our own docstrings
                assert inspect.iscoroutine(outcome)
                if name.endswith(".settle"):
                    # It has nothing to settle. What it does is told in pages that run.
                    with pytest.raises(ConfigurationError):
                        runner.run(outcome)
                else:
                    runner.run(outcome)
        finally:
            runner.run(client.aclose())


def test_the_examples_run(monkeypatch: pytest.MonkeyPatch) -> None:
    timings = Timings(starting=0, device_report=0, stopping=0, payment_seconds=0)
    names = [name for name in METHODS if name not in _WHILE_IT_RUNS]

    run(names, timings, monkeypatch)


@pytest.mark.parametrize("name", _WHILE_IT_RUNS)
def test_an_example_runs_while_a_stage_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    timings = Timings(starting=0, device_report=3600, stopping=0, payment_seconds=0)

    run(["EdgeDeploymentPlans.start_stage", name], timings, monkeypatch)
