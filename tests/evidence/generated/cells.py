"""One cell of the table: runs it, and checks the server's counts and the caller's result."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from itertools import count as counting
from typing import Any, Final, Literal

import anyio
import anyio.lowlevel
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from attrs import define, field, frozen

from evidence.counting_server import ARN, CREATE, DESCRIBE, EXTEND, PLAN_ARN, CountingServer
from evidence.generated.fates import LOST_AT_FIRST, Fate, Lookup
from evidence.generated.kinds import CANCELLED, KINDS, NOTHING
from harness import Transport, a_spec, dead_endpoint, fast_retries, session
from sagemaker_plans import (
    AccessDeniedError,
    AsyncClient,
    ConnectionFailedError,
    ExtensionReceipt,
    OutcomeUnknownError,
    PlanMismatchError,
    PurchaseReplyError,
    ResourceLimitExceededError,
    SageMakerPlansError,
    ThrottledError,
)

Way = Literal["own", "session", "wrapped"]
When = Literal["before-wrapping", "after-wrapping"]
_METHODS: Final = {EXTEND: "extend_training_plan", CREATE: "create_edge_deployment_plan"}
_HANGS_UNTIL: Final = 0.15
_THEIR_TIMEOUT: Final = 2
_NUMBERS: Final = counting(1)
_ENDS_WITHIN: Final = 15.0
_REFUSALS: Final[dict[Fate, type[SageMakerPlansError]]] = {
    Fate.THROTTLE: ThrottledError,
    Fate.DENY: AccessDeniedError,
    Fate.LIMIT: ResourceLimitExceededError,
}


@define(eq=False)
class Scene:
    """The values that user code in a place gets."""

    operation: str
    """The operation in whose call the user code runs."""
    kind: str
    """The exception that the user code raises."""
    transport: Transport
    scope: anyio.CancelScope
    """The caller's own."""
    tasks: Any = None
    """A group of tasks that outlives the call."""
    subject: str = field(init=False, factory=lambda: f"tpeo-{next(_NUMBERS)}")
    """The offering or plan. Each cell has its own: requests of others may be late."""
    times: int = 0
    """How often the user code ran."""

    @property
    def method(self) -> str:
        return _METHODS[self.operation]

    async def act(self) -> None:
        """Raise the exception of this cell, or cancel the caller."""
        self.times += 1
        if self.kind == CANCELLED:
            self.scope.cancel()
            await anyio.lowlevel.checkpoint()
        elif self.kind != NOTHING:
            made = KINDS[self.kind]()
            raise made


@frozen
class Place:
    """A place in which user code can run."""

    name: str
    install: Callable[[Any, Scene], None]
    """Puts the user's code into an open client, the first argument."""
    when: When = "before-wrapping"
    is_heard: bool = False
    """Whether the package has the reply before the user's code raises."""
    session_cls: Callable[[type[Any], Scene], type[Any]] | None = None
    """Makes the class of the client's HTTP session."""
    needs_asyncio: bool = False
    may_cancel: bool = True
    """Whether user code in this place can cancel the caller."""
    ways: tuple[Way, ...] = ("wrapped",)


@frozen
class Cell:
    """A cell of the table."""

    place: Place
    kind: str
    fate: Fate
    transport: Transport
    way: Way = "wrapped"
    operation: str = EXTEND
    lookup: Lookup | None = None
    """How the server shows what was bought; None for a purchase that names no plan."""
    mode: str = "legacy"
    """The mode of the retries of a wrapped client."""

    def __str__(self) -> str:
        lookup = self.lookup.name if self.lookup else "no-arn"
        return (
            f"{self.operation} {self.place.name} {self.kind} {self.fate.name} {self.transport} "
            f"{self.way} {lookup} {self.mode}"
        )


def config_for(transport: Transport, place: Place, scene: Scene, mode: str) -> AioConfig:
    """Give the configuration of a user's client."""
    plain: Any = AIOHTTPSession if transport.http_backend == "aiohttp" else HttpxSession
    chosen = place.session_cls(plain, scene) if place.session_cls else plain
    retries: Any = {"mode": mode, "max_attempts": 3}
    # A call in a thread waits as long as the user's client does.
    return AioConfig(http_session_cls=chosen, retries=retries, read_timeout=_THEIR_TIMEOUT)


@cache
def _shared_session() -> Any:
    return session()


async def _no_pause(_: float) -> None:
    await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def client_in(cell: Cell, scene: Scene, url: str) -> AsyncGenerator[AsyncClient]:
    """Open a client with the user's code in its place."""
    place = cell.place
    timeout = _HANGS_UNTIL if cell.fate is Fate.ACCEPT_HANG else 5.0
    settings: Any = {
        "retry": fast_retries(max_attempts=3, reconcile_limit=0.02),
        "request_timeout": timeout,
    }
    config = config_for(cell.transport, place, scene, cell.mode)
    if cell.way == "wrapped":
        # Loading certificates would take longer than everything else.
        async with _shared_session().create_client(
            "sagemaker", "us-east-1", endpoint_url=url, config=config, verify=False
        ) as theirs:
            theirs._endpoint._sleep = _no_pause
            if place.when == "before-wrapping":
                place.install(theirs, scene)
            async with AsyncClient.from_client(theirs, **settings) as client:
                if place.when == "after-wrapping":
                    place.install(theirs, scene)
                yield client
        return
    users: Any = session()
    if cell.way == "session":
        # A hook on a session is also a hook on each client of that session.
        place.install(SessionAsClient(users), scene)
    async with AsyncClient(
        region_name="us-east-1", endpoint_url=url, session=users, config=config, **settings
    ) as client:
        if cell.way == "own":
            opened: Any = client._gateway._state.opened
            place.install(opened[0]._client, scene)
        yield client


class SessionAsClient:
    """A session with the interface of a client, for code that hooks into its events."""

    def __init__(self, users: Any) -> None:
        self.meta = _Meta(users.get_component("event_emitter"))


@frozen
class _Meta:
    events: Any


async def outcome_of(cell: Cell, server: CountingServer) -> str | None:
    """Run a cell.

    Returns:
        What is wrong; None if nothing is.
    """
    url = dead_endpoint() if cell.fate is Fate.NEVER else server.url
    told: object = None
    ended = False
    scope = anyio.CancelScope()
    scene = Scene(cell.operation, cell.kind, cell.transport, scope)
    server.begin(cell.fate, cell.lookup or Lookup.TRUE, scene.subject)
    with anyio.move_on_after(_ENDS_WITHIN):
        async with anyio.create_task_group() as tasks:
            scene.tasks = tasks
            async with client_in(cell, scene, url) as client:
                with scope:
                    told = await _told(client, cell, scene)
            if scope.cancelled_caught:
                told = scope
            tasks.cancel_scope.cancel()
        ended = True
    if not ended:
        return f"{cell}: did not end"
    problems = [*_problems(cell, server, told, scene)]
    return f"{cell}: {'; '.join(problems)}; told {told!r}" if problems else None


async def _told(client: AsyncClient, cell: Cell, scene: Scene) -> object:
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        EXTEND: lambda: client.training_plans.extend(
            scene.subject, training_plan_arn=ARN if cell.lookup else None
        ),
        CREATE: lambda: client.plans.create(a_spec(scene.subject, stages=1)),
    }
    try:
        return await calls[cell.operation]()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) or _is_asked_for(error):
            raise
        return error


def _is_asked_for(error: BaseException) -> bool:
    """Tell whether an exception is a cancellation that the test requested."""
    if not isinstance(error, anyio.get_cancelled_exc_class()):
        return False
    if not isinstance(error, asyncio.CancelledError):
        return True
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _problems(cell: Cell, server: CountingServer, told: object, scene: Scene) -> list[str]:
    is_purchase = cell.operation == EXTEND
    count = server.accepted(scene.subject)
    found: list[str] = []
    if is_purchase and count > 1:
        found.append(f"{count} accepted")
    if not is_purchase and (problem := _sent_again_without_a_look(cell, server, scene)):
        found.append(problem)
    if isinstance(told, anyio.CancelScope):
        return found
    is_success = isinstance(told, ExtensionReceipt) or told == PLAN_ARN
    if is_success and count == 0:
        found.append("a success, and nothing was accepted")
    elif not is_success and not isinstance(told, SageMakerPlansError):
        found.append("something foreign")
    elif isinstance(told, OutcomeUnknownError | PlanMismatchError):
        is_said = isinstance(told, PurchaseReplyError) and "went through" in str(told)
        if is_said and count == 0:
            found.append("said that it went through, and nothing was accepted")
    elif not is_success and count and not _is_looked_into(cell, server):
        found.append(f"an error that denies it, and {count} accepted")
    elif isinstance(told, ConnectionFailedError) and told.request_sent is not False:
        found.append("doubt that is not told as such")
    return found + _unheard(cell, told, is_success=is_success, scene=scene)


def _is_looked_into(cell: Cell, server: CountingServer) -> bool:
    """Tell whether a create was refused after one was lost that does not show yet.

    That the refusal is then the answer is what tests of ``create`` promise.
    """
    is_late = cell.operation == CREATE and cell.fate in LOST_AT_FIRST
    return is_late and cell.lookup is Lookup.LAGS and server.count(DESCRIBE) > 0


def _unheard(cell: Cell, told: object, *, is_success: bool, scene: Scene) -> list[str]:
    if not cell.place.is_heard or (cell.kind == CANCELLED and scene.times):
        return []
    if cell.fate is Fate.ACCEPT and not is_success:
        return ["the acceptance was heard, and not told"]
    # In another event loop the rate limiter of this mode fails before it sends.
    is_limited = cell.mode == "adaptive" and "thread" in cell.place.name
    refusal = None if is_limited else _REFUSALS.get(cell.fate)
    if refusal is not None and not isinstance(told, refusal):
        return ["the refusal was heard, and not told"]
    return []


def _sent_again_without_a_look(cell: Cell, server: CountingServer, scene: Scene) -> str | None:
    if cell.fate in {Fate.THROTTLE, Fate.THROTTLE_THEN_RESET, Fate.THROTTLE_TWICE_OVER}:
        # A request that was throttled may be sent again at once.
        return None
    # Their order means nothing, because the first one may arrive late.
    targets = server.targets_of(scene.subject)
    creates, looks = targets.count(CREATE), targets.count(DESCRIBE)
    return "created again without a look" if creates > looks + 1 else None
