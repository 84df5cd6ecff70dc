"""Reads wire forms into models.

A reader that was compiled from what the model declares is asked first. It leaves whatever is
unusual to ``converter``, which reads anything that fits, and says what does not. Programs that
only read what the service usually sends need no cattrs, which is slow to import.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from sagemaker_plans._wire.compiled_readers import Reader, compiled_reader
from sagemaker_plans._wire.values import READERS, WHOLE, MisfitsError
from sagemaker_plans.errors import InvalidRequestError, UnexpectedReplyError
from sagemaker_plans.models._wire_form import WireModel

T = TypeVar("T")
M = TypeVar("M", bound=WireModel)

_COMPILED: Final[dict[type, Reader]] = {}
"""The compiled readers of the classes that were read."""


def _reader_of(kind: Any) -> Reader:  # noqa: ANN401  # the type of an attribute
    if kind in READERS:
        return READERS[kind]
    from sagemaker_plans._wire.converter import reader_of  # noqa: PLC0415  # see above

    return reader_of(kind)


def compiled(cls: type) -> Reader:
    """Give the fast reader of a class. It raises an exception of any kind at anything unusual.

    Args:
        cls: The class of a model, or another that declares its members as models do.

    Returns:
        The reader.
    """
    reader = _COMPILED[cls] = compiled_reader(cls, _reader_of)
    return reader


def read(cls: type[T], wire: Mapping[str, object]) -> T:
    """Read a model, or another class that declares its members as models do.

    Args:
        cls: The class.
        wire: The wire form.

    Returns:
        The object that was read.

    Raises:
        MisfitsError: If the wire form does not fit the class; it lists every problem.
        InvalidRequestError: If it fits, but is a spec that breaks a rule of the service.
    """
    try:
        quick: T = (_COMPILED.get(cls) or compiled(cls))(wire, cls)
    except Exception:  # noqa: BLE001, S110  # read again below, which tells what is wrong
        pass
    else:
        return quick
    from sagemaker_plans._wire import converter  # noqa: PLC0415  # see above

    return converter.read_carefully(cls, wire)


def read_model(cls: type[M], wire: Mapping[str, object]) -> M:
    """Read a model.

    Args:
        cls: The class of the model.
        wire: The wire form.

    Returns:
        The model.

    Raises:
        UnexpectedReplyError: If the wire form does not fit the model; it lists every problem.
        InvalidRequestError: If this is a spec that does not fit, or breaks a rule of the service.
    """
    try:
        found = read(cls, wire)
    except MisfitsError as error:
        from sagemaker_plans.models import EdgeDeploymentPlanSpec, StageSpec  # noqa: PLC0415  # needed for few errors

        if issubclass(cls, EdgeDeploymentPlanSpec | StageSpec):
            raise InvalidRequestError(cls.__name__, _of_no_reply(error.problems)) from error
        raise _no_model(cls, wire, error.problems) from error
    # One reader reads all selections, so it may return another class than ``cls``.
    if not isinstance(found, cls):
        raise _no_model(cls, wire, (f"DeviceSubsetType: this is a {type(found).__name__}",))
    return found


def _of_no_reply(problems: tuple[str, ...]) -> tuple[str, ...]:
    # A spec is what a request is made of. No reply has one.
    whole = f"{WHOLE}: "
    return tuple(
        f"wire: {each.removeprefix(whole)}" if each.startswith(whole) else each for each in problems
    )


def _no_model(
    cls: type, wire: Mapping[str, object], problems: tuple[str, ...]
) -> UnexpectedReplyError:
    return UnexpectedReplyError(f"this is no {cls.__name__}", problems=problems, reply=wire)
