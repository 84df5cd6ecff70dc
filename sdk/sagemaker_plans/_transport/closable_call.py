"""Awaiting foreign code in a coroutine that somebody may close."""

import logging
from collections.abc import Awaitable, Generator
from typing import Any, Final

_LOG: Final = logging.getLogger("sagemaker_plans")


class ClosableCall:
    """Awaits a call of foreign code, and notices if the coroutine is closed meanwhile.

    A coroutine that is closed may not wait any more. Foreign code may turn the closing into
    an exception of its own (botocore does, in another context), which would look like a
    failure of the call, after which we look what became of it.

    Args:
        call: What to await.
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
                except BaseException as error:  # noqa: BLE001  # passed on
                    wanted = steps.throw(error)
                else:
                    wanted = steps.send(given)
        except StopIteration as end:
            return end.value

    @staticmethod
    def _close(steps: Generator[Any, Any, object]) -> None:
        try:
            steps.close()
        except Exception:  # noqa: BLE001  # nobody waits for the outcome any more
            _LOG.debug("the client failed while its call was closed", exc_info=True)
