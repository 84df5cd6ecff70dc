"""Which settings are the same, and what is checked."""

import asyncio
import inspect
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    PollSchedule,
    RetryEvent,
    RetryPolicy,
    shared_client,
)
from shared_client.pretended_client import Service

EU = "eu"
SESSION, CONFIG = AioSession(), AioConfig()


def heard(event: RetryEvent) -> None: ...


class Unhashable:
    """A hook that is equal to others of its kind, and has no hash."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unhashable)

    __hash__ = None  # type: ignore[assignment]  # that is how a class says so

    def __call__(self, event: RetryEvent) -> None: ...


UNHASHABLE = RetryPolicy(on_retry=Unhashable())


def get_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    async def use_both() -> bool:
        async with shared_client(**one) as first, shared_client(**other) as second:
            return first is second

    return asyncio.run(use_both())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {}),
        ({}, {"region_name": None, "http_backend": "auto", "request_timeout": 60}),
        ({"region_name": "eu-west-1"}, {"region_name": f"{EU}-west-1"}),
        ({"request_timeout": 60}, {"request_timeout": timedelta(minutes=1)}),
        ({}, {"retry": RetryPolicy(), "polling": PollSchedule()}),
        ({"retry": RetryPolicy(on_retry=heard)}, {"retry": RetryPolicy(on_retry=heard)}),
        ({"session": SESSION}, {"session": SESSION}),
        ({"config": CONFIG}, {"config": CONFIG}),
        ({"retry": UNHASHABLE}, {"retry": UNHASHABLE}),
    ],
)
def test_equal_settings_give_one_client(
    one: Mapping[str, Any], other: Mapping[str, Any], service: Service
) -> None:
    service.opening_takes = service.closing_takes = 0

    assert get_the_same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"region_name": "eu-west-1"}),
        ({"region_name": "eu-west-1"}, {"profile_name": "eu-west-1"}),
        ({}, {"polling": PollSchedule(interval=1)}),
        ({}, {"request_timeout": 59}),
        ({"session": AioSession()}, {"session": SESSION}),
        ({"config": AioConfig()}, {"config": CONFIG}),
        ({"retry": RetryPolicy(on_retry=Unhashable())}, {"retry": UNHASHABLE}),
    ],
)
def test_other_settings_give_another_client(
    one: Mapping[str, Any], other: Mapping[str, Any], service: Service
) -> None:
    service.opening_takes = service.closing_takes = 0

    assert not get_the_same(one, other)


@pytest.mark.parametrize("name", ["AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "https_proxy"])
def test_another_environment_gives_another_client(
    name: str, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.opening_takes = service.closing_takes = 0

    async def change_between() -> tuple[object, object, object]:
        async with shared_client() as first:
            with monkeypatch.context() as changed:
                changed.setenv(name, "another")
                async with shared_client() as second:
                    pass
            async with shared_client() as third:
                return first, second, third

    first, second, third = asyncio.run(change_between())
    assert first is not second
    assert first is third


def test_what_botocore_does_not_read_makes_no_difference(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.opening_takes = service.closing_takes = 0

    async def change_between() -> bool:
        async with shared_client() as first:
            monkeypatch.setenv("COLUMNS", "80")
            async with shared_client() as second:
                return first is second

    assert asyncio.run(change_between())


@pytest.mark.parametrize(
    "wrong",
    [
        {"region_name": ""},
        {"retry": 3},
        {"request_timeout": -1},
        {"http_backend": ["aiohttp"]},
        {"session": SESSION, "profile_name": "mine"},
    ],
)
def test_wrong_settings_raise_at_once_what_the_client_raises(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as expected:
        AsyncClient(**wrong)

    with pytest.raises(ConfigurationError) as raised:
        shared_client(**wrong)

    assert str(raised.value) == str(expected.value)


def test_a_setting_that_there_is_not_raises_at_once() -> None:
    with pytest.raises(TypeError, match="region"):
        shared_client(region="eu-west-1")  # type: ignore[call-arg]  # wrong on purpose


def test_it_takes_what_the_client_takes() -> None:
    taken = inspect.signature(shared_client).parameters
    expected = inspect.signature(AsyncClient).parameters

    assert dict(taken) == dict(expected)
    assert all(each.kind is inspect.Parameter.KEYWORD_ONLY for each in taken.values())
