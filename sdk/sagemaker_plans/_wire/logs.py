"""Writes to the log where an outcome is at stake.

A filter or a handler of the user's may raise an exception. It must not take the place of a
receipt, nor of the error that says what happened.
"""

import logging
import sys
import traceback
from typing import Final

_LOG: Final = logging.getLogger("sagemaker_plans")


def tell(level: int, message: str, *values: object, exc_info: BaseException | None = None) -> None:
    """Write a line to the log of the package.

    Args:
        level: The level, of ``logging``.
        message: The message, with a percent sign for each value.
        values: The values.
        exc_info: An exception to show with its traceback.
    """
    try:
        _LOG.log(level, message, *values, exc_info=exc_info, stacklevel=2)
    except Exception:  # noqa: BLE001  # whatever a filter or a handler raises
        # As the handlers of logging itself do it.
        if logging.raiseExceptions and sys.stderr is not None:
            traceback.print_exc()
