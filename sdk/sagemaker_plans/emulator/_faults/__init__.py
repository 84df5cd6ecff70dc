"""Faults: what goes wrong with a request or its reply, and with which call."""
