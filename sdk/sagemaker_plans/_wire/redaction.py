"""Removes secrets from texts that came over the wire."""

import re
from typing import Final

# If a signature does not match, the service repeats the signed headers in its message, and the
# session token is one of them. A proxy's error page may repeat all headers. The signature is
# one of those, and with it the same request could be sent again.
_NAMES: Final = (
    "x-amz-security-token",
    "session_?token",
    "security_?token",
    "secret_?access_?key",
    "secret_?key",
)
_SECRETS: Final = (
    # Of a header, of JSON (also in a list, beside its value or around it), of XML.
    re.compile(
        rf"((?:{'|'.join(_NAMES)})[\\'\"]*\s*[:=,>][\s\[\\'\"]*+)(?!redacted\])[^\s\\'\"&,<\]}}]+",
        re.IGNORECASE,
    ),
    re.compile(r"(signature\s*=\s*['\"]?)[0-9a-z]+", re.IGNORECASE),
    re.compile(r"(proxy-authorization['\"]?\s*[:=]\s*['\"]?(?:\w+ )?)[^\s'\"&,<]+", re.IGNORECASE),
    # A user's name and password in an address, or in what was meant to be one.
    re.compile(r"(\w://)(?![^/@\n]*\[redacted\]@)[^/\n'\"@]+(?=@)"),
    re.compile(r"(\w://[^/\s'\"@:]+:)(?!\[redacted\])[^\s'\"@]+(?=@)"),
    re.compile(r"(?<![\w.+-])([\w.+-]+:)(?!//|\[redacted\])[^\s'\"@/]+(?=@[\w\[])"),
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
