"""The service's own model, as botocore ships it: the oracle of these tests."""

import functools
from collections.abc import Mapping
from typing import cast

import botocore
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

VERSION = botocore.__version__


@functools.cache
def definition() -> Mapping[str, object]:
    """Give the whole definition of the service, as its JSON has it."""
    return cast("Mapping[str, object]", Loader().load_service_model("sagemaker", "service-2"))


@functools.cache
def service() -> ServiceModel:
    """Give the definition, parsed."""
    return ServiceModel(definition(), "sagemaker")


def operation(name: str) -> OperationModel:
    """Give the model of one operation."""
    return service().operation_model(name)
