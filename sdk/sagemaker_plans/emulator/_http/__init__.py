"""The HTTP side: a server on a socket that speaks AWS JSON 1.1."""
