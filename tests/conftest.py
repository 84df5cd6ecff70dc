"""Fixtures for all tests: the three ways to the wire, an emulator, clients for it."""

import os
from collections.abc import Iterator
from functools import partial
from zlib import crc32

import pytest
from hypothesis import settings

from harness import (
    HYPOTHESIS_PROFILE,
    TRANSPORTS,
    MakeClient,
    Transport,
    client_for,
    examples,
)
from sagemaker_plans._wire import converter, reading
from sagemaker_plans.emulator import Emulator

# A busy machine is slow, which is no failure.
settings.register_profile("full", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=examples(100))
settings.load_profile(HYPOTHESIS_PROFILE)


@pytest.fixture(autouse=True, scope="session")
def _no_aws_of_this_machine() -> Iterator[None]:
    # No test may find credentials, profiles, proxies or a region of the machine's own.
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.startswith("AWS_") or name.lower().endswith("_proxy"):
                patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        yield


# Virtual worlds, models of a protocol, processes that are killed, and pages.
ONCE = frozenset(
    {"docs", "journal_model", "journal_processes", "journal_world", "progress", "rollout"}
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what hypothesis runs, so that it can be run again with more examples.

    With ONE_TRANSPORT_EACH each test takes one of the transports. Together they take all of
    them. SHARE_OF_TESTS says which tests run here, such as `0/2`.
    """
    for item in items:
        if hasattr(getattr(item, "obj", None), "hypothesis"):
            item.add_marker("random")
        if ONCE & {*item.path.relative_to(config.rootpath).parts}:
            item.add_marker("once")
    others: set[pytest.Item] = set()
    if "ONE_TRANSPORT_EACH" in os.environ:
        others |= {item for item in items if _takes_another(item)}
    if share := os.environ.get("SHARE_OF_TESTS"):
        number, _, shares = share.partition("/")
        others |= {item for item in items if not _is_of_share(item, int(number), int(shares))}
    if others:
        config.hook.pytest_deselected(items=[*others])
        items[:] = [item for item in items if item not in others]


def _is_of_share(item: pytest.Item, number: int, shares: int) -> bool:
    return crc32(item.nodeid.encode()) % shares == number


def _takes_another(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    transport = callspec.params.get("transport") if callspec else None
    if not isinstance(transport, Transport) or not isinstance(item, pytest.Function):
        return False
    chosen = crc32(item.originalname.encode()) % len(TRANSPORTS)
    return transport in TRANSPORTS and TRANSPORTS.index(transport) != chosen


def pytest_runtest_setup() -> None:
    """Let each test build its converters where mutants are tested (`nox -s mutants`).

    They are kept otherwise, so that the code that builds them would run in one test only,
    and be that of the process from which a mutant's was forked.
    """
    if "MUTANT_UNDER_TEST" in os.environ:
        converter._converter.cache_clear()
        reading._COMPILED.clear()


@pytest.fixture(params=TRANSPORTS, ids=str)
def transport(request: pytest.FixtureRequest) -> Transport:
    found = request.param
    assert isinstance(found, Transport)
    return found


@pytest.fixture
def anyio_backend(transport: Transport) -> str:
    return transport.loop


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def make_client(emulator: Emulator, transport: Transport) -> MakeClient:
    """Make clients for the emulator: takes retry=, polling= and request_timeout=."""
    return partial(client_for, emulator.endpoint_url, transport)
