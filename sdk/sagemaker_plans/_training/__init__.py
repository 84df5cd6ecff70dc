"""``client.training_plans``: finds, buys and lists extensions of training plans."""
