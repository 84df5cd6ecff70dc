"""``shared_client``: one client for all who ask for the same one in one event loop."""

import copy
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast, final
from weakref import WeakValueDictionary

import anyio
from anyio.lowlevel import RunVar

from sagemaker_plans._client.async_client import AsyncClient
from sagemaker_plans.errors import ConfigurationError, SageMakerPlansError

P = ParamSpec("P")
R = TypeVar("R")

_SIGNATURE: Final = inspect.signature(AsyncClient)
_DEFAULTS: Final = {name: each.default for name, each in _SIGNATURE.parameters.items()}

# Two of these with the same contents are two things, each with a state of its own.
_BY_IDENTITY: Final = frozenset({"session", "config"})

# Where botocore looks for credentials, region, endpoints, proxies and certificates.
_ENVIRONMENT: Final = frozenset(
    {"BOTO_CONFIG", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "HOME", "USERPROFILE"}
)


def _takes_what(taker: Callable[P, object]) -> Callable[[Callable[..., R]], Callable[P, R]]:
    """Give a function the parameters of another one, for type checkers and for ``inspect``."""
    parameters = inspect.signature(taker).parameters.values()

    def decorate(function: Callable[..., R]) -> Callable[P, R]:
        returned = inspect.signature(function).return_annotation
        signature = inspect.Signature([*parameters], return_annotation=returned)
        cast("Any", function).__signature__ = signature
        return function

    return decorate


# Whoever gives AsyncClient another setting documents it here, and that is all.
@_takes_what(AsyncClient)
def shared_client(  # noqa: D417  # documented are the parameters that it gets from there
    **settings: Any,  # noqa: ANN401  # likewise
) -> AbstractAsyncContextManager[AsyncClient, None]:
    """Use one client together with all who ask for the same one.

    Everybody who enters ``async with shared_client(...) as client:`` in one event loop with the
    same settings gets the same client. It is opened for the first of them, and closed after the
    last. So waits that know nothing of each other share connections, limits and readings: in
    Airflow's triggerer, say, any number of waits on a plan cost one request per interval.

    Settings are the same if they are equal. A ``session`` and a ``config`` have to be the same
    object, and so does whatever cannot be hashed. The environment counts too: after a change of
    ``AWS_PROFILE``, or of another variable that botocore reads, the next one gets another
    client. Changes in the files of the AWS configuration do not count.

    Do not close the client: leave the block. If somebody calls ``aclose`` all the same, the
    calls of all others raise ConfigurationError, and who comes next gets a new client.

    For example::

        async with smp.shared_client(region_name="us-east-1") as shared:
            plan = await shared.plans.describe("spring-rollout")

    Args:
        region_name, profile_name, endpoint_url: As for ``AsyncClient``.
        session, config, http_backend: As for ``AsyncClient``.
        retry, polling, pace, journal, request_timeout: As for ``AsyncClient``.

    Returns:
        A context manager, to be entered once. It may raise the errors of opening a client; all
        who waited for the same opening get the same error, and the next one tries again.

    Raises:
        ConfigurationError: If an argument has the wrong type or value, or if two arguments
            exclude each other.
    """
    AsyncClient(**settings)  # it checks them
    return _Use(settings)


@final
class _Use(AbstractAsyncContextManager[AsyncClient, None]):
    """One user of a shared client."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._is_entered = False
        self._shared: _SharedClient | None = None

    def __repr__(self) -> str:
        return "<shared_client(...): enter it with 'async with', which gives the client>"

    if not TYPE_CHECKING:  # so that type checkers name it too

        def __getattr__(self, name: str) -> object:
            if name in {"plans", "training_plans", "aclose"}:
                raise AttributeError(
                    f"{name}: this is not the client yet; write "
                    "'async with shared_client(...) as client:' and use the client in its block"
                )
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    async def __aenter__(self) -> AsyncClient:
        if self._is_entered:
            raise RuntimeError("this was entered before; call shared_client again")
        self._is_entered = True
        self._shared = await _join(self._settings)
        return self._shared.client

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shared, self._shared = self._shared, None
        if shared is not None:
            await shared.leave()


class _Opening:
    """One attempt to open a client, by one of those who want it."""

    def __init__(self) -> None:
        self.has_ended = anyio.Event()
        self.error: SageMakerPlansError | None = None


class _SharedClient:
    """A client and how many use it. Only they keep it alive."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.is_over = False
        """Whether newcomers need another one: this one is closed or could not be opened."""
        self._users = 0
        self._is_open = False
        self._opening: _Opening | None = None

    async def join(self) -> bool:
        """Become a user of the client, which is open then.

        Returns:
            Whether that worked. It does not if somebody has closed the client.
        """
        self._users += 1
        try:
            while not self._is_open:
                await self._open()
            # Open already: this only asks whether somebody has closed it.
            await self.client.__aenter__()
        except BaseException as error:
            is_closed = self._is_open and isinstance(error, ConfigurationError)
            self.is_over = self.is_over or is_closed
            await self.leave()
            if is_closed:
                return False
            raise
        return True

    async def leave(self) -> None:
        """Stop using the client. The last one closes it."""
        self._users -= 1
        if self._users == 0:
            # Before the closing: who comes meanwhile gets a new client.
            self.is_over = True
            await self.client.aclose()

    async def _open(self) -> None:
        if self._opening is None:
            await self._open_now()
            return
        opening = self._opening
        await opening.has_ended.wait()
        if opening.error is not None:
            # Each one may add notes to its own.
            raise copy.copy(opening.error) from opening.error.__cause__
        # If who opened it was cancelled, the next one does it.

    async def _open_now(self) -> None:
        opening = self._opening = _Opening()
        try:
            await self.client.__aenter__()
            self._is_open = True
        except SageMakerPlansError as error:
            opening.error = error
            self.is_over = True
            raise
        finally:
            self._opening = None
            opening.has_ended.set()


_Key = tuple[object, ...]
_Clients = WeakValueDictionary[_Key, _SharedClient]

# Weak on both sides: an event loop that is gone takes its entry along, and a client is kept by
# its users alone. So nothing is left of an event loop that ended in the middle of everything.
_clients: Final[RunVar[_Clients]] = RunVar("clients shared in this event loop")


async def _join(settings: Mapping[str, Any]) -> _SharedClient:
    clients = _clients.get(None)
    if clients is None:
        clients = _Clients()
        _clients.set(clients)
    key = _key(settings)
    while True:
        shared = clients.get(key)
        if shared is None or shared.is_over:
            shared = clients[key] = _SharedClient(AsyncClient(**settings))
        if await shared.join():
            return shared


@final
class _Same:
    """Equal to itself only, like the object in it."""

    def __init__(self, value: object) -> None:
        # Held, so that no other object gets its id.
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)


def _key(settings: Mapping[str, Any]) -> _Key:
    values = {**_DEFAULTS, **settings}
    return _environment(), *(_comparable(name, value) for name, value in values.items())


def _comparable(name: str, value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if name in _BY_IDENTITY:
        return _Same(value)
    try:
        hash(value)
    except TypeError:
        return _Same(value)
    return value


def _environment() -> bytes:
    # Imported here, because few programs share clients.
    import hashlib  # noqa: PLC0415  # see above

    # A digest, because credentials are among the values.
    return hashlib.sha256(repr(sorted(_variables())).encode()).digest()


def _variables() -> Iterator[tuple[str, str | None]]:
    for name in os.environ:
        upper = name.upper()
        if upper.startswith("AWS_") or upper.endswith("_PROXY") or upper in _ENVIRONMENT:
            yield name, os.environ.get(name)
