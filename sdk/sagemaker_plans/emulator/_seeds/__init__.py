"""Seeds: the resources that exist when an emulator starts, in Python or in a file."""
