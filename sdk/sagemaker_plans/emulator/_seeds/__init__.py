"""Seeds: what exists when an emulator starts, in Python or in a file."""
