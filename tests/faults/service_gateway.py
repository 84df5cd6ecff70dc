"""A gateway to the emulated service: no sockets, virtual time, and faults on demand."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Final, Literal

import anyio
from attrs import define, field, frozen

from engine.error_samples import an_answer
from sagemaker_plans import errors
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._transport.service_errors import service_error
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.emulator import Clock, Refusal, Seed, Service, Timings
from sagemaker_plans.errors import SageMakerPlansError

Kind = Literal[
    "fine",
    "throttled",
    "unsent",
    "refused",
    "lost before",
    "lost after",
    "lost and late",
    "down before",
    "down after",
    "unreadable",
    "not ours",
]
KINDS: Final[tuple[Kind, ...]] = (
    "fine",
    "throttled",
    "unsent",
    "refused",
    "lost before",
    "lost after",
    "lost and late",
    "down before",
    "down after",
    "unreadable",
    "not ours",
)
_LOST: Final[tuple[Kind, ...]] = (
    "lost before",
    "lost after",
    "lost and late",
    "down before",
    "down after",
)
_NOT_CARRIED_OUT: Final[tuple[Kind, ...]] = (
    "throttled",
    "unsent",
    "refused",
    "lost before",
    "down before",
)

CALLER: ContextVar[str] = ContextVar("caller", default="nobody")
"""The name of the caller in this task."""


@frozen
class Fate:
    """What happens to one request."""

    kind: Kind = "fine"
    before: float = 0.0
    """Seconds on the way to the service."""
    after: float = 0.0
    """Seconds on the way back."""


FINE: Final = Fate()


@frozen
class Sent:
    """One request as it was handed over."""

    caller: str
    operation: str
    fate: Fate
    refused: bool
    """Whether the service itself answered with an error."""

    @property
    def in_doubt(self) -> bool:
        """Whether the caller cannot know if the request had its effect."""
        if self.fate.kind in _LOST:
            return True
        return self.fate.kind in {"unreadable", "not ours"} and not self.refused


@define
class ServiceGateway(Gateway):
    """Passes requests to its own service. Create it inside the event loop."""

    fates: Mapping[str, Iterator[Fate]] = field(factory=dict[str, Iterator[Fate]])
    """The next fates by operation. Without one, a request succeeds."""
    seed: Seed = field(factory=Seed.default)
    timings: Timings = field(factory=Timings)
    late: float = 0.5
    """Seconds after its failure at which a request that is late is carried out."""
    sent: list[Sent] = field(factory=list[Sent])
    service: Service = field(init=False)
    _underway: list[tuple[float, Callable[[], object]]] = field(
        init=False, factory=list[tuple[float, Callable[[], object]]]
    )

    def __attrs_post_init__(self) -> None:
        clock = Clock(source=anyio.current_time, start=1_700_000_000.0)
        self.service = Service(clock=clock, seed=self.seed, timings=self.timings)

    def sent_by(self, caller: str, operation: str | None = None) -> list[Sent]:
        return [
            one for one in self.sent if one.caller == caller and operation in {None, one.operation}
        ]

    def bought_by(self, caller: str) -> int:
        """Count the purchases of a caller that the service accepted."""
        return sum(one.request_id.startswith(f"{caller}/") for one in self.service.purchases)

    def arrive(self, *, until: float) -> None:
        """Carry out the requests that are late."""
        due = [one for one in self._underway if one[0] <= until]
        self._underway = [one for one in self._underway if one[0] > until]
        for _, carry_out in due:
            carry_out()

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        fate = next(self.fates.get(operation.name, iter(())), FINE)
        caller = CALLER.get()
        number = len(self.sent)
        self.sent.append(Sent(caller, operation.name, fate, refused=False))
        await anyio.sleep(fate.before)
        self.arrive(until=anyio.current_time())
        whole = _Request(self.service, operation, request, f"{caller}/{number}")
        answer: dict[str, object] | SageMakerPlansError | None = None
        if fate.kind == "lost and late":
            self._underway.append((anyio.current_time() + self.late, whole.carry_out))
        elif fate.kind not in _NOT_CARRIED_OUT:
            answer = whole.carry_out()
            if isinstance(answer, SageMakerPlansError):
                self.sent[number] = Sent(caller, operation.name, fate, refused=True)
        await anyio.sleep(fate.after)
        return whole.reply(fate.kind, answer)


@frozen
class _Request:
    service: Service
    operation: Operation
    members: Mapping[str, object]
    request_id: str

    def carry_out(self) -> dict[str, object] | SageMakerPlansError:
        from sagemaker_plans.emulator._wire.members import Caller

        try:
            caller = Caller(request_id=self.request_id)
            return self.service.handle(self.operation.name, self.members, caller=caller)
        except Refusal as refusal:
            return service_error(
                self.operation.name,
                code=refusal.code,
                message=refusal.message,
                http_status=refusal.status,
                headers={},
                request_id=self.request_id,
            )

    def reply(self, kind: Kind, answer: dict[str, object] | SageMakerPlansError | None) -> Reply:
        lost = errors.ConnectionFailedError(
            "lost", request_sent=None, operation=self.operation.name
        )
        match kind:
            case "throttled":
                raise an_answer()
            case "unsent":
                raise errors.ConnectionFailedError("refused", request_sent=False)
            case "refused":
                raise an_answer(errors.AccessDeniedError)
            case "lost before" | "lost after" | "lost and late":
                raise lost
            case "down before" | "down after":
                raise an_answer(errors.InternalServiceError)
            case "fine" | "unreadable" | "not ours":
                assert answer is not None
        if isinstance(answer, SageMakerPlansError):
            raise answer
        if kind == "unreadable":
            return self._replied({}, b"<html></html>")
        none_of_ours: dict[str, object] = {"TrainingPlanExtensions": []}
        body = none_of_ours if kind == "not ours" else answer
        return self._replied(body, json.dumps(body).encode())

    def _replied(self, body: Mapping[str, object], raw: bytes) -> Reply:
        return Reply(
            operation=self.operation,
            body=body,
            raw=raw,
            http_status=200,
            request_id=self.request_id,
        )


def fates(**kinds: Iterable[Kind]) -> dict[str, Iterator[Fate]]:
    """Give fates by the name of the operation, without delays."""
    return {name: iter([Fate(kind) for kind in listed]) for name, listed in kinds.items()}
