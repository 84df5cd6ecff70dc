"""``StageProgress``: takes what waits and watches read, and shows it."""

from collections.abc import AsyncIterable, AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Self, cast, final

from rich import get_console
from rich.console import Console

from sagemaker_plans.models import EdgeDeploymentPlan, Stage, StageChange
from sagemaker_plans.models._validation import shown
from sagemaker_plans.progress._readings import Readings
from sagemaker_plans.progress._stream import Stream
from sagemaker_plans.progress._terminal import Terminal

_Seen = EdgeDeploymentPlan | Stage | StageChange


@final
class _ShownChanges:
    """An iterator that shows each change before it returns it."""

    def __init__(
        self, changes: AsyncIterable[StageChange], show: Callable[[StageChange], None]
    ) -> None:
        self._changes = aiter(changes)
        self._show = show

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StageChange:
        change = await anext(self._changes)
        self._show(change)
        return change


@final
class StageProgress:
    """A display of stages, and a context manager.

    Pass it to a wait as ``on_poll``. Each call with a plan, a stage or a change updates the
    display. Any number of waits can share one display, even if they are on several plans: the
    stages of each plan stand below its name. ``wait_until_stage_deployed`` says to which plan
    its stage belongs. Who calls the display with a stage that no plan is known for says so with
    ``for_plan``; without that, two such stages with the same name count as one.

    On a terminal a thread of rich redraws the elapsed times once a second. If the screen
    cannot hold all stages, each plan has one line, and there is a sum. If it cannot hold all
    plans either, those that failed or are under way come first. Text that is printed meanwhile
    appears above the display. When the context ends, even by an exception, the redrawing stops
    and the last state stays on the screen.

    A poll waits until the display is drawn, but not if drawing takes long. If the console fails
    (nobody reads the pipe any more, say), a warning is logged and the waits go on without a
    display.

    Args:
        console: The console to show it on; None for rich's own console, on standard
            output. A console made with ``force_terminal`` counts as a terminal.
        now: Returns the current time (aware), from which elapsed times are computed; None
            for this machine's clock. It may be called in another thread.
    """

    def __init__(
        self, *, console: Console | None = None, now: Callable[[], datetime] | None = None
    ) -> None:
        self._console = console or get_console()
        self._is_live = self._console.is_interactive and self._console.is_terminal
        if console is None:
            # With FORCE_COLOR, which is common in CI, rich takes any file for a terminal.
            self._is_live = self._is_live and self._console.file.isatty()
        self._now = now or (lambda: datetime.now(UTC))
        self._readings = Readings()
        self._output: Terminal | Stream | None = None

    def __enter__(self) -> Self:
        if self._output is not None:
            raise RuntimeError("this display is open already")
        self._readings = Readings()
        if self._is_live:
            self._output = Terminal(self._console, self._readings, self._now)
        else:
            self._output = Stream(self._console)
        return self

    def __exit__(self, *_exception: object) -> None:
        output, self._output = self._output, None
        if output is not None:
            output.close()

    def __call__(self, seen: EdgeDeploymentPlan | Stage | StageChange) -> None:
        """Update the display.

        Args:
            seen: A plan with its stages, one stage, or one change of a stage.

        Raises:
            RuntimeError: If the display is not open.
            TypeError: If it is something else.
        """
        self._show(seen, None)

    def for_plan(
        self, plan_name: str
    ) -> Callable[[EdgeDeploymentPlan | Stage | StageChange], None]:
        """Make a function that updates the display with stages of one plan.

        Args:
            plan_name: The name of the plan.

        Returns:
            A function that takes what the display takes, and raises what it raises.
        """
        return lambda seen: self._show(seen, plan_name)

    def follow(self, changes: AsyncIterable[StageChange]) -> AsyncIterator[StageChange]:
        """Show each change of a watch, then pass it on.

        Args:
            changes: The result of ``client.plans.watch``.

        Returns:
            An iterator over the same changes. It raises what ``changes`` raises, and
            RuntimeError if the display is not open.
        """
        plan_name: object = getattr(changes, "plan_name", None)
        show = self.for_plan(plan_name) if isinstance(plan_name, str) else self
        return _ShownChanges(changes, show)

    def _show(self, seen: _Seen, plan_name: str | None) -> None:
        output = self._output
        if output is None:
            raise RuntimeError("open the display first: with StageProgress() as progress")
        reading = seen.stage if isinstance(seen, StageChange) else seen
        if not isinstance(cast("object", reading), EdgeDeploymentPlan | Stage):
            raise TypeError(f"a plan, a stage or a change is needed, got {shown(reading)}")

        def update() -> None:
            now = self._now()
            output.show(self._readings.update(reading, plan_name, now), now)

        output.background.guard(update)
