"""The ways in which tracers and people put functions of their own in front of others."""

from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any, Final


class Proxy:
    """As wrapt's wrappers (Datadog, OpenTelemetry, X-Ray): all but its type is the original's."""

    def __init__(self, wrapped: Any, calls: list[str], owner: Any = None) -> None:
        self.__wrapped__ = wrapped
        self._calls = calls
        self._owner = owner

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return object.__getattribute__(self, "__wrapped__").__class__
        return object.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __eq__(self, other: object) -> bool:
        return bool(self.__wrapped__ == other)

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __get__(self, owner: Any, cls: Any) -> Any:
        return self if owner is None else Proxy(self.__wrapped__, self._calls, owner)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._calls.append("seen")
        owner = () if self._owner is None else (self._owner,)
        return self.__wrapped__(*owner, *args, **kwargs)


def as_proxy(original: Any, calls: list[str]) -> Any:
    return Proxy(original, calls)


def as_function(original: Any, calls: list[str]) -> Any:
    """As Sentry and most hands do it, in a file of its own that wears the original's name."""

    @wraps(original)
    def seen(*args: Any, **kwargs: Any) -> Any:
        calls.append("seen")
        return original(*args, **kwargs)

    seen.__module__ = original.__module__
    return seen


def in_a_shell(original: Any, calls: list[str]) -> Any:
    """As somebody types it in a shell of Python, or has it in a text: there is no file."""
    names: dict[str, Any] = {"original": original, "calls": calls}
    text = "def f(*a, **k):\n    calls.append('seen')\n    return original(*a, **k)\n"
    exec(compile(text, "<stdin>", "exec"), names)  # noqa: S102  # code without a file
    return names["f"]


def in_its_own_module(original: Any, calls: list[str]) -> Any:
    """In the very namespace of the original."""
    seen = as_function(original, calls)
    return FunctionType(
        seen.__code__,
        {**original.__globals__, "calls": calls},
        original.__name__,
        seen.__defaults__,
        seen.__closure__,
    )


Wrap = Callable[[Any, list[str]], Any]
WRAPS: Final[list[Wrap]] = [as_proxy, as_function, in_a_shell, in_its_own_module]
