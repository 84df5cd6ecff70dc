"""What a user's logging, or Ctrl-C while a line is logged, must not change."""

import io
import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from faults.acts import OFFERING
from faults.service_gateway import fates
from sagemaker_plans import errors
from training.journal.worlds import a_world
from waiting.virtual_plans import virtually

Patch = pytest.MonkeyPatch
LOGGERS = [logging.getLogger(f"sagemaker_plans{part}") for part in ("", ".purchases")]


@contextmanager
def raising(error: BaseException, *, at: str = "") -> Generator[None]:
    """Raise in a filter of the user's, for each line that has some words."""

    def refuse(record: logging.LogRecord) -> bool:
        if at in record.getMessage():
            raise error
        return True

    for each in LOGGERS:
        each.addFilter(refuse)
        each.setLevel(logging.INFO)
    try:
        yield
    finally:
        for each in LOGGERS:
            each.removeFilter(refuse)
            each.setLevel(logging.NOTSET)


@virtually
async def test_a_filter_that_raises_takes_no_receipt_away(
    monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = a_world(monkeypatch, lag=60)
    world.sells_again()
    with raising(ZeroDivisionError("in a filter")):
        first = await world.extend()
        again = await world.extend()
    assert (first.outcome, again.outcome) == ("purchased", "already_purchased")
    assert world.bought == [OFFERING]
    assert world.journal.last.state == "bought"
    assert "ZeroDivisionError: in a filter" in capsys.readouterr().err


class Noting(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Failing(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise KeyError(record.name)


@virtually
async def test_a_handler_that_raises_a_key_error_sees_each_line_once(
    monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = logging.getLogger("sagemaker_plans.purchases")
    noted, failing = Noting(), Failing()
    world = a_world(monkeypatch)
    for handler in (noted, failing):
        log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        assert (await world.extend()).outcome == "purchased"
    finally:
        log.setLevel(logging.NOTSET)
        for handler in (noted, failing):
            log.removeHandler(handler)
    assert len(noted.lines) == len(set(noted.lines)) == 2
    assert "KeyError: 'sagemaker_plans.purchases'" in capsys.readouterr().err


@virtually
async def test_a_filter_that_raises_is_told_nowhere_if_logging_is_to_be_quiet(
    monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = a_world(monkeypatch)
    monkeypatch.setattr(logging, "raiseExceptions", False)
    with raising(ZeroDivisionError("in a filter")):
        assert (await world.extend()).outcome == "purchased"
    assert capsys.readouterr().err == ""


@virtually
async def test_ctrl_c_behind_an_accepted_purchase_leaves_it_bought(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch, lag=60)
    with raising(KeyboardInterrupt(), at="purchased"), pytest.raises(KeyboardInterrupt):
        await world.extend()
    assert world.journal.last.state == "bought"
    assert (await world.extend()).outcome == "already_purchased"
    assert world.bought == [OFFERING]


@virtually
async def test_ctrl_c_behind_a_purchase_in_doubt_leaves_its_record_open(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, lag=60, fates=fates(ExtendTrainingPlan=["lost after"]))
    world.sells_again()
    with raising(KeyboardInterrupt(), at="may or may not"), pytest.raises(KeyboardInterrupt):
        await world.extend()
    assert world.journal.last.state == "open"
    with pytest.raises(errors.OutcomeUnknownError):
        await world.extend()
    assert world.bought == [OFFERING]


@virtually
async def test_ctrl_c_before_the_send_leaves_nothing_bought(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    with raising(KeyboardInterrupt(), at="buying"), pytest.raises(KeyboardInterrupt):
        await world.extend()
    assert world.journal.last.state == "not_bought"
    assert (await world.extend()).outcome == "purchased"
    assert world.bought == [OFFERING]


@virtually
async def test_a_closed_standard_error_takes_no_receipt_away(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    with raising(ZeroDivisionError("in a filter")):
        assert (await world.extend()).outcome == "purchased"
    assert world.journal.last.state == "bought"


@virtually
async def test_a_record_factory_that_takes_a_name_loses_no_line(
    monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    world = a_world(monkeypatch)
    make = logging.getLogRecordFactory()

    def numbered(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        record.request_id = "web-42"
        return record

    caplog.set_level(logging.INFO, "sagemaker_plans")
    logging.setLogRecordFactory(numbered)
    try:
        await world.extend()
    finally:
        logging.setLogRecordFactory(make)
    told: list[Any] = [each for each in caplog.records if hasattr(each, "purchase")]
    assert [each.purchase["outcome"] for each in told][-1] == "purchased"
    assert {each.request_id for each in told} == {"web-42"}
