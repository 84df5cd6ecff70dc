"""What the pages take for granted: an emulator, an open client, and what stands there."""

import ast
import inspect
from collections.abc import MutableMapping
from typing import Final

from attrs import frozen

import sagemaker_plans
from harness import session
from sagemaker_plans import AsyncClient, PollSchedule, RetryPolicy
from sagemaker_plans.emulator import Emulator, Timings
from training.journal.memory_journal import MemoryJournal

Names = MutableMapping[str, object]

_INSTANT: Final = Timings(starting=0, device_report=0, stopping=0, payment_seconds=0)
_VISIBLE: Final = Timings(starting=0.1, device_report=0.02, stopping=0.05, payment_seconds=0)


@frozen(kw_only=True)
class Situation:
    """What is there before a page's first block."""

    timings: Timings = _INSTANT
    """How long things take. Whoever waits without a schedule of its own, 15 s a poll, must
    find all done at the first look."""
    starts_from_nothing: bool = False
    """Whether the page itself gives `smp`, `client`, `emulator` and `plan_arn` a meaning."""
    before: str = ""
    """Code that has run."""
    journal: MemoryJournal | None = None
    """The journal of the page's client."""

    def client(self) -> AsyncClient:
        """Give a client that finds the emulator by the environment; it polls fast."""
        return AsyncClient(
            session=session(),
            journal=self.journal,
            polling=PollSchedule(interval=0.02),
            retry=RetryPolicy(base_delay=0.001, throttle_base_delay=0.001, reconcile_limit=1),
        )

    async def arrange(self, emulator: Emulator, client: AsyncClient, names: Names) -> None:
        """Put everything in its place.

        Args:
            emulator: The emulator to which the environment leads.
            client: A client for it.
            names: The names that the page sees.
        """
        known: dict[str, object] = {
            "smp": sagemaker_plans,
            "emulator": emulator,
            "plan_arn": emulator.training_plan_arn,
            "client": client,
            "journal": self.journal,
        }
        if not self.starts_from_nothing:
            names.update(known)
        compiled = compile(
            self.before, __file__, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
        )
        outcome: object = eval(compiled, known)  # noqa: S307  # written below
        if inspect.isawaitable(outcome):
            await outcome


_ROLLOUT: Final = """
await client.plans.create(
    smp.EdgeDeploymentPlanSpec(
        name="spring-rollout",
        device_fleet_name="cameras",
        model_configs=[smp.ModelConfig("detector", "detector-v7")],
        stages=[
            smp.StageSpec("canary", smp.NamedDevices(["cam-001", "cam-002"])),
            smp.StageSpec("everyone", smp.PercentageOfFleet(100)),
        ],
    )
)
"""

_USUAL: Final = Situation()
_SITUATIONS: Final = {
    # A page that begins with nothing, as its reader does; the emulator is its own.
    "docs/tutorial.md": Situation(starts_from_nothing=True),
    "docs/index.md": Situation(before=_ROLLOUT),
    "docs/how-to/page-through-stages.md": Situation(before=_ROLLOUT),
    "docs/how-to/wait-and-watch.md": Situation(timings=_VISIBLE, before=_ROLLOUT),
    "docs/how-to/stop-on-failure.md": Situation(timings=_VISIBLE, before=_ROLLOUT),
    "docs/how-to/notebook.md": Situation(timings=_VISIBLE, before=_ROLLOUT),
    "docs/how-to/trio.md": Situation(before=_ROLLOUT),
    "docs/how-to/logging-and-metrics.md": Situation(before=_ROLLOUT),
    "docs/how-to/task-groups.md": Situation(before=_ROLLOUT),
    "docs/how-to/troubleshooting.md": Situation(before=_ROLLOUT),
    "docs/how-to/typing.md": Situation(before=_ROLLOUT),
    "docs/how-to/unknown-outcome.md": Situation(journal=MemoryJournal()),
}


def situation_of(page: str) -> Situation:
    """Say what a page takes for granted.

    Args:
        page: The page's path in the checkout.

    Returns:
        The situation.
    """
    return _SITUATIONS.get(page, _USUAL)
