"""``AsyncClient``: connects all parts of the package."""

from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self, final

from sagemaker_plans._client.first_loop import FirstLoop
from sagemaker_plans._client.lazy_gateway import LazyGateway, Opened
from sagemaker_plans._client.settings import setting_problems
from sagemaker_plans._edge.plans import EdgeDeploymentPlans
from sagemaker_plans._engine.durations import Duration, as_seconds
from sagemaker_plans._engine.not_copied import NotCopied
from sagemaker_plans._engine.pacing import PacePolicy, Pacer
from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_policy import RetryPolicy
from sagemaker_plans._event_loop import in_thread
from sagemaker_plans._setting_checks import raise_for, text_problems
from sagemaker_plans.errors._late_import import LateModule
from sagemaker_plans.models._validation import shown

if TYPE_CHECKING:
    from sagemaker_plans import journal
    from sagemaker_plans._training import training_plans as training
    from sagemaker_plans._transport.aiobotocore_client import parts as aio
else:
    # Their imports take long, and not every program needs them.
    aio = LateModule("sagemaker_plans._transport.aiobotocore_client.parts")
    journal = LateModule("sagemaker_plans.journal")
    training = LateModule("sagemaker_plans._training.training_plans")

_REQUEST_TIMEOUT: Final = 60.0
_BACKENDS: Final = ("auto", "aiohttp", "httpx")


class AioSageMakerClient(Protocol):
    """An open SageMaker client of aiobotocore, as far as a type checker can tell one.

    A client of boto3 has no ``close`` that can be awaited, and what ``create_client`` returns
    is a client only inside ``async with``. What else a client needs is checked when it is
    wrapped.
    """

    @property
    def meta(self) -> object:
        """What botocore says about the client."""

    async def close(self) -> None:
        """Close its connections."""


@final
class AsyncClient(NotCopied):
    """The client: ``client.plans`` and ``client.training_plans``.

    Use it as ``async with AsyncClient(...) as client:``, or call ``aclose`` when done.
    Any number of tasks can use one client at the same time, in the event loop (asyncio or
    trio) in which it was first used.

    Args:
        region_name: The AWS region; None takes it from the environment or the profile.
        profile_name: The profile of the AWS configuration.
        endpoint_url: An endpoint other than the region's, such as the emulator's.
        session: An aiobotocore ``AioSession`` that has configuration and credentials.
        config: An aiobotocore ``AioConfig``. Its settings override this package's
            defaults, except for retries: this package's own replace botocore's.
        http_backend: The HTTP library: ``"aiohttp"`` (asyncio only), ``"httpx"`` (asyncio
            and trio), or ``"auto"``, which takes aiohttp on asyncio and httpx on trio.
        retry: How often requests are sent again, and after which waits.
        polling: How often waits poll, unless they get a schedule of their own.
        pace: How to keep to the number of requests a second that the service permits.
        journal: Where purchases are recorded, so that each is made once across crashes,
            restarts and processes: a ``FileJournal``, a ``DynamoDBJournal``, or your own
            ``PurchaseJournal``. None for no journal. The client never closes it.
        request_timeout: How long one attempt at one request may take, in seconds or as a
            timedelta. The time in which it waits for a free connection, or for its turn,
            does not count.

    Raises:
        ConfigurationError: If an argument has the wrong type or value, or if two arguments
            exclude each other.
    """

    plans: EdgeDeploymentPlans
    """Edge deployment plans."""
    training_plans: "training.TrainingPlans"
    """Training plans and their extensions."""

    def __init__(
        self,
        *,
        region_name: str | None = None,
        profile_name: str | None = None,
        endpoint_url: str | None = None,
        session: "aio.AioSession | None" = None,
        config: "aio.AioConfig | None" = None,
        http_backend: Literal["auto", "aiohttp", "httpx"] = "auto",
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008  # frozen, and the default is shown
        polling: PollSchedule = PollSchedule(),  # noqa: B008  # likewise
        pace: PacePolicy = PacePolicy(),  # noqa: B008  # likewise
        journal: "journal.PurchaseJournal | None" = None,
        request_timeout: Duration = _REQUEST_TIMEOUT,
    ) -> None:
        timeout = as_seconds(request_timeout)
        problems = [
            *text_problems("region_name", region_name),
            *text_problems("profile_name", profile_name),
            *text_problems("endpoint_url", endpoint_url),
            *setting_problems(retry, polling, pace, journal, timeout),
        ]
        if http_backend not in _BACKENDS:
            problems.append(
                f"http_backend: got {shown(http_backend)}; allowed are {', '.join(_BACKENDS)}"
            )
        if session is not None and profile_name is not None:
            problems.append(
                f"profile_name: got {shown(profile_name)} beside a session; a session has a "
                "profile of its own"
            )
        raise_for("AsyncClient", problems)

        async def open_gateway() -> Opened:
            # These imports cost far more than importing this package: see import_transport. So they
            # wait until a client is opened, and run in a thread beside the event loop.
            await in_thread(import_transport)
            from sagemaker_plans._transport import botocore_gateway  # noqa: PLC0415  # see above
            from sagemaker_plans._transport.aiobotocore_client import opening  # noqa: PLC0415  # see above

            opened = await opening.open_client(
                region_name=region_name,
                profile_name=profile_name,
                endpoint_url=endpoint_url,
                session=session,
                config=config,
                http_backend=http_backend,
                request_timeout=timeout,
            )
            gateway = botocore_gateway.BotocoreGateway(
                opened.client, request_timeout=timeout, fast_path=opened.fast_path
            )
            pacer.set_connections(gateway.connections)

            async def close() -> None:
                gateway.release()
                await opened.close()

            return gateway, close

        # The first request opens the client. Then it is known how many connections there are.
        settings = {
            "region_name": region_name,
            "profile_name": profile_name,
            "endpoint_url": endpoint_url and endpoint_url.partition("?")[0],
        }
        first = FirstLoop()
        lazy = LazyGateway(open_gateway, settings=settings, first_loop=first)
        pacer = Pacer(pace, connections=1, check=first.check)
        self._set_up(lazy, retry, pacer, polling, journal, timeout)

    def _set_up(  # noqa: PLR0917  # called twice, just below and above
        self,
        gateway: LazyGateway,
        retry: RetryPolicy,
        pacer: Pacer,
        polling: PollSchedule,
        journal: "journal.PurchaseJournal | None",
        request_timeout: float,
    ) -> None:
        self._gateway = gateway
        self._pacer = pacer
        retrier = Retrier(retry, pacer=pacer)
        self.plans = EdgeDeploymentPlans(
            gateway, retrier, polling=polling, request_timeout=request_timeout
        )

        def training_plans() -> object:
            # Imported when they are first used, with their models: few programs need both groups.
            return training.TrainingPlans(
                gateway,
                retrier,
                polling=polling,
                journal=journal,
                region=gateway.region,
                request_timeout=request_timeout,
            )

        self._late = {"training_plans": training_plans}

    if not TYPE_CHECKING:  # to a type checker, a client has the attributes above and no others

        def __getattr__(self, name: str) -> object:
            make = vars(self).get("_late", {}).get(name)
            if make is None:
                raise AttributeError(
                    f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
                )
            # Of several threads all get the same one: it knows of the purchases under way.
            return vars(self).setdefault(name, make())

        def __dir__(self) -> list[str]:
            return sorted({*object.__dir__(self), *vars(self).get("_late", {})})

    @classmethod
    def from_client(
        cls,
        sagemaker_client: AioSageMakerClient,
        *,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008  # frozen, and the default is shown
        polling: PollSchedule = PollSchedule(),  # noqa: B008  # likewise
        pace: PacePolicy = PacePolicy(),  # noqa: B008  # likewise
        journal: "journal.PurchaseJournal | None" = None,
        request_timeout: Duration = _REQUEST_TIMEOUT,
    ) -> Self:
        """Wrap a SageMaker client of aiobotocore that you already have.

        That client's own retries are off for this package's calls and for every purchase.
        Your other calls keep them. ``aclose`` does not close that client: it only removes
        what this method added to it.

        For example::

            async with get_session().create_client("sagemaker") as sagemaker_client:
                wrapped = smp.AsyncClient.from_client(sagemaker_client)
                plan = await wrapped.plans.describe("spring-rollout")
                await wrapped.aclose()

        Args:
            sagemaker_client: An open client. It may be instrumented or stubbed.
            retry: How often requests are sent again, and after which waits.
            polling: How often waits poll, unless they get a schedule of their own.
            pace: How to keep to the number of requests a second that the service permits.
            journal: Where purchases are recorded, as for ``AsyncClient``.
            request_timeout: How long one attempt at one request may take, in seconds or as
                a timedelta. The time in which it waits for its turn does not count.

        Returns:
            The client.

        Raises:
            ConfigurationError: If it is not such a client. Its own retries could not be
                switched off then, and a purchase might be sent twice.
        """
        # Imported here, because it imports aiobotocore, as in __init__.
        from sagemaker_plans._transport import botocore_gateway  # noqa: PLC0415  # see above

        timeout = as_seconds(request_timeout)
        problems = [*setting_problems(retry, polling, pace, journal, timeout)]
        raise_for("AsyncClient.from_client", problems)
        gateway = botocore_gateway.BotocoreGateway(sagemaker_client, request_timeout=timeout)

        async def release() -> None:
            gateway.release()

        client = cls.__new__(cls)
        # The gateway has registered event handlers already, so aclose must release it even
        # if there was no call.
        first = FirstLoop()
        lazy = LazyGateway(opened=(gateway, release), first_loop=first)
        pacer = Pacer(pace, connections=gateway.connections, check=first.check)
        client._set_up(lazy, retry, pacer, polling, journal, timeout)  # noqa: SLF001  # of this class
        return client

    async def aclose(self) -> None:
        """Close the connections. You can call this more than once.

        Calls after it raise ConfigurationError, and so do those that wait for their turn.

        For example::

            opened = smp.AsyncClient()  # where ``async with`` does not fit, as in a notebook
            await opened.aclose()
        """
        self._pacer.stop()
        await self._gateway.close()

    def __repr__(self) -> str:
        return repr(self._gateway)

    async def __aenter__(self) -> Self:
        await self._gateway.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def import_transport() -> None:
    """Import what a client needs, aiobotocore above all: run it in a thread.

    It takes nearly five times the CPU time of importing this package and ``AsyncClient``: 540 ms
    and 114 ms (medians of 60 interleaved processes with bytecode, Python 3.11, busy machine).
    """
    for module in ("botocore_gateway", "aiobotocore_client.opening"):
        import_module(f"sagemaker_plans._transport.{module}")
