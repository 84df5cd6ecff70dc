"""`typing.get_type_hints` works on everything public: frameworks that inject call it."""

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, get_type_hints

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

import sagemaker_plans as smp
from sagemaker_plans import AsyncClient, errors, journal, models, progress
from sagemaker_plans import emulator as emulators
from sagemaker_plans.emulator import _service
from sagemaker_plans.journal import DynamoDBJournal

MODULES = (smp, models, errors, journal, progress, emulators)
CLIENT = AsyncClient()
GROUPS = (type(CLIENT.plans), type(CLIENT.training_plans))


def public_things() -> Iterator[tuple[str, Any]]:
    for module in MODULES:
        names: list[str] = vars(module)["__all__"]
        for name in names:
            thing = getattr(module, name)
            if not isinstance(thing, ModuleType):
                yield f"{module.__name__}.{name}", thing
    yield from ((group.__name__, group) for group in GROUPS)


CLASSES = {name: each for name, each in public_things() if isinstance(each, type)}


def methods() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, cls in CLASSES.items():
        for base in cls.__mro__:
            if not base.__module__.startswith("sagemaker_plans"):
                continue
            for attribute, member in vars(base).items():
                function: Any = member.fget if isinstance(member, property) else member
                function = getattr(function, "__func__", function)
                is_public = not attribute.startswith("_") or attribute.startswith("__")
                if inspect.isfunction(function) and is_public:
                    yield f"{name}.{attribute}", function


FUNCTIONS_BY_NAME = {
    **{name: each for name, each in public_things() if inspect.isfunction(each)},
    **dict(methods()),
}


def test_there_are_classes_and_functions_to_ask() -> None:
    assert CLASSES["sagemaker_plans.WaitError"] is smp.WaitError
    assert "sagemaker_plans.AsyncClient.__init__" in FUNCTIONS_BY_NAME


def test_every_public_class_can_say_the_types_of_its_attributes() -> None:
    failures = {name: failure_of(each) for name, each in CLASSES.items()}

    assert {name: each for name, each in failures.items() if each} == {}


def test_every_public_function_can_say_the_types_of_its_parameters() -> None:
    failures = {name: failure_of(each) for name, each in FUNCTIONS_BY_NAME.items()}

    assert {name: each for name, each in failures.items() if each} == {}


def failure_of(thing: Any) -> str | None:
    try:
        get_type_hints(thing)
    except Exception as error:  # noqa: BLE001  # whatever it is, the test shows it
        return repr(error)
    return None


def test_a_client_and_a_journal_name_the_types_of_aiobotocore() -> None:
    of_client = get_type_hints(AsyncClient.__init__)

    assert of_client["session"] == AioSession | None
    assert of_client["config"] == AioConfig | None
    assert get_type_hints(DynamoDBJournal.__init__)["session"] == AioSession | None


@pytest.mark.parametrize(
    ("error", "attribute", "expected"),
    [
        (smp.StageNotStartedError, "last_seen", smp.Stage),
        (smp.StageFailedError, "last_seen", smp.Stage),
        (smp.PurchaseFailedError, "extension", smp.TrainingPlanExtension),
        (smp.RolloutStoppedError, "report", smp.RolloutReport),
    ],
)
def test_an_error_names_the_models_that_it_holds(
    error: type[Exception], attribute: str, expected: object
) -> None:
    assert get_type_hints(error)[attribute] == expected


def test_a_folder_of_the_emulator_has_no_other_late_name() -> None:
    assert not hasattr(_service, "Servant")
