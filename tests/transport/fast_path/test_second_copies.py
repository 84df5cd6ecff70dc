"""What counts as alike when a module is compared with a second copy of it."""

from functools import partial
from typing import Any

import pytest

from sagemaker_plans._transport.aiobotocore_client.second_copies import SecondCopies


class One:
    """A base class."""


class Other:
    """Another one."""


def called(*_: object) -> None:
    """Do nothing."""


def made(name: str, base: type) -> type:
    return type(name, (base,), {})


ALIKE: list[tuple[Any, Any]] = [
    (partial(called, 1), partial(called, 1)),
    (made("Made", One), made("Made", One)),
]
NOT_ALIKE: list[tuple[Any, Any]] = [
    (partial(called, 1), partial(called, 2)),
    (partial(called, 1), partial(called, 1, 2)),
    (made("Made", One), made("Else", One)),
    (made("Made", One), made("Made", Other)),
]


@pytest.mark.parametrize(("found", "copied"), ALIKE)
def test_what_does_the_same_is_alike(found: Any, copied: Any) -> None:
    assert SecondCopies()._is_same(found, copied)


@pytest.mark.parametrize(("found", "copied"), NOT_ALIKE)
def test_what_does_something_else_is_not_alike(found: Any, copied: Any) -> None:
    assert not SecondCopies()._is_same(found, copied)
