"""Opens the aiobotocore client, registers event hooks on it, and observes what it sends."""
