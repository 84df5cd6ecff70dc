"""``client.training_plans``: extensions of training plans, and buying them once."""
