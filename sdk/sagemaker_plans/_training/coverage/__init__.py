"""Keeps plans: chooses extensions, and buys what is missing until a date."""
