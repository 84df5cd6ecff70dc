"""Shared by all operations: retries, pagination, polling, durations, locks."""
