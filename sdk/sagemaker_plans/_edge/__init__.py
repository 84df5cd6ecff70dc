"""``client.plans``: edge deployment plans, their stages, and waiting for them."""
