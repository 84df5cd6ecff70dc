"""``roll_out``: deploys the stages of a plan in order, and goes on where an earlier run ended."""
