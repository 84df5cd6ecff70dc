"""Reads the Retry-After header: how long the server asks us to wait before the next request."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read the Retry-After header.

    Args:
        headers: The reply's headers, with their names in lower case.

    Returns:
        The seconds to wait, without an upper bound. None if the header is missing or
        cannot be read.
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value.strip(), re.ASCII):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
