"""How much memory all connections together may take."""
