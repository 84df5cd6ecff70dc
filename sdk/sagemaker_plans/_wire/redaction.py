"""Removes secrets from texts that came over the wire."""

import re
from typing import Final

# If a signature does not match, the service repeats the signed headers in its message, and the
# session token is one of them. A proxy's error page may repeat all headers. The signature is
# one of those, and with it the same request could be sent again.
_SECRETS: Final = (
    re.compile(r"(x-amz-security-token['\"]?\s*[:=]\s*['\"]?)[^\s'\"&,<]+", re.IGNORECASE),
    re.compile(r"(signature\s*=\s*['\"]?)[0-9a-z]+", re.IGNORECASE),
    re.compile(r"(proxy-authorization['\"]?\s*[:=]\s*['\"]?(?:\w+ )?)[^\s'\"&,<]+", re.IGNORECASE),
    # A user's name and password in an address.
    re.compile(r"(\w://)(?!\[redacted\])[^/\s'\"@]+(?=@)"),
)


def redacted(message: str) -> str:
    """Remove session tokens, signatures and passwords from a message.

    Args:
        message: A message of the service, or another text.

    Returns:
        The message, fit for a log.
    """
    for secret in _SECRETS:
        message = secret.sub(r"\1[redacted]", message)
    return message
