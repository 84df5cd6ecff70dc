"""The version of the package."""

from __future__ import annotations

import importlib.metadata


def installed_version() -> str:
    """Return the version of the package; "unknown" if it is used without being installed."""
    try:
        return importlib.metadata.version("sagemaker-plans")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
