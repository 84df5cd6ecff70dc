"""Places in which user code can run: the hooks of a client's events."""

import copy
from collections.abc import Callable
from typing import Any, Final

from evidence.generated.cells import Place, Scene, When

EVENTS: Final = (
    "provide-client-params",
    "before-parameter-build",
    "before-endpoint-resolution",
    "before-call",
    "choose-signer",
    "before-sign",
    "request-created",
    "before-send",
    "before-parse",
    "response-received",
    "needs-retry",
    "after-call",
    "after-call-error",
)
_BEHIND: Final = frozenset({"before-parse", "response-received", "needs-retry", "after-call"})
POSITIONS: Final = ("register_first", "register", "register_last")
SCOPES: Final = ("", ".sagemaker", ".sagemaker.{}")


def hook(
    event: str,
    position: str = "register",
    scope: str = "",
    when: When = "before-wrapping",
) -> Place:
    """Give the place in an event's hooks."""

    def install(theirs: Any, scene: Scene) -> None:
        async def hooked(event_name: str, **_: object) -> None:
            if event_name.endswith(scene.operation):
                await scene.act()

        named = f"{event}{scope}".format(scene.operation)
        getattr(theirs.meta.events, position)(named, hooked)

    return Place(
        f"{event}{scope}-{position}-{when}",
        install,
        when=when,
        is_heard=event in _BEHIND,
        ways=("wrapped", "session") if when == "before-wrapping" else ("wrapped",),
    )


def _asks_again(theirs: Any, scene: Scene) -> None:
    async def again(attempts: int, **_: object) -> float | None:
        if attempts < 3:
            return 0.0
        await scene.act()
        return None

    theirs.meta.events.register_first(f"needs-retry.sagemaker.{scene.operation}", again)


def _copies_context(how: Callable[[Any], Any]) -> Callable[[Any, Scene], None]:
    def install(theirs: Any, scene: Scene) -> None:
        def copies(request: Any, **_: object) -> None:
            request.context = how(request.context)

        async def again(attempts: int, **_: object) -> float | None:
            if attempts < 3:
                return 0.0
            await scene.act()
            return None

        events = theirs.meta.events
        events.register(f"request-created.sagemaker.{scene.operation}", copies)
        events.register_first(f"needs-retry.sagemaker.{scene.operation}", again)

    return install


def _copied_context(context: dict[str, Any]) -> dict[str, Any]:
    # The configuration cannot be copied deeply.
    return {
        name: copy.deepcopy(value) if name == "sagemaker_plans" else value
        for name, value in context.items()
    }


def _without_ours(context: dict[str, Any]) -> dict[str, Any]:
    known = ("client_region", "client_config", "signing", "timestamp", "auth_type")
    return {name: context[name] for name in known if name in context}


RETRY_HOOKS: Final = (
    Place("asks-for-a-retry", _asks_again, is_heard=True, ways=("wrapped", "session")),
    Place("copies-the-context", _copies_context(_copied_context), is_heard=True),
    Place("strips-the-context", _copies_context(_without_ours), is_heard=True),
)
