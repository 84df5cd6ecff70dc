"""What a notebook shows of plans, stages, pages and receipts."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from html.parser import HTMLParser
from operator import methodcaller
from typing import Any, Literal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress.stages_seen import NOON, plan, stage
from sagemaker_plans import (
    DeviceCounts,
    ExtensionReceipt,
    PurchaseOutcome,
    StagePage,
    StageStatus,
    TrainingPlanExtension,
)
from sagemaker_plans.models._tables.notebook import bar_parts

SCRIPT = '<script>alert("\'&")</script>'


# As a notebook calls it: by its name.
html = methodcaller("_repr_html_")


class Page(HTMLParser):
    """The rows of the tables, the tags used, and the widths of the bars' parts."""

    def __init__(self, shown: object) -> None:
        super().__init__()
        self.source: str = html(shown)
        self.tags: set[str] = set()
        self.open_tags: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.bars: list[tuple[str, list[float]]] = []
        self.attributes: set[str] = set()
        self.feed(self.source)
        self.close()
        assert self.open_tags == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open_tags.append(tag)
        found = {name: value or "" for name, value in attrs}
        self.attributes |= set(found)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if "aria-label" in found:
            self.bars.append((found["aria-label"], []))
        elif width := re.search(r"width:([0-9.]+)%", found.get("style", "")):
            self.bars[-1][1].append(float(width[1]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if {"td", "th"} & {*self.open_tags}:
            self.rows[-1][-1] += data


def extension(**changes: Any) -> TrainingPlanExtension:
    bought = TrainingPlanExtension(
        offering_id="tpeo-0123456789abcdef",
        start_date=NOON,
        end_date=NOON + timedelta(days=1),
        status="Active",
        payment_status="Pending",
        duration_hours=24,
        upfront_fee=Decimal("1234.50"),
        currency_code="USD",
        upfront_fee_text="1234.50",
    )
    return attrs.evolve(bought, **changes)


def receipt(
    bought: TrainingPlanExtension,
    *others: TrainingPlanExtension,
    outcome: PurchaseOutcome = "purchased",
) -> ExtensionReceipt:
    return ExtensionReceipt(extension=bought, extensions=(*others, bought), outcome=outcome)


EVERYTHING = [
    stage(SCRIPT, SCRIPT, message=SCRIPT),
    plan(stage(SCRIPT, SCRIPT, message=SCRIPT), name=SCRIPT),
    attrs.evolve(plan(), device_fleet_name=SCRIPT),
    StagePage(plan=plan(name=SCRIPT), stages=(stage(SCRIPT),), next_token=SCRIPT),
    receipt(
        extension(
            offering_id=SCRIPT,
            status=SCRIPT,
            payment_status=SCRIPT,
            currency_code=SCRIPT,
            upfront_fee=None,
            upfront_fee_text=SCRIPT,
        )
    ),
]


@pytest.mark.parametrize("shown", EVERYTHING, ids=lambda shown: type(shown).__name__)
def test_every_value_is_escaped(shown: object) -> None:
    page = Page(shown)

    assert SCRIPT in page.text
    assert "<script" not in page.source
    assert page.tags <= {"div", "b", "table", "thead", "tbody", "tr", "th", "td", "span"}
    assert page.attributes <= {"style", "colspan", "role", "aria-label", "title"}


@pytest.mark.parametrize("shown", EVERYTHING, ids=lambda shown: type(shown).__name__)
def test_the_same_model_gives_the_same_page(shown: object) -> None:
    assert html(shown) == html(shown)


def test_a_plan_shows_its_stages_and_numbers() -> None:
    page = Page(
        plan(
            stage("canary", "DEPLOYED", succeeded=2, start_time=NOON),
            stage("everyone", succeeded=4300, pending=5600, failed=100),
        )
    )

    assert page.text.startswith("spring-rollout (fleet cameras, 1 of 2 stages deployed)")
    assert page.rows == [
        ["stage", "status", "progress", "succeeded", "pending", "failed", "started (UTC)"],
        ["canary", "● DEPLOYED", "", "2", "0", "0", "2026-03-01 12:00:00"],
        ["everyone", "● INPROGRESS", "", "4,300", "5,600", "100", ""],
    ]


def test_the_parts_of_a_bar_are_in_proportion_and_fill_it() -> None:
    (bar,) = Page(stage(succeeded=4300, pending=5600, failed=100)).bars

    assert bar == (
        "4300 succeeded, 5600 pending, 100 failed, 10000 in total",
        [43.0, 2.0, 55.0],
    )


def test_the_bar_of_a_stage_without_devices_is_empty() -> None:
    ((_, parts),) = Page(stage()).bars

    assert parts == [100.0]


def test_the_message_of_a_stage_has_a_row_of_its_own() -> None:
    assert Page(stage(message="2 of 10 devices deployed.")).rows[2] == ["2 of 10 devices deployed."]


@pytest.mark.parametrize("status", [*StageStatus, StageStatus("PAUSEDFORREVIEW")])
def test_every_status_is_a_word(status: StageStatus) -> None:
    assert Page(stage("canary", status)).rows[1][1] == f"● {status}"


def test_a_plan_without_stages_has_no_table() -> None:
    page = Page(plan())

    assert page.text == "spring-rollout (fleet cameras, no stages)"
    assert "table" not in page.tags


@pytest.mark.parametrize(
    ("next_token", "words"), [("more", "more pages follow"), (None, "the last page")]
)
def test_a_page_says_whether_it_is_the_last(next_token: str | None, words: str) -> None:
    page = Page(
        StagePage(plan=plan(), stages=(stage("a", "DEPLOYED"), stage("b")), next_token=next_token)
    )

    assert page.text.startswith(
        f"spring-rollout (fleet cameras, 1 of 2 stages on this page deployed, {words})"
    )


def test_a_receipt_shows_what_was_bought_first_and_bold() -> None:
    older = extension(offering_id="tpeo-older", start_date=None, duration_hours=None)
    page = Page(receipt(extension(), older))

    assert page.text.startswith("tpeo-0123456789abcdef bought")
    assert page.rows == [
        ["offering", "starts (UTC)", "ends (UTC)", "hours", "fee", "status", "payment"],
        [
            *("tpeo-0123456789abcdef", "2026-03-01 12:00:00", "2026-03-02 12:00:00"),
            *("24", "1234.50 USD", "Active", "Pending"),
        ],
        ["tpeo-older", "", "2026-03-02 12:00:00", "", "1234.50 USD", "Active", "Pending"],
    ]
    assert page.source.count("font-weight:bold") == len(page.rows[0])


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("purchased", "bought"),
        ("already_purchased", "was bought before; nothing was sent"),
        ("confirmed_by_history", "bought; the reply was lost, but the history shows it"),
    ],
)
def test_a_receipt_says_how_it_came_about(
    outcome: Literal["purchased", "already_purchased", "confirmed_by_history"], words: str
) -> None:
    text = Page(receipt(extension(), outcome=outcome)).text

    assert text.startswith(f"tpeo-0123456789abcdef {words}offering")


@pytest.mark.parametrize(
    ("fee", "text", "currency", "shown"),
    [
        (Decimal("1234.50"), "1234.50", "USD", "1234.50 USD"),
        (Decimal("1E+3"), None, "USD", "1000 USD"),
        (None, "on request", "USD", "on request USD"),
        (None, "on request", None, "on request"),
        (None, None, "USD", "unknown USD"),
        (None, None, None, "unknown"),
    ],
)
def test_a_fee_is_shown_as_the_service_wrote_it(
    fee: Decimal | None, text: str | None, currency: str | None, shown: str
) -> None:
    bought = extension(upfront_fee=fee, upfront_fee_text=text, currency_code=currency)

    assert Page(receipt(bought)).rows[1][4] == shown


def test_an_extension_with_little_known_of_it_is_shown() -> None:
    bought = TrainingPlanExtension(offering_id="tpeo-0123456789abcdef")

    assert Page(receipt(bought)).rows[1] == [bought.offering_id, "", "", "", "unknown", "", ""]


def test_times_are_shown_in_utc() -> None:
    elsewhere = datetime(2026, 3, 1, 7, 30, tzinfo=timezone(timedelta(hours=-5)))

    assert elsewhere.astimezone(UTC).hour == 12
    assert Page(stage(start_time=elsewhere)).rows[1][6] == "2026-03-01 12:30:00"


counts = st.integers(min_value=-3, max_value=100_000)


@given(st.builds(DeviceCounts, counts, counts, counts), st.integers(min_value=3, max_value=1000))
def test_a_bar_is_as_long_as_it_should_be_and_hides_nothing(
    devices: DeviceCounts, length: int
) -> None:
    parts = bar_parts(devices, length)
    has_devices = max(devices.succeeded, devices.failed, devices.pending) > 0

    assert sum(parts) == length
    assert [part > 0 for part in parts] == (
        [devices.succeeded > 0, devices.failed > 0, devices.pending > 0]
        if has_devices
        else [False, False, True]
    )
