"""Models as tables: in a notebook, and as text."""
