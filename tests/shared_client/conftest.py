import pytest

from sagemaker_plans import _shared_client
from shared_client.pretended_client import Service


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service()
    monkeypatch.setattr(_shared_client, "AsyncClient", made.client)
    return made
