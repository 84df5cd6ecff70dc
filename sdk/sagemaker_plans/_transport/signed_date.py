"""Reads from a signed request when it was signed, and keeps one back that was signed too late.

A service refuses a signature that is older than some minutes. So a request that was signed in
time is accepted soon after that time or never, however long its process sleeps in between.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

_SIGNED_HEADERS: Final = re.compile(r"AWS4-.*SignedHeaders=([^,\s]+)", re.DOTALL)
_FORM: Final = "%Y%m%dT%H%M%SZ"


def signed_at(headers: Mapping[str, str | bytes]) -> datetime | None:
    """Read when a request was signed.

    Args:
        headers: The headers of the request, as they are about to be sent.

    Returns:
        The date in the request (UTC, in whole seconds); None if the signature, version 4,
        does not cover it.
    """
    texts = {name.lower(): _text(value) for name, value in headers.items()}
    covered = _SIGNED_HEADERS.match(texts.get("authorization", ""))
    if covered is None or "x-amz-date" not in covered[1].lower().split(";"):
        return None
    try:
        return datetime.strptime(texts.get("x-amz-date", ""), _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


def why_too_late(headers: Mapping[str, str | bytes], send_by: datetime) -> str | None:
    """Tell whether a request was signed too late to be sent.

    Args:
        headers: Its headers, as they are about to be sent.
        send_by: The last time at which it may be signed.

    Returns:
        Why it must not be sent; None if it may be sent.
    """
    signed = signed_at(headers)
    if signed is not None and signed <= send_by:
        return None
    if signed is None:
        return "its signature does not show when it was made, so it might still count later"
    return (
        f"it was signed at {signed:%H:%M:%S} UTC, after the last moment that its record in the "
        f"journal allows ({send_by:%H:%M:%S} UTC)"
    )


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
