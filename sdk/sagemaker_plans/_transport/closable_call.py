"""Awaits foreign code in a coroutine that may be closed with ``close()``."""

import logging
from collections.abc import Awaitable, Generator
from typing import Any, Final

_LOG: Final = logging.getLogger("sagemaker_plans")


class ClosableCall:
    """Awaits a call of foreign code, and notes whether the coroutine is closed meanwhile.

    A closed coroutine may not await anything. But foreign code may replace GeneratorExit by
    an exception of its own, as botocore does in another context. That exception would look
    like a failed call, and the caller would then await requests that find out what happened.

    Args:
        call: The awaitable of the foreign code.
    """

    def __init__(self, call: Awaitable[object]) -> None:
        self._call = call
        self.is_closed = False

    def __await__(self) -> Generator[Any, Any, object]:
        steps = self._call.__await__()
        try:
            wanted: object = next(steps)
            while True:
                try:
                    given: object = yield wanted
                except GeneratorExit:
                    self.is_closed = True
                    self._close(steps)
                    raise
                except BaseException as error:  # noqa: BLE001  # passed on to the call
                    wanted = steps.throw(error)
                else:
                    wanted = steps.send(given)
        except StopIteration as end:
            return end.value

    @staticmethod
    def _close(steps: Generator[Any, Any, object]) -> None:
        try:
            steps.close()
        except Exception:  # noqa: BLE001  # logged; it must not replace GeneratorExit
            _LOG.debug("the client failed while its call was closed", exc_info=True)
