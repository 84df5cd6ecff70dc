"""Finds entries of a seed that have the name of another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sagemaker_plans.emulator._data.saved_state import SavedState
from sagemaker_plans.emulator._seeds.seed import Seed, SeedEntryError


class _Named(NamedTuple):
    """Something that has a name of its own."""

    kind: tuple[str, ...]
    """Its kind and, where there is one, its region and its account."""

    name: str
    where: str


def check_unique(seed: Seed, account_id: str) -> None:
    """Check that no two entries of a seed stand for one resource, in its state neither.

    Args:
        seed: The seed.
        account_id: The account of entries that name none.

    Raises:
        SeedEntryError: Two of them do.
    """
    firsts = {(one.kind, one.name): one.where for one in _of_state(seed.state)}
    for one in _of_entries(seed, account_id):
        first = firsts.setdefault((one.kind, one.name), one.where)
        if first != one.where:
            raise SeedEntryError(one.where, f"must be unique, but {one.name!r} is {first} too")


def _of_entries(seed: Seed, own: str) -> Iterator[_Named]:
    for number, fleet in enumerate(seed.fleets):
        kind = ("fleet", fleet.region, fleet.account_id or own)
        yield _Named(kind, fleet.name, f"fleets[{number}].name")
    for number, plan in enumerate(seed.training_plans):
        kind = ("training plan", plan.region, plan.account_id or own)
        yield _Named(kind, plan.name, f"training_plans[{number}].name")
        for inner, offering in enumerate(plan.offerings):
            where = f"training_plans[{number}].offerings[{inner}].offering_id"
            yield _Named(("offering",), offering.offering_id, where)
    for number, plan_offering in enumerate(seed.plan_offerings):
        where = f"plan_offerings[{number}].offering_id"
        yield _Named(("offering",), plan_offering.offering_id, where)
    for number, edge_plan in enumerate(seed.plans):
        kind = ("plan", edge_plan.region, edge_plan.account_id or own)
        # One without a name is refused when it is created.
        name = str(edge_plan.create.get("EdgeDeploymentPlanName"))
        yield _Named(kind, name, f"plans[{number}].create.EdgeDeploymentPlanName")


def _of_state(state: SavedState | None) -> Iterator[_Named]:
    if state is None:
        return
    for kind, table in (
        ("fleet", state.tables.fleets),
        ("training plan", state.tables.training_plans),
        ("plan", state.tables.edge_plans),
    ):
        for arn, row in table.items():
            _, _, _, region, account_id, _ = arn.split(":", 5)
            yield _Named((kind, region, account_id), row.name, "in the state")
    for plan in state.tables.training_plans.values():
        for offering_id in plan.offerings:
            yield _Named(("offering",), offering_id, "in the state")
    for offering_id in state.tables.plan_offerings:
        yield _Named(("offering",), offering_id, "in the state")
