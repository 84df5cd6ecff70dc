"""The network: one request out, one reply in, and what is known if none came."""
