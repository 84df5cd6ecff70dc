"""Requests and replies: their members, their pages, their errors, and the service model."""
