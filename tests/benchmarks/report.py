"""The tables, in Markdown."""

from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from benchmarks.peers import OURS_AND_BASE
from benchmarks.results import (
    AT,
    BASE,
    CONCURRENCIES,
    MODULES,
    MOTO,
    OURS,
    STARTS,
    TLS,
    Results,
)

CAPO: Final = "capo-sagemaker"
NOTHING: Final = "-"


@attrs.frozen
class Target:
    """A ratio that this package is meant to keep."""

    words: str
    measure: str
    """Of which there is the figure itself and one of the CPU, the reciprocal of a rate."""
    who: str
    base: str
    bound: float
    is_rate: bool = False

    def row(self, results: Results) -> Sequence[str]:
        """Say whether it holds, and whether it would if only CPU time counted."""
        found = results.ratio(self.measure.format("rate" if self.is_rate else "wall"), *self._pair)
        cpu = results.ratio(self.measure.format("cpu"), *self._pair)
        if found is None or cpu is None:
            return self.words, NOTHING, NOTHING, "not measured"
        by_cpu = 1 / cpu if self.is_rate else cpu
        verdicts = [self._holds(found), self._holds(by_cpu)]
        verdict = {2: "holds", 1: "**by one of the two**", 0: "**missed**"}[sum(verdicts)]
        return self.words, _ratio(found), _ratio(by_cpu), verdict

    @property
    def _pair(self) -> tuple[str, str]:
        return self.who, self.base

    def _holds(self, ratio: float) -> bool:
        return ratio >= self.bound if self.is_rate else ratio <= self.bound


TARGETS: Final = (
    *(
        Target(
            f"describe, {at} at a time: at least {bound}x the rate of {base}",
            f"describe {{}} at {at}",
            OURS,
            base,
            bound,
            is_rate=True,
        )
        for base, bound in ((BASE, 2.6), (CAPO, 1.4))
        for at in CONCURRENCIES
    ),
    *(
        Target(f"{start}: at most 0.85x the time of {BASE}", f"{start} {{}}", OURS, BASE, 0.85)
        for start in STARTS
    ),
    Target(
        f"`import {MODULES[0]}`: at most 0.15x the time of `import {MODULES[1]}`",
        "import {}",
        *MODULES,
        0.15,
    ),
)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"| --- |{' ---: |' * (len(heads) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _number(value: float | None, factor: float = 1.0, unit: str = "", spec: str = ",.0f") -> str:
    return NOTHING if value is None else f"{value * factor:{spec}}{unit}"


def _ratio(value: float | None) -> str:
    return _number(value, unit="x", spec=".2f")


def _load(results: Results, what: str, at: int, who: str, base: str) -> Iterable[str]:
    rate, cpu = f"{what} rate at {at}", f"{what} cpu at {at}"
    yield _number(results.median(rate, who))
    yield _ratio(results.ratio(rate, who, base))
    yield _number(results.median(cpu, who), 1e6, " µs")
    yield _ratio(results.ratio(cpu, who, base))


def _loads(results: Results) -> Iterable[str]:
    loads = [("describe", at) for at in CONCURRENCIES]
    elsewhere = [(f"describe {where}", AT) for where in (*OURS_AND_BASE, TLS)]
    for what, at in (*loads, ("create", AT), *elsewhere):
        yield from _table(
            (f"{what}, {at} at a time", "per second", "ratio", "CPU of one", "ratio"),
            (
                (who, *_load(results, what, at, who, BASE))
                for who in results.who(f"{what} rate at {at}")
            ),
        )


def _starts(results: Results) -> Iterable[str]:
    for measure, title, base in (
        *((start, f"{start}: one describe", BASE) for start in STARTS),
        ("import", "import alone", MODULES[1]),
    ):
        wall, cpu = f"{measure} wall", f"{measure} cpu"
        yield from _table(
            (title, "time", "ratio", "CPU", "ratio"),
            (
                (
                    who,
                    _number(results.median(wall, who), 1e3, " ms"),
                    _ratio(results.ratio(wall, who, base)),
                    _number(results.median(cpu, who), 1e3, " ms"),
                    _ratio(results.ratio(cpu, who, base)),
                )
                for who in results.who(wall)
            ),
        )


def _waits(results: Results) -> Iterable[str]:
    measures = [measure for measure in results.figures if measure.endswith(" waiting")]
    yield from _table(
        ("describes per interval, on one plan", *(one.partition(", ")[2] for one in measures)),
        (
            (title, *(_number(results.median(one, who), spec=".1f") for one in measures))
            for who, title in ((OURS, OURS), (BASE, f"{BASE}, a loop for each"))
        ),
    )


def _memory(results: Results) -> Iterable[str]:
    yield from _table(
        (f"memory, {OURS}", "KiB"),
        (
            (what, _number(results.median("memory", what), 1 / 1024))
            for what in results.who("memory")
        ),
    )


def _servers(results: Results) -> Iterable[str]:
    yield from _table(
        (f"server, {AT} requests at a time", "per second", "ratio", "CPU of one", "ratio"),
        (
            (who, *_load(results, "server", AT, who, MOTO))
            for who in results.who(f"server rate at {AT}")
        ),
    )


def _items(named: Iterable[tuple[str, object]]) -> str:
    return "; ".join(f"{name} {value}" for name, value in named)


def markdown(results: Results) -> str:
    """Write the results as tables."""
    lines = [
        f"Machine: {_items(results.machine.items())}.",
        "",
        f"Run: {_items(results.settings.items())}; {results.seconds:,.0f} s in all.",
        "",
        *_table(
            ("target", "by the clock", "by CPU time", ""),
            (target.row(results) for target in TARGETS),
        ),
        *_loads(results),
        *_starts(results),
        *_waits(results),
        *_memory(results),
        *_servers(results),
        *_table(
            ("peer", "versions"),
            (
                (who, ", ".join(f"{name} {version}" for name, version in versions.items()))
                for who, versions in results.versions.items()
            ),
        ),
        *(f"**Could not be run: {who}.**" for who in results.failures),
    ]
    return "\n".join(lines).rstrip() + "\n"
