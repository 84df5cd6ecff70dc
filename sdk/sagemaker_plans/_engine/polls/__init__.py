"""One poll for all tasks that wait for the same thing."""
