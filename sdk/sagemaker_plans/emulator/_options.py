"""Checks the options of an emulator. Each error names the option, its value and what is allowed."""

from __future__ import annotations

import re
from typing import Final, cast

from sagemaker_plans.emulator._http.signature import DEFAULT_CREDENTIALS, Credentials
from sagemaker_plans.emulator._wire.json_values import is_object
from sagemaker_plans.emulator._wire.number_types import whole_number

_LARGEST_PORT: Final = 65_535

_KEY: Final = re.compile(r"[!-+\-.0-~]+")
# What the header of a signature can name: no blank, no comma and no slash.


def checked_port(port: object) -> int:
    """Return a port.

    Raises:
        ValueError: It is none.
    """
    number = whole_number(port)
    if number is None or not 0 <= number <= _LARGEST_PORT:
        raise ValueError(f"port must be between 0 and {_LARGEST_PORT}, not {port!r}")
    return number


def checked_credentials(credentials: object) -> Credentials:
    """Return secret keys by access key id; None stands for the usual ones.

    Raises:
        ValueError: There is none, or one that no request can be signed with.
    """
    if credentials is None:
        return DEFAULT_CREDENTIALS
    if credentials == "any":
        return "any"
    if not is_object(credentials):
        raise ValueError(
            'credentials must be "any" or a mapping of secret keys by access key ids, not '
            f"{credentials!r}"
        )
    if not credentials:
        raise ValueError("credentials must hold at least one access key")
    checked: dict[str, str] = {}
    for key, secret in credentials.items():
        if not (isinstance(cast("object", key), str) and _KEY.fullmatch(key)):
            raise ValueError(
                f"credentials: an access key id is a text without blanks, commas and slashes, "
                f"not {key!r}"
            )
        if not (isinstance(secret, str) and secret):
            raise ValueError(f"credentials: the secret key of {key!r} must be a text")
        checked[key] = secret
    return checked
