"""The state: records that compute their status from the time of the clock."""
