"""The faults of the emulator, in every form in which they can be injected.

Made from the constructors of ``Fault`` by reflection: one that is not described here is
noticed by ``undescribed``.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

from attrs import field, frozen

from engine.design_table import Row
from sagemaker_plans import errors
from sagemaker_plans.emulator import Fault, Gate
from sagemaker_plans.errors import SageMakerPlansError

THROTTLED: Final = "throttled"
IN_DOUBT: Final = "5xx, reset, timeout, cut or unreadable reply"
REFUSED: Final = "not found, invalid, denied, limit"

PATIENCE: Final = 4.0
"""The request timeout, in seconds, of the clients that meet faults that last.

It is far longer than a busy machine needs for a request that meets none.
"""
_SLOW: Final = 3 * PATIENCE

Strikes = Literal["always", "replies", "needed members", "pages"]
MemberOfTheAct = Literal["needed", "status"]


@frozen(kw_only=True)
class Meaning:
    """What a fault means for the caller."""

    row: Row | None = None
    """Its row in the design's table; None if it is not a failure."""
    error: type[SageMakerPlansError] | None = None
    """What is raised if it lasts."""
    strikes: Strikes = "always"
    """always; only replies that have members; only if those are needed; only pages."""
    lasts: bool = False
    """Whether it lasts until the request timeout."""


@frozen(kw_only=True)
class Form:
    """Arguments for a constructor, and what the fault then means."""

    meaning: Meaning
    arguments: Mapping[str, Any] = field(factory=dict[str, Any])
    member: MemberOfTheAct | None = None
    """Which member of the act's reply it takes; None if it takes none."""


@frozen(kw_only=True)
class Sample:
    """One fault."""

    label: str
    meaning: Meaning
    make: Callable[[str], Fault]
    """Takes the name of the member."""
    member: MemberOfTheAct | None
    """Which member of the act's reply that is; None if the name does not matter."""
    committed: bool

    def __str__(self) -> str:
        return self.label


_DOWN: Final = Meaning(row=IN_DOUBT, error=errors.InternalServiceError)
_LOST: Final = Meaning(row=IN_DOUBT, error=errors.ConnectionFailedError)
_NO_ANSWER: Final = Meaning(row=IN_DOUBT, error=errors.ConnectionFailedError, lasts=True)
_SLOW_TRICKLE: Final = Meaning(
    row=IN_DOUBT, error=errors.ConnectionFailedError, strikes="replies", lasts=True
)
_THROTTLE: Final = Meaning(row=THROTTLED, error=errors.ThrottledError)
_HARMLESS: Final = Meaning()
_GARBLED: Final = Meaning(row=IN_DOUBT, error=errors.UnexpectedReplyError)
_HALF: Final = Meaning(row=IN_DOUBT, error=errors.UnexpectedReplyError, strikes="replies")
_HOLED: Final = Meaning(row=IN_DOUBT, error=errors.UnexpectedReplyError, strikes="needed members")
_CIRCLE: Final = Meaning(error=errors.PaginationError, strikes="pages")


def _no(error: type[SageMakerPlansError]) -> Meaning:
    return Meaning(row=REFUSED, error=error)


def _error(code: str, status: int, meaning: Meaning) -> Form:
    return Form(arguments={"code": code, "status": status}, meaning=meaning)


FORMS: Final[Mapping[str, tuple[Form, ...]]] = {
    "throttle": (
        Form(meaning=_THROTTLE),
        Form(arguments={"retry_after": 0.001}, meaning=_THROTTLE),
    ),
    "error": (
        _error("ValidationException", 400, _no(errors.ValidationError)),
        _error("AccessDeniedException", 403, _no(errors.AccessDeniedError)),
        _error("ResourceLimitExceeded", 400, _no(errors.ResourceLimitExceededError)),
        _error("ResourceInUse", 400, _no(errors.ResourceInUseError)),
        _error("CodeOfTomorrow", 418, _no(errors.ServiceError)),
        _error("TooManyRequestsException", 429, _THROTTLE),
        _error("CodeOfTomorrow", 502, _DOWN),
        _error("ValidationException", 500, _DOWN),
    ),
    "internal_failure": (Form(meaning=_DOWN),),
    "service_unavailable": (
        Form(meaning=_DOWN),
        Form(arguments={"retry_after": 0.001}, meaning=_DOWN),
    ),
    "not_found_as_validation": (Form(meaning=_no(errors.ResourceNotFoundError)),),
    "latency": (
        Form(arguments={"seconds": 0.001}, meaning=_HARMLESS),
        Form(arguments={"seconds": _SLOW}, meaning=_NO_ANSWER),
    ),
    "wait_until": (Form(arguments={"gate": Gate()}, meaning=_NO_ANSWER),),
    "hang": (Form(meaning=_NO_ANSWER),),
    "disconnect": (
        Form(arguments={"how": "fin"}, meaning=_LOST),
        Form(arguments={"how": "rst"}, meaning=_LOST),
    ),
    "drip": (
        Form(arguments={"seconds": 0.0}, meaning=_HARMLESS),
        Form(arguments={"seconds": 0.3}, meaning=_SLOW_TRICKLE),
    ),
    "cut_body": (Form(meaning=_LOST),),
    "truncated_json": (Form(meaning=_HALF),),
    "not_json": (Form(meaning=_GARBLED),),
    "empty_object": (Form(meaning=_HOLED),),
    "missing_member": (Form(meaning=_HOLED, member="needed"),),
    "empty_page": (Form(meaning=_CIRCLE),),
    "repeated_token": (Form(meaning=_CIRCLE),),
    "unknown_enum_value": (Form(meaning=_HARMLESS, member="status"),),
    "unknown_member": (Form(meaning=_HARMLESS),),
}
"""By constructor. The argument ``committed`` is added in both values where there is one."""

ARGUMENTS_LEFT_ALONE: Final = {
    ("error", "message"),
    ("not_found_as_validation", "message"),
    ("unknown_enum_value", "value"),
}
"""Changes that this package ignores."""


def constructors() -> dict[str, inspect.Signature]:
    """Give the constructors of ``Fault`` by name."""
    return {
        name: inspect.signature(getattr(Fault, name))
        for name, attribute in vars(Fault).items()
        if isinstance(attribute, classmethod)
    }


def undescribed() -> set[str]:
    """Name the constructors, and the arguments of theirs, of which FORMS knows nothing."""
    found: set[str] = set()
    for name, signature in constructors().items():
        if name not in FORMS:
            found.add(name)
            continue
        used = {"committed"}.union(*(form.arguments for form in FORMS[name]))
        if any(form.member for form in FORMS[name]):
            used.add("member")
        found |= {
            f"{name}({argument}=)"
            for argument in signature.parameters
            if argument not in used and (name, argument) not in ARGUMENTS_LEFT_ALONE
        }
    return found


def _is_committed_by_itself(name: str) -> bool:
    form = FORMS[name][0]
    member = {"member": "Any"} if form.member else {}
    fault = getattr(Fault, name)(**form.arguments, **member)
    assert isinstance(fault, Fault)
    return fault.committed


def _values_of_committed(name: str, meaning: Meaning) -> tuple[bool, ...]:
    if "committed" not in constructors()[name].parameters:
        return (_is_committed_by_itself(name),)
    # A throttle or a refusal of something that was carried out would be a lie.
    return (False, True) if meaning.row == IN_DOUBT else (False,)


def _sample(name: str, form: Form, *, committed: bool) -> Sample:
    takes_it = "committed" in constructors()[name].parameters
    arguments = {**form.arguments, **({"committed": committed} if takes_it else {})}

    def make(member: str) -> Fault:
        more = {"member": member} if form.member else {}
        fault = getattr(Fault, name)(**arguments, **more)
        assert isinstance(fault, Fault)
        return fault

    shown = [str(value) for key, value in form.arguments.items() if key != "gate"]
    label = "-".join([name, *shown, *(["committed"] if takes_it and committed else [])])
    return Sample(
        label=label, meaning=form.meaning, make=make, member=form.member, committed=committed
    )


def samples() -> Iterator[Sample]:
    """Give every fault in every form."""
    for name in constructors():
        for form in FORMS.get(name, ()):
            for committed in _values_of_committed(name, form.meaning):
                yield _sample(name, form, committed=committed)
