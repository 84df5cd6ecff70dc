"""What any operation may need: retries, pagination, polling, durations, locks."""
