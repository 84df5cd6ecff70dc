"""Hypothesis strategies for training plans and what belongs to them, made from their types."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, get_args, get_origin

import attrs
from hypothesis import strategies as st

from sagemaker_plans._wire.values import parse_fee
from sagemaker_plans.models import (
    ReservedCapacity,
    ReservedCapacityOffering,
    ReservedCapacitySummary,
    TrainingPlan,
    TrainingPlanOffering,
    TrainingPlanPage,
    UltraServer,
    UltraServerPage,
    UltraServerSummary,
)
from sagemaker_plans.models._enums import OpenEnum
from sagemaker_plans.models._wire_form import WireModel

T = TypeVar("T")

MEMBERS_WITH_TIMES: Final = frozenset(
    {
        "EndTime",
        "ExtensionEndTime",
        "ExtensionStartTime",
        "RequestedEndTimeBefore",
        "RequestedStartTimeAfter",
        "StartTime",
    }
)


def instances(cls: type[T], moments: st.SearchStrategy[datetime]) -> st.SearchStrategy[T]:
    """Draw instances of a model, each attribute from all that its type allows."""
    # Any: attributes may have any type.
    kinds: dict[str, Any] = {each.name: each.type for each in attrs.fields(cls)}  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # any class of attrs
    drawn = {name: _values(kind, moments) for name, kind in kinds.items()}
    if "next_token" in drawn:
        drawn["next_token"] = st.none() | st.text(min_size=1)
    if "upfront_fee" not in drawn:
        return st.builds(cls, **drawn)
    fees = st.none() | st.text() | st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,4})?", fullmatch=True)

    def priced(fee: str | None) -> st.SearchStrategy[T]:
        both = {"upfront_fee": st.just(parse_fee(fee)), "upfront_fee_text": st.just(fee)}
        return st.builds(cls, **{**drawn, **both})

    return fees.flatmap(priced)


def _values(kind: Any, moments: st.SearchStrategy[datetime]) -> st.SearchStrategy[Any]:
    if get_origin(kind) is UnionType:
        (present,) = (each for each in get_args(kind) if each is not NoneType)
        return st.none() | _values(present, moments)
    if get_origin(kind) is tuple:
        return st.lists(_values(get_args(kind)[0], moments), max_size=2).map(tuple)
    plain: Mapping[Any, st.SearchStrategy[Any]] = {
        str: st.text(),
        int: st.integers(),
        datetime: moments,
        Decimal: st.decimals(0, 10**9, places=2),
    }
    if kind in plain:
        return plain[kind]
    if issubclass(kind, OpenEnum):
        return st.sampled_from([*kind]) | st.text().map(kind)
    return instances(kind, moments)


def wire_models(
    moments: st.SearchStrategy[datetime],
) -> Mapping[str, st.SearchStrategy[WireModel]]:
    """Give a strategy for each model of training plans that has a wire form, by its name."""
    models: tuple[type[WireModel], ...] = (
        ReservedCapacity,
        ReservedCapacityOffering,
        ReservedCapacitySummary,
        TrainingPlan,
        TrainingPlanOffering,
        UltraServer,
        UltraServerSummary,
    )
    return {each.__name__: instances(each, moments) for each in models}


def pages(moments: st.SearchStrategy[datetime]) -> Mapping[str, st.SearchStrategy[WireModel]]:
    """Give a strategy for each page, by its name."""
    return {
        "TrainingPlanPage": instances(TrainingPlanPage, moments),
        "UltraServerPage": instances(UltraServerPage, moments),
    }
