"""The class that users create: a service, its faults, and a server in a thread."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, final, get_args

from sagemaker_plans._version import __version__
from sagemaker_plans.emulator._data.data_file import DataFile
from sagemaker_plans.emulator._faults.fault import Fault
from sagemaker_plans.emulator._faults.gate import Gate
from sagemaker_plans.emulator._faults.schedule import FaultSchedule
from sagemaker_plans.emulator._http.admin import Admin
from sagemaker_plans.emulator._http.application import LOGGER, Application
from sagemaker_plans.emulator._http.environment import client_environment
from sagemaker_plans.emulator._http.origins import (
    AccessRules,
    checked_hosts,
    checked_origins,
    is_loopback,
)
from sagemaker_plans.emulator._http.recorder import RecordedRequest, Recorder
from sagemaker_plans.emulator._http.request_handler import RequestHandler
from sagemaker_plans.emulator._http.server_thread import ServerThread
from sagemaker_plans.emulator._http.signature import (
    Credentials,
    SignatureClock,
    account_named_by,
    signature_times,
)
from sagemaker_plans.emulator._options import checked_credentials, checked_port
from sagemaker_plans.emulator._seeds.seed import Seed
from sagemaker_plans.emulator._seeds.seed_file import plant
from sagemaker_plans.emulator._seeds.written_seed import check_seed_path, write_seed
from sagemaker_plans.emulator._service.fleet_setup import FleetSetup
from sagemaker_plans.emulator._service.service import Service
from sagemaker_plans.emulator._state.clock import Clock
from sagemaker_plans.emulator._state.timings import Timings
from sagemaker_plans.emulator._wire.arns import ACCOUNT_ID, REGION


@final
class Emulator(FleetSetup):
    """A local SageMaker on the loopback interface.

    Use it as a context manager. The server has its own thread and event loop, so that
    the code under test may be synchronous or run on asyncio or trio.

    Args:
        host: The address to bind. The log warns of an address that is not loopback.
        port: The port to bind; 0 picks a free one.
        speed: Emulated seconds per real second.
        timings: How long things take, on the emulator's clock.
        credentials: Secret keys by access key id. "any" checks signatures for form only.
            None stands for the keys that tests and documentation use, `test`/`test` first. A
            key id of twelve digits is an account's number, and belongs to that account.
        loose_fleets: Whether plans may name fleets and devices that nobody has registered. They
            are registered then. Otherwise such plans are refused.
        failure_tolerance: The share of a stage's devices, 0 to 1, that may fail before
            the stage is FAILED; with 0 one failed device is enough.
        seed: The resources that exist at the beginning, or the path of a JSON, TOML or YAML
            file with them. None stands for `Seed.default()`.
        data: A file that keeps all that exists, and outlives a crash of the process. If it is
            there, it counts in place of the seed, except for `reset`. It is this emulator's
            alone until `stop`.
        signature_clock: The clock with which the dates of signatures are compared. With
            "both", a purchase is refused as too old if the emulator's clock was advanced by
            more than five minutes since it was signed; what is signed after that is served,
            and so are reads that are on their way meanwhile.
            "emulator" also refuses that, because clients sign with the machine's clock.
        allow_hosts: More names and addresses by which clients may reach the emulator, besides
            loopback and `host`.
        allow_origins: The origins of web pages that may use the emulator, such as
            `http://localhost:3000`.

    Raises:
        ValueError: A number is out of its range, there are no credentials, the seed file is
            wrong (`SeedError`), or the data file cannot be used (`DataFileError`).
        OSError: The seed file cannot be read, or the data file cannot be written.
        Refusal: The service would not accept one of the seed's plans.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        speed: float = 1.0,
        timings: Timings | None = None,
        credentials: Credentials | None = None,
        loose_fleets: bool = False,
        failure_tolerance: float = 0.0,
        seed: Seed | str | os.PathLike[str] | None = None,
        data: str | os.PathLike[str] | None = None,
        signature_clock: SignatureClock = "both",
        allow_hosts: Iterable[str] = (),
        allow_origins: Iterable[str] = (),
    ) -> None:
        self._host = host
        self._port = checked_port(port)
        self._credentials: Credentials = checked_credentials(credentials)
        service = Service(
            clock=Clock(speed=speed),
            timings=timings,
            loose_fleets=loose_fleets,
            failure_tolerance=failure_tolerance,
            seed=Seed(),
            account_id=account_named_by(self.access_key_id) or ACCOUNT_ID,
        )
        plant(seed, service)
        super().__init__(service._resources)  # noqa: SLF001  # both are a FleetSetup
        self._service = service
        self._faults = FaultSchedule(service.operations)
        self._recorder = Recorder()
        self._failures: list[Exception] = []
        self.signature_clock = signature_clock
        self._application = Application(
            handler=RequestHandler(
                service=service,
                faults=self._faults,
                recorder=self._recorder,
                credentials=self._credentials,
                signature_times=lambda signed_at, operation: signature_times(
                    self._signature_clock,
                    signed_at,
                    operation,
                    now=service.clock.now,
                    advanced_since=service.clock.advanced_since,
                ),
            ),
            admin=Admin(
                service=service,
                faults=self._faults,
                recorder=self._recorder,
                reset=self.reset,
                version=__version__,
            ),
            rules=AccessRules(
                hosts=checked_hosts(allow_hosts) | {host.lower()} - {""},
                origins=checked_origins(allow_origins),
            ),
            dates_replies=lambda: self._signature_clock != "machine",
            failures=self._failures,
        )
        self._server: ServerThread | None = None
        self._data: DataFile | None = None
        if data is not None:
            resources = self._resources
            self._data = DataFile(Path(data), resources.tables, self.clock, resources.lock)
            self._data.open()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if self._failures:
            bugs = ExceptionGroup("the emulator itself failed on requests", self.failures)
            if error is None:
                raise bugs
            error.add_note(f"In addition, {bugs}: {self._failures!r}")

    def start(self) -> None:
        """Bind the port and serve.

        Raises:
            RuntimeError: The emulator runs already.
            OSError: The address cannot be bound, or the data file cannot be written.
            DataFileError: The data file was closed by `stop`, and cannot be used any more.
        """
        if self._server is not None:
            raise RuntimeError("the emulator is already running")
        if self._data is not None:
            self._data.open()
        try:
            self._serve()
        except BaseException:
            self.stop()
            raise

    def _serve(self) -> None:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        if not is_loopback(self._host):
            LOGGER.warning(
                "%s is not a loopback address: every host that reaches it can control the emulator",
                self._host,
            )
        listener = socket.create_server((self._host, self._port), family=family)
        self._port = listener.getsockname()[1]
        self._server = ServerThread(self._application, listener)

    def stop(self) -> None:
        """Close every connection and the data file at once. A second call has no effect."""
        try:
            if self._server is not None:
                self._server.stop()
                self._server = None
        finally:
            if self._data is not None:
                self._data.close()

    def export_seed(self, path: str | os.PathLike[str] | None = None) -> Seed:
        """Return a seed of all that exists at this moment, and of the clock's position.

        An emulator that starts with it answers as this one does now. Requests, faults and settings
        are not part of it.

        Args:
            path: A file to which the seed is written as JSON, whole or not at all; None
                writes no file.

        Raises:
            ValueError: It is the data file of this emulator, or its name ends as one that is
                not read as JSON.
            OSError: It cannot be written.
        """
        if path is None:
            return self._service.exported_seed()
        check_seed_path(Path(path))
        if self._data is not None and self._data.is_at(Path(path)):
            raise ValueError(f"path: {path} is the data file of this emulator; name another one")
        seed = self._service.exported_seed()
        write_seed(Path(path), seed)
        return seed

    @property
    def endpoint_url(self) -> str:
        """The URL for `endpoint_url=` of any AWS client on this machine.

        Raises:
            RuntimeError: The emulator has no port yet, because it picks one when it starts.
        """
        if not self._port:
            raise RuntimeError("the emulator has no port yet: start it")
        # An emulator that is bound to all addresses is reached on loopback.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self._host, self._host)  # noqa: S104  # compared, not bound
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self._port}"

    @property
    def region(self) -> str:
        """The region of the default seed's ARNs; requests of other regions are served too."""
        return REGION

    @property
    def access_key_id(self) -> str:
        """An access key that the emulator knows."""
        return "test" if self._credentials == "any" else next(iter(self._credentials))

    @property
    def secret_access_key(self) -> str:
        """The secret of `access_key_id`."""
        return "test" if self._credentials == "any" else self._credentials[self.access_key_id]

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which AWS clients use this SageMaker.

        They override proxies, a session token and other settings that would send requests
        elsewhere. They do not override a profile, so `AWS_PROFILE` has to name one that
        exists.
        """
        return client_environment(
            self.endpoint_url,
            access_key_id=self.access_key_id,
            secret_key=self.secret_access_key,
            region=self.region,
        )

    @property
    def service(self) -> Service:
        """The service behind the server. Its `handle` works without HTTP and without faults."""
        return self._service

    @property
    def signature_clock(self) -> SignatureClock:
        """The clock with which the dates of signatures are compared. A test may change it."""
        return self._signature_clock

    @signature_clock.setter
    def signature_clock(self, clock: SignatureClock) -> None:
        if clock not in get_args(SignatureClock):
            raise ValueError(
                f'signature_clock must be "both", "machine" or "emulator", not {clock!r}'
            )
        self._signature_clock: SignatureClock = clock

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """The requests with a valid signature, in the order of arrival.

        The latest 100,000 are kept, or fewer if their bodies would take more than 64 MiB.
        """
        return self._recorder.snapshot()

    @property
    def requests_dropped(self) -> int:
        """How many of the oldest requests are no longer in `requests`."""
        return self._recorder.dropped

    @property
    def turned_away(self) -> Mapping[str, int]:
        """How many requests were refused before they were recorded, by error code.

        Their Host, Origin, path, target, size or signature was wrong. Those to the admin surface
        count too, where arguments may also be wrong.
        """
        return self._recorder.turned_away

    def requests_of(self, operation: str) -> tuple[RecordedRequest, ...]:
        """Return those of `requests` that are of one operation, in the order of arrival.

        Raises:
            ValueError: The emulator has no such operation.
        """
        if operation not in self._service.operations:
            raise ValueError(f"there is no operation {operation!r}")
        return tuple(one for one in self.requests if one.operation == operation)

    @property
    def failures(self) -> tuple[Exception, ...]:
        """The first errors of the emulator itself; leaving the context raises them."""
        return tuple(self._failures)

    @property
    def training_plan_arn(self) -> str:
        """The ARN of the oldest training plan, `demo-plan` in the default seed.

        Raises:
            LookupError: There is no training plan.
        """
        if not self._service.training_plan_arns:
            raise LookupError("there is no training plan")
        return self._service.training_plan_arns[0]

    def inject(self, operation: str, fault: Fault, *, nth: int = 1, times: int | None = 1) -> None:
        """Inject a fault into calls of an operation, which are counted from now on.

        Args:
            operation: An operation's name, or "*" for any.
            fault: What goes wrong.
            nth: The first call that gets the fault; 1 is the next call.
            times: How many calls in a row get it; None stands for all later calls.

        Raises:
            ValueError: There is no such operation, its replies do not have the pages that the
                fault needs, no reply has the member that it changes, or a number is below 1.
            TypeError: `fault` is not a `Fault`.
        """
        self._faults.inject(operation, fault, nth=nth, times=times)

    @contextmanager
    def hold_replies(self, operation: str, *, committed: bool = True) -> Generator[Gate]:
        """Hold back the replies of an operation until the context ends.

        Args:
            operation: An operation's name, or "*" for any.
            committed: Whether the operation is carried out at once and only its reply is
                held back. Otherwise it is not carried out, and the reply is a 503.

        Yields:
            The gate at which the replies wait. A test may open it before the context ends.
            The end of the context opens it too, and later replies are not held back.

        Raises:
            ValueError: There is no such operation.
        """
        gate = Gate()
        remove = self._faults.inject(
            operation, Fault.wait_until(gate, committed=committed), times=None
        )
        try:
            yield gate
        finally:
            remove()
            gate.open()

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def reset(self) -> None:
        """Remove state, faults and recorded requests, and create the seed's resources again.

        The clock is not changed.
        """
        self._faults.clear()
        self._recorder.clear()
        self._service.reset()
