"""`nox -s journal_dynamodb` gives these tests an environment with moto.

Without one there is nothing to collect here: a test that is always skipped proves nothing.
"""

from collections.abc import Iterator

import pytest

from journal.against_moto.moto_server import INTERPRETER, serving

collect_ignore_glob = [] if INTERPRETER else ["test_*.py"]


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """Serve with moto; gives the endpoint."""
    with serving() as endpoint_url:
        yield endpoint_url
