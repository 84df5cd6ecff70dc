"""The client that sends: opened, hooked, and observed at the place where requests leave it."""
