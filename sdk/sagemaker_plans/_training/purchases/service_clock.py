"""The service's clock, as far as its replies show it.

Times in a journal are the service's, so that machines whose clocks differ agree about them.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from attrs import define

from sagemaker_plans._wire.reply import Reply

_NO_YEAR: Final = 9999


def machine_time() -> datetime:
    """Read this machine's clock, with which requests are signed.

    Returns:
        The time (UTC).
    """
    return datetime.now(UTC)


@define(eq=False)
class ServiceClock:
    """The service's clock. Until a reply has shown it, this machine's clock stands in."""

    ahead: timedelta = timedelta(0)
    """How far it is ahead of this machine's clock, to a second or so."""
    first_shown: datetime | None = None
    """What the first reply has shown; None if no reply has shown it."""

    def hear(self, reply: Reply) -> None:
        """Read the clock from a reply that has just come.

        Args:
            reply: The reply. If it has no date, or none that can be read, nothing changes.
        """
        try:
            shown = parsedate_to_datetime(reply.date or "")
        except (ValueError, OverflowError):
            return
        if shown.year >= _NO_YEAR:
            # Some minutes later there would be no dates any more.
            return
        if shown.tzinfo is None:
            # "-0000" stands for UTC without knowing a place.
            shown = shown.replace(tzinfo=UTC)
        self.ahead = shown - machine_time()
        self.first_shown = self.first_shown or shown

    def now(self) -> datetime:
        """Give the time.

        Returns:
            The service's time (UTC).
        """
        return machine_time() + self.ahead

    def on_this_machine(self, time: datetime) -> datetime:
        """Convert a time of the service.

        Args:
            time: The time by the service's clock.

        Returns:
            What this machine's clock shows then.
        """
        return time - self.ahead
