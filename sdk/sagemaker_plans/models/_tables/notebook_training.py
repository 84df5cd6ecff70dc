"""Shows training plans, their offerings and their UltraServers in a notebook."""

from collections.abc import Iterable
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Final

from sagemaker_plans.models._tables import notebook as html

if TYPE_CHECKING:
    from sagemaker_plans.models._training_plans import (
        TrainingPlan,
        TrainingPlanOffering,
        UltraServer,
    )

_PLAN_HEADINGS: Final = (
    *("training plan", "status", "starts (UTC)", "ends (UTC)", "usable until (UTC)"),
    *("instances", "in use", "fee", "used for"),
)
_OFFERING_HEADINGS: Final = (
    *("offering", "hours", "fee", "instances", "starts (UTC)", "ends (UTC)", "used for"),
)
_ULTRA_SERVER_HEADINGS: Final = (
    *("UltraServer", "type", "zone", "health"),
    *("instances", "available", "in use", "spare", "unhealthy"),
)


def training_plans_html(plans: "Iterable[TrainingPlan]") -> str:
    """Show training plans.

    Args:
        plans: The plans.

    Returns:
        HTML.
    """
    return html.table(
        _PLAN_HEADINGS,
        (
            html.row(
                _PLAN_HEADINGS,
                escape(plan.name),
                _words(plan.status, plan.status_message),
                html.time(plan.start_time),
                html.time(plan.end_time),
                html.time(plan.usable_until()),
                _count(plan.total_instance_count),
                _count(plan.in_use_instance_count),
                escape(html.fee(plan)),
                escape(", ".join(plan.target_resources)),
            )
            for plan in plans
        ),
    )


def offerings_html(offerings: "Iterable[TrainingPlanOffering]") -> str:
    """Show offerings of training plans, with one row for each capacity.

    Args:
        offerings: The offerings.

    Returns:
        HTML.
    """
    return html.table(
        _OFFERING_HEADINGS,
        (row for offering in offerings for row in _offering_rows(offering)),
    )


def _offering_rows(offering: "TrainingPlanOffering") -> Iterable[str]:
    first = (
        escape(offering.offering_id),
        _hours(offering.duration),
        escape(html.fee(offering)),
    )
    targets = escape(", ".join(offering.target_resources))
    if not offering.reserved_capacity_offerings:
        yield html.row(_OFFERING_HEADINGS, *first, "", "", "", targets)
    for number, capacity in enumerate(offering.reserved_capacity_offerings):
        yield html.row(
            _OFFERING_HEADINGS,
            *(("", "", "") if number else first),
            escape(f"{capacity.instance_count} x {capacity.instance_type}"),
            html.time(capacity.start_time),
            html.time(capacity.end_time),
            "" if number else targets,
        )


def ultra_servers_html(servers: "Iterable[UltraServer]") -> str:
    """Show UltraServers.

    Args:
        servers: The UltraServers.

    Returns:
        HTML.
    """
    return html.table(
        _ULTRA_SERVER_HEADINGS,
        (
            html.row(
                _ULTRA_SERVER_HEADINGS,
                escape(server.id),
                escape(server.type),
                escape(server.availability_zone),
                escape(server.health_status or ""),
                _count(server.total_instance_count),
                _count(server.available_instance_count),
                _count(server.in_use_instance_count),
                _count(server.available_spare_instance_count),
                _count(server.unhealthy_instance_count),
            )
            for server in servers
        ),
    )


def _words(status: str, message: str | None) -> str:
    return escape(f"{status}: {message}" if message else status)


def _count(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _hours(duration: timedelta | None) -> str:
    return "" if duration is None else f"{duration / timedelta(hours=1):,g}"
