"""Runs a coroutine in a task of its own, on asyncio or trio. The only importer of trio."""

import contextvars
import sys
from collections.abc import Callable, Coroutine


def start_task(function: Callable[[], Coroutine[object, object, None]], *, name: str) -> object:
    """Start a task that belongs to no other one, so that nobody's cancellation ends it.

    The caller sees to it that the task ends, and that ``function`` raises nothing but the
    cancellation of the event loop itself.

    Args:
        function: What the task runs.
        name: The task's name, for those who look for it.

    Returns:
        The task. Keep it: the event loop may not.
    """
    # Whoever runs on trio has imported it.
    if "trio" in sys.modules:
        import trio  # noqa: PLC0415  # an extra

        if trio.lowlevel.in_trio_task():
            context = contextvars.copy_context()
            return trio.lowlevel.spawn_system_task(function, name=name, context=context)

    import asyncio  # noqa: PLC0415  # slow to import, and trio does without

    return asyncio.get_running_loop().create_task(function(), name=name)
