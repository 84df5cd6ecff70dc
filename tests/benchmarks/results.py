"""What was measured, and what it comes to: medians, and ratios within one run."""

from statistics import median
from typing import Any, Final

import attrs

OURS: Final = "sagemaker-plans"
BASE: Final = "aiobotocore"
MOTO: Final = "moto"
TLS: Final = "over TLS"
"""How the loads over TLS are called."""
TRIO: Final = "trio"
"""The name of the environment that has trio and httpx."""
STARTS: Final = ("process with bytecode", "process without bytecode")
"""A whole process, from its start to its end, whose packages have bytecode or have none."""
MODULES: Final = ("sagemaker_plans", "aiobotocore.session")
"""Whose imports alone are compared."""
CONCURRENCIES: Final = (1, 20, 200)
AT: Final = 20
"""The concurrency at which CPU, creates and servers are measured."""

Rounds = dict[str, list[float]]
"""By peer, a figure for each round."""


def _figures() -> dict[str, Rounds]:
    return {}


def _versions() -> dict[str, dict[str, str]]:
    return {}


def _failures() -> dict[str, str]:
    return {}


@attrs.define
class Results:
    """All figures of one run, round by round."""

    machine: dict[str, str]
    settings: dict[str, Any]
    versions: dict[str, dict[str, str]] = attrs.field(factory=_versions)
    figures: dict[str, Rounds] = attrs.field(factory=_figures)
    failures: dict[str, str] = attrs.field(factory=_failures)
    seconds: float = 0.0

    def note(self, measure: str, who: str, figure: float) -> None:
        """Note a figure of one round."""
        self.figures.setdefault(measure, {}).setdefault(who, []).append(figure)

    def who(self, measure: str) -> list[str]:
        """Give those of whom there is a figure."""
        return [*self.figures.get(measure, {})]

    def median(self, measure: str, who: str) -> float | None:
        """Give the median of the rounds, None if there was none."""
        found = self.figures.get(measure, {}).get(who)
        return median(found) if found else None

    def ratio(self, measure: str, who: str, base: str = BASE) -> float | None:
        """Give the median of the ratios to another's figure in the same round.

        A round is short: what else the machine does meanwhile slows both alike.
        """
        rounds = self.figures.get(measure, {})
        pairs = [*zip(rounds.get(who, ()), rounds.get(base, ()), strict=False)]
        return median(one / other for one, other in pairs) if pairs else None
