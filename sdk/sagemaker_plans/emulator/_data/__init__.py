"""What exists, as plain values and in a file that outlives a crash."""
