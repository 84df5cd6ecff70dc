"""The fixtures of `pytest_sagemaker_plans` under their old name.

Pytest finds the fixtures by the package's entry point. This name is for projects that load them
with `-p` or `pytest_plugins`.
"""

from pytest_sagemaker_plans import (
    sagemaker_emulator,
    sagemaker_emulator_client,
    sagemaker_emulator_seed,
    sagemaker_emulator_session,
)

__all__ = [
    "sagemaker_emulator",
    "sagemaker_emulator_client",
    "sagemaker_emulator_seed",
    "sagemaker_emulator_session",
]
