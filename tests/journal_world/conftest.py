"""The clocks of this package, of botocore and of each process of the current world."""

import logging
import sys
from collections.abc import Iterator

import pytest

from journal_world import world as worlds


@pytest.fixture(autouse=True)
def _virtual_clocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(
        "sagemaker_plans._training.purchases.service_clock.machine_time", worlds.machine_time
    )
    monkeypatch.setattr("botocore.auth.get_current_datetime", worlds.naive_machine_time)
    logger = logging.getLogger("sagemaker_plans")
    # Tens of thousands of warnings, each of them true.
    logger.setLevel(logging.CRITICAL)
    hooks = sys.get_asyncgen_hooks()
    # Nothing finishes the generators of a killed process.
    sys.set_asyncgen_hooks(firstiter=None, finalizer=lambda _: None)
    yield
    sys.set_asyncgen_hooks(*hooks)
    logger.setLevel(logging.NOTSET)
