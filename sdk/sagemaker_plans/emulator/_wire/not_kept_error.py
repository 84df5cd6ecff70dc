"""The error after which nothing is answered any more."""

from __future__ import annotations


class NotKeptError(OSError):
    """A change could not be kept. The message says why, and what to do."""
