"""Purchases: each is sent once, and, with a journal, made once for each key."""
