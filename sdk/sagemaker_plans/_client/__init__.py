"""``AsyncClient``: where all parts of the package are put together."""
