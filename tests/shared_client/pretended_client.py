"""A client without a network, whose opening and closing take as long as a test wants."""

from collections.abc import Mapping
from typing import Any, Self

import anyio
from anyio.lowlevel import checkpoint

from sagemaker_plans import AsyncClient, ConfigurationError


class Service:
    """What the clients of one test find, and what became of them."""

    def __init__(self) -> None:
        self.opened: list[PretendedClient] = []
        self.attempts = 0
        self.opening_takes = 1.0
        self.closing_takes = 1.0
        self.error: BaseException | None = None
        """What opening raises, at its end."""

    def client(self, **settings: Any) -> "PretendedClient":
        AsyncClient(**settings)  # it checks them
        return PretendedClient(self, settings)


class PretendedClient:
    """Opens and closes as AsyncClient does."""

    def __init__(self, service: Service, settings: Mapping[str, Any]) -> None:
        self._service = service
        self.settings = settings
        self.is_open = False
        self.is_closed = False

    async def __aenter__(self) -> Self:
        if self.is_closed:
            await checkpoint()
            raise ConfigurationError("this client is closed; make a new one")
        if not self.is_open:
            self._service.attempts += 1
            await anyio.sleep(self._service.opening_takes)
            if self._service.error is not None:
                raise self._service.error
            assert not self.is_open, "two opened it"
            self.is_open = True
            self._service.opened.append(self)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        self.is_open, self.is_closed = False, True
        with anyio.CancelScope(shield=True):
            await anyio.sleep(self._service.closing_takes)


def pretended(client: object) -> PretendedClient:
    """Give what a test's service made, as what it is; AsyncClient is final, says its type."""
    assert isinstance(client, PretendedClient)
    return client
