"""Modules whose names stand in annotations, and which nothing else needs there.

A type checker imports them itself. At run time they would be slow to import, or would import
their importer in turn, so they are imported when somebody asks what an annotation means.
"""

from importlib import import_module
from typing import TYPE_CHECKING


class LateModule:
    """A module that is imported when a name of it is asked for, as by ``typing.get_type_hints``.

    Args:
        name: The full name of the module.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> object:
        return getattr(import_module(self._name), name)


if TYPE_CHECKING:
    from sagemaker_plans import models as models  # noqa: PLC0414  # a name for other modules
else:
    models = LateModule("sagemaker_plans.models")
