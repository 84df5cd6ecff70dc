"""What the server does with a request that buys or creates something."""

from enum import Enum, auto
from typing import Final


class Fate(Enum):
    """What the server does with each such request."""

    ACCEPT = auto()
    """Carries it out, and replies."""
    ACCEPT_RESET = auto()
    """Carries it out, and resets the connection."""
    ACCEPT_CLOSE = auto()
    """Carries it out, and closes the connection."""
    ACCEPT_CUT = auto()
    """Carries it out, and sends half of the reply."""
    ACCEPT_HANG = auto()
    """Carries it out, and never replies."""
    THROTTLE = auto()
    """Throttles it, in the service's format."""
    DENY = auto()
    """Rejects the credentials, in the service's format."""
    LIMIT = auto()
    """Rejects it for an exceeded limit, in the service's format."""
    NEVER = auto()
    """Does not listen."""
    THROTTLE_THEN_RESET = auto()
    """Throttles the first one; carries the second one out, and resets the connection."""
    THROTTLE_TWICE_OVER = auto()
    """Throttles the first one with two equal replies; carries the second one out."""
    DENY_LATER = auto()
    """Carries the first one out, and resets the connection; refuses the next."""
    LIMIT_LATER = auto()
    """Carries the first one out, and resets the connection; refuses the next."""
    PROXY_429 = auto()
    PROXY_403 = auto()
    PROXY_407 = auto()
    PROXY_502 = auto()
    """Carries it out, and a proxy answers in its own format."""
    SWITCHING = auto()
    """Carries it out, and answers 101."""
    EMPTY = auto()
    """Carries it out, and answers 204."""
    PORTAL = auto()
    """Carries it out, and answers with a captive portal's page."""
    ERROR_IN_200 = auto()
    """Carries it out, and answers 200 with the body of an error."""
    REDIRECT_307 = auto()
    REDIRECT_308 = auto()
    """Carries it out, and redirects to itself."""


REFUSED_ONLY: Final = frozenset({Fate.THROTTLE, Fate.DENY, Fate.LIMIT, Fate.NEVER})
"""The fates in which no request is carried out."""
LOST_AT_FIRST: Final = frozenset({Fate.DENY_LATER, Fate.LIMIT_LATER})

PROXY_STATUS: Final = {
    Fate.PROXY_429: 429,
    Fate.PROXY_403: 403,
    Fate.PROXY_407: 407,
    Fate.PROXY_502: 502,
}
REDIRECT_STATUS: Final = {Fate.REDIRECT_307: 307, Fate.REDIRECT_308: 308}
REFUSAL_CODES: Final = {
    Fate.THROTTLE: "ThrottlingException",
    Fate.DENY: "AccessDeniedException",
    Fate.LIMIT: "ResourceLimitExceeded",
    Fate.DENY_LATER: "AccessDeniedException",
    Fate.LIMIT_LATER: "ResourceLimitExceeded",
}


class Lookup(Enum):
    """What the server answers to a read of the history or of the plan."""

    TRUE = auto()
    """Everything that exists."""
    LAGS = auto()
    """Only what existed before the call."""
    GONE = auto()
    """Nothing, once a purchase or create has come."""
