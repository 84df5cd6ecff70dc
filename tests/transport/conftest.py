"""What tests of the fast path share."""

from collections.abc import Iterator

import pytest

from sagemaker_plans._transport.aiobotocore_client import second_copies


@pytest.fixture
def _copies_of_now() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # a fixture that tests name
    """Compare the modules as they are in this test, and once more after it."""
    second_copies.second_copies.cache_clear()
    yield
    second_copies.second_copies.cache_clear()
