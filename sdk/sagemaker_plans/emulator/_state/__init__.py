"""The state: records whose status is a function of the clock."""
