"""Shows a rollout on the terminal during a wait or a watch. Needs the extra ``rich``.

Pass it to a wait:

    with StageProgress() as progress:
        await client.plans.wait_until_deployed("spring-rollout", timeout=3600, on_poll=progress)

or wrap a watch in it:

    with StageProgress() as progress:
        async for change in progress.follow(client.plans.watch("spring-rollout", timeout=3600)):
            ...

On a terminal each stage has a bar that is redrawn in place. If the screen cannot hold all
stages of all plans, each plan has one line. Elsewhere (a pipe, a CI job, ``TERM=dumb``) each
change of a status is one plain line without control codes.
"""

# From the top down: _display is what users have; _terminal and _stream show what _drawing and
# _table draw, or lines; _readings is what was read last.
try:
    import rich as _rich  # noqa: F401  # pyright: ignore[reportUnusedImport]  # only to tell that it is missing
except ImportError as _missing:
    raise ImportError(
        "sagemaker_plans.progress needs rich, which comes with an extra: "
        "pip install 'sagemaker-plans[rich]'",
        name=_missing.name,
    ) from _missing

from sagemaker_plans.progress._display import StageProgress

__all__ = ["StageProgress"]
