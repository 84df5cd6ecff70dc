"""Checks of what is asked about training plans, made before anything is sent.

As in ``_validation``, the rules come from SageMaker's service model.
"""

import re
from collections.abc import Iterator

from sagemaker_plans.models._validation import (
    MAX_TRAINING_PLAN_ARN,
    MIN_TRAINING_PLAN_ARN,
    matching,
)

_TRAINING_PLAN_NAME_OR_ARN = re.compile(
    r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:training-plan/)?"
    r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,63}",
    re.ASCII,
)
_TRAINING_PLAN_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,63}", re.ASCII)
_TRAINING_PLAN_OFFERING_ID = re.compile(r"[a-z0-9\-]+", re.ASCII)
_RESERVED_CAPACITY_ARN = re.compile(
    r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:reserved-capacity/.*", re.ASCII
)
_ULTRA_SERVER_TYPE = re.compile(r"ml.[a-z0-9\-.]+", re.ASCII)

MAX_TRAINING_PLAN_NAME = 64
MAX_TRAINING_PLAN_OFFERING_ID = 256
MAX_INSTANCES = 256
MAX_ULTRA_SERVER_TYPE = 64
MAX_FILTER_VALUE = 64
MAX_INTEGER = 2**31 - 1


def training_plan_name_or_arn(argument: str, value: object) -> Iterator[str]:
    """Check what identifies a training plan.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.

    Yields:
        Each problem.
    """
    allowed = (
        "are a training plan's name (1 to 64 letters, digits and hyphens, with a letter or digit "
        "at both ends) and its ARN"
    )
    sizes = range(MAX_TRAINING_PLAN_ARN + 1)
    yield from matching(argument, value, _TRAINING_PLAN_NAME_OR_ARN, sizes, allowed)


def training_plan_name(argument: str, value: object) -> Iterator[str]:
    """Check the name of a new training plan.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.

    Yields:
        Each problem.
    """
    allowed = (
        f"are 1 to {MAX_TRAINING_PLAN_NAME} letters (a-z, A-Z), digits and hyphens, with a letter "
        "or digit at both ends"
    )
    sizes = range(MAX_TRAINING_PLAN_NAME + 1)
    yield from matching(argument, value, _TRAINING_PLAN_NAME, sizes, allowed)


def training_plan_offering_id(argument: str, value: object) -> Iterator[str]:
    """Check the id of an offering of a new training plan.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.

    Yields:
        Each problem.
    """
    allowed = f"are 1 to {MAX_TRAINING_PLAN_OFFERING_ID} letters (a-z), digits and hyphens"
    sizes = range(MAX_TRAINING_PLAN_OFFERING_ID + 1)
    yield from matching(argument, value, _TRAINING_PLAN_OFFERING_ID, sizes, allowed)


def reserved_capacity_arn(argument: str, value: object) -> Iterator[str]:
    """Check the ARN of a reserved capacity.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.

    Yields:
        Each problem.
    """
    allowed = (
        "is a reserved capacity's ARN (arn:aws:sagemaker:REGION:ACCOUNT:reserved-capacity/ID), "
        "as a training plan lists it"
    )
    sizes = range(MIN_TRAINING_PLAN_ARN, MAX_TRAINING_PLAN_ARN + 1)
    yield from matching(argument, value, _RESERVED_CAPACITY_ARN, sizes, allowed)


def ultra_server_type(argument: str, value: object) -> Iterator[str]:
    """Check a type of UltraServers.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.

    Yields:
        Each problem.
    """
    allowed = "are types such as 'ml.u-p6e-gb200x72'"
    sizes = range(MAX_ULTRA_SERVER_TYPE + 1)
    yield from matching(argument, value, _ULTRA_SERVER_TYPE, sizes, allowed)
