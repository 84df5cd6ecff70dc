"""What becomes of a request that would buy or create something."""

from enum import Enum, auto
from typing import Final


class Fate(Enum):
    """What the server does with each such request."""

    ACCEPT = auto()
    """Carries it out, and says so."""
    ACCEPT_RESET = auto()
    """Carries it out, and resets the connection."""
    ACCEPT_CLOSE = auto()
    """Carries it out, and closes the connection."""
    ACCEPT_CUT = auto()
    """Carries it out, and sends half of the reply."""
    ACCEPT_HANG = auto()
    """Carries it out, and never says a word."""
    THROTTLE = auto()
    """Turns it away, in the service's form."""
    DENY = auto()
    """Refuses the credentials, in the service's form."""
    LIMIT = auto()
    """Refuses it for an exceeded limit, in the service's form."""
    NEVER = auto()
    """Does not listen."""
    THROTTLE_THEN_RESET = auto()
    """Turns the first one away; carries the second one out, and resets the connection."""
    THROTTLE_TWICE_OVER = auto()
    """Turns the first one away in two equal replies; carries the second one out."""
    DENY_LATER = auto()
    """Carries the first one out, and resets the connection; refuses the next."""
    LIMIT_LATER = auto()
    """Carries the first one out, and resets the connection; refuses the next."""
    PROXY_429 = auto()
    PROXY_403 = auto()
    PROXY_407 = auto()
    PROXY_502 = auto()
    """Carries it out, and a proxy answers in its own words."""
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
"""Where nothing is ever carried out."""
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
    """How the server answers who looks for what was bought or created."""

    TRUE = auto()
    """With all there is."""
    LAGS = auto()
    """With nothing that is new."""
    GONE = auto()
    """Not any more, once a request has come."""
