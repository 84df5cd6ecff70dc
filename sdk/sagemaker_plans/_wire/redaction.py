"""Taking secrets out of texts that came over the wire."""

import re
from typing import Final

# The service repeats the signed headers when a signature does not match, the session
# token among them; a proxy's page of errors may repeat all headers, the signature among
# them, with which the same request could be sent again.
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
    """Take session tokens, signatures and passwords out of a message.

    Args:
        message: The service's own words.

    Returns:
        The message, fit for a log.
    """
    for secret in _SECRETS:
        message = secret.sub(r"\1[redacted]", message)
    return message
