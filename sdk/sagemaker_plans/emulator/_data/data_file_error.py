"""The error of a data file, in a module that is quick to import."""

from __future__ import annotations


class DataFileError(ValueError):
    """A data file cannot be used. The message names the file and says why."""
