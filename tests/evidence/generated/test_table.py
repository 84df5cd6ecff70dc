"""At most one accepted purchase and no false report, wherever user code runs and fails.

Each cell is a place of user code, what it raises there, what becomes of the request, and a
transport. A server of its own counts what it accepted.
"""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from evidence.counting_server import CountingServer
from evidence.generated.cells import Cell, Place, outcome_of
from evidence.generated.hooks import EVENTS
from evidence.generated.table import PLACES, fitting, full_row, positions_row, small_row
from harness import Transport

pytestmark = [
    pytest.mark.anyio,
    # What is cancelled while it connects, and what a thread left behind, is closed by the
    # garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True, scope="module")
def _few_certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    # Reading those of the machine for each client takes longer than all the rest.
    bundle: Path = tmp_path_factory.mktemp("evidence") / "bundle.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_CA_BUNDLE", str(bundle))
        yield
    # This only works as long as its internals are known.
    gc.collect()


@pytest.fixture
def server() -> Iterator[CountingServer]:
    with CountingServer() as running:
        yield running


async def broken(cells: Iterator[Cell], server: CountingServer) -> list[str]:
    """Run cells, and return the problems of each cell that breaks the promise."""
    found = [await outcome_of(cell, server) for cell in fitting(cells)]
    assert found
    # Requests of a cell may arrive after the cell has been checked.
    assert not server.accepted_twice()
    return [problem for problem in found if problem is not None]


async def test_a_sample_of_cells_holds(server: CountingServer, transport: Transport) -> None:
    assert await broken(small_row(transport), server) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
async def test_user_code_in_a_place_causes_no_second_purchase_and_no_false_report(
    server: CountingServer, transport: Transport, place: Place
) -> None:
    assert await broken(full_row(place, transport), server) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("event", EVENTS)
async def test_a_hook_in_any_position_causes_no_second_purchase_and_no_false_report(
    server: CountingServer, transport: Transport, event: str
) -> None:
    assert await broken(positions_row(event, transport), server) == []
